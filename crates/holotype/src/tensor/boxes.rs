//! Boxes of arrays in C order.

use std::ops::Range;

/// Copies the box of `extent` units from `source` (an array of `source_shape`, the box at `source_start`) to
/// `target`. All arrays are in C order, of units of `unit_bytes` bytes; the box lies in both.
pub(crate) fn copy_box(
    source: (&[u8], &[u64], &[u64]),
    target: (&mut [u8], &[u64], &[u64]),
    extent: &[u64],
    unit_bytes: u64,
) {
    let (from, from_shape, from_start) = source;
    let (to, to_shape, to_start) = target;
    // Axes at the end that are whole in both arrays lie together.
    let is_whole = |k: usize| extent[k] == from_shape[k] && extent[k] == to_shape[k];
    let n_outer = (0..extent.len()).rev().find(|k| !is_whole(*k)).unwrap_or(0);
    let run_bytes = (extent.iter().skip(n_outer).product::<u64>() * unit_bytes) as usize;
    let outer = &extent[..n_outer];
    let offset = |shape: &[u64], start: &[u64], at: &[u64]| {
        let place = |k: usize| start[k] + at.get(k).copied().unwrap_or(0);
        ((0..shape.len()).fold(0, |sum, k| sum * shape[k] + place(k)) * unit_bytes) as usize
    };
    let mut at = vec![0; n_outer];
    loop {
        let (a, b) = (offset(from_shape, from_start, &at), offset(to_shape, to_start, &at));
        if let (Some(run), Some(out)) = (from.get(a..a + run_bytes), to.get_mut(b..b + run_bytes)) {
            out.copy_from_slice(run);
        }
        if !step(&mut at, outer) {
            return;
        }
    }
}

/// The next index below `shape`, the last axis the fastest; false after the last.
pub(crate) fn step(at: &mut [u64], shape: &[u64]) -> bool {
    for (index, n) in at.iter_mut().zip(shape).rev() {
        *index += 1;
        if *index < *n {
            return true;
        }
        *index = 0;
    }
    false
}

/// What two boxes have in common; none if that is nothing.
pub(crate) fn intersection(a: &[Range<u64>], b: &[Range<u64>]) -> Option<Vec<Range<u64>>> {
    let common = |(a, b): (&Range<u64>, &Range<u64>)| {
        let range = a.start.max(b.start)..a.end.min(b.end);
        (range.start < range.end).then_some(range)
    };
    a.iter().zip(b).map(common).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_copied_to_their_places() {
        let source: Vec<u8> = (0..120).collect();
        for extent in [[2, 3, 2], [4, 5, 6], [1, 5, 6], [4, 1, 6], [4, 5, 1], [2, 5, 6]] {
            let start = [4 - extent[0], 5 - extent[1], 6 - extent[2]];
            let mut out = vec![0; extent.iter().product::<u64>() as usize];
            copy_box((&source, &[4, 5, 6], &start), (&mut out, &extent, &[0; 3]), &extent, 1);
            let mut at = vec![0; 3];
            for value in out {
                let place = |k: usize| start[k] + at[k];
                assert_eq!(u64::from(value), (place(0) * 5 + place(1)) * 6 + place(2));
                step(&mut at, &extent);
            }
        }
        let mut one = [0];
        copy_box((&[7], &[], &[]), (&mut one, &[], &[]), &[], 1);
        assert_eq!(one, [7]);
    }
}
