use super::*;
use crate::SampleType;
use crate::simd::Portable;
use crate::tile;

fn shape(width: u32, height: u32, n_channels: u16) -> TileShape {
    TileShape { width, height, n_channels, sample: SampleType::U8, is_rgb: n_channels >= 3 }
}

/// Noise of several strengths, flat stretches and edges.
fn samples(shape: &TileShape, kind: u64) -> Vec<u8> {
    let mut state = kind;
    let n = usize::from(shape.n_channels);
    let row = shape.row_bytes();
    (0..row * shape.height as usize)
        .map(|i| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (x, y) = (i % row / n, i / row);
            let noise = (state >> 40) as u8;
            match kind % 5 {
                0 => noise,
                1 => (x + 2 * y) as u8 & 0xF0,
                2 => ((x * y / 7) as u8).wrapping_add(noise & 7),
                3 if x > 40 => 9,
                3 => noise & 3,
                _ => ((x / 3) as u8).wrapping_add(noise >> (x % 8)),
            }
        })
        .collect()
}

fn round_trip(shape: TileShape, samples: &[u8]) -> Vec<u8> {
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
    let mut coded = Vec::new();
    encode(&TileRef::new(shape, &rows).unwrap(), &mut coded);
    assert_eq!(read(shape, &coded).unwrap(), samples, "{shape:?}");
    coded
}

fn read(shape: TileShape, coded: &[u8]) -> Result<Vec<u8>, CodecError> {
    tile::tests::samples(shape, |out| decode(coded, out))
}

#[test]
fn every_size_comes_back() {
    for (width, height) in
        [(1, 1), (1, 70), (70, 1), (2, 33), (61, 31), (62, 32), (63, 33), (64, 64), (131, 65)]
    {
        for n_channels in 1..=4 {
            for kind in 0..10 {
                let shape = shape(width, height, n_channels);
                round_trip(shape, &samples(&shape, kind));
            }
        }
    }
}

#[test]
fn the_plain_form_reads_the_same_samples() {
    for (n_channels, kind) in [(1, 2), (2, 4), (3, 0), (3, 2), (4, 3)] {
        let shape = shape(150, 70, n_channels);
        let samples = samples(&shape, kind);
        let coded = round_trip(shape, &samples);
        let (header, words) = Header::parse(&coded, &shape).unwrap();
        let plain = |out: &mut TileMut<'_, '_>| decode::Decode { header: &header, words, out }.run(Portable);
        assert!(tile::tests::samples(shape, plain).unwrap() == samples);
        let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
        let (header, words) = Encode(&TileRef::new(shape, &rows).unwrap()).run(Portable);
        let mut plain = Vec::new();
        write(&header, &words, &mut plain);
        assert!(plain == coded);
    }
}

#[test]
fn damage_is_never_a_panic() {
    let shape = shape(80, 40, 3);
    let good = round_trip(shape, &samples(&shape, 2));
    for n in 0..good.len() {
        assert!(read(shape, &good[..n]).is_err(), "cut at {n}");
    }
    assert!(read(shape, &[good.as_slice(), &[0, 0]].concat()).is_err());
    for at in 0..good.len().min(1500) {
        for mask in [1, 64, 255] {
            let mut bad = good.clone();
            bad[at] ^= mask;
            let _ = read(shape, &bad);
        }
    }
}

#[test]
fn active_lanes_are_those_on_a_sample() {
    for width in [1, 2, 3, 31, 32, 63, 64, 65, 200] {
        for n_rows in [1, 2, 31, 32] {
            for t in 0..width + 2 * 31 {
                let expected = std::array::from_fn(|i| {
                    let is_inside = i < n_rows && t >= 2 * i && t - 2 * i < width;
                    if is_inside { 255 } else { 0 }
                });
                assert_eq!(super::active(t, width, n_rows), expected, "{t} {width} {n_rows}");
            }
        }
    }
}
