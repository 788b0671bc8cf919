//! The program as a user runs it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{code, holo, path, text};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A 16-bit RGB ramp with a text chunk.
fn write_png(to: &Path, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(to).unwrap()), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Sixteen);
    encoder.add_text_chunk("Title".into(), "ramp".into()).unwrap();
    let samples: Vec<u8> = (0..width * height * 3).flat_map(|i| ((i * 257) as u16).to_be_bytes()).collect();
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
}

/// Samples and texts as another program's reader sees them.
fn read_png(from: &Path) -> (Vec<u8>, Vec<(String, String)>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(from).unwrap())).read_info().unwrap();
    let mut samples = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut samples).unwrap();
    let texts = reader.info().uncompressed_latin1_text.iter();
    (samples, texts.map(|t| (t.keyword.clone(), t.text.clone())).collect())
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn there_and_back_exactly() {
    let dir = Dir::new();
    let (png, archive, back) = (dir.join("a.png"), dir.join("a.holo"), dir.join("b.png"));
    write_png(&png, 70, 50);
    for mode in ["fast", "standard", "archival"] {
        let out = holo(&["compress", path(&png), path(&archive), "--mode", mode, "--tile", "32", "--force"]);
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
        assert!(out.stdout.is_empty(), "talk belongs on stderr");
        let out = holo(&["decompress", path(&archive), path(&back), "--force"]);
        assert_eq!(code(&out), 0, "{}", text(&out.stderr));
        assert_eq!(read_png(&png), read_png(&back));
        assert_eq!(code(&holo(&["verify", path(&archive)])), 0);
    }
    assert_eq!(dir.names(), ["a.holo", "a.png", "b.png"], "nothing else is left behind");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let dir = Dir::new();
    let (png, archive) = (dir.join("a.png"), dir.join("a.holo"));
    write_png(&png, 4, 4);
    fs::write(&archive, b"precious").unwrap();
    let out = holo(&["compress", path(&png), path(&archive)]);
    assert_eq!(code(&out), 1);
    assert!(text(&out.stderr).contains("hint: pass `--force`"));
    assert_eq!(fs::read(&archive).unwrap(), b"precious");
    assert_eq!(dir.names(), ["a.holo", "a.png"]);
}

#[test]
fn a_failed_run_leaves_nothing() {
    let dir = Dir::new();
    let (png, archive) = (dir.join("a.png"), dir.join("a.holo"));
    write_png(&png, 40, 40);
    let whole = fs::read(&png).unwrap();
    fs::write(&png, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(code(&holo(&["compress", path(&png), path(&archive)])), 1, "a damaged source is an error");
    assert_eq!(dir.names(), ["a.png"]);
    let out = holo(&["compress", path(&dir.join("none.png")), path(&archive)]);
    assert_eq!(code(&out), 1);
    assert!(text(&out.stderr).contains("none.png"));
}

#[test]
fn many_at_once_and_resume() {
    let dir = Dir::new();
    let out_dir = dir.join("out");
    let (a, b) = (dir.join("a.png"), dir.join("b.png"));
    write_png(&a, 5, 6);
    write_png(&b, 7, 8);
    let run = |extra: &str| holo(&["compress", path(&a), path(&b), "-o", path(&out_dir), "--json", extra]);
    let out = run("--quiet");
    assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    let lines = text(&out.stdout);
    let values: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(values.len(), 2);
    assert_eq!(values[1]["raw_bytes"], 7 * 8 * 6);
    assert_eq!(code(&run("--quiet")), 1, "both exist now");
    assert_eq!(code(&run("--skip-existing")), 0);
    let back = dir.join("back");
    let archives = [out_dir.join("a.holo"), out_dir.join("b.holo")];
    let out = holo(&["decompress", path(&archives[0]), path(&archives[1]), "-o", path(&back)]);
    assert_eq!(code(&out), 0, "{}", text(&out.stderr));
    assert_eq!(read_png(&back.join("b.png")), read_png(&b));
}

#[test]
fn an_output_may_be_the_file_itself() {
    let dir = Dir::new();
    let (a, archive, back) = (dir.join("a.png"), dir.join("x.holo"), dir.join("y.png"));
    write_png(&a, 5, 6);
    assert_eq!(code(&holo(&["compress", path(&a), "-o", path(&archive)])), 0);
    assert!(archive.is_file(), "not a folder of that name");
    assert_eq!(code(&holo(&["decompress", path(&archive), "-o", path(&back)])), 0);
    assert_eq!(read_png(&back), read_png(&a));
    let out = holo(&["compress", path(&a), path(&a), "-o", path(&dir.join("z.holo"))]);
    assert_eq!(code(&out), 2, "two sources are not one archive");
    assert_eq!(dir.names(), ["a.png", "x.holo", "y.png"]);
}

#[test]
fn pipes_carry_bytes() {
    let dir = Dir::new();
    let png = dir.join("a.png");
    write_png(&png, 9, 9);
    let mut child = Command::new(env!("CARGO_BIN_EXE_holo"))
        .args(["compress", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&png).unwrap()).unwrap();
    let archive = child.wait_with_output().unwrap().stdout;
    let file = dir.join("a.holo");
    fs::write(&file, &archive).unwrap();
    let out = holo(&["cat", path(&file)]);
    let samples: Vec<u8> = (0..9 * 9 * 3_u32).flat_map(|i| ((i * 257) as u16).to_le_bytes()).collect();
    assert_eq!(out.stdout, samples);
    let out = holo(&["cat", path(&file), "--region", "1,2,3,1"]);
    assert_eq!(out.stdout, samples[(2 * 9 + 1) * 6..(2 * 9 + 4) * 6]);
}

#[test]
fn damage_is_named_with_exit_3() {
    let dir = Dir::new();
    let (png, archive) = (dir.join("a.png"), dir.join("a.holo"));
    write_png(&png, 64, 32);
    holo(&["compress", path(&png), path(&archive), "--tile", "32"]);
    let mut bytes = fs::read(&archive).unwrap();
    bytes[70] ^= 4;
    fs::write(&archive, &bytes).unwrap();
    let out = holo(&["verify", path(&archive)]);
    assert_eq!(code(&out), 3);
    assert!(
        text(&out.stdout).contains("a.png, tile at x 0, y 0 (32 × 32), bytes 32.."),
        "{}",
        text(&out.stdout)
    );
    assert_eq!(code(&holo(&["decompress", path(&archive), path(&dir.join("b.png"))])), 3);
    let out = holo(&["decompress", path(&archive), path(&dir.join("c.png")), "--region", "32,0,32,32"]);
    assert_eq!(code(&out), 0, "the other tile is good: {}", text(&out.stderr));
    assert_eq!(dir.names(), ["a.holo", "a.png", "c.png"]);
    bytes.pop();
    fs::write(&archive, &bytes).unwrap();
    let out = holo(&["verify", path(&archive), "--json"]);
    assert_eq!(code(&out), 3);
    let error: serde_json::Value = serde_json::from_str(&text(&out.stderr)).unwrap();
    assert_eq!(error["exit"], 3);
}

#[test]
fn salvage_recovers_what_is_proven() {
    let dir = Dir::new();
    let (png, archive, saved) = (dir.join("a.png"), dir.join("a.holo"), dir.join("s.holo"));
    write_png(&png, 64, 32);
    holo(&["compress", path(&png), path(&archive), "--tile", "32"]);
    let bytes = fs::read(&archive).unwrap();

    fs::write(&archive, &bytes[..bytes.len() - 50]).unwrap();
    let out = holo(&["salvage", path(&archive), path(&saved), "--json"]);
    assert_eq!(code(&out), 0, "all of it is there: {}", text(&out.stderr));
    let report: serde_json::Value = serde_json::from_str(&text(&out.stdout)).unwrap();
    assert_eq!((&report["complete"], &report["recovered"][0]["proof"]), (&true.into(), &"content".into()));
    assert_eq!(code(&holo(&["verify", path(&saved)])), 0);
    assert_eq!(code(&holo(&["decompress", path(&saved), path(&dir.join("b.png")), "--item", "a.png"])), 0);
    assert_eq!(read_png(&png), read_png(&dir.join("b.png")));
    let out = holo(&["cat", path(&saved), "salvage-report.txt"]);
    assert!(text(&out.stdout).contains("recovered `a.png`: proven by content"));
    assert_eq!(code(&holo(&["salvage", path(&archive), path(&saved)])), 1, "the output exists");

    let mut damaged = bytes.clone();
    damaged[70] ^= 4;
    fs::write(&archive, &damaged).unwrap();
    let none = dir.join("n.holo");
    let out = holo(&["salvage", path(&archive), path(&none)]);
    assert_eq!(code(&out), 3);
    assert!(text(&out.stdout).contains("tile at x 0, y 0 (32 × 32), bytes 32.."), "{}", text(&out.stdout));
    assert!(!none.exists(), "nothing recovered, nothing written");
    let out = holo(&["salvage", path(&archive), path(&saved), "--fill", "--force"]);
    assert_eq!(code(&out), 3, "something is missing");
    assert_eq!(code(&holo(&["verify", path(&saved)])), 0);
    assert!(text(&holo(&["info", path(&saved)]).stdout).contains("incomplete: 1 of 2 tiles"));

    fs::write(&archive, &bytes[..200]).unwrap();
    let out = holo(&["salvage", path(&archive), path(&none)]);
    assert_eq!(code(&out), 3);
}

#[test]
fn info_and_list_describe() {
    let dir = Dir::new();
    let (png, archive) = (dir.join("a.png"), dir.join("a.holo"));
    write_png(&png, 300, 200);
    holo(&["compress", path(&png), path(&archive), "--preview", "on"]);
    let out = holo(&["info", path(&archive), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&text(&out.stdout)).unwrap();
    let item = &value["items"][0];
    assert_eq!(
        (&item["width"], &item["sample"], &item["bits_per_sample"]),
        (&300.into(), &"u16".into(), &16.into())
    );
    assert_eq!(item["metadata"][0]["text"], "Title: ramp");
    assert_eq!(value["seal"].as_str().unwrap().len(), 64);
    assert!(text(&holo(&["info", path(&archive)]).stdout).contains("width: 300"));
    assert!(text(&holo(&["list", path(&archive)]).stdout).contains("a.png"));
    let preview = dir.join("p.png");
    assert_eq!(code(&holo(&["preview", path(&archive), path(&preview)])), 0);
    assert_eq!(read_png(&preview).0.len(), 128 * 85 * 3);
}

#[test]
fn what_cannot_be_stored_or_written_is_refused() {
    let dir = Dir::new();
    let (txt, png, archive) = (dir.join("a.txt"), dir.join("a.png"), dir.join("a.holo"));
    fs::write(&txt, b"no image").unwrap();
    assert_eq!(code(&holo(&["compress", path(&txt), path(&dir.join("t.holo"))])), 1);
    write_png(&png, 3, 3);
    holo(&["compress", path(&png), path(&archive)]);
    assert_eq!(code(&holo(&["decompress", path(&archive), path(&dir.join("a.xyz"))])), 2);
    assert_eq!(
        code(&holo(&["decompress", path(&archive), path(&dir.join("r.png")), "--region", "0,0,4,1"])),
        1
    );
    assert_eq!(code(&holo(&["info", path(&png)])), 3, "a PNG is no archive");
    assert_eq!(dir.names(), ["a.holo", "a.png", "a.txt"]);
}

#[test]
fn usage_errors_exit_2_and_help_is_there() {
    assert_eq!(code(&holo(&["compress", "only-one"])), 2);
    assert_eq!(code(&holo(&["frobnicate"])), 2);
    assert_eq!(code(&holo(&["compress", "a", "b", "--mode", "medium"])), 2);
    let help = holo(&["--help"]);
    assert_eq!(code(&help), 0);
    for verb in [
        "compress",
        "decompress",
        "info",
        "preview",
        "verify",
        "salvage",
        "list",
        "cat",
        "completions",
        "man",
    ] {
        assert!(text(&help.stdout).contains(verb), "{verb}");
        assert_eq!(code(&holo(&[verb, "--help"])), 0);
    }
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let dir = Dir::new();
    assert!(text(&holo(&["completions", "bash"]).stdout).contains("holo"));
    assert_eq!(code(&holo(&["man", path(&dir.join("man"))])), 0);
    assert!(fs::read_to_string(dir.join("man/holo-compress.1")).unwrap().contains("tile"));
}

/// A GIF of 200 × 150 pixels with as many frames, made of one code each that says "clear" and one index a pixel.
fn gif(n_frames: usize) -> Vec<u8> {
    let mut out = b"GIF89a\xc8\x00\x96\x00\x80\x00\x00\x10\x20\x30\xff\xfe\xfd".to_vec();
    for _ in 0..n_frames {
        out.extend_from_slice(b",\x00\x00\x00\x00\xc8\x00\x96\x00\x00\x02");
        // Clear (4) before every two indices keeps the codes at three bits.
        let mut bits = Vec::new();
        for i in 0..200 * 150 / 2 {
            bits.extend([4, i % 2, 1_u32]);
        }
        bits.push(5);
        let mut bytes = vec![0_u8; (bits.len() * 3).div_ceil(8)];
        for (k, code) in bits.iter().enumerate() {
            for b in 0..3 {
                bytes[(k * 3 + b) / 8] |= ((code >> b & 1) as u8) << ((k * 3 + b) % 8);
            }
        }
        for part in bytes.chunks(255) {
            out.push(part.len() as u8);
            out.extend_from_slice(part);
        }
        out.push(0);
    }
    out.push(b';');
    out
}

#[test]
fn formats_go_by_extension_or_by_name() {
    let dir = Dir::new();
    let (source, archive) = (dir.join("a.gif"), dir.join("a.holo"));
    fs::write(&source, gif(1)).unwrap();
    let out = holo(&["compress", path(&source), path(&archive)]);
    assert_eq!((code(&out), text(&out.stderr).contains("note")), (0, false), "{}", text(&out.stderr));
    for (name, extra, magic) in [
        ("b.gif", &[][..], &b"GIF89a"[..]),
        ("b.bmp", &[], b"BM"),
        ("b.png", &[], b"\x89PNG"),
        ("b.bin", &["--format", "bmp"], b"BM"),
    ] {
        let to = dir.join(name);
        let out = holo(&[&["decompress", path(&archive), path(&to)], extra].concat());
        assert_eq!(code(&out), 0, "{name}: {}", text(&out.stderr));
        assert!(fs::read(&to).unwrap().starts_with(magic), "{name}");
        // From there, the same samples again.
        let again = dir.join("again.holo");
        assert_eq!(code(&holo(&["compress", path(&to), path(&again), "--force"])), 0);
        assert_eq!(holo(&["cat", path(&again)]).stdout, holo(&["cat", path(&archive)]).stdout, "{name}");
    }
    // Indices are no colours: formats without palettes refuse them by name.
    for name in ["c.webp", "c.qoi", "c.exr", "c.jpg"] {
        let out = holo(&["decompress", path(&archive), path(&dir.join(name))]);
        assert_eq!(code(&out), 1, "{name}");
        assert!(!dir.join(name).exists());
    }
}

#[test]
fn kept_files_say_why_and_show_a_preview() {
    let dir = Dir::new();
    let (animation, archive) = (dir.join("a.gif"), dir.join("a.holo"));
    fs::write(&animation, gif(2)).unwrap();
    let out = holo(&["compress", path(&animation), path(&archive), "--preview", "on"]);
    assert_eq!(code(&out), 0);
    assert!(text(&out.stderr).contains("note: this gif is an animation"), "{}", text(&out.stderr));
    let info = holo(&["info", path(&archive), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&text(&info.stdout)).unwrap();
    assert_eq!(
        (&value["items"][0]["kind"], &value["items"][0]["has_preview"]),
        (&"file".into(), &true.into())
    );
    assert_eq!(code(&holo(&["preview", path(&archive), path(&dir.join("p.png"))])), 0);
    assert_eq!(read_png(&dir.join("p.png")).0.len(), 128 * 96 * 3);
    assert_eq!(code(&holo(&["decompress", path(&archive), path(&dir.join("b.gif"))])), 0);
    assert_eq!(fs::read(dir.join("b.gif")).unwrap(), gif(2));
    let jpeg = dir.join("a.jpg");
    fs::write(&jpeg, b"\xff\xd8\xff\xd9").unwrap();
    let out = holo(&["compress", path(&jpeg), path(&archive), "--force"]);
    assert!(text(&out.stderr).contains("note: jpeg is lossy"), "{}", text(&out.stderr));
    assert_eq!(code(&holo(&["verify", path(&archive)])), 0);
}
