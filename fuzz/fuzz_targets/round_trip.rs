//! Any samples of any type in any mode come back.
#![no_main]

use holotype::Archive;
use holotype_codec::image::{Mode, TileOptions, decode_tile, encode_tile};
use holotype_codec::{TileMut, TileRef};
use holotype_fuzz::{encode_shape, image_samples, take_shape, write_if_asked};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    let Some((&[mode, effort], data)) = data.split_first_chunk::<2>() else { return };
    let Some((shape, rest)) = take_shape(data) else { return };
    let n_bytes = shape.row_bytes() * shape.height as usize;
    let is_bool = shape.sample == holotype::SampleType::Bool;
    let seed = if rest.is_empty() { &[0] } else { rest };
    let samples: Vec<u8> =
        seed.iter().cycle().take(n_bytes).map(|&b| if is_bool { b & 1 } else { b }).collect();
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
    let tile = TileRef::new(shape, &rows).expect("the rows fit the shape");
    let mut options = TileOptions::new([Mode::Fast, Mode::Standard, Mode::Archival][usize::from(mode % 3)]);
    options.max_effort = effort & 1 == 1;
    let coded = encode_tile(&tile, &options);
    assert!(coded.len() <= n_bytes + 1, "a tile grew from {n_bytes} to {} bytes", coded.len());
    let mut back = vec![0xa5; n_bytes];
    let mut rows: Vec<&mut [u8]> = back.chunks_exact_mut(shape.row_bytes()).collect();
    let mut out = TileMut::new(shape, &mut rows).expect("the rows fit the shape");
    decode_tile(&coded, &mut out).expect("what was coded decodes");
    assert!(back == samples, "samples came back changed");
});

fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let samples = || {
        let archive = Archive::from_bytes(vector.to_vec()).ok()?;
        let image = archive.first_image().ok()?;
        let d = image.descriptor();
        let shape = encode_shape(&d.tile_shape(d.width, d.height))?;
        Some([&shape, image_samples(&image).ok()?.as_slice()].concat())
    };
    let Some(samples) = samples() else { return Vec::new() };
    (0..3).map(|mode| [&[mode, mode & 1], samples.as_slice()].concat()).collect()
}
