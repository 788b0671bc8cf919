//! The registry of plane coders. Adding one touches this file and the chooser.

use super::adaptive::{self, Density};
use super::archival::{self, Effort};
use super::lanes::{self, UseOfTables};
use super::race::Limit;
use super::{PlaneShape, Planes, rice, wavefront};
use crate::CodecError;

/// A coder of planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coder {
    /// Gradient prediction and Golomb–Rice codes.
    Rice,
    /// Blended prediction and mixed adaptive contexts.
    Adaptive(Density),
    /// Eight rows at once, static tables.
    Wavefront,
    /// Local least squares and vectors of mixed decisions.
    Archival(Effort),
    /// Thirty-two rows at once, Golomb–Rice codes or tables.
    Lanes(UseOfTables),
}

/// The coder's id and the coded planes; `None` if it gave up because of the limit, which not every coder heeds.
pub(super) fn encode(coder: Coder, planes: &Planes, limit: Limit<'_, '_>) -> Option<Vec<u8>> {
    let most_bytes = limit.most_bytes.unwrap_or(usize::MAX);
    let (id, coded) = match coder {
        Coder::Rice => (0, rice::encode(planes)),
        Coder::Adaptive(density) => (1, adaptive::encode(planes, density, most_bytes)?),
        Coder::Wavefront => (2, wavefront::encode(planes, limit)?),
        Coder::Archival(effort) => (3, archival::encode(planes, effort, most_bytes)?),
        Coder::Lanes(use_of_tables) => (4, lanes::encode(planes, use_of_tables, most_bytes)?),
    };
    Some([&[id], coded.as_slice()].concat())
}

/// Decodes planes coded by coder `id`.
pub(super) fn decode(id: u8, coded: &[u8], shape: &PlaneShape) -> Result<Planes, CodecError> {
    match id {
        0 => rice::decode(coded, shape),
        1 => adaptive::decode(coded, shape),
        2 => wavefront::decode(coded, shape),
        3 => archival::decode(coded, shape),
        4 => lanes::decode(coded, shape),
        _ => Err(CodecError::Unsupported { what: "plane coder", id: u32::from(id) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coders_that_heed_a_limit_to_the_byte_give_up_only_what_takes_more() {
        let (width, height) = (97, 61);
        let sample =
            |c: usize, i: usize| ((i % width * (3 + c) + i / width * 5) / 4 + i * i % 7) as u16 & 255;
        let samples = (0..3).map(|c| (0..width * height).map(|i| sample(c, i)).collect()).collect();
        let planes =
            Planes { shape: PlaneShape { width, height, maxes: vec![255; 3], is_rgb: true }, samples };
        for coder in [
            Coder::Adaptive(Density::Balanced),
            Coder::Adaptive(Density::Dense),
            Coder::Archival(Effort::Usual),
            Coder::Archival(Effort::Utmost),
        ] {
            let coded = encode(coder, &planes, Limit::default()).unwrap();
            assert_eq!(encode(coder, &planes, Limit::of(coded.len())).as_ref(), Some(&coded), "{coder:?}");
            assert_eq!(encode(coder, &planes, Limit::of(coded.len() / 2)), None, "{coder:?}");
        }
    }
}
