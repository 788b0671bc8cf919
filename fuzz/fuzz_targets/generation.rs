//! Any bytes as a generation record, and as each text that other programs leave in images: what is read is a record.
#![no_main]

use holotype::generation::{GenerationRecord, derive};
use holotype::{Archive, Metadata, MetadataKind};
use holotype_fuzz::write_if_asked;
use libfuzzer_sys::fuzz_target;

/// Keywords of PNG texts.
const KEYS: [&str; 6] = ["parameters", "prompt", "Comment", "invokeai_metadata", "sd-metadata", "Dream"];

fuzz_target!(init: write_if_asked(seeds), |data: &[u8]| {
    if let Ok(record) = GenerationRecord::from_json(data) {
        check(&record);
    }
    let mut texts = vec![Metadata::default(); KEYS.len() + 1];
    for (key, metadata) in KEYS.iter().zip(&mut texts) {
        metadata.push(MetadataKind::PngChunk, "tEXt", b"Software\0NovelAI");
        metadata.push(MetadataKind::PngChunk, "tEXt", [key.as_bytes(), b"\0", data].concat());
    }
    if let Some(exif) = texts.last_mut() {
        exif.push(MetadataKind::Exif, "", data);
        exif.push(MetadataKind::PngChunk, "zTXt", data);
        exif.push(MetadataKind::PngChunk, "iTXt", data);
    }
    for found in texts.iter().filter_map(derive) {
        check(&found.record);
    }
});

/// What is written is read again as the same.
fn check(record: &GenerationRecord) {
    let again = GenerationRecord::from_json(record.to_json().as_bytes());
    assert!(again.is_ok_and(|again| again == *record), "a record is not read as it was written");
}

/// The vector's records, and what stands in for texts of other programs.
fn seeds(vector: &[u8]) -> Vec<Vec<u8>> {
    let Ok(archive) = Archive::from_bytes(vector.to_vec()) else { return Vec::new() };
    let names = archive.generation_names().unwrap_or_default();
    let records = names.iter().filter_map(|name| archive.generation(name).ok());
    let mut seeds: Vec<Vec<u8>> = records.map(|found| found.record().to_json().into_bytes()).collect();
    if !seeds.is_empty() {
        let graph = r#"{"3":{"class_type":"KSampler","inputs":{"seed":5,"positive":["6",0],"latent_image":["3",0]}},"6":{"inputs":{"text":"x"}}}"#;
        let text = "a <lora:b:1>\nNegative prompt: c\nSteps: 20, Size: 8x8, Seed: 1, Lora hashes: \"b: 1\"";
        let swarm = r#"{"sui_image_params":{"prompt":"a","loras":["b"],"loraweights":["1"]}}"#;
        seeds.extend([graph, text, swarm].map(|seed| seed.as_bytes().to_vec()));
    }
    seeds
}
