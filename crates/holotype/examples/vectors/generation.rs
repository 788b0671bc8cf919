//! Vectors of generation records.

use holotype::generation::{GenerationRecord, Part, PartRole};
use holotype::{
    ElementType, ImageDescriptor, ImageOptions, Metadata, NoiseGenerator, NoiseRecipe, SampleType,
    SourceImage, TensorDescriptor, TensorOptions, Writer, WriterOptions,
};
use holotype_codec::noise::generate;
use holotype_container::cbor::Value;
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest as _, Sha256};

type Vector = (String, Vec<u8>, String);

fn line(archive: &str, item: &str, kind: &str, content: &[u8]) -> String {
    format!("{archive}\t{item}\t{kind}\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

/// Everything the schema names, and a little it does not.
const FULL: &str = r#"{"version":1,"created":"2026-11-21T13:00:00.5Z","tool":{"name":"comfyui","version":"0.3.60"},
"model":{"name":"Stable Diffusion 3","version":"3.0","hash":"6ce0161689","sha256":"SHA"},
"models":[{"role":"lora","name":"détail","weight":0.8,"hash":"aa"},{"role":"vae","name":"v"}],
"prompt":"A puppy smiling, cinematic \"5 o'clock\"\n光","negative_prompt":"","tags":["puppy","dog"],
"settings":{"seed":18446744073709551615,"steps":20,"sampler":"ddim","scheduler":"pndm","cfg_scale":7.5,"guidance":"classifier-free",
"eta":0.0,"width":1024,"height":768,"clip_skip":1,"denoise":1e-7,"batch_size":1,"batch_index":0,"generator":"torch.cpu",
"precision":"fp16","deterministic":true,"of a plugin":[null,{"shift":-3}]},
"hardware":{"machine_name":"m","os":"linux","cpu":"c","cpu_cores":8,"ram_gb":64.0,"framework":"torch","compute_lib":"cuda",
"gpu":[{"name":"g","memory_gb":24,"driver":"d","cuda_version":"12.1"}]},
"environment":{"version":1,"components":["name=os;system=Linux",{"id":"gpu","sha256":"SHA"}]},
"source":{"tool":"comfyui","item":"puppy.png","texts":["prompt","workflow"],"c2pa":false},
"redacted":["settings.subseed"],"later":{"than":"version 1"}}"#;

pub(crate) fn good() -> Vec<Vector> {
    vec![full(), texts()]
}

fn full() -> Vector {
    let name = "generation-full";
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let image = ImageDescriptor::new(8, 4, 3, SampleType::U8);
    let samples: Vec<u8> = (0..96_u32).map(|i| (i * 5 % 251) as u8).collect();
    let mut lines = line(name, "puppy.png", "image", &samples);
    let source = SourceImage { descriptor: image, metadata: Metadata::default() };
    writer.add_image("puppy.png", &source, &samples, &ImageOptions::default()).unwrap();
    let mut parts = vec![Part::new("puppy.png", PartRole::Image, writer.last_content_sha256())];
    let noise = NoiseRecipe::new(NoiseGenerator::TorchCpuNormal, 7, 0);
    let mut elements = Vec::new();
    generate(&noise, ElementType::F32, 256, &mut elements).unwrap();
    let latent = TensorDescriptor::new(ElementType::F32, &[1, 4, 8, 8]);
    writer
        .add_tensor("latents/a", &latent, &elements, &TensorOptions::default().with_noise(vec![noise]))
        .unwrap();
    lines += &line(name, "latents/a", "tensor", &elements);
    let part = Part::new("latents/a", PartRole::Latent, writer.last_content_sha256());
    parts.push(part.with_name("initial_noise"));
    writer.add_file("mask", &mut &b"a mask"[..], None).unwrap();
    lines += &line(name, "mask", "file", b"a mask");
    parts.push(Part::new("mask", PartRole::Mask, writer.last_content_sha256()));
    // A part that is not there is lost; the record stands.
    parts.push(Part::new("gone", PartRole::Attachment, [9; 32]));
    let text = FULL.replace("SHA", &"0123456789abcdef".repeat(4));
    let record = GenerationRecord::from_json(text.as_bytes()).unwrap().with_parts(&parts).unwrap();
    writer.add_generation("generation", &record).unwrap();
    lines += &line(name, "generation", "generation", record.to_json().as_bytes());
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

/// Records small and large: in one block, raw or packed.
fn texts() -> Vector {
    let name = "generation-texts";
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut lines = String::new();
    let long = format!(r#"{{"version":1,"prompt":"{}"}}"#, "a puppy, smiling, ".repeat(2000));
    for (item, text) in [("least", r#"{"version":1,"prompt":""}"#), ("long", &long)] {
        let record = GenerationRecord::from_json(text.as_bytes()).unwrap();
        writer.add_generation(item, &record).unwrap();
        lines += &line(name, item, "generation", text.as_bytes());
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let with = |text: &[u8], change: &dyn Fn(&mut ItemRecord)| {
        let (mut builder, start) = ArchiveBuilder::begin();
        let (frame, block) = builder.add_block(Codec::Raw, text, text.len() as u64, 0);
        let mut item = ItemRecord::new("g".into(), ItemKind::Generation);
        item.content.push(BlockRun { first: block, n_blocks: 1 });
        item.raw_bytes = text.len() as u64;
        item.content_sha256 = Sha256::digest(text).into();
        change(&mut item);
        builder.add_item(item).unwrap();
        [&start[..], &frame, text, &builder.finish().0].concat()
    };
    let of = |text: &str| with(text.as_bytes(), &|_| {});
    let deep = format!(r#"{{"version":1,"prompt":"","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    vec![
        ("corrupt-generation-type", of(r#"{"version":1,"prompt":5}"#)),
        ("corrupt-generation-version", of(r#"{"prompt":""}"#)),
        ("corrupt-generation-nothing", of(r#"{"version":1}"#)),
        ("corrupt-generation-twice", of(r#"{"version":1,"prompt":"","prompt":""}"#)),
        ("corrupt-generation-integer", of(r#"{"version":1,"settings":{"seed":18446744073709551616}}"#)),
        ("corrupt-generation-float", of(r#"{"version":1,"prompt":"","x":1e999}"#)),
        ("corrupt-generation-surrogate", of(r#"{"version":1,"prompt":"\ud83d"}"#)),
        ("corrupt-generation-nan", of(r#"{"version":1,"prompt":"","x":NaN}"#)),
        ("corrupt-generation-deep", of(&deep)),
        ("corrupt-generation-utf8", with(b"{\"version\":1,\"prompt\":\"\xff\"}", &|_| {})),
        ("corrupt-generation-mark", of("\u{feff}{\"version\":1,\"prompt\":\"\"}")),
        ("corrupt-generation-array", of("[1]")),
        (
            "corrupt-generation-part",
            of(r#"{"version":1,"parts":[{"item":"a","role":"image","sha256":"00"}]}"#),
        ),
        (
            "corrupt-generation-hash",
            with(br#"{"version":1,"prompt":""}"#, &|item| item.content_sha256[5] ^= 1),
        ),
        ("corrupt-generation-size", with(br#"{"version":1,"prompt":""}"#, &|item| item.raw_bytes += 1)),
        (
            "corrupt-generation-descriptor",
            with(br#"{"version":1,"prompt":""}"#, &|item| {
                item.descriptor.insert(0, Value::Unsigned(1));
            }),
        ),
        ("unsupported-generation-version", of(r#"{"version":2,"of":"tomorrow"}"#)),
    ]
}
