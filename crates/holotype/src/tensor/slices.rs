//! How a tensor's content is cut: boxes of equal shape over its stored shape, cropped at the ends.

use super::TensorDescriptor;
use crate::{Error, Result};
use holotype_codec::CodecError;
use holotype_codec::tensor::SliceLayout;
use std::ops::Range;

/// Bytes of a slice nobody asked otherwise for.
const MAX_SLICE_BYTES: u64 = 1 << 20;

/// The slices of a tensor, numbered in row-major order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slices {
    shape: Vec<u64>,
    slice: Vec<u64>,
    unit_bytes: u64,
}

impl Slices {
    /// One slice for all.
    pub(crate) fn whole(descriptor: &TensorDescriptor) -> Self {
        let shape = descriptor.stored_shape();
        Self { slice: shape.clone(), shape, unit_bytes: descriptor.unit_bytes() }
    }

    /// Slices of at most `MAX_SLICE_BYTES` that are consecutive parts of the content, of about equal size.
    pub(crate) fn usual(descriptor: &TensorDescriptor) -> Self {
        let mut slices = Self::whole(descriptor);
        let inner_bytes =
            |k: usize| slices.shape.iter().skip(k).fold(slices.unit_bytes, |n, axis| n.saturating_mul(*axis));
        let Some(axis) = (0..slices.shape.len()).find(|k| inner_bytes(k + 1) <= MAX_SLICE_BYTES) else {
            return slices;
        };
        let n_rows = slices.shape[axis];
        let most = (MAX_SLICE_BYTES / inner_bytes(axis + 1).max(1)).max(1);
        let rows = n_rows.div_ceil(n_rows.div_ceil(most).max(1));
        slices.slice[..axis].fill(1);
        slices.slice[axis] = rows;
        slices
    }

    /// Slices of `slice` units along each axis of the stored shape; none unless each is 1 to the axis's length
    /// (0 where that is 0).
    pub(crate) fn of(descriptor: &TensorDescriptor, slice: Vec<u64>) -> Option<Self> {
        let whole = Self::whole(descriptor);
        let fits = |(slice, axis): (&u64, &u64)| *slice <= *axis && (*slice > 0 || *axis == 0);
        let is_good = slice.len() == whole.shape.len() && slice.iter().zip(&whole.shape).all(fits);
        is_good.then_some(Self { slice, ..whole })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.slice == self.shape
    }

    /// Units of a slice along each axis of the stored shape.
    pub(crate) fn slice_shape(&self) -> &[u64] {
        &self.slice
    }

    pub(crate) fn stored_shape(&self) -> &[u64] {
        &self.shape
    }

    pub(crate) fn unit_bytes(&self) -> u64 {
        self.unit_bytes
    }

    /// Slices along each axis.
    fn counts(&self) -> Vec<u64> {
        self.shape.iter().zip(&self.slice).map(|(axis, slice)| axis.div_ceil((*slice).max(1))).collect()
    }

    /// Number of slices; none on overflow.
    pub(crate) fn n_slices(&self) -> Option<u64> {
        let counts = self.counts();
        if counts.contains(&0) {
            return Some(0);
        }
        counts.iter().try_fold(1_u64, |n, count| n.checked_mul(*count))
    }

    /// The units of slice `number`.
    pub(crate) fn ranges(&self, mut number: u64) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::with_capacity(self.shape.len());
        for ((axis, slice), count) in self.shape.iter().zip(&self.slice).zip(self.counts()).rev() {
            let start = number % count.max(1) * slice;
            ranges.push(start..(start + slice).min(*axis));
            number /= count.max(1);
        }
        ranges.reverse();
        ranges
    }

    /// Bytes of a box.
    pub(crate) fn box_bytes(&self, ranges: &[Range<u64>]) -> Option<u64> {
        ranges.iter().try_fold(self.unit_bytes, |n, range| n.checked_mul(range.end - range.start))
    }

    /// Numbers of the slices that touch `region`, ascending.
    pub(crate) fn touched(&self, region: &[Range<u64>]) -> Touched {
        let along: Vec<Range<u64>> = region
            .iter()
            .zip(&self.slice)
            .map(|(range, slice)| range.start / (*slice).max(1)..range.end.div_ceil((*slice).max(1)))
            .collect();
        let is_empty = region.iter().any(Range::is_empty) || self.n_slices() == Some(0);
        let at = (!is_empty).then(|| along.iter().map(|range| range.start).collect());
        Touched { along, counts: self.counts(), at }
    }

    /// True if slices are consecutive parts of the content.
    pub(crate) fn are_consecutive(&self) -> bool {
        let cut = self.slice.iter().zip(&self.shape).rposition(|(slice, axis)| slice != axis).unwrap_or(0);
        self.slice.iter().take(cut).all(|slice| *slice == 1)
    }

    /// Where a slice starts in the content, if slices are consecutive parts of it.
    pub(crate) fn offset_bytes(&self, ranges: &[Range<u64>]) -> u64 {
        let at = ranges.iter().zip(&self.shape).fold(0, |n, (range, axis)| n * axis + range.start);
        at * self.unit_bytes
    }

    /// The layout a codec needs for a box.
    pub(crate) fn layout(
        &self,
        descriptor: &TensorDescriptor,
        ranges: &[Range<u64>],
    ) -> Result<SliceLayout, CodecError> {
        let dims: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
        SliceLayout::new(descriptor.element, descriptor.n_bits(), &dims)
    }
}

/// Slice numbers of a box of slices.
#[derive(Debug)]
pub(crate) struct Touched {
    along: Vec<Range<u64>>,
    counts: Vec<u64>,
    at: Option<Vec<u64>>,
}

impl Iterator for Touched {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let at = self.at.as_mut()?;
        let number = at.iter().zip(&self.counts).fold(0, |n, (at, count)| n * count + at);
        let advanced = at.iter_mut().zip(&self.along).rev().any(|(at, range)| {
            *at += 1;
            let fits = *at < range.end;
            if !fits {
                *at = range.start;
            }
            fits
        });
        if !advanced {
            self.at = None;
        }
        Some(number)
    }
}

/// Slices as options ask for them; `slice_shape` is in the order of the tensor's axes.
pub(crate) fn asked(descriptor: &TensorDescriptor, slice_shape: Option<&[u64]>) -> Result<Slices> {
    let Some(asked) = slice_shape else { return Ok(Slices::usual(descriptor)) };
    if descriptor.is_packed() {
        return Err(Error::invalid("elements that do not fill bytes are not cut along axes"));
    }
    if asked.len() != descriptor.shape.len() || asked.contains(&0) {
        return Err(Error::invalid(format!(
            "slices of {asked:?} do not fit a tensor of {:?}",
            descriptor.shape
        )));
    }
    let mut slice: Vec<u64> = asked.iter().zip(&descriptor.shape).map(|(a, b)| *a.min(b)).collect();
    if descriptor.order == super::ElementOrder::Fortran {
        slice.reverse();
    }
    Slices::of(descriptor, slice).ok_or_else(|| Error::invalid("the slices do not fit the tensor"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ElementType;

    #[test]
    fn usual_slices_are_consecutive_and_small() {
        for shape in
            [&[][..], &[0], &[5], &[1 << 22], &[3, 0, 7], &[7, 3, 100, 1000], &[1, 1 << 20, 9], &[2, 300_000]]
        {
            let descriptor = TensorDescriptor::new(ElementType::F32, shape);
            let slices = Slices::usual(&descriptor);
            let n = slices.n_slices().unwrap();
            let mut total = 0;
            for number in 0..n {
                let bytes = slices.box_bytes(&slices.ranges(number)).unwrap();
                assert!(bytes > 0 && bytes <= MAX_SLICE_BYTES, "{shape:?}");
                total += bytes;
            }
            assert_eq!(Some(total), descriptor.raw_bytes(), "{shape:?}");
            assert!(slices.are_consecutive());
            let all: Vec<_> = shape.iter().map(|n| 0..*n).collect();
            assert!(slices.touched(&all).eq(0..n), "{shape:?}");
        }
    }

    #[test]
    fn only_touched_slices_are_named() {
        let descriptor = TensorDescriptor::new(ElementType::U8, &[10, 9]);
        let slices = Slices::of(&descriptor, vec![4, 3]).unwrap();
        assert_eq!(slices.n_slices(), Some(9));
        assert_eq!(slices.ranges(8), [8..10, 6..9]);
        assert!(slices.touched(&[3..5, 6..7]).eq([2, 5]));
        assert!(slices.touched(&[3..3, 6..7]).eq([0_u64; 0]));
        assert!(!slices.are_consecutive());
        assert_eq!(Slices::of(&descriptor, vec![11, 3]), None);
        assert_eq!(Slices::of(&descriptor, vec![0, 3]), None);
    }
}
