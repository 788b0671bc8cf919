//! Tiles with holes, pixels without a value that all hold the same sample: where they are, and the picture without them.
//! `docs/codecs.md` §6.

use super::frontend::words;
use super::{Mode, TileOptions, chooser, decode_tile, encode_tile_whole, path};
use crate::{CodecError, SampleType, TileMut, TileRef, TileShape};

const TRUNCATED: CodecError = CodecError::Truncated { what: "holes" };
/// Largest sample; wider ones are cut into digits first.
const MAX_SAMPLE_BYTES: usize = 2;
/// Smaller tiles have no room for a second one.
const MIN_PIXELS: usize = 1 << 10;
/// Every so many rows are looked at.
const ROW_STEP: usize = 8;

/// Where holes are: 1 there, 0 elsewhere.
fn mask_shape(shape: &TileShape) -> TileShape {
    TileShape { sample: SampleType::U8, ..*shape }
}

fn may_have_holes(shape: &TileShape) -> bool {
    shape.n_channels == 1 && shape.sample.n_bytes() <= MAX_SAMPLE_BYTES
}

/// The tile with its holes apart; `None` if it is not likely to have any, or to gain by that.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let shape = tile.shape();
    if !may_have_holes(&shape) || shape.n_pixels() < MIN_PIXELS || options.mode == Mode::Fast {
        return None;
    }
    let hole = find_hole(tile, options.mode)?;
    let (mask, filled) = take_apart(tile, &hole);
    let rows: Vec<&[u8]> = mask.chunks_exact(shape.width as usize).collect();
    let mask = encode_tile_whole(&TileRef::new(mask_shape(&shape), &rows).ok()?, options);
    let rows: Vec<&[u8]> = filled.chunks_exact(shape.row_bytes()).collect();
    let filled = chooser::encode_whole(&TileRef::new(shape, &rows).ok()?, options)?;
    let mut out = vec![path::HOLES];
    out.extend_from_slice(&hole);
    out.extend_from_slice(&u32::try_from(mask.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&mask);
    out.extend_from_slice(&filled);
    Some(out)
}

/// The sample that stands for no value, if some rows tell of one: the smallest or the largest there is, often enough and
/// so far from its neighbours that it disturbs more than a mask costs. Whether it does is seen in the end: both ways are
/// tried.
fn find_hole(tile: &TileRef<'_>, mode: Mode) -> Option<Vec<u8>> {
    let shape = tile.shape();
    let rows: Vec<&[u8]> = tile.rows().iter().copied().step_by(ROW_STEP).collect();
    let shape = TileShape { height: u32::try_from(rows.len()).ok()?, ..shape };
    let seen: Vec<u64> = words::read(&TileRef::new(shape, &rows).ok()?, 0);
    let n_of = |value: u64| seen.iter().filter(|v| **v == value).count();
    let ends = [*seen.iter().min()?, *seen.iter().max()?];
    let (hole, n_holes) = ends.map(|end| (end, n_of(end))).into_iter().max_by_key(|(_, n)| *n)?;
    if n_holes < seen.len() / 200 + 1 || n_holes + 1 >= seen.len() {
        return None;
    }
    let bits = |a: u64, b: u64| u64::from(64 - a.abs_diff(b).leading_zeros());
    let (mut n_equal, mut n_edges) = (0, 0);
    // Bits of the differences to the sample before, and to the last one with a value.
    let (mut whole, mut apart) = (0, 0);
    for row in seen.chunks_exact(shape.width as usize) {
        let mut last = row.iter().copied().find(|v| *v != hole).unwrap_or(hole);
        for pair in row.windows(2) {
            let (w, v) = (pair[0], pair[1]);
            n_equal += usize::from(v == w);
            n_edges += u64::from((v == hole) != (w == hole));
            whole += bits(v, w);
            if v != hole {
                apart += bits(v, last);
                last = v;
            }
        }
    }
    let gain = whole.saturating_sub(apart);
    let least_gain = if mode == Mode::Archival { 1 } else { 2 };
    if gain == 0
        || gain < EDGE_BITS * n_edges
        || gain * 100 < least_gain * whole
        || n_equal * 100 > seen.len() * MOST_EQUAL
    {
        return None;
    }
    let at = seen.iter().position(|v| *v == hole)?;
    let (x, y) = (at % shape.width as usize, at / shape.width as usize);
    let n_bytes = shape.sample.n_bytes();
    rows.get(y)?.get(x * n_bytes..(x + 1) * n_bytes).map(<[u8]>::to_vec)
}

/// What the end of a stretch of holes takes in a mask, about.
const EDGE_BITS: u64 = 5;
/// Percent of samples equal to the one before them that are labels' and not measurements'.
const MOST_EQUAL: usize = 92;

/// The mask, and the samples with holes filled by what stands left of them, or above.
fn take_apart(tile: &TileRef<'_>, hole: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let shape = tile.shape();
    let n_bytes = shape.sample.n_bytes();
    let mut mask = Vec::with_capacity(shape.n_pixels());
    let mut filled: Vec<u8> = Vec::with_capacity(shape.n_pixels() * n_bytes);
    let samples = || tile.rows().iter().flat_map(|row| row.chunks_exact(n_bytes));
    let first = samples().find(|sample| *sample != hole).unwrap_or(hole);
    for row in tile.rows() {
        let mut is_begun = false;
        for sample in row.chunks_exact(n_bytes) {
            let is_hole = sample == hole;
            mask.push(u8::from(is_hole));
            is_begun |= !is_hole;
            let at = filled.len();
            match () {
                () if !is_hole => filled.extend_from_slice(sample),
                () if is_begun => filled.extend_from_within(at - n_bytes..),
                () if at >= shape.row_bytes() => {
                    let above = at - shape.row_bytes();
                    filled.extend_from_within(above..above + n_bytes);
                }
                () => filled.extend_from_slice(first),
            }
        }
    }
    (mask, filled)
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let shape = out.shape();
    if !may_have_holes(&shape) {
        return Err(CodecError::Corrupt { what: "holes in a tile that has no room for them" });
    }
    let n_bytes = shape.sample.n_bytes();
    let (hole, rest) = bytes.split_at_checked(n_bytes).ok_or(TRUNCATED)?;
    let (n_mask, rest) = rest.split_first_chunk().ok_or(TRUNCATED)?;
    let (coded, rest) = rest.split_at_checked(u32::from_le_bytes(*n_mask) as usize).ok_or(TRUNCATED)?;
    if [coded, rest].iter().any(|tile| tile.first() == Some(&path::HOLES)) {
        return Err(CodecError::Corrupt { what: "holes within holes" });
    }
    let mut mask = vec![0; shape.n_pixels()];
    let mut rows: Vec<&mut [u8]> = mask.chunks_exact_mut(shape.width as usize).collect();
    decode_tile(coded, &mut TileMut::new(mask_shape(&shape), &mut rows)?)?;
    if mask.iter().any(|is_hole| *is_hole > 1) {
        return Err(CodecError::Corrupt { what: "a mask of more than 0 and 1" });
    }
    decode_tile(rest, out)?;
    for (row, mask) in out.rows_mut().iter_mut().zip(mask.chunks_exact(shape.width as usize)) {
        for (sample, is_hole) in row.chunks_exact_mut(n_bytes).zip(mask) {
            if *is_hole == 1 {
                sample.copy_from_slice(hole);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile;

    const SHAPE: TileShape =
        TileShape { width: 60, height: 48, n_channels: 1, sample: SampleType::U16, is_rgb: false };

    /// A slope with noise and round holes of `hole`.
    fn depths(shape: TileShape, hole: u16) -> Vec<u8> {
        let mut state = 5_u32;
        let mut sample = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (i % shape.width as usize, i / shape.width as usize);
            let is_hole = (x % 19).abs_diff(9) + (y % 17).abs_diff(8) < 5 || y == 0 && x < 4;
            if is_hole { hole } else { (80 + x / 3 + y / 2) as u16 + (state >> 29) as u16 / 3 }
        };
        let samples = (0..shape.n_pixels()).map(&mut sample);
        match shape.sample.n_bytes() {
            1 => samples.map(|v| v as u8).collect(),
            _ => samples.flat_map(u16::to_le_bytes).collect(),
        }
    }

    fn coded(samples: &[u8], shape: TileShape, mode: Mode) -> Option<Vec<u8>> {
        let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
        encode(&TileRef::new(shape, &rows).unwrap(), &TileOptions::new(mode))
    }

    fn decoded(coded: &[u8], shape: TileShape) -> Result<Vec<u8>, CodecError> {
        tile::tests::samples(shape, |out| decode_tile(coded, out))
    }

    #[test]
    fn holes_come_back_and_make_tiles_smaller() {
        for (sample, hole) in [
            (SampleType::U8, 0),
            (SampleType::U8, 255),
            (SampleType::I8, 0x80),
            (SampleType::U16, 0),
            (SampleType::U16, 65535),
            (SampleType::I16, 0x8000),
            (SampleType::F16, 0xFC00),
        ] {
            let shape = TileShape { sample, ..SHAPE };
            let samples = depths(shape, hole);
            for mode in [Mode::Standard, Mode::Archival] {
                let apart = coded(&samples, shape, mode).unwrap();
                assert_eq!(decoded(&apart, shape).unwrap(), samples, "{sample:?} {hole} {mode:?}");
                let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
                let tile = TileRef::new(shape, &rows).unwrap();
                let whole = chooser::encode_whole(&tile, &TileOptions::new(mode)).unwrap();
                assert!(apart.len() < whole.len(), "{sample:?} {hole} {mode:?}");
                assert_eq!(chooser::encode(&tile, &TileOptions::new(mode)).unwrap(), apart);
            }
        }
    }

    #[test]
    fn tiles_without_holes_are_not_taken_apart() {
        let smooth: Vec<u8> =
            (0..SHAPE.n_pixels()).flat_map(|i| ((i % 60 + i / 60) as u16).to_le_bytes()).collect();
        assert_eq!(coded(&smooth, SHAPE, Mode::Standard), None);
        let labels: Vec<u8> =
            (0..SHAPE.n_pixels()).flat_map(|i| ((i % 60 / 20 * 700) as u16).to_le_bytes()).collect();
        assert_eq!(coded(&labels, SHAPE, Mode::Archival), None);
        assert_eq!(coded(&vec![0; 2 * SHAPE.n_pixels()], SHAPE, Mode::Standard), None);
        let column = TileShape { width: 1, height: 60 * 48, ..SHAPE };
        assert_eq!(coded(&depths(SHAPE, 0), column, Mode::Standard), None);
    }

    #[test]
    fn damage_is_an_error_or_other_samples() {
        let samples = depths(SHAPE, 0);
        let good = coded(&samples, SHAPE, Mode::Standard).unwrap();
        for n in 0..good.len() {
            // Zeros may stand for the last bytes of an arithmetic coder.
            assert!(
                n + 4 > good.len() || decoded(&good[..n], SHAPE).is_err(),
                "cut at {n} of {}",
                good.len()
            );
        }
        for at in 0..good.len() {
            for mask in [1, 128, 255] {
                let mut bad = good.clone();
                bad[at] ^= mask;
                let _ = decoded(&bad, SHAPE);
            }
        }
        let corrupt = |bytes: &[u8], shape| matches!(decoded(bytes, shape), Err(CodecError::Corrupt { .. }));
        // Holes within holes, in the mask and in the picture.
        let nested = [&good[..3], &(good.len() as u32).to_le_bytes(), &good, &good[7..]].concat();
        assert!(corrupt(&nested, SHAPE));
        let n_mask = u32::from_le_bytes([good[3], good[4], good[5], good[6]]) as usize;
        assert!(corrupt(&[&good[..7 + n_mask], &good].concat(), SHAPE));
        // A mask of twos; samples that are too wide; two channels.
        let mask = [&[path::RAW][..], &[2; 60 * 48]].concat();
        let twos = [&good[..3], &(mask.len() as u32).to_le_bytes(), &mask, &good[7 + n_mask..]].concat();
        assert!(corrupt(&twos, SHAPE));
        assert!(corrupt(&good, TileShape { sample: SampleType::F32, ..SHAPE }));
        assert!(corrupt(&good, TileShape { n_channels: 2, ..SHAPE }));
    }
}
