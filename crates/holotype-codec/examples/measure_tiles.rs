//! Bytes and speed of the tile codec on raw arrays: `measure_tiles MODE FILE...`; every tile is decoded and compared.
//!
//! A file is width, height, channels, sample type and 1 for colour, five little-endian u32, then the samples.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use holotype_codec::image::{Mode, TileOptions, decode_tile, encode_tile};
use holotype_codec::{SampleType, TileMut, TileRef, TileShape};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const EDGE: usize = 1024;

/// Time this thread has run, where the system tells; else time since the start.
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = schedule.and_then(|s| s.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Time of one run of `work`, over as many as the clock needs.
fn timed(mut work: impl FnMut()) -> Duration {
    let start = now();
    for n in 1.. {
        work();
        let time = now() - start;
        if time > Duration::from_millis(40) {
            return time / n;
        }
    }
    Duration::MAX
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mode = match arguments.next().as_deref() {
        Some("fast") => Mode::Fast,
        Some("archival") => Mode::Archival,
        _ => Mode::Standard,
    };
    let options = TileOptions::new(mode);
    let (mut all_raw, mut all_coded, mut all_encode, mut all_decode) = (0, 0, Duration::ZERO, Duration::ZERO);
    for path in arguments {
        let file = std::fs::read(&path).unwrap();
        let word = |i: usize| u32::from_le_bytes(file[4 * i..4 * i + 4].try_into().unwrap());
        let (width, height) = (word(0) as usize, word(1) as usize);
        let sample = SampleType::from_code(word(3) as u8).unwrap();
        let pixel_bytes = word(2) as usize * sample.n_bytes();
        let samples = &file[20..];
        let (mut n_coded, mut encode, mut decode) = (0, Duration::ZERO, Duration::ZERO);
        let mut kinds = Vec::new();
        for top in (0..height).step_by(EDGE) {
            for left in (0..width).step_by(EDGE) {
                let (n_rows, n_columns) = (EDGE.min(height - top), EDGE.min(width - left));
                let shape = TileShape {
                    width: n_columns as u32,
                    height: n_rows as u32,
                    n_channels: word(2) as u16,
                    sample,
                    is_rgb: word(4) == 1,
                };
                let rows: Vec<&[u8]> = (top..top + n_rows)
                    .map(|y| &samples[(y * width + left) * pixel_bytes..][..n_columns * pixel_bytes])
                    .collect();
                let tile = TileRef::new(shape, &rows).unwrap();
                let mut coded = Vec::new();
                let mut out = vec![0; n_rows * n_columns * pixel_bytes];
                encode += timed(|| coded = encode_tile(&tile, &options));
                decode += timed(|| {
                    let mut out_rows: Vec<&mut [u8]> =
                        out.chunks_exact_mut(n_columns * pixel_bytes).collect();
                    decode_tile(&coded, &mut TileMut::new(shape, &mut out_rows).unwrap()).unwrap();
                });
                assert!(out.chunks_exact(n_columns * pixel_bytes).zip(&rows).all(|(a, b)| a == *b), "{path}");
                n_coded += coded.len();
                kinds.push(if coded[0] == 3 { format!("3.{}", coded[1]) } else { coded[0].to_string() });
            }
        }
        let speed = |n: usize, t: Duration| n as f64 / 1e6 / t.as_secs_f64();
        println!(
            "{:48} {:9} -> {:8}  {:7.1} / {:7.1} MB/s  {}",
            path.rsplit('/').next().unwrap(),
            samples.len(),
            n_coded,
            speed(samples.len(), encode),
            speed(samples.len(), decode),
            kinds.join(" ")
        );
        all_raw += samples.len();
        all_coded += n_coded;
        all_encode += encode;
        all_decode += decode;
    }
    let speed = |t: Duration| all_raw as f64 / 1e6 / t.as_secs_f64();
    println!("total {all_raw} -> {all_coded}  {:.1} / {:.1} MB/s", speed(all_encode), speed(all_decode));
}
