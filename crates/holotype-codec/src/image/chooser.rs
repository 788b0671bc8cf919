//! Which coder is tried for which mode. A decoder never needs to know.

use super::adaptive::Density;
use super::archival::Effort;
use super::coder::{self, Coder};
use super::lanes::UseOfTables;
use super::race::Limit;
use super::{Mode, Planes, TileOptions, digits, direct, folded, frontend, holes, indexed, path};
use crate::TileRef;

/// The tile on the path that takes the fewest bytes, as far as they are tried.
pub(super) fn encode(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    let whole = encode_whole(tile, options);
    [whole, holes::encode(tile, options)].into_iter().flatten().min_by_key(Vec::len)
}

/// The tile on the best path but that of holes.
pub(super) fn encode_whole(tile: &TileRef<'_>, options: &TileOptions) -> Option<Vec<u8>> {
    // Planes of few samples have no room to learn or to pay for tables: folding is tried whatever it seems to give.
    let has_small_planes = tile.shape().n_pixels() < N_FOLDED_PIXELS;
    let is_smoother = folded::is_smoother(tile);
    let folded = if is_smoother || has_small_planes { folded::encode(tile, options) } else { None };
    if folded.is_some() && is_smoother && options.mode != Mode::Archival {
        return folded;
    }
    let plan = indexed::Plan::new(tile, options);
    let guess = plan.guess(tile);
    let mut race = plan.race(tile, guess);
    let (predicted, indexed);
    if plan.begins_with_pixels(guess) {
        indexed = plan.encode(tile, guess, None, race.as_mut());
        let n_indexed = indexed.as_ref().map(Vec::len);
        let is_far_less = n_indexed.is_some_and(|n_indexed| n_indexed < plan.least_planes(guess));
        let limit = Limit { most_bytes: n_indexed, race: race.as_mut() };
        predicted = if is_far_less { None } else { predict(tile, options, limit) };
    } else {
        predicted = predict(tile, options, Limit { most_bytes: None, race: race.as_mut() });
        indexed = plan.encode(tile, guess, predicted.as_ref().map(Vec::len), race.as_mut());
    }
    [predicted, indexed, folded].into_iter().flatten().min_by_key(Vec::len)
}

/// The tile by a predictive coder: straight from bytes if it may be, else by planes. Some of them heed the limit.
fn predict(tile: &TileRef<'_>, options: &TileOptions, mut limit: Limit<'_, '_>) -> Option<Vec<u8>> {
    if options.mode != Mode::Fast || !direct::accepts(&tile.shape()) {
        return encode_planes(tile, options, limit);
    }
    let n_samples = tile.shape().n_pixels() * usize::from(tile.shape().n_channels);
    if n_samples < N_LANES_SAMPLES {
        return encode_planes(tile, options, limit);
    }
    let mut fast = vec![path::DIRECT];
    direct::encode(tile, &mut fast);
    // Where hardly a bit is left of a sample, heads of lanes weigh, or few values are used, planes may be smaller.
    if fast.len() > n_samples / 6 + N_HEAVY_BYTES && !frontend::is_sparse(tile) {
        return Some(fast);
    }
    let planes = encode_planes(tile, options, limit.within(Some(fast.len())));
    [Some(fast), planes].into_iter().flatten().min_by_key(Vec::len)
}

/// Tiles of many channels and fewer pixels than this are tried folded.
const N_FOLDED_PIXELS: usize = 10_000;

/// The tile on the planes path, unless its header would be too long or all coders give up; or by digits if that is
/// smaller.
fn encode_planes(tile: &TileRef<'_>, options: &TileOptions, mut limit: Limit<'_, '_>) -> Option<Vec<u8>> {
    let parts = frontend::split(tile);
    if parts.header.len() >= 1 << 24 {
        return None;
    }
    let mut head = vec![path::PLANES];
    head.extend_from_slice(&(parts.header.len() as u32).to_le_bytes()[..3]);
    head.extend_from_slice(&parts.header);
    let coded = match &parts.planes {
        None => Some(Vec::new()),
        Some(planes) => encode_smallest(planes, options, limit.after(head.len())),
    };
    let by_planes = coded.map(|coded| [head, coded].concat());
    if parts.is_wide
        && let Some(digits) = digits::encode(tile, options)
        && by_planes.as_ref().is_none_or(|by_planes| digits.len() + 1 < by_planes.len())
    {
        return Some([&[path::DIGITS], digits.as_slice()].concat());
    }
    by_planes
}

/// Planes by the coder that takes the fewest bytes, the first of equals; none goes on that takes more than another.
fn encode_smallest(planes: &Planes, options: &TileOptions, mut limit: Limit<'_, '_>) -> Option<Vec<u8>> {
    let mut smallest: Option<Vec<u8>> = None;
    let n_samples = planes.n_samples();
    for coder in candidates(planes, options) {
        // Of dense residuals it learns nothing that tables do not tell, at a tenth of the speed.
        let is_dense = n_samples >= N_DENSE_SAMPLES
            && smallest.as_ref().is_some_and(|coded| coded.len() > n_samples / 3);
        if is_dense && coder == Coder::Adaptive(Density::Balanced) {
            continue;
        }
        let coded = coder::encode(coder, planes, limit.within(smallest.as_ref().map(Vec::len)));
        smallest = [smallest, coded].into_iter().flatten().min_by_key(Vec::len);
    }
    smallest
}

/// In planes of fewer samples the heads of lanes weigh too much.
const N_LANES_SAMPLES: usize = 6_000;
/// Beside this many bytes the heads of lanes are light.
const N_HEAVY_BYTES: usize = 2_000;
/// Planes with fewer samples than this learn faster than tables are sent.
const N_ADAPTIVE_SAMPLES: usize = 4_096;
/// Planes with fewer samples than this may learn faster even if they are dense.
const N_DENSE_SAMPLES: usize = 8_192;
/// Planes with more samples than this are never better off without tables.
const N_STATIC_SAMPLES: usize = 16_384;
/// Tiles of fewer samples may be over before the archival coder's many states have learned.
const N_ARCHIVAL_SAMPLES: usize = 1 << 18;
/// Planes that reach this far may hold digits, ranks or depths without a smooth course, which are best said plainly; so
/// may a plane by itself.
const FAR_MAX: u16 = 1 << 8;

/// The coders worth trying; the smallest result is kept.
fn candidates(planes: &Planes, options: &TileOptions) -> Vec<Coder> {
    let n_samples = planes.n_samples();
    let mut coders = match (options.mode, n_samples) {
        (Mode::Fast, 0..N_LANES_SAMPLES) => return vec![Coder::Rice],
        (Mode::Fast, _) => return vec![Coder::Lanes(UseOfTables::IfMuchSmaller)],
        (Mode::Standard, 0..N_ADAPTIVE_SAMPLES) => vec![Coder::Adaptive(Density::Balanced)],
        (Mode::Standard, N_ADAPTIVE_SAMPLES..N_STATIC_SAMPLES) => {
            vec![Coder::Wavefront, Coder::Adaptive(Density::Balanced)]
        }
        (Mode::Standard, _) => vec![Coder::Wavefront],
        (Mode::Archival, 0..N_ARCHIVAL_SAMPLES) if options.max_effort => vec![
            Coder::Archival(Effort::Utmost),
            Coder::Archival(Effort::Usual),
            Coder::Adaptive(Density::Dense),
            Coder::Adaptive(Density::Balanced),
        ],
        (Mode::Archival, _) if options.max_effort => {
            vec![Coder::Archival(Effort::Utmost), Coder::Archival(Effort::Usual), Coder::Wavefront]
        }
        (Mode::Archival, 0..N_ARCHIVAL_SAMPLES) => {
            vec![Coder::Archival(Effort::Usual), Coder::Adaptive(Density::Dense)]
        }
        (Mode::Archival, _) => vec![Coder::Archival(Effort::Usual)],
    };
    let is_far = planes.shape.maxes.iter().any(|max| *max >= FAR_MAX);
    if is_far || (planes.samples.len() == 1 && n_samples >= N_STATIC_SAMPLES) {
        coders.push(Coder::Lanes(UseOfTables::IfSmaller));
    }
    coders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SampleType, TileShape};

    const SHAPE: TileShape =
        TileShape { width: 300, height: 240, n_channels: 3, sample: SampleType::U8, is_rgb: true };

    /// Letters of many colours on a ground of one; waves with some noise; both side by side, and one above the other.
    fn pictures() -> [(&'static str, Vec<u8>); 4] {
        let mut state = 7_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        let inks: Vec<[u8; 3]> = (0..500).map(|_| [(); 3].map(|()| random() as u8)).collect();
        let letters = |i: usize| {
            let (x, y) = (i % 300, i / 300);
            let letter = (x / 9 * 31 + y / 13 * 17) % 26;
            let is_ink =
                x % 9 > 1 && y % 13 > 3 && (letter * 0x9e37 + 77) >> ((x % 9 * y % 13) % 16) & 1 == 1;
            if is_ink { inks[(x % 9 * 13 + y % 13 + letter) % 500] } else { [240, 241, 242] }
        };
        let mut waves = |i: usize| {
            let (x, y) = ((i % 300) as f32, (i / 300) as f32);
            let wave = 120.0 + 60.0 * (x / 31.0).sin() + 50.0 * (y / 23.0 + x / 90.0).cos();
            [0, 9, 14].map(|c| (wave as u64 + c + random() % 4) as u8)
        };
        let screen = (0..SHAPE.n_pixels()).flat_map(letters).collect();
        let photo: Vec<u8> = (0..SHAPE.n_pixels()).flat_map(&mut waves).collect();
        let mixed = (0..SHAPE.n_pixels()).flat_map(|i| if i % 300 < 200 { letters(i) } else { waves(i) });
        let mixed = mixed.collect();
        let above = (0..SHAPE.n_pixels()).flat_map(|i| if i / 300 < 80 { letters(i) } else { waves(i) });
        let above = above.collect();
        [("screen", screen), ("photo", photo), ("mixed", mixed), ("above", above)]
    }

    #[test]
    fn what_is_tried_first_or_not_to_its_end_loses_nothing() {
        let options = TileOptions::new(Mode::Standard);
        let mut is_first = Vec::new();
        for (name, samples) in pictures() {
            let rows: Vec<&[u8]> = samples.chunks_exact(SHAPE.row_bytes()).collect();
            let tile = TileRef::new(SHAPE, &rows).unwrap();
            let plan = indexed::Plan::new(&tile, &options);
            let predicted = predict(&tile, &options, Limit::default()).unwrap();
            let indexed = plan.encode(&tile, None, None, None);
            let least = indexed.map_or(predicted.len(), |indexed| indexed.len().min(predicted.len()));
            assert_eq!(encode(&tile, &options).unwrap().len(), least, "{name}");
            is_first.push(plan.guess(&tile).is_some_and(|guess| guess.is_repetitive()));
        }
        assert!(is_first[0] && !is_first[1], "{is_first:?}");
    }

    #[test]
    fn small_pictures_are_coded_fast_by_what_they_show() {
        let (width, height) = (64, 64);
        let shape = TileShape { width, height, ..SHAPE };
        for ((name, samples), path) in pictures().iter().zip([path::INDEXED, path::DIRECT]) {
            let row_bytes = SHAPE.row_bytes();
            let rows: Vec<&[u8]> = samples
                .chunks_exact(row_bytes)
                .take(height as usize)
                .map(|row| &row[..shape.row_bytes()])
                .collect();
            let coded = encode(&TileRef::new(shape, &rows).unwrap(), &TileOptions::new(Mode::Fast)).unwrap();
            assert_eq!(coded[0], path, "{name}");
        }
    }
}
