//! `holo generation show`, `check`, `export` and `redact` as a user runs them.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::generation::{GenerationRecord, Part, PartRole};
use holotype::{
    ElementType, ImportOptions, NoiseGenerator, NoiseRecipe, TensorDescriptor, TensorOptions, Writer,
    WriterOptions, import,
};
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

const INFOTEXT: &str =
    "a puppy\nNegative prompt: cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 3x2";

fn holo(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holo")).current_dir(dir).arg("generation").args(args).output().unwrap()
}

fn good(dir: &Path, args: &[&str]) -> String {
    let out = holo(dir, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(good(dir, args).lines().next().unwrap()).unwrap()
}

/// A PNG with the text that A1111 writes.
fn png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 3, 2);
    encoder.set_color(png::ColorType::Rgb);
    encoder.add_text_chunk("parameters".into(), INFOTEXT.into()).unwrap();
    encoder.write_header().unwrap().write_image_data(&[7; 18]).unwrap();
    file
}

/// `a.holo` with a record, `plain.holo` without.
fn archives() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, has_record) in [("a.holo", true), ("plain.holo", false)] {
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        import(&mut writer, "puppy.png", Box::new(Cursor::new(png())), &ImportOptions::default()).unwrap();
        if has_record {
            let image = Part::new("puppy.png", PartRole::Image, writer.last_content_sha256());
            let record =
                GenerationRecord::from_json(br#"{"prompt":"a puppy","settings":{"seed":42}}"#).unwrap();
            writer.add_generation("how", &record.with_parts(&[image]).unwrap()).unwrap();
        }
        fs::write(dir.path().join(name), writer.finish().unwrap().0).unwrap();
    }
    dir
}

#[test]
fn records_are_shown_stored_or_not() {
    let dir = archives();
    let stored = json(dir.path(), &["show", "--json", "a.holo"]);
    assert_eq!((stored["item"].as_str(), stored["stored"].as_bool()), (Some("how"), Some(true)));
    assert_eq!(stored["record"]["settings"]["seed"], 42);
    let told = json(dir.path(), &["show", "--json", "plain.holo"]);
    assert_eq!((told["item"].as_str(), told["stored"].as_bool()), (Some("puppy.png"), Some(false)));
    assert_eq!(told["record"]["settings"]["steps"], 20);
    let text = good(dir.path(), &["show", "plain.holo"]);
    assert!(
        text.contains("puppy.png (read from the image's own texts)") && text.contains("prompt: a puppy"),
        "{text}"
    );
}

#[test]
fn image_files_tell_too() {
    let dir = archives();
    fs::write(dir.path().join("puppy.png"), png()).unwrap();
    let told = json(dir.path(), &["show", "--json", "puppy.png"]);
    assert_eq!((told["item"].as_str(), told["stored"].as_bool()), (Some("puppy.png"), Some(false)));
    assert_eq!(told["record"]["settings"]["seed"], 42);
    let mut silent = Vec::new();
    png::Encoder::new(&mut silent, 1, 1).write_header().unwrap().write_image_data(&[7]).unwrap();
    fs::write(dir.path().join("silent.png"), silent).unwrap();
    assert_eq!(holo(dir.path(), &["show", "silent.png"]).status.code(), Some(1));
    let checked = holo(dir.path(), &["check", "puppy.png"]);
    assert_eq!(checked.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("hint: `holo compress`"), "{checked:?}");
}

#[test]
fn the_image_comes_out_as_its_program_wrote_it() {
    let dir = archives();
    let told = json(dir.path(), &["export", "--json", "a.holo", "out.png"]);
    assert_eq!((&told["file"], &told["item"]), (&Value::from("out.png"), &Value::from("puppy.png")));
    let file = fs::read(dir.path().join("out.png")).unwrap();
    let reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    assert_eq!(reader.info().uncompressed_latin1_text[0].text, INFOTEXT);
    good(dir.path(), &["export", "a.holo", "out.json"]);
    let record: Value = serde_json::from_slice(&fs::read(dir.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(record["prompt"], "a puppy");
    assert_eq!(
        holo(dir.path(), &["export", "a.holo", "out.png"]).status.code(),
        Some(1),
        "nothing is replaced"
    );
    assert_eq!(holo(dir.path(), &["export", "a.holo", "x.png", "--part", "none"]).status.code(), Some(1));
    assert_eq!(holo(dir.path(), &["export", "plain.holo", "x.png"]).status.code(), Some(1));
}

#[test]
fn redacted_archives_say_so() {
    let dir = archives();
    let told = json(dir.path(), &["redact", "a.holo", "b.holo", "--field", "prompt", "--json"]);
    assert_eq!(told["records"][0]["redacted"], serde_json::json!(["prompt", "source.texts"]));
    assert_eq!(told["images"][0]["texts"], serde_json::json!(["parameters"]));
    let record = json(dir.path(), &["show", "--json", "b.holo"])["record"].clone();
    assert_eq!((record.get("prompt"), &record["redacted"][0]), (None, &Value::from("prompt")));
    assert!(good(dir.path(), &["check", "b.holo"]).contains("good, 1 records, 1 parts"));
    assert_eq!(holo(dir.path(), &["redact", "a.holo", "c.holo", "--field", "none"]).status.code(), Some(1));
    assert!(!dir.path().join("c.holo").exists());
    assert_eq!(holo(dir.path(), &["redact", "a.holo", "c.holo"]).status.code(), Some(2));
}

/// A latent of four numbers that the seed 7 makes, and one of bfloat16, with their record.
fn with_latents(dir: &Path) -> Vec<u8> {
    // `numpy.random.default_rng(7).random(4)`.
    let drawn = [0x3FE4_00C8_353E_3CA9, 0x3FEC_B5F9_B795_E4CD, 0x3FE8_D26A_CBF2_815F, 0x3FCC_D396_D5EA_B510];
    let elements: Vec<u8> = drawn.iter().flat_map(|bits: &u64| bits.to_le_bytes()).collect();
    let recipe = NoiseRecipe::new(NoiseGenerator::NumpyPcg64Uniform, 7, 0);
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let descriptor = TensorDescriptor::new(ElementType::F64, &[1, 4]);
    let options = TensorOptions::default().with_noise(vec![recipe]);
    writer.add_tensor("noise", &descriptor, &elements, &options).unwrap();
    let noise = Part::new("noise", PartRole::Latent, writer.last_content_sha256());
    let descriptor = TensorDescriptor::new(ElementType::Bf16, &[2]);
    writer.add_tensor("half", &descriptor, &[1, 2, 3, 4], &TensorOptions::default()).unwrap();
    let half = Part::new("half", PartRole::Latent, writer.last_content_sha256());
    let record = GenerationRecord::from_json(br#"{"prompt":"x","settings":{"seed":7,"steps":2}}"#).unwrap();
    writer.add_generation("how", &record.with_parts(&[noise, half]).unwrap()).unwrap();
    fs::write(dir.join("latents.holo"), writer.finish().unwrap().0).unwrap();
    elements
}

#[test]
fn latents_come_out_as_npy_or_as_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let elements = with_latents(dir.path());
    good(dir.path(), &["export", "latents.holo", "n.npy", "--part", "noise"]);
    good(dir.path(), &["export", "latents.holo", "n.bin", "--part", "noise"]);
    let npy = fs::read(dir.path().join("n.npy")).unwrap();
    assert!(npy.starts_with(b"\x93NUMPY") && npy.ends_with(&elements) && npy.len() == 128 + elements.len());
    assert_eq!(fs::read(dir.path().join("n.bin")).unwrap(), elements);
    let refused = holo(dir.path(), &["export", "latents.holo", "h.npy", "--part", "half"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no type for elements of bf16"), "{refused:?}");
    assert!(!dir.path().join("h.npy").exists());
}

/// A recipe says the seed too.
#[test]
fn a_redacted_seed_is_in_no_recipe() {
    let dir = tempfile::tempdir().unwrap();
    let elements = with_latents(dir.path());
    for (field, keeps) in [("settings.seed", false), ("settings", false), ("settings.steps", true)] {
        good(dir.path(), &["redact", "latents.holo", "r.holo", "--force", "--field", field]);
        let archive = holotype::Archive::open(dir.path().join("r.holo")).unwrap();
        let tensor = archive.tensor("noise").unwrap();
        assert_eq!((tensor.noise().is_some(), tensor.read().unwrap()), (keeps, elements.clone()), "{field}");
        assert!(good(dir.path(), &["check", "r.holo"]).contains("good, 1 records, 2 parts"));
    }
    // The verb by itself is the same.
    let out = Command::new(env!("CARGO_BIN_EXE_holo"))
        .current_dir(dir.path())
        .args(["redact", "latents.holo", "again.holo", "--field", "settings.steps"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(
        fs::read(dir.path().join("again.holo")).unwrap(),
        fs::read(dir.path().join("r.holo")).unwrap()
    );
}

#[test]
fn damage_and_lost_parts_fail_the_check() {
    let dir = archives();
    assert!(
        good(dir.path(), &["check", "a.holo", "plain.holo"]).contains("a.holo: good, 1 records, 1 parts")
    );
    let mut bytes = fs::read(dir.path().join("a.holo")).unwrap();
    bytes[66] ^= 1;
    fs::write(dir.path().join("bad.holo"), bytes).unwrap();
    assert_eq!(holo(dir.path(), &["check", "bad.holo"]).status.code(), Some(3));
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let record = GenerationRecord::from_json(br#"{"prompt":""}"#).unwrap();
    let lost = Part::new("gone.png", PartRole::Image, [1; 32]);
    writer.add_generation("how", &record.with_parts(&[lost]).unwrap()).unwrap();
    fs::write(dir.path().join("lost.holo"), writer.finish().unwrap().0).unwrap();
    let out = holo(dir.path(), &["check", "--json", "lost.holo"]);
    assert_eq!(out.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(told["problems"][0].as_str().unwrap().contains("image `gone.png` is lost"), "{told}");
    assert!(told["findings"].as_array().unwrap().is_empty());
}
