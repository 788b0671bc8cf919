//! Image tiles through the public API: every type, size and mode comes back; nothing hostile panics.
#![allow(clippy::unwrap_used)]

use holotype_codec::image::{Mode, TileOptions, decode_tile, encode_tile};
use holotype_codec::{CodecError, SampleType, TileMut, TileRef, TileShape};

const MODES: [Mode; 3] = [Mode::Fast, Mode::Standard, Mode::Archival];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

fn shape(width: u32, height: u32, n_channels: u16, sample: SampleType) -> TileShape {
    TileShape { width, height, n_channels, sample, is_rgb: n_channels >= 3 }
}

fn encode(shape: TileShape, samples: &[u8], mode: Mode) -> Vec<u8> {
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
    encode_tile(&TileRef::new(shape, &rows).unwrap(), &TileOptions::new(mode))
}

fn decode(shape: TileShape, coded: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut samples = vec![0; shape.row_bytes() * shape.height as usize];
    let mut rows: Vec<&mut [u8]> = samples.chunks_exact_mut(shape.row_bytes()).collect();
    decode_tile(coded, &mut TileMut::new(shape, &mut rows).unwrap())?;
    Ok(samples)
}

/// Kinds of content: noise, flat, few values, a ramp, a smooth picture, extremes.
fn content(kind: usize, shape: TileShape) -> Vec<u8> {
    let mut random = Random(kind as u64 + 7);
    let n = shape.n_pixels() * usize::from(shape.n_channels);
    let (width, channels) = (shape.width as usize, usize::from(shape.n_channels));
    let mut out = Vec::new();
    for i in 0..n {
        let (x, y) = (i / channels % width, i / channels / width);
        let value = match kind {
            0 => random.next() << 40 ^ random.next() << 20 ^ random.next(),
            1 => 0x0102_0304_0506_0708,
            2 => [0, 5, 77][random.next() as usize % 3],
            3 => (i * 3) as u64,
            4 => (x * x / 8 + y * 3 + random.next() as usize % 3) as u64,
            _ => [0, u64::MAX, 1 << 63, u64::MAX >> 1][random.next() as usize % 4],
        };
        let value = match shape.sample {
            SampleType::Bool => value & 1,
            SampleType::F32 if kind == 4 => u64::from((value as f32 / 3.0).to_bits()),
            SampleType::F64 if kind == 4 => (value as f64).to_bits(),
            _ => value,
        };
        out.extend_from_slice(&value.to_le_bytes()[..shape.sample.n_bytes()]);
    }
    out
}

#[test]
fn everything_comes_back_bit_for_bit() {
    for sample in SampleType::ALL {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (17, 13), (70, 3)] {
            for n_channels in [1, 2, 3, 4, 7] {
                let shape = shape(width, height, n_channels, sample);
                for kind in 0..6 {
                    let samples = content(kind, shape);
                    for mode in MODES {
                        let coded = encode(shape, &samples, mode);
                        assert_eq!(decode(shape, &coded).unwrap(), samples, "{shape:?} {mode:?} kind {kind}");
                        assert!(coded.len() <= samples.len() + 1);
                        assert_eq!(coded, encode(shape, &samples, mode), "deterministic");
                    }
                }
            }
        }
    }
}

#[test]
fn widths_one_to_seventy() {
    for width in 1..=70 {
        let shape = shape(width, 5, 3, SampleType::U8);
        for kind in [0, 4, 5] {
            let samples = content(kind, shape);
            for mode in MODES {
                assert_eq!(
                    decode(shape, &encode(shape, &samples, mode)).unwrap(),
                    samples,
                    "{width} {mode:?}"
                );
            }
        }
    }
}

#[test]
fn constant_and_equal_channels_cost_next_to_nothing() {
    let shape = shape(200, 200, 4, SampleType::U16);
    let flat = content(1, shape);
    for mode in MODES {
        assert!(encode(shape, &flat, mode).len() < 40);
    }
    let one = content(4, TileShape { n_channels: 1, is_rgb: false, ..shape });
    let four: Vec<u8> = one.chunks(2).flat_map(|s| [s, s, s, s].concat()).collect();
    let single = TileShape { n_channels: 1, is_rgb: false, ..shape };
    for mode in MODES {
        assert!(encode(shape, &four, mode).len() < encode(single, &one, mode).len() + 20);
    }
}

#[test]
fn tiles_of_many_channels_may_be_folded() {
    for (width, height, n_channels) in [(40, 2, 60), (1, 1, 16), (7, 1, 300), (30, 30, 17)] {
        let shape = TileShape { is_rgb: false, ..shape(width, height, n_channels, SampleType::I16) };
        let folded =
            TileShape { width: u32::from(n_channels), height: width * height, n_channels: 1, ..shape };
        // Smooth from channel to channel, in places hardly so from pixel to pixel.
        for kind in [0, 3, 4] {
            let samples = content(kind, folded);
            for mode in MODES {
                let coded = encode(shape, &samples, mode);
                assert_eq!(decode(shape, &coded).unwrap(), samples, "{shape:?} {mode:?} kind {kind}");
                if width == 40 && kind == 4 {
                    assert_eq!(coded[0], 4, "{mode:?}");
                    assert_eq!(coded[1..], encode(folded, &samples, mode));
                    assert!(decode(shape, &[&[4], &coded[..]].concat()).is_err(), "folded twice");
                    assert!(decode(folded, &coded).is_err(), "one channel is not folded");
                    for n in 0..if mode == Mode::Fast { coded.len() } else { 1 } {
                        assert!(decode(shape, &coded[..n]).is_err(), "cut at {n}");
                    }
                }
            }
        }
    }
}

#[test]
fn values_far_apart_cost_little_more_than_neighbours() {
    for (sample, factor, n_channels) in [(SampleType::U8, 5, 4), (SampleType::U16, 257, 3)] {
        let shape = shape(300, 200, n_channels, sample);
        let mut random = Random(3);
        let values: Vec<u64> =
            (0..300 * 200 * u64::from(n_channels)).map(|i| i / 9000 % 29 + random.next() % 20).collect();
        let spread = |factor: u64| -> Vec<u8> {
            values.iter().flat_map(|v| (v * factor).to_le_bytes()[..sample.n_bytes()].to_vec()).collect()
        };
        for mode in MODES {
            let [near, far] = [1, factor].map(|factor| encode(shape, &spread(factor), mode).len());
            assert!(far < near + near / 50 + 200, "{sample:?} {mode:?}: {near} {far}");
        }
    }
}

#[test]
fn denser_modes_are_denser_on_pictures() {
    let shape = shape(300, 200, 3, SampleType::U8);
    let mut samples = content(4, shape);
    let mut random = Random(5);
    samples.iter_mut().for_each(|s| *s = (*s / 2).wrapping_add((random.next() % 9) as u8));
    let [fast, standard, archival] = MODES.map(|mode| encode(shape, &samples, mode).len());
    assert!(archival < standard && standard < fast && fast < samples.len(), "{fast} {standard} {archival}");
}

#[test]
fn max_effort_is_never_larger() {
    for (kind, width) in [(4, 300), (4, 9), (0, 12)] {
        let shape = shape(width, 40, 3, SampleType::U8);
        let samples = content(kind, shape);
        let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_bytes()).collect();
        let mut options = TileOptions::new(Mode::Archival);
        options.max_effort = true;
        let tile = TileRef::new(shape, &rows).unwrap();
        let coded = encode_tile(&tile, &options);
        let smaller =
            encode(shape, &samples, Mode::Standard).len().min(encode(shape, &samples, Mode::Archival).len());
        assert!(coded.len() <= smaller, "{} {smaller}", coded.len());
        assert_eq!(decode(shape, &coded).unwrap(), samples);
    }
}

#[test]
fn hostile_bytes_never_panic() {
    let mut random = Random(99);
    for sample in [SampleType::U8, SampleType::U16, SampleType::F32, SampleType::I64] {
        let shape = shape(13, 11, 3, sample);
        for kind in 0..6 {
            for mode in MODES {
                let good = encode(shape, &content(kind, shape), mode);
                for n in 0..good.len().min(60) {
                    let _ = decode(shape, &good[..n]);
                }
                for _ in 0..150 {
                    let mut bad = good.clone();
                    let at = random.next() as usize % bad.len();
                    bad[at] ^= 1 << (random.next() % 8);
                    let _ = decode(shape, &bad);
                }
                assert!(decode(shape, &[]).is_err());
            }
        }
        for _ in 0..3000 {
            let n = random.next() as usize % 60;
            let mut bytes: Vec<u8> = (0..n).map(|_| random.next() as u8).collect();
            if let Some(first) = bytes.first_mut() {
                *first %= 4;
            }
            let _ = decode(shape, &bytes);
        }
    }
}
