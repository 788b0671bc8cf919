//! Writes an archive of many small files, or opens one and looks things up, and says what it cost, one JSON line.
//! `bench/many_items.py` runs it and adds the memory.
//!
//!     cargo run --release --example many_items -- write 1000000 many.holo
//!     cargo run --release --example many_items -- open many.holo
#![allow(clippy::print_stdout, clippy::print_stderr)]

use holotype::{Archive, Error, FileOutput, Limits, Replace, Result, VerifyOptions, Writer, WriterOptions};
use holotype_store::{FileSource, Recorder};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of an item's content.
const CONTENT_BYTES: usize = 32;

fn name(i: u64) -> String {
    format!("train/{:03}/image-{i:07}.bin", i % 1000)
}

fn content(i: u64) -> [u8; CONTENT_BYTES] {
    let mut state = i;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
}

fn write(n_items: u64, path: &Path) -> Result<()> {
    let start = Instant::now();
    let mut writer = Writer::new(FileOutput::create(path, Replace::Allow)?, WriterOptions::default())?;
    for i in 0..n_items {
        writer.add_file(&name(i), &mut content(i).as_slice(), None)?;
    }
    let added = start.elapsed();
    let (out, _seal) = writer.finish()?;
    out.commit()?;
    let n_bytes = std::fs::metadata(path).map_err(|e| Error::io(path, e))?.len();
    println!(
        "{{\"step\": \"write\", \"items\": {n_items}, \"seconds\": {:.3}, \"of_that_finish\": {:.3}, \"bytes\": {n_bytes}, \
         \"overhead_per_item\": {:.1}}}",
        start.elapsed().as_secs_f64(),
        (start.elapsed() - added).as_secs_f64(),
        n_bytes as f64 / n_items as f64 - CONTENT_BYTES as f64,
    );
    Ok(())
}

fn open(path: &Path, steps: &[String]) -> Result<()> {
    let recorder = Recorder::new(Arc::new(FileSource::open(path).map_err(|e| Error::io(path, e))?));
    let tell = |step: &str, start: Instant| {
        let reads = recorder.take();
        let n_bytes: u64 = reads.iter().map(|read| read.n_bytes).sum();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{{\"step\": \"{step}\", \"seconds\": {seconds:.6}, \"reads\": {}, \"bytes\": {n_bytes}}}",
            reads.len()
        );
    };
    let start = Instant::now();
    let archive = Archive::open_source(Box::new(recorder.clone()), path, Limits::default())?;
    tell("open", start);
    let n_items = archive.n_items();
    for step in steps {
        let start = Instant::now();
        match step.as_str() {
            "lookup" => {
                archive.item(&name(n_items / 3))?;
            }
            "read" => {
                let i = n_items / 7;
                archive.read_file(&name(i), &mut |bytes| {
                    assert_eq!(bytes, content(i), "another content");
                    Ok(())
                })?;
            }
            "range" => {
                let found = archive.items_from("train/500/", 1000)?;
                assert!(found.len() as u64 == n_items.min(1000) || n_items < 3000, "the range is short");
            }
            "all" => {
                assert_eq!(archive.items()?.len() as u64, n_items, "items are missing");
            }
            "verify" => {
                assert!(archive.verify(&VerifyOptions::default())?.is_good(), "the archive is damaged");
            }
            other => eprintln!("no step named {other}"),
        }
        tell(step, start);
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", n, path] => write(n.parse().unwrap_or(1_000_000), Path::new(path)),
        ["open", path, ..] => open(Path::new(path), args.get(2..).unwrap_or_default()),
        _ => {
            eprintln!("usage: many_items write N PATH | open PATH [lookup|read|range|all|verify]…");
            Ok(())
        }
    }
}
