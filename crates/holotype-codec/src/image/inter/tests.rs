use super::*;
use crate::SampleType;
use crate::image::Mode;
use crate::tile;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// A frame of a moving pattern; `noise` is added to every sample.
fn frame(shape: &TileShape, step: usize, noise: u64) -> Vec<u8> {
    let mut random = Random(step as u64 + 3);
    let n = usize::from(shape.n_channels);
    let mut out = Vec::new();
    for i in 0..shape.n_pixels() * n {
        let (x, y, c) = (i / n % shape.width as usize, i / n / shape.width as usize, i % n);
        let (x, y) = (x + 3 * step, y + step);
        let mut value = ((x * x / 5 + y * 7 + ((x / 6) ^ (y / 4)) * 11) % 200 + 9 * c) as u64;
        value += random.next() % (noise + 1);
        match shape.sample {
            SampleType::Bool => out.push(u8::from(value > 100)),
            SampleType::F32 => out.extend_from_slice(&(value as f32).to_le_bytes()),
            _ => out.extend_from_slice(&value.to_le_bytes()[..shape.sample.n_bytes()]),
        }
    }
    out
}

fn rows<'a>(samples: &'a [u8], shape: &TileShape) -> Vec<&'a [u8]> {
    samples.chunks_exact(shape.row_bytes()).collect()
}

fn decode(coded: &[u8], reference: &Reference<'_>, shape: TileShape) -> Result<Vec<u8>, CodecError> {
    tile::tests::samples(shape, |out| decode_inter_tile(coded, reference, out))
}

fn shape(width: u32, height: u32, n_channels: u16, sample: SampleType) -> TileShape {
    TileShape { width, height, n_channels, sample, is_rgb: n_channels >= 3 }
}

#[test]
fn every_type_and_size_comes_back() {
    for sample in SampleType::ALL {
        for (width, height, n_channels) in
            [(1, 1, 1), (1, 9, 3), (40, 1, 2), (37, 23, 3), (70, 66, 4), (20, 20, 5)]
        {
            let shape = shape(width, height, n_channels, sample);
            for noise in [0, 2, 90] {
                let (before, now) = (frame(&shape, 0, noise), frame(&shape, 1, noise));
                let reference = Reference::new(&before, (width, height), (0, 0), &shape).unwrap();
                for mode in [Mode::Fast, Mode::Standard, Mode::Archival] {
                    let now_rows = rows(&now, &shape);
                    let tile = TileRef::new(shape, &now_rows).unwrap();
                    let options = TileOptions::new(mode);
                    let coded = encode_inter_tile(&tile, &reference, &options);
                    assert_eq!(coded, encode_inter_tile(&tile, &reference, &options), "deterministic");
                    match coded {
                        InterTile::Same => assert_eq!(before, now),
                        InterTile::Coded(coded) => {
                            assert_eq!(decode(&coded, &reference, shape).unwrap(), now, "{shape:?} {noise}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_only_moved_costs_a_vector() {
    let shape = shape(160, 96, 3, SampleType::U8);
    let (before, now) = (frame(&shape, 0, 0), frame(&shape, 1, 0));
    let reference = Reference::new(&before, (160, 96), (0, 0), &shape).unwrap();
    let now_rows = rows(&now, &shape);
    let tile = TileRef::new(shape, &now_rows).unwrap();
    let InterTile::Coded(coded) = encode_inter_tile(&tile, &reference, &TileOptions::default()) else {
        panic!()
    };
    let alone = encode_tile(&tile, &TileOptions::default());
    assert!(coded.len() * 4 < alone.len(), "{} of {}", coded.len(), alone.len());
    let before_rows = rows(&before, &shape);
    let still = TileRef::new(shape, &before_rows).unwrap();
    assert_eq!(encode_inter_tile(&still, &reference, &TileOptions::default()), InterTile::Same);
}

#[test]
fn blended_residuals_are_the_same_with_and_without_simd() {
    // The kernels hold no lanes: one source, and integers alone.
    let shape = shape(61, 40, 3, SampleType::U8);
    let (before, now) = (frame(&shape, 0, 5), frame(&shape, 0, 6));
    let now_rows = rows(&now, &shape);
    let tile = TileRef::new(shape, &now_rows).unwrap();
    let (settings, body) = blend::encode(&tile, &before);
    let decoded = tile::tests::samples(shape, |out| blend::decode(&settings, &body, &before, out));
    assert_eq!(decoded.unwrap(), now);
}

#[test]
fn nothing_hostile_panics_and_no_flip_of_the_header_is_taken_for_the_same() {
    let shape = shape(40, 30, 3, SampleType::U8);
    for (noise_before, noise_now) in [(0, 0), (4, 5), (0, 1)] {
        let (before, now) = (frame(&shape, 0, noise_before), frame(&shape, 1, noise_now));
        let reference = Reference::new(&before, (40, 30), (0, 0), &shape).unwrap();
        let now_rows = rows(&now, &shape);
        let tile = TileRef::new(shape, &now_rows).unwrap();
        let InterTile::Coded(coded) = encode_inter_tile(&tile, &reference, &TileOptions::default()) else {
            panic!()
        };
        for n in 0..coded.len() {
            // The coders of other paths may do without their last bytes.
            assert!(decode(&coded[..n], &reference, shape).is_err() || n + 8 > coded.len(), "cut at {n}");
        }
        for bit in 0..coded.len() * 8 {
            let mut bad = coded.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&bad, &reference, shape);
        }
        let mut random = Random(9);
        for n in 0..400 {
            let bytes: Vec<u8> = [PATH, (n % 5) as u8]
                .into_iter()
                .chain((0..n % 90).map(|_| random.next() as u8 & if n % 3 == 0 { 15 } else { 255 }))
                .collect();
            let _ = decode(&bytes, &reference, shape);
        }
    }
}

#[test]
fn references_must_hold_the_tile() {
    let shape = shape(4, 4, 1, SampleType::U8);
    assert!(Reference::new(&[0; 64], (8, 8), (4, 4), &shape).is_ok());
    assert!(Reference::new(&[0; 63], (8, 8), (4, 4), &shape).is_err());
    assert!(Reference::new(&[0; 64], (8, 8), (5, 4), &shape).is_err());
    assert!(Reference::new(&[], (u32::MAX, u32::MAX), (0, 0), &shape).is_err());
}

#[test]
fn a_tile_that_needs_a_frame_is_refused_without_one() {
    let mut out = [0; 16];
    let mut rows: Vec<&mut [u8]> = out.chunks_exact_mut(4).collect();
    let shape = shape(4, 4, 1, SampleType::U8);
    let error = decode_tile(&[PATH, 0, 0, 0, 0], &mut TileMut::new(shape, &mut rows).unwrap()).unwrap_err();
    assert_eq!(error, CodecError::Unsupported { what: "tile path", id: 16 });
}
