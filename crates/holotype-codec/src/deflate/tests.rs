use super::*;

/// Bytes of a kind: noise, small differences, words, runs.
fn content(kind: u32, n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut out = Vec::new();
    while out.len() < n {
        let r = next();
        match kind {
            0 => out.push(r as u8),
            1 => out.push((r & 7).wrapping_sub(r >> 3 & 7) as u8),
            2 => {
                let word = if r & 4096 != 0 { r % 12 } else { r % 200 };
                out.extend((1..4 + word % 7).map(|j| ((word * j * 7 + j) % 26 + 97) as u8));
                out.push(32);
            }
            _ => out.resize(out.len() + 1 + (r >> 8) as usize % 300, (r % 4) as u8),
        }
    }
    out.truncate(n);
    out
}

fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// What zlib 1.2.13 made of the same bytes.
#[test]
fn streams_are_those_of_zlib() {
    for line in include_str!("zlib.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |i: usize| fields[i].parse::<usize>().unwrap();
        let [level, window, memory, strategy] = [2, 3, 4, 5].map(|i| number(i) as u8);
        let parameters = DeflateParameters::new(level, window, memory, strategy).unwrap();
        let data = content(number(0) as u32, number(1));
        let coded = deflate(&data, parameters, &mut |_| true).unwrap();
        assert_eq!((coded.len(), format!("{:016x}", fnv(&coded)).as_str()), (number(6), fields[7]), "{line}");
    }
}

#[test]
fn a_refused_stream_ends_early() {
    let data = content(0, 100_000);
    let parameters = DeflateParameters::new(6, 15, 8, 0).unwrap();
    let mut n_asked = 0;
    let stopped = deflate(&data, parameters, &mut |bytes| {
        n_asked += 1;
        bytes.len() < 20_000
    });
    assert_eq!((stopped, n_asked), (None, 2));
}

#[test]
fn unknown_parameters_are_refused() {
    for (level, window, memory, strategy) in [
        (0, 15, 8, 0),
        (10, 15, 8, 0),
        (6, 8, 8, 0),
        (6, 16, 8, 0),
        (6, 15, 0, 0),
        (6, 15, 10, 0),
        (6, 15, 8, 5),
    ] {
        assert!(DeflateParameters::new(level, window, memory, strategy).is_err());
    }
}
