use super::*;
use crate::simd::tests::portably;

/// Waves and noise: `n_planes` planes of samples up to `max`.
fn picture(width: usize, height: usize, n_planes: usize, max: u16, seed: u64) -> Planes {
    let mut state = seed;
    let mut sample = |x: usize, y: usize, c: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 33) as usize % (1 + usize::from(max) / 20);
        let far = if state >> 58 == 0 { (state >> 20) as usize } else { 0 };
        ((x * x / 9 + y * (c + 1) + noise + far) % (usize::from(max) + 1)) as u16
    };
    let plane = |c| (0..width * height).map(|i| sample(i % width, i / width, c)).collect();
    let samples = (0..n_planes).map(plane).collect();
    let shape = PlaneShape { width, height, maxes: vec![max; n_planes], is_rgb: n_planes >= 3 };
    Planes { shape, samples }
}

#[test]
fn every_size_comes_back() {
    for (width, height) in
        [(1, 1), (1, 9), (9, 1), (2, 17), (7, 8), (8, 7), (21, 9), (22, 24), (23, 25), (64, 40)]
    {
        for (n_planes, max) in [(1, 1), (1, 255), (3, 255), (4, 65535), (6, 1000)] {
            let planes = picture(width, height, n_planes, max, (width * height) as u64);
            let coded = encode(&planes, Limit::default()).unwrap();
            assert_eq!(decode(&coded, &planes.shape), Ok(planes), "{width}x{height} {n_planes} {max}");
        }
    }
}

#[test]
fn the_plain_form_makes_and_reads_the_same_bytes() {
    for (n_planes, max) in [(1, 9), (1, 255), (3, 255), (5, 255), (3, 65535)] {
        for (width, height) in [(90, 43), (300, 70)] {
            let planes = picture(width, height, n_planes, max, 3);
            let coded = encode(&planes, Limit::default()).unwrap();
            assert!(portably(|| encode(&planes, Limit::default())).unwrap() == coded, "{n_planes} {max}");
            assert!(decode(&coded, &planes.shape).as_ref() == Ok(&planes), "{n_planes} {max}");
            assert!(portably(|| decode(&coded, &planes.shape)) == Ok(planes), "{n_planes} {max}");
        }
    }
}

#[test]
fn it_gives_up_only_what_takes_more() {
    for (width, height, max) in [(1, 1, 9), (40, 7, 255), (200, 100, 255), (300, 90, 65535)] {
        let planes = picture(width, height, 3, max, 5);
        let whole = encode(&planes, Limit::default()).unwrap();
        assert_eq!(encode(&planes, Limit::of(whole.len())).as_ref(), Some(&whole), "{width}x{height}");
        if width >= 200 {
            // Noise takes about what its statistics say; less the tables, it is known soon.
            assert_eq!(encode(&planes, Limit::of(whole.len() / 2)), None);
        }
    }
}

#[test]
fn what_marks_take_is_known_while_they_come() {
    let planes = picture(256, 128, 1, 255, 9);
    let samples = colour::forward_all(&planes, colour::Transform::None);
    let mut models = vec![describe(&samples, 256, 128)];
    let collect = encode::Collect {
        models: &models,
        planes: &samples,
        width: 256,
        height: 128,
        limit: Limit::default(),
    };
    let mut notes = dispatch(collect).unwrap().remove(0);
    let marks = std::mem::take(&mut notes.marks);
    let mut least = vec![];
    for part in marks.chunks(marks.len().div_ceil(5)) {
        notes.marks.extend_from_slice(part);
        least.push(notes.least_bits());
    }
    assert!(least.is_sorted(), "{least:?}");
    // In parts or at once, the counts are the same; the stream takes what they say and little more.
    let mut whole = notes::Notes::with_capacity(0);
    whole.marks = marks;
    assert_eq!(whole.least_bits(), least[4]);
    assert_eq!(whole.counts(), notes.counts());
    models[0].tables = dispatch(clusters::Choose { counts: whole.counts(), layout: LAYOUT });
    let n_bits = dispatch(encode::Code { notes: &[whole], models: &models })[0].1.bytes().len() as u64 * 8;
    assert!((least[4]..least[4] * 5 / 4).contains(&n_bits), "{least:?} {n_bits}");
}

#[test]
fn damage_is_an_error_or_other_samples_but_never_a_panic() {
    let planes = picture(60, 33, 3, 255, 11);
    let good = encode(&planes, Limit::default()).unwrap();
    for n in 0..good.len() {
        assert!(decode(&good[..n], &planes.shape).is_err(), "cut at {n}");
    }
    assert!(decode(&[good.as_slice(), &[0]].concat(), &planes.shape).is_err());
    for at in 0..good.len().min(900) {
        for mask in [1, 16, 128, 255] {
            let mut bad = good.clone();
            bad[at] ^= mask;
            let _ = decode(&bad, &planes.shape);
        }
    }
    // In the streams a change moves the final states; only the last token of a lane may be another one whose slots lie
    // as far off.
    let is_silent = |at: &usize| {
        let mut bad = good.clone();
        bad[*at] ^= 1;
        decode(&bad, &planes.shape).is_ok()
    };
    let silent: Vec<usize> = (good.len() - 400..good.len()).filter(is_silent).collect();
    assert!(silent.len() <= 2, "{silent:?} of {}", good.len());
}
