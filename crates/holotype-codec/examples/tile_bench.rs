//! Sizes and speeds of the tile codec on PAM files: `tile_bench MODE [--tile N] [--repeat N] [--decodes N] FILES…`.
//!
//! Files are grouped by what stands before `__` in their names. Speeds are megabytes of samples a second of CPU time
//! (on Unix; of wall time elsewhere), the least of the repeats, with the allocator of the Python package. Each repeat
//! decodes `--decodes` times: for a profile of decoding. Quote ratios within one run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

// Only its clock.
#[allow(dead_code)]
mod thread_time;

use holotype_codec::image::{Mode, TileOptions, decode_tile, encode_tile};
use holotype_codec::{SampleType, TileMut, TileRef, TileShape};
use std::collections::BTreeMap;
use thread_time::now_ns;

/// As the Python package has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Pam {
    shape: TileShape,
    samples: Vec<u8>,
}

fn read(path: &str) -> Pam {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.windows(7).position(|w| w == b"ENDHDR\n").unwrap() + 7;
    let header = std::str::from_utf8(&bytes[..end]).unwrap();
    let field = |name: &str| -> u32 {
        header.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().parse().unwrap()
    };
    let n_channels = field("DEPTH ") as u16;
    let is_wide = field("MAXVAL ") > 255;
    let sample = if is_wide { SampleType::U16 } else { SampleType::U8 };
    let mut samples = bytes[end..].to_vec();
    if is_wide {
        samples.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    let (width, height) = (field("WIDTH "), field("HEIGHT "));
    Pam { shape: TileShape { width, height, n_channels, sample, is_rgb: n_channels >= 3 }, samples }
}

#[derive(Default)]
struct Sum {
    n_files: usize,
    n_samples: u64,
    n_coded: u64,
    encode_ns: u64,
    decode_ns: u64,
}

fn main() {
    let mut mode = Mode::Standard;
    let (mut tile, mut repeat, mut n_decodes, mut max_effort, mut each) = (1024, 1, 1, false, false);
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "fast" => mode = Mode::Fast,
            "standard" => mode = Mode::Standard,
            "archival" => mode = Mode::Archival,
            "--max" => max_effort = true,
            "--each" => each = true,
            "--tile" => tile = args.next().unwrap().parse().unwrap(),
            "--repeat" => repeat = args.next().unwrap().parse().unwrap(),
            "--decodes" => n_decodes = args.next().unwrap().parse().unwrap(),
            path => {
                let name = path.rsplit('/').next().unwrap();
                let class = if each { name } else { name.split("__").next().unwrap() };
                let mut options = TileOptions::new(mode);
                options.max_effort = max_effort;
                let sum = sums.entry(class.to_owned()).or_default();
                measure(&read(path), tile, [repeat, n_decodes], &options, sum);
            }
        }
    }
    for (class, sum) in sums {
        let speed = |ns: u64| sum.n_samples as f64 * 1e3 / ns as f64;
        println!(
            "{class:<12} {:>4} files {:>10} -> {:>9}  ratio {:>8.3}  encode {:>7.1}  decode {:>7.1} MB/s",
            sum.n_files,
            sum.n_samples,
            sum.n_coded,
            sum.n_samples as f64 / sum.n_coded as f64,
            speed(sum.encode_ns),
            speed(sum.decode_ns),
        );
    }
}

fn measure(pam: &Pam, tile: u32, [repeat, n_decodes]: [usize; 2], options: &TileOptions, sum: &mut Sum) {
    sum.n_files += 1;
    sum.n_samples += pam.samples.len() as u64;
    let stride = pam.shape.row_bytes();
    let pixel = stride / pam.shape.width as usize;
    for y in (0..pam.shape.height).step_by(tile as usize) {
        for x in (0..pam.shape.width).step_by(tile as usize) {
            let width = tile.min(pam.shape.width - x);
            let height = tile.min(pam.shape.height - y);
            let shape = TileShape { width, height, ..pam.shape };
            let rows: Vec<&[u8]> = (y..y + height)
                .map(|y| &pam.samples[y as usize * stride + x as usize * pixel..][..shape.row_bytes()])
                .collect();
            let tile = TileRef::new(shape, &rows).unwrap();
            let mut out = vec![0; shape.row_bytes() * height as usize];
            let (mut encode_ns, mut decode_ns, mut n_coded) = (u64::MAX, u64::MAX, 0);
            for _ in 0..repeat {
                let start = now_ns();
                let coded = encode_tile(&tile, options);
                encode_ns = encode_ns.min(now_ns() - start);
                for _ in 0..n_decodes {
                    let start = now_ns();
                    let mut back: Vec<&mut [u8]> = out.chunks_exact_mut(shape.row_bytes()).collect();
                    decode_tile(&coded, &mut TileMut::new(shape, &mut back).unwrap()).unwrap();
                    decode_ns = decode_ns.min(now_ns() - start);
                }
                n_coded = coded.len();
                assert!(out.chunks_exact(shape.row_bytes()).eq(rows.iter().copied()), "not the same samples");
            }
            sum.n_coded += n_coded as u64;
            sum.encode_ns += encode_ns;
            sum.decode_ns += decode_ns;
        }
    }
}
