//! Wide samples as tiles of their 16-bit digits: the first say how a picture runs, the others are often noise.
//! `docs/codecs.md` §5.

use super::frontend::words;
use super::{TileOptions, decode_tile, encode_tile};
use crate::{CodecError, SampleType, TileMut, TileRef, TileShape};

/// Values of a digit.
const N_VALUES: usize = 1 << 16;

/// How pixels without a value are left out.
mod form {
    /// They are not.
    pub(super) const FULL: u8 = 0;
    /// All have one word, and only they have its first digit.
    pub(super) const VOID: u8 = 1;
}

/// Digits of a sample, if this path takes such tiles.
fn n_digits(shape: &TileShape) -> Option<usize> {
    let n_bytes = shape.sample.n_bytes();
    (n_bytes >= 4).then_some(n_bytes / 2)
}

/// Digit `i` of a word, 0 the most significant of `n`.
fn digit(word: u64, i: usize, n: usize) -> u16 {
    (word >> (16 * (n - 1 - i))) as u16
}

fn digit_shape(shape: &TileShape, height: u32) -> TileShape {
    TileShape { height, sample: SampleType::U16, is_rgb: false, ..*shape }
}

/// The tile digit by digit; `None` if its samples are not wide.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let shape = tile.shape();
    let n = n_digits(&shape)?;
    let n_channels = usize::from(shape.n_channels);
    let mut all = vec![0; shape.n_pixels() * n_channels];
    for c in 0..n_channels {
        let channel = words::read::<u64>(tile, c);
        all.iter_mut().skip(c).step_by(n_channels).zip(channel).for_each(|(to, word)| *to = word);
    }
    let mut out = Vec::new();
    let void = if n_channels == 1 { find_void(&all, n) } else { None };
    match void {
        None => out.push(form::FULL),
        Some(void) => {
            out.push(form::VOID);
            out.extend_from_slice(&void.to_le_bytes()[..2 * n]);
        }
    }
    for i in 0..n {
        if i == 1
            && let Some(void) = void
        {
            all.retain(|word| *word != void);
        }
        let coded = encode_digit(&all, i, n, &shape, options)?;
        if i + 1 < n {
            out.extend_from_slice(&u32::try_from(coded.len()).ok()?.to_le_bytes());
        }
        out.extend_from_slice(&coded);
    }
    Some(out)
}

/// One digit of every word as a tile, its last row filled up with zeros.
fn encode_digit(
    all: &[u64],
    i: usize,
    n: usize,
    shape: &TileShape,
    options: &TileOptions,
) -> Option<Vec<u8>> {
    let row_samples = shape.width as usize * usize::from(shape.n_channels);
    let mut bytes: Vec<u8> = all.iter().flat_map(|word| digit(*word, i, n).to_le_bytes()).collect();
    let height = all.len().div_ceil(row_samples);
    bytes.resize(2 * height * row_samples, 0);
    let rows: Vec<&[u8]> = bytes.chunks_exact(2 * row_samples).collect();
    let tile = TileRef::new(digit_shape(shape, u32::try_from(height).ok()?), &rows).ok()?;
    Some(encode_tile(&tile, options))
}

/// A word that alone has its first digit, which is the one most often seen, at a good part of the pixels.
fn find_void(all: &[u64], n: usize) -> Option<u64> {
    let mut counts = vec![0_u32; N_VALUES];
    all.iter().for_each(|word| counts[usize::from(digit(*word, 0, n))] += 1);
    let (most, count) = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count)?;
    if (*count as usize) < all.len() / 64 || *count as usize == all.len() {
        return None;
    }
    let mut these = all.iter().filter(|word| usize::from(digit(**word, 0, n)) == most);
    let void = *these.next()?;
    these.all(|word| *word == void).then_some(void)
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let truncated = CodecError::Truncated { what: "digits" };
    let shape = out.shape();
    let n = n_digits(&shape).ok_or(CodecError::Corrupt { what: "a narrow sample has no digits" })?;
    let (&form, mut rest) = bytes.split_first().ok_or(truncated.clone())?;
    let mut void = None;
    match form {
        form::FULL => {}
        form::VOID if shape.n_channels == 1 => {
            let (word, after) = rest.split_at_checked(2 * n).ok_or(truncated.clone())?;
            void = Some(word.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)));
            rest = after;
        }
        form::VOID => return Err(CodecError::Corrupt { what: "a void in a tile of several channels" }),
        id => return Err(CodecError::Unsupported { what: "form of digits", id: u32::from(id) }),
    }
    let row_samples = shape.width as usize * usize::from(shape.n_channels);
    let mut all = vec![0_u64; row_samples * shape.height as usize];
    // Places of the samples that are not void.
    let mut places: Option<Vec<u32>> = None;
    for i in 0..n {
        let coded;
        if i + 1 < n {
            let (n_bytes, after) = rest.split_first_chunk().ok_or(truncated.clone())?;
            (coded, rest) =
                after.split_at_checked(u32::from_le_bytes(*n_bytes) as usize).ok_or(truncated.clone())?;
        } else {
            coded = rest;
        }
        let n_samples = places.as_ref().map_or(all.len(), Vec::len);
        let digits = decode_digit(coded, n_samples, &shape)?;
        match &places {
            None => all.iter_mut().zip(&digits).for_each(|(word, digit)| push(word, *digit)),
            Some(places) => {
                places.iter().zip(&digits).for_each(|(place, digit)| push(&mut all[*place as usize], *digit));
            }
        }
        if i == 0
            && let Some(void) = void
        {
            let first = u64::from(digit(void, 0, n));
            let others = (0..).zip(&all).filter(|(_, word)| **word != first).map(|(place, _)| place);
            let others: Vec<u32> = others.collect();
            if others.is_empty() {
                return Err(CodecError::Corrupt { what: "a tile of nothing but void" });
            }
            all.iter_mut().filter(|word| **word == first).for_each(|word| *word = void);
            places = Some(others);
        }
    }
    let n_channels = usize::from(shape.n_channels);
    for c in 0..n_channels {
        let channel: Vec<u64> = all.iter().skip(c).step_by(n_channels).copied().collect();
        words::write(out, c, &channel);
    }
    Ok(())
}

fn push(word: &mut u64, digit: u16) {
    *word = *word << 16 | u64::from(digit);
}

/// `n_samples` digits from a tile whose last row may end in zeros.
fn decode_digit(coded: &[u8], n_samples: usize, shape: &TileShape) -> Result<Vec<u16>, CodecError> {
    let row_samples = shape.width as usize * usize::from(shape.n_channels);
    // At most the height of the whole tile.
    let height = n_samples.div_ceil(row_samples);
    let mut bytes = vec![0; 2 * height * row_samples];
    let mut rows: Vec<&mut [u8]> = bytes.chunks_exact_mut(2 * row_samples).collect();
    decode_tile(coded, &mut TileMut::new(digit_shape(shape, height as u32), &mut rows)?)?;
    let mut digits: Vec<u16> = bytes.as_chunks().0.iter().map(|digit| u16::from_le_bytes(*digit)).collect();
    if digits[n_samples..].iter().any(|digit| *digit != 0) {
        return Err(CodecError::Corrupt { what: "digits after the last" });
    }
    digits.truncate(n_samples);
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Mode;
    use crate::tile;

    const SHAPE: TileShape =
        TileShape { width: 13, height: 11, n_channels: 1, sample: SampleType::F32, is_rgb: false };

    fn coded(samples: &[u8], shape: TileShape) -> Vec<u8> {
        let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
        encode(&TileRef::new(shape, &rows).unwrap(), &TileOptions::new(Mode::Standard)).unwrap()
    }

    fn decoded(coded: &[u8], shape: TileShape) -> Result<Vec<u8>, CodecError> {
        tile::tests::samples(shape, |out| decode(coded, out))
    }

    /// Floats with low digits like noise, `NaN` where `is_void` says so.
    fn floats(n: u32, is_void: impl Fn(u32) -> bool) -> Vec<u8> {
        let value = |i: u32| {
            if is_void(i) {
                f32::NAN.to_bits()
            } else {
                (100.0 + (i as f32).sqrt()).to_bits() ^ ((i * 40_503) & 0xFFFF)
            }
        };
        (0..n).flat_map(|i| value(i).to_le_bytes()).collect()
    }

    #[test]
    fn voids_are_found_and_cost_no_digits() {
        let n = SHAPE.n_pixels() as u32;
        let samples = floats(n, |i| i % 13 < 6);
        let with_void = coded(&samples, SHAPE);
        assert_eq!(with_void[0], form::VOID);
        assert_eq!(decoded(&with_void, SHAPE).unwrap(), samples);
        let full = coded(&floats(n, |_| false), SHAPE);
        assert_eq!(full[0], form::FULL);
        assert!(with_void.len() + 2 * (n as usize / 3) < full.len());
    }

    #[test]
    fn eight_bytes_and_several_channels_come_back() {
        for (sample, n_channels) in [(SampleType::F64, 1), (SampleType::I64, 3), (SampleType::U32, 5)] {
            let shape = TileShape { sample, n_channels, ..SHAPE };
            let n = (shape.row_bytes() * shape.height as usize / 4) as u32;
            for every in [2, 3] {
                let samples = floats(n, |i| i % every == 0);
                assert_eq!(decoded(&coded(&samples, shape), shape).unwrap(), samples, "{sample:?}");
            }
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        let samples = floats(SHAPE.n_pixels() as u32, |i| i % 7 == 0);
        let good = coded(&samples, SHAPE);
        for cut in 0..good.len() {
            assert!(decoded(&good[..cut], SHAPE).is_err(), "{cut}");
        }
        let mut form = good.clone();
        form[0] = 2;
        assert!(matches!(decoded(&form, SHAPE), Err(CodecError::Unsupported { .. })));
        // The raw path of the last digit ends in the zeros of its last row.
        let mut padded = good.clone();
        *padded.last_mut().unwrap() = 1;
        assert_eq!(decoded(&padded, SHAPE), Err(CodecError::Corrupt { what: "digits after the last" }));
        let narrow = TileShape { sample: SampleType::U16, ..SHAPE };
        assert!(matches!(decoded(&good, narrow), Err(CodecError::Corrupt { .. })));
    }
}
