use holotype_codec::tensor::{ElementType, SliceLayout};

/// Bytes of a slice's layout in an input.
pub const LAYOUT_BYTES: usize = 8;
/// Widths of opaque elements: words of every size, groups of bytes, and bits.
const OPAQUE_BITS: [u32; 6] = [8, 16, 32, 64, 24, 4];
/// Most bytes of a slice.
const MAX_SLICE_BYTES: usize = 1 << 15;

/// A small layout of any element type from the first bytes, and the bytes after it.
pub fn take_layout(data: &[u8]) -> Option<(SliceLayout, &[u8])> {
    let (&[element, opaque, a, b, c, d, e, f], rest) = data.split_first_chunk::<LAYOUT_BYTES>()?;
    let element = ElementType::ALL[usize::from(element) % ElementType::ALL.len()];
    let bits = OPAQUE_BITS[usize::from(opaque) % OPAQUE_BITS.len()];
    let shape = [[a, b], [c, d], [e, f]].map(|axis| u64::from(u16::from_le_bytes(axis)) + 1);
    let layout = SliceLayout::new(element, bits, &shape).ok()?;
    (layout.n_bytes() <= MAX_SLICE_BYTES).then_some((layout, rest))
}

/// The bytes [`take_layout`] reads a slice of `shape` from, its axes before the last three taken as one.
pub fn encode_layout(element: ElementType, n_opaque_bits: u32, shape: &[u64]) -> Option<[u8; LAYOUT_BYTES]> {
    let element = ElementType::ALL.iter().position(|one| *one == element)?;
    let opaque = OPAQUE_BITS.iter().position(|bits| *bits == n_opaque_bits).unwrap_or(0);
    let (outer, inner) = shape.split_at(shape.len().saturating_sub(2));
    let mut axes = [outer.iter().product(), 1, 1];
    axes.iter_mut().rev().zip(inner.iter().rev()).for_each(|(axis, n)| *axis = *n);
    let mut out = [element as u8, opaque as u8, 0, 0, 0, 0, 0, 0];
    for (axis, n) in out.as_chunks_mut::<2>().0.iter_mut().skip(1).zip(axes) {
        *axis = u16::try_from(n.checked_sub(1)?).ok()?.to_le_bytes();
    }
    Some(out)
}
