use super::*;
use proptest::prelude::*;

/// Bytes of one of several natures.
fn content(nature: u8, n: usize, n_word_bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let word = |i: usize, bits: u64| match nature {
        0 => {
            let mixed = (bits << 32 | i as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ mixed >> 31
        }
        1 => i as u64 * 37 + bits % 5,
        2 => u64::from((((i as f32) / 9.0).sin() + (bits % 64) as f32 / 4096.0).to_bits()),
        3 => bits % 3,
        4 => ((i % 40) as u64).wrapping_mul(0x1234_5678_9ABC_DEF1),
        // Halves and singles in wider types.
        5 if n_word_bytes == 4 => u64::from(half::f16::from_bits(bits as u16).to_f32().to_bits()),
        5 => f64::from(f32::from_bits(bits as u32)).to_bits(),
        _ => 0,
    };
    let mut out = Vec::new();
    for i in 0..n.div_ceil(n_word_bytes) {
        let bits = next();
        out.extend_from_slice(&word(i, bits).to_le_bytes()[..n_word_bytes]);
    }
    out.truncate(n);
    out
}

fn shapes() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![
        Just(vec![]),
        Just(vec![1, 1, 1]),
        prop::collection::vec(1..40_u64, 1..3),
        prop::collection::vec(1..12_u64, 3..5),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn every_type_shape_and_codec_comes_back(
        element in prop::sample::select(ElementType::ALL.to_vec()),
        codec in prop::sample::select(TensorCodec::ALL.to_vec()),
        bits in prop::sample::select(vec![1_u32, 4, 6, 8, 16, 24, 32, 64]),
        shape in shapes(),
        nature in 0..7_u8,
        seed in any::<u64>(),
    ) {
        let layout = SliceLayout::new(element, bits, &shape).unwrap();
        let bytes = content(nature, layout.n_bytes(), layout.n_word_bytes, seed);
        let Some(coded) = encode_slice(&bytes, &layout, codec).unwrap() else { return Ok(()) };
        prop_assert!(coded.len() < bytes.len());
        let again = encode_slice(&bytes, &layout, codec).unwrap();
        prop_assert_eq!(again.as_ref(), Some(&coded));
        let mut out = vec![1; bytes.len()];
        decode_slice(&coded, &layout, &mut out).unwrap();
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn every_type_comes_back_by_its_parent(
        element in prop::sample::select(ElementType::ALL.to_vec()),
        bits in prop::sample::select(vec![1_u32, 4, 8, 16, 24, 32, 64]),
        shape in shapes(),
        nature in 0..7_u8,
        seed in any::<u64>(),
        changed in 0..6_u64,
    ) {
        let layout = SliceLayout::new(element, bits, &shape).unwrap();
        let bytes = content(nature, layout.n_bytes(), layout.n_word_bytes, seed);
        let other = content(nature, layout.n_bytes(), layout.n_word_bytes, seed ^ 0xFFFF);
        // From the same in every bit to unlike in all.
        let parent: Vec<u8> = bytes.iter().zip(&other).enumerate().map(|(i, (byte, other))| match changed {
            0 => *byte,
            1 => byte ^ (u8::from(i % layout.n_word_bytes == 0) * (other & 3)),
            2 => if i / 40 % 3 == 0 { *other } else { *byte },
            _ => *other,
        }).collect();
        let coded = encode_slice_by(&bytes, &parent, &layout).unwrap();
        prop_assert_eq!(&encode_slice_by(&bytes, &parent, &layout).unwrap(), &coded);
        let mut out = vec![1; bytes.len()];
        decode_slice_by(&coded, Some(&parent), &layout, &mut out).unwrap();
        prop_assert_eq!(&out, &bytes);
        prop_assert!(needs_parent(&coded) && decode_slice(&coded, &layout, &mut out).is_err());
        for end in [coded.len() - 1, coded.len() / 2, 4] {
            prop_assert!(decode_slice_by(&coded[..end], Some(&parent), &layout, &mut out).is_err());
        }
    }

    #[test]
    fn damaged_differences_never_panic(
        element in prop::sample::select(vec![ElementType::F32, ElementType::Bf16, ElementType::F16, ElementType::U64]),
        seed in any::<u64>(),
        places in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6),
    ) {
        let layout = SliceLayout::new(element, 0, &[300]).unwrap();
        let bytes = content(2, layout.n_bytes(), layout.n_word_bytes, seed);
        let parent = content(2, layout.n_bytes(), layout.n_word_bytes, seed ^ 1);
        let mut coded = encode_slice_by(&bytes, &parent, &layout).unwrap();
        for (at, mask) in places {
            // The head and the tables more often than the rest.
            let at = usize::from(at) % coded.len().min(if at % 2 == 0 { 60 } else { usize::MAX });
            coded[at] ^= mask;
        }
        let mut out = vec![0; bytes.len()];
        let _ = decode_slice_by(&coded, Some(&parent), &layout, &mut out);
    }

    #[test]
    fn hostile_bytes_are_refused_or_decode(
        element in prop::sample::select(ElementType::ALL.to_vec()),
        shape in shapes(),
        head in prop::array::uniform4(0..6_u8),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let layout = SliceLayout::new(element, 8, &shape).unwrap();
        let mut out = vec![0; layout.n_bytes()];
        let coded = [&head[..], &body].concat();
        let _ = decode_slice(&coded, &layout, &mut out);
        let parent = vec![0x3F; out.len()];
        let _ = decode_slice_by(&coded, Some(&parent), &layout, &mut out);
    }

    #[test]
    fn damage_never_panics(
        codec in prop::sample::select(TensorCodec::ALL.to_vec()),
        element in prop::sample::select(vec![ElementType::F32, ElementType::I16, ElementType::F16, ElementType::U64]),
        nature in 0..6_u8,
        seed in any::<u64>(),
        places in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6),
        cut in any::<u16>(),
    ) {
        let layout = SliceLayout::new(element, 0, &[20, 25]).unwrap();
        let bytes = content(nature, layout.n_bytes(), layout.n_word_bytes, seed);
        let Some(mut coded) = encode_slice(&bytes, &layout, codec).unwrap() else { return Ok(()) };
        for (at, mask) in places {
            let at = at as usize % coded.len();
            coded[at] ^= mask;
        }
        let mut out = vec![0; bytes.len()];
        let _ = decode_slice(&coded, &layout, &mut out);
        coded.truncate(cut as usize % coded.len());
        let _ = decode_slice(&coded, &layout, &mut out);
    }
}

#[test]
fn special_floats_keep_every_bit() {
    let specials = [0x7FC0_0001_u32, 0xFFC1_2345, 0x7F80_0001, 0x8000_0000, 1, 0x807F_FFFF, 0xFF80_0000, 0];
    let bytes: Vec<u8> = (0..4000).flat_map(|i| specials[i * i % 8].to_le_bytes()).collect();
    let layout = SliceLayout::new(ElementType::F32, 0, &[40, 100]).unwrap();
    for codec in TensorCodec::ALL {
        let Some(coded) = encode_slice(&bytes, &layout, codec).unwrap() else { continue };
        let mut out = vec![0; bytes.len()];
        decode_slice(&coded, &layout, &mut out).unwrap();
        assert_eq!(out, bytes, "{codec:?}");
    }
}

#[test]
fn narrower_floats_are_found() {
    let half_bytes = content(5, 1 << 17, 4, 1);
    let layout = SliceLayout::new(ElementType::F32, 0, &[1 << 15]).unwrap();
    let coded = encode_slice(&half_bytes, &layout, TensorCodec::Auto).unwrap().unwrap();
    assert!(coded.len() <= half_bytes.len() / 2 + 400, "{}", coded.len());
    // bfloat16 in binary32: two planes of zeros.
    let wide: Vec<u8> = half_bytes.iter().enumerate().map(|(i, b)| if i % 4 < 2 { 0 } else { *b }).collect();
    let coded = encode_slice(&wide, &layout, TensorCodec::Auto).unwrap().unwrap();
    assert!(coded.len() <= wide.len() / 2 + 400, "{}", coded.len());
}

#[test]
fn noise_stays_as_it_is() {
    let bytes = content(0, 1 << 16, 8, 9);
    let layout = SliceLayout::new(ElementType::U64, 0, &[1 << 13]).unwrap();
    assert!(encode_slice(&bytes, &layout, TensorCodec::Auto).unwrap().is_none());
}

#[test]
fn smooth_fields_take_the_axes_that_help() {
    let field: Vec<u8> = (0..64 * 64 * 16_i32)
        .flat_map(|i| {
            let (x, y, z) = (i % 64, i / 64 % 64, i / 4096);
            ((x * x * z / 3 + y * y * 5 + x * y * z) as i16).to_le_bytes()
        })
        .collect();
    let layout = SliceLayout::new(ElementType::I16, 0, &[16, 64, 64]).unwrap();
    let lorenzo = encode_slice(&field, &layout, TensorCodec::Lorenzo).unwrap().unwrap().len();
    let planes = encode_slice(&field, &layout, TensorCodec::Planes).unwrap().unwrap().len();
    let auto = encode_slice(&field, &layout, TensorCodec::Auto).unwrap().unwrap().len();
    assert!(lorenzo * 2 < planes && auto <= lorenzo, "{auto} {lorenzo} {planes}");
}

/// A parent whose neighbouring elements are changed alike, as training does.
#[test]
fn changes_that_are_alike_are_foreseen() {
    let mut state = 3_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 24) as f32) - 0.5
    };
    let mut drift = 0.0;
    let pairs: Vec<(f32, f32)> = (0..50_000)
        .map(|_| {
            drift = 0.95 * drift + 0.3 * next();
            let weight = 0.1 * next();
            (weight, weight + 1e-4 * drift)
        })
        .collect();
    let bytes =
        |of: fn(&(f32, f32)) -> f32| -> Vec<u8> { pairs.iter().flat_map(|p| of(p).to_le_bytes()).collect() };
    let (parent, child) = (bytes(|p| p.0), bytes(|p| p.1));
    let layout = SliceLayout::new(ElementType::F32, 0, &[50_000]).unwrap();
    let coded = encode_slice_by(&child, &parent, &layout).unwrap();
    assert!(coded[6] > 0, "taps");
    assert!(coded.len() < child.len() * 3 / 5, "{}", coded.len());
    // Negative zeros, infinities, NaNs and subnormals on either side stay what they are.
    let specials = [0x7FC0_0001_u32, 0xFFC1_2345, 0x8000_0000, 1, 0x807F_FFFF, 0xFF80_0000, 0, 0x7F7F_FFFF];
    let (mut parent, mut child) = (parent, child);
    for (i, special) in specials.iter().cycle().take(3000).enumerate() {
        let at = 4 * (i * 16 + 3);
        let side = if i % 3 == 0 { &mut parent } else { &mut child };
        side[at..at + 4].copy_from_slice(&special.to_le_bytes());
    }
    let coded = encode_slice_by(&child, &parent, &layout).unwrap();
    let mut out = vec![0; child.len()];
    decode_slice_by(&coded, Some(&parent), &layout, &mut out).unwrap();
    assert_eq!(out, child);
}
