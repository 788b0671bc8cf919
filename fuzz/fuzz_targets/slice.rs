//! Any bytes as a coded slice of a small tensor of any type, with a parent and without.
#![no_main]

use holotype::{Archive, ItemKind, TensorItem};
use holotype_codec::tensor::{TensorCodec, decode_slice_by, encode_slice, encode_slice_by, needs_parent};
use holotype_container::{Codec, FrameHeader, Limits};
use holotype_fuzz::{LAYOUT_BYTES, encode_layout, take_layout, write_if_asked};
use libfuzzer_sys::fuzz_target;

/// What the byte after the layout asks for.
const WITHOUT_PARENT: u8 = 0;
const WITH_PARENT: u8 = 1;
/// As [`TensorCodec::ALL`] has them from here on, and one by a parent after them: elements to be coded.
const FIRST_CODEC: u8 = 2;

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    let Some((layout, rest)) = take_layout(data) else { return };
    let Some((&how, rest)) = rest.split_first() else { return };
    let n = layout.n_bytes();
    let mut out = vec![0xa5; n];
    match how % (FIRST_CODEC + TensorCodec::ALL.len() as u8 + 1) {
        WITHOUT_PARENT => drop(decode_slice_by(rest, None, &layout, &mut out)),
        WITH_PARENT => {
            let Some((parent, coded)) = rest.split_at_checked(n) else { return };
            let _ = decode_slice_by(coded, Some(parent), &layout, &mut out);
        }
        codec => {
            let seed = if rest.is_empty() { &[0] } else { rest };
            let mut elements = seed.iter().cycle().copied();
            let slice: Vec<u8> = elements.by_ref().take(n).collect();
            let parent: Vec<u8> = elements.take(n).collect();
            let coded = match TensorCodec::ALL.get(usize::from(codec - FIRST_CODEC)) {
                Some(codec) => encode_slice(&slice, &layout, *codec),
                None => encode_slice_by(&slice, &parent, &layout).map(Some),
            };
            let Some(coded) = coded.expect("the elements fit the layout") else { return };
            decode_slice_by(&coded, Some(&parent), &layout, &mut out).expect("what was coded decodes");
            assert!(out == slice, "elements came back changed");
        }
    }
});

/// Each coded slice of the vector as one of each tensor that may have it, and elements to be coded again.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let Ok(archive) = Archive::from_bytes(vector.to_vec()) else { return Vec::new() };
    let items = archive.items().unwrap_or_default();
    let named = items.iter().filter(|item| item.kind() == ItemKind::Tensor);
    let tensors: Vec<_> = named.filter_map(|item| archive.tensor(item.name()).ok()).collect();
    let frames = (0..vector.len()).filter_map(|at| {
        let header = FrameHeader::parse(vector.get(at..)?, 0, &Limits::default()).ok()?;
        let payload = vector.get(at + FrameHeader::N_BYTES..)?.get(..header.stored_bytes as usize)?;
        (header.codec == Codec::TensorSlice).then_some((header.raw_bytes, payload))
    });
    let coded = frames.flat_map(|(n_bytes, payload)| {
        tensors.iter().filter_map(|tensor| slice_seed(&archive, tensor, n_bytes, payload)).collect::<Vec<_>>()
    });
    coded.chain(tensors.iter().filter_map(elements_seed)).collect()
}

/// A slice with the tensor's axes, or a row of its elements.
fn slice_seed(archive: &Archive, tensor: &TensorItem<'_>, n_bytes: u64, payload: &[u8]) -> Option<Vec<u8>> {
    let descriptor = tensor.descriptor();
    let all = descriptor.raw_bytes().filter(|all| *all >= n_bytes)?;
    let head = if all == n_bytes {
        layout_of(tensor, &descriptor.shape)
    } else {
        layout_of(tensor, &[n_bytes / all.checked_div(descriptor.n_elements()?)?.max(1)])
    };
    let Some(parent) = tensor.parent().filter(|_| needs_parent(payload)) else {
        return Some([&head?[..], &[WITHOUT_PARENT], payload].concat());
    };
    let parent = archive.tensor(&parent.name).ok()?.read().ok()?;
    Some([&head?[..], &[WITH_PARENT], parent.get(..n_bytes as usize)?, payload].concat())
}

fn elements_seed(tensor: &TensorItem<'_>) -> Option<Vec<u8>> {
    let head = layout_of(tensor, &tensor.descriptor().shape)?;
    Some([&head[..], &[FIRST_CODEC], tensor.read().ok()?.as_slice()].concat())
}

fn layout_of(tensor: &TensorItem<'_>, shape: &[u64]) -> Option<[u8; LAYOUT_BYTES]> {
    let descriptor = tensor.descriptor();
    let n_bits = descriptor.opaque.as_ref().map_or(0, |opaque| opaque.n_bits);
    encode_layout(descriptor.element, n_bits, shape)
}
