//! Differences along axes, modulo the width of a word. `docs/codecs/tensor.md` §3.
//!
//! Differences along two axes are those of the two-dimensional Lorenzo predictor (W + N − NW), along three axes of
//! the three-dimensional one.

use super::word::Word;

/// An axis of a slice: words from one element to the next along it, and elements along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) n: usize,
    pub(super) stride: usize,
}

impl Axis {
    fn block(self) -> usize {
        (self.n * self.stride).max(1)
    }
}

/// Every word minus the one before it along `axis`; the first stay.
pub(super) fn difference<W: Word>(words: &mut [W], axis: Axis) {
    for block in words.chunks_exact_mut(axis.block()) {
        if axis.stride == 1 {
            let mut before = W::default();
            for word in block {
                let this = *word;
                *word = this.minus(before);
                before = this;
            }
            continue;
        }
        for i in (1..axis.n).rev() {
            let (before, rows) = block.split_at_mut(i * axis.stride);
            let before = before.get((i - 1) * axis.stride..).unwrap_or_default();
            rows.iter_mut().zip(before).for_each(|(word, before)| *word = word.minus(*before));
        }
    }
}

/// Inverse of [`difference`].
pub(super) fn sum<W: Word>(words: &mut [W], axis: Axis) {
    for block in words.chunks_exact_mut(axis.block()) {
        if axis.stride == 1 {
            let mut before = W::default();
            for word in block {
                before = word.plus(before);
                *word = before;
            }
            continue;
        }
        for i in 1..axis.n {
            let (before, rows) = block.split_at_mut(i * axis.stride);
            let before = before.get((i - 1) * axis.stride..).unwrap_or_default();
            rows.iter_mut().zip(before).for_each(|(word, before)| *word = word.plus(*before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_axes_are_the_lorenzo_predictor() {
        let (height, width) = (7, 5);
        let at = |x: usize, y: usize| (x * x * 31 + y * 77 + x * y * y) as u16;
        let words: Vec<u16> = (0..height * width).map(|i| at(i % width, i / width)).collect();
        let axes = [Axis { n: width, stride: 1 }, Axis { n: height, stride: width }];
        let mut coded = words.clone();
        axes.iter().for_each(|axis| difference(&mut coded, *axis));
        let expected: Vec<u16> = (0..height * width)
            .map(|i| {
                let (x, y) = (i % width, i / width);
                let w = if x > 0 { at(x - 1, y) } else { 0 };
                let n = if y > 0 { at(x, y - 1) } else { 0 };
                let nw = if x > 0 && y > 0 { at(x - 1, y - 1) } else { 0 };
                at(x, y).wrapping_sub(w.wrapping_add(n).wrapping_sub(nw))
            })
            .collect();
        assert_eq!(coded, expected);
        axes.iter().rev().for_each(|axis| sum(&mut coded, *axis));
        assert_eq!(coded, words);
    }

    #[test]
    fn any_axis_comes_back() {
        let words: Vec<u8> = (0..120).map(|i| (i * i) as u8).collect();
        for axis in [(120, 1), (2, 60), (60, 2), (5, 4), (1, 24), (1, 1)] {
            let axis = Axis { n: axis.0, stride: axis.1 };
            let mut other = words.clone();
            difference(&mut other, axis);
            sum(&mut other, axis);
            assert_eq!(other, words);
        }
    }
}
