//! What a slice gets: the way that suits it, and never one that costs much more than another would.

use super::copies::{Level, has_copies, level};
use super::*;
use crate::tensor::planes;

/// Numbers that mean nothing, the same in every run.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ self.0 >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 29
    }

    /// Of a bell curve, or near enough: twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum::<f64>() - 6.0
    }
}

fn word(element: ElementType, value: f64) -> Vec<u8> {
    match element {
        ElementType::F16 => half::f16::from_f64(value).to_le_bytes().to_vec(),
        ElementType::Bf16 => half::bf16::from_f64(value).to_le_bytes().to_vec(),
        ElementType::F32 => (value as f32).to_le_bytes().to_vec(),
        ElementType::F64 => value.to_le_bytes().to_vec(),
        ElementType::U8 => vec![value as i64 as u8],
        ElementType::I16 => (value as i16).to_le_bytes().to_vec(),
        ElementType::I32 => (value as i32).to_le_bytes().to_vec(),
        _ => (value as i64).to_le_bytes().to_vec(),
    }
}

fn words(element: ElementType, n: usize, value: impl FnMut(usize) -> f64) -> Vec<u8> {
    (0..n).map(value).flat_map(|value| word(element, value)).collect()
}

fn layout(element: ElementType, shape: &[u64]) -> SliceLayout {
    SliceLayout::new(element, 0, shape).unwrap()
}

fn auto(bytes: &[u8], layout: &SliceLayout) -> Option<Vec<u8>> {
    encode(bytes, layout, TensorCodec::Auto)
}

/// Coder, map, axes and narrowing of what `auto` takes.
fn head(bytes: &[u8], layout: &SliceLayout) -> [u8; 4] {
    auto(bytes, layout).unwrap()[..4].try_into().unwrap()
}

fn weights(element: ElementType, n: usize) -> Vec<u8> {
    let mut chance = Chance(7);
    words(element, n, |_| 0.02 * chance.normal())
}

/// A field that changes little from one number to the next along both axes.
fn field(element: ElementType, width: usize, height: usize) -> Vec<u8> {
    let mut chance = Chance(9);
    words(element, width * height, |i| {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        (x / 17.0).sin() * 900.0 + (y / 23.0).cos() * 700.0 + (chance.next() % 4) as f64
    })
}

const N: u64 = 1 << 15;

#[test]
fn weights_are_leading_bits_or_planes() {
    for (element, expected) in [
        (ElementType::Bf16, [Coder::Leading as u8, Map::Rotate as u8, 0, 0]),
        (ElementType::F32, [Coder::Leading as u8, Map::Rotate as u8, 0, 0]),
        (ElementType::F16, [Coder::Planes as u8, Map::Rotate as u8, 0, 0]),
    ] {
        assert_eq!(
            head(&weights(element, N as usize), &layout(element, &[128, N / 128])),
            expected,
            "{element:?}"
        );
    }
}

#[test]
fn what_is_smooth_is_differences_along_its_axes() {
    let bytes = field(ElementType::I16, 256, 128);
    let [_, map, axes, _] = head(&bytes, &layout(ElementType::I16, &[128, 256]));
    assert_eq!((map, axes), (Map::Order as u8, 3));
}

#[test]
fn what_comes_again_is_copies() {
    let mut chance = Chance(3);
    let row: Vec<f64> = (0..512).map(|_| chance.normal()).collect();
    let bytes = words(ElementType::F32, N as usize, |i| row[i % 512]);
    let [coder, ..] = head(&bytes, &layout(ElementType::F32, &[N]));
    assert!([Coder::Zstd as u8, Coder::ShuffleZstd as u8].contains(&coder), "{coder}");
    assert!(auto(&bytes, &layout(ElementType::F32, &[N])).unwrap().len() < 4 * 512 + 400);
}

#[test]
fn few_values_in_no_order_are_ranks() {
    let mut chance = Chance(5);
    let values: Vec<f64> = (0..200).map(|_| chance.normal()).collect();
    let bytes = words(ElementType::F64, N as usize, |_| values[(chance.next() % 200) as usize]);
    assert_eq!(head(&bytes, &layout(ElementType::F64, &[N]))[0], Coder::Ranks as u8);
}

#[test]
fn floats_that_hold_narrower_ones_are_those() {
    let mut chance = Chance(11);
    let halves = words(ElementType::F32, N as usize, |_| half::f16::from_f64(chance.normal()).to_f64());
    assert_eq!(head(&halves, &layout(ElementType::F32, &[N]))[3], 1);
    let singles = words(ElementType::F64, N as usize, |_| f64::from(chance.normal() as f32));
    assert_eq!(head(&singles, &layout(ElementType::F64, &[N]))[3], 1);
    // One that is none spoils it.
    let mut spoilt = halves;
    spoilt[4..8].copy_from_slice(&0.1_f32.to_le_bytes());
    assert_eq!(head(&spoilt, &layout(ElementType::F32, &[N]))[3], 0);
}

/// Of every nature and type: `auto` is about as small as the best of the named codecs.
#[test]
fn no_named_codec_is_much_smaller() {
    use ElementType::{Bf16, F16, F32, F64, I16, I32, I64, U8};
    let mut chance = Chance(13);
    let n = N as usize;
    let mut walk = 0.0;
    let mut cases: Vec<(&str, ElementType, Vec<u8>)> = Vec::new();
    for element in [U8, I16, I32, I64, F16, Bf16, F32, F64] {
        cases.push((
            "noise",
            element,
            (0..n * word(element, 0.0).len()).map(|_| chance.next() as u8).collect(),
        ));
        cases.push(("weights", element, weights(element, n)));
        cases.push(("field", element, field(element, 256, 128)));
        cases.push(("counting", element, words(element, n, |i| i as f64)));
        cases.push(("zeros", element, words(element, n, |_| 0.0)));
        cases.push(("labels", element, words(element, n, |i| ((i / 300) * 7 % 11) as f64)));
        cases.push(("few", element, words(element, n, |_| (chance.next() % 23) as f64)));
        cases.push((
            "rare",
            element,
            words(element, n, |_| f64::from(u8::from(chance.next().is_multiple_of(50)))),
        ));
        cases.push((
            "walk",
            element,
            words(element, n, |_| {
                walk += chance.normal() * 20.0;
                walk
            }),
        ));
        cases.push(("prices", element, words(element, n, |_| (chance.next() % 9000) as f64 / 100.0)));
    }
    let mut wrong = Vec::new();
    for (nature, element, bytes) in &cases {
        let layout = layout(*element, &[128, 256]);
        let size = |codec| encode(bytes, &layout, codec).map_or(bytes.len(), |coded| coded.len());
        let (found, best) = (
            size(TensorCodec::Auto),
            TensorCodec::ALL.into_iter().filter(|codec| *codec != TensorCodec::Auto).map(size).min().unwrap(),
        );
        // What is small already is not looked at again.
        let most = (best + best / MOST_ABOVE + MOST_BYTES_ABOVE).max(bytes.len() / SMALL);
        if found > most {
            wrong.push(format!("{nature} {element:?}: {found}, a named codec {best}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `auto` may be larger than the best by one part in so many, for the sake of its speed, and by so many bytes.
const MOST_ABOVE: usize = 33;
const MOST_BYTES_ABOVE: usize = 128;

#[test]
fn a_look_promises_what_coding_keeps() {
    for (element, bytes) in [
        (ElementType::F32, weights(ElementType::F32, N as usize)),
        (ElementType::F16, weights(ElementType::F16, N as usize)),
        (ElementType::I16, field(ElementType::I16, 256, 128)),
    ] {
        let layout = layout(element, &[128, 256]);
        let promises = Look::of(&bytes, &layout).promises;
        assert!(promises.is_sorted_by_key(|(n, _)| *n));
        let (promised, recipe) = promises[0];
        let coded = stream::encode(&bytes, &layout, recipe, lz::QUICK).unwrap().len();
        assert!(promised.abs_diff(coded) * 16 < coded, "{element:?} {recipe:?}: {promised}, {coded}");
    }
}

#[test]
fn three_percent_are_worth_it() {
    for (n_coded, codec, expected) in [
        (9_697, TensorCodec::Auto, true),
        (9_698, TensorCodec::Auto, false),
        (9_999, TensorCodec::Planes, true),
        (10_000, TensorCodec::Planes, false),
        (10_001, TensorCodec::Pco, false),
    ] {
        assert_eq!(is_worth_it(n_coded, 10_000, codec), expected, "{n_coded}");
    }
    // Planes of fifteen bits of sixteen save more, one random bit a byte of three saves too little.
    let mut chance = Chance(17);
    let low: Vec<u8> = (0..N * 2).flat_map(|_| (chance.next() as u16 & 0x7FFF).to_le_bytes()).collect();
    assert!(auto(&low, &layout(ElementType::U16, &[N * 2])).is_some());
    let noise: Vec<u8> = (0..N * 2).map(|_| chance.next() as u8).collect();
    assert!(auto(&noise, &layout(ElementType::U16, &[N])).is_none());
}

#[test]
fn copies_are_told_from_chance() {
    let mut chance = Chance(19);
    let once: Vec<u8> = (0..1 << 17).map(|_| chance.next() as u8).collect();
    // As a whole, and moved by words of four bytes, which eight do not divide.
    let twice = [&once[..], &once[..]].concat();
    let moved = [&once[..], &[1, 2, 3, 4], &once[..]].concat();
    for n_word_bytes in [1, 2, 4] {
        assert!(!has_copies(&once, n_word_bytes), "{n_word_bytes}");
        assert!(has_copies(&twice, n_word_bytes) && has_copies(&moved, n_word_bytes), "{n_word_bytes}");
    }
    assert!(!has_copies(&once, 8) && has_copies(&twice, 8));
}

#[test]
fn a_denser_level_is_taken_where_it_promises_more() {
    let layout = layout(ElementType::U8, &[1 << 18]);
    // Texts of few words: denser levels find longer copies.
    let mut chance = Chance(23);
    let dictionary: Vec<Vec<u8>> = (0..300)
        .map(|_| (0..3 + chance.next() % 9).map(|_| b'a' + (chance.next() % 20) as u8).collect())
        .collect();
    let mut text: Vec<u8> = Vec::new();
    while text.len() < 1 << 18 {
        text.extend(&dictionary[(chance.next() % 300) as usize]);
        text.push(b' ');
    }
    text.truncate(1 << 18);
    let quick = stream::encode(&text, &layout, PLAIN, lz::QUICK).unwrap().len();
    let found = level(&text, &layout, PLAIN, quick, quick).unwrap();
    assert!(found.level > lz::QUICK && found.n_promised < quick, "{found:?} {quick}");
    // Nothing promises to be smaller than what another way takes already.
    assert_eq!(level(&text, &layout, PLAIN, quick, 5000), None);
    // What is small already is not worth the densest.
    assert_eq!(level(&text, &layout, PLAIN, 900, 1000), Some(Level { n_promised: 900, level: lz::MIDDLE }));
    assert_eq!(level(&text, &layout, PLAIN, 900, 800), None);
}

#[test]
fn samples_are_words_as_the_coders_get_them() {
    let bytes = field(ElementType::I16, 64, 16);
    let layout = layout(ElementType::I16, &[16, 64]);
    for axes in [0, 1] {
        let map = Map::Order;
        let recipe = Recipe { coder: Coder::Planes, map, axes, is_narrow: false };
        let sampled: Vec<u16> = look::sample(&bytes, &layout, recipe, 4096);
        let all: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let expected = stream::transformed(all, &layout, map, axes).unwrap();
        // Of each row the first word has none before it in its row; the sample takes the one of the row above.
        let same = sampled.iter().zip(&expected).filter(|(a, b)| a == b).count();
        assert!(same >= if axes == 0 { 1024 } else { 1024 - 16 }, "{axes}: {same}");
        assert_eq!(planes::split(&sampled).len(), bytes.len());
    }
}
