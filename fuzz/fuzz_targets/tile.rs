//! Any bytes as a coded tile of a small shape of any type; of one path if `HOLOTYPE_FUZZ_PATH` names it.
#![no_main]

use holotype::{Archive, ItemKind};
use holotype_codec::{TileMut, image::decode_tile};
use holotype_container::{FrameHeader, Header, Limits};
use holotype_fuzz::{encode_shape, is_asked, take_shape, write_if_asked};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| -> Corpus {
    let Some((shape, coded)) = take_shape(data).filter(|(_, coded)| is_asked(coded)) else {
        return Corpus::Reject;
    };
    let mut samples = vec![0; shape.row_bytes() * shape.height as usize];
    let mut rows: Vec<&mut [u8]> = samples.chunks_exact_mut(shape.row_bytes()).collect();
    let mut tile = TileMut::new(shape, &mut rows).expect("the rows fit the shape");
    let _ = decode_tile(coded, &mut tile);
    Corpus::Keep
});

/// The first tile of each image.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let first_tile = || {
        let archive = Archive::from_bytes(vector.to_vec()).ok()?;
        let item = archive.items().ok()?.into_iter().next().filter(|item| item.kind() == ItemKind::Image)?;
        let image = archive.image(item.name()).ok()?;
        let (d, edge) = (image.descriptor(), image.tile_edge());
        let shape = encode_shape(&d.tile_shape(d.width.min(edge), d.height.min(edge)))?;
        let frame = vector.get(Header::N_BYTES..)?;
        let header = FrameHeader::parse(frame, 0, &Limits::default()).ok()?;
        let coded = frame.get(FrameHeader::N_BYTES..)?.get(..header.stored_bytes as usize)?;
        Some([&shape, coded].concat())
    };
    first_tile().into_iter().collect()
}
