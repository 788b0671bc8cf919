//! Vectors of animations and sound: every form of a tile against an earlier frame, tables inline and in blocks.

use super::packing::noise;
use holotype::{
    AnimationAppendOptions, AnimationOptions, Archive, AudioTrack, Frame, ImageDescriptor, ImageOptions,
    Metadata, MetadataKind, SampleType, TimeBase, Writer, WriterOptions,
};
use holotype_container::cbor::{Map, Value};
use holotype_container::{ArchiveBuilder, BlockRun, Codec, ItemKind, ItemRecord, hex};
use sha2::{Digest, Sha256};

fn line(archive: &str, item: &str, kind: &str, content: &[u8]) -> String {
    format!("{archive}\t{item}\t{kind}\t{}\t{}\n", content.len(), hex(&Sha256::digest(content)))
}

fn animation(name: &str, frames: Vec<Frame>, options: &AnimationOptions) -> (String, Vec<u8>, String) {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let content: Vec<u8> = frames.iter().flat_map(|frame| frame.samples.clone()).collect();
    let mut lines = line(name, "anim", "animation", &content);
    let mut frames = frames.into_iter();
    writer.add_animation("anim", &mut || Ok(frames.next()), options).unwrap();
    for (i, track) in options.audio.iter().enumerate() {
        let bytes = [b"OggS", noise(i as u64, 100 * (i + 1)).as_slice()].concat();
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::Text, "Language", "en");
        let known = AudioTrack::new("OGG").with_metadata(metadata);
        writer.add_audio(track, &known, &mut bytes.as_slice()).unwrap();
        lines += &line(name, track, "audio", &bytes);
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

/// A picture that moves, with some of its bits random.
fn picture(width: u32, height: u32, n_channels: usize, step: u32, noisy: u8) -> Vec<u8> {
    let n = (width * height) as usize * n_channels;
    let random = noise(u64::from(step) + 40, n);
    let value = |i: usize| {
        let (x, y) = ((i / n_channels) as u32 % width + 2 * step, (i / n_channels) as u32 / width + step);
        (x * x / 3 + y * 7 + ((x / 5) ^ (y / 3)) * 13 + i as u32 % n_channels as u32 * 5) as u8 / 2
            + (random[i] & noisy)
    };
    (0..n).map(value).collect()
}

fn rgb(width: u32, height: u32) -> ImageDescriptor {
    ImageDescriptor::new(width, height, 3, SampleType::U8)
}

/// An animation that frames are added to twice, then a sound; its frames are no multiple of 64 bytes.
fn appended() -> (String, Vec<u8>, String) {
    let name = "animation-appended";
    let frame = |i: u32| {
        let samples = picture(10, 7, 3, i / 2, 0);
        let mut metadata = Metadata::default();
        if i == 4 {
            metadata.push(MetadataKind::Text, "Title", "the fifth");
        }
        Frame::new(rgb(10, 7), samples, u64::from(i)).with_metadata(metadata)
    };
    let options = AnimationOptions::default().with_audio(vec!["song".into()]);
    let more = AnimationAppendOptions::default();
    let song = [b"OggS", noise(5, 60).as_slice()].concat();
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let (mut bytes, mut lines) = (Vec::new(), String::new());
    let mut sounds: Vec<(&str, Vec<u8>)> = Vec::new();
    for (revision, frames) in (1..).zip([0..3_u32, 3..5, 5..8, 8..8]) {
        let mut new = frames.clone().map(frame);
        let mut next = || Ok(new.next());
        match revision {
            1 => {
                writer.add_animation("anim", &mut next, &options).unwrap();
                sounds.push(("song", song.clone()));
            }
            4 => {
                let more = more.clone().with_audio(vec!["voice".into()]);
                writer.append_frames("anim", &mut next, &more).unwrap();
                sounds.push(("voice", song[..9].to_vec()));
            }
            _ => drop(writer.append_frames("anim", &mut next, &more).unwrap()),
        }
        if let (1 | 4, Some((track, sound))) = (revision, sounds.last()) {
            writer.add_audio(track, &AudioTrack::new("OGG"), &mut sound.as_slice()).unwrap();
        }
        bytes.extend(writer.finish().unwrap().0);
        let label = if revision == 4 { name.to_owned() } else { format!("{name}@{revision}") };
        let content: Vec<u8> = (0..frames.end).flat_map(|i| frame(i).samples).collect();
        lines += &line(&label, "anim", "animation", &content);
        sounds.iter().for_each(|(track, sound)| lines += &line(&label, track, "audio", sound));
        let base = Archive::from_bytes(bytes.clone()).unwrap();
        writer = Writer::append(base, Vec::new(), WriterOptions::default()).unwrap();
    }
    (name.to_owned(), bytes, lines)
}

pub(crate) fn good() -> Vec<(String, Vec<u8>, String)> {
    let options = AnimationOptions::default;
    let tiled = |edge| options().with_image(ImageOptions::default().with_tile_edge(edge));
    // Noise that a window of something new appears in.
    let noisy = |step: u32| {
        let mut samples = picture(48, 40, 3, 0, 0);
        let random = noise(u64::from(step) + 9, samples.len());
        samples.iter_mut().zip(&random).for_each(|(sample, r)| *sample = sample.wrapping_add(r & 3));
        if step > 1 {
            for (i, sample) in samples.iter_mut().enumerate() {
                let (x, y) = (i / 3 % 48, i / 144);
                *sample = if x < 40 && y < 32 { (x * 3 + y * 2 + i % 3 * 40) as u8 } else { *sample };
            }
        }
        Frame::new(rgb(48, 40), samples, 40)
    };
    let moving = |step: u32, noisy: u8| Frame::new(rgb(40, 36), picture(40, 36, 3, step, noisy), 33);
    // One corner changes: other tiles have no block.
    let corner = |step: u32| {
        let mut samples = picture(50, 40, 1, 0, 0);
        samples[..5].fill(step as u8);
        Frame::new(ImageDescriptor::new(50, 40, 1, SampleType::U8), samples, u64::from(step))
    };
    let words = |step: u32| {
        let samples: Vec<u8> = picture(20, 18, 2, step, 1).iter().flat_map(|v| [*v, *v / 9]).collect();
        let descriptor = ImageDescriptor::new(20, 18, 2, SampleType::U16);
        Frame::new(descriptor.with_colour(holotype::ColourModel::Channels, holotype::Alpha::None), samples, 1)
    };
    let floats = |step: u32| {
        let values = picture(9, 8, 1, 0, 1);
        let samples = values.iter().flat_map(|v| (f32::from(*v) + step as f32).to_le_bytes());
        Frame::new(ImageDescriptor::new(9, 8, 1, SampleType::F32), samples.collect(), 2)
    };
    let masks = |step: u32| {
        let samples = picture(33, 17, 1, step, 0).iter().map(|v| *v >> 6 & 1).collect();
        Frame::new(ImageDescriptor::new(33, 17, 1, SampleType::Bool), samples, 3)
    };
    let titled = |frame: Frame, title: &str| {
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::Text, "Title", title);
        frame.with_metadata(metadata)
    };
    let mut described = options()
        .with_loop_count(3)
        .with_time_base(TimeBase::new(1001, 30_000).unwrap())
        .with_audio(vec!["anim/song".into(), "anim/voice".into()])
        .with_poster(1);
    described.metadata.push(MetadataKind::User, "camera", b"0".to_vec());
    vec![
        animation("animation-blended", (0..4).map(noisy).collect(), &options()),
        animation("animation-moved", (0..5).map(|i| moving(i, u8::from(i > 2))).collect(), &options()),
        animation("animation-tiles", (0..6).map(corner).collect(), &tiled(16)),
        animation(
            "animation-types",
            [words(0), words(1), floats(0), masks(0), floats(1), words(2), masks(1), floats(1)].to_vec(),
            &options().with_key_interval(200),
        ),
        animation(
            "animation-described",
            vec![titled(moving(0, 0), "first"), moving(0, 0), titled(moving(1, 0), "last")],
            &described,
        ),
        animation("animation-table", (0..200).map(|i| corner(i / 50)).collect(), &tiled(16)),
        appended(),
        subsampled(),
    ]
}

/// Video whose Cb and Cr are a fourth as many as Y.
fn subsampled() -> (String, Vec<u8>, String) {
    let name = "animation-subsampled";
    let deep = |d: ImageDescriptor| d.with_bits_per_sample(10);
    let luma = deep(ImageDescriptor::new(21, 13, 1, SampleType::U16));
    let chroma = deep(ImageDescriptor::new(11, 7, 2, SampleType::U16));
    let chroma = chroma.with_colour(holotype::ColourModel::Channels, holotype::Alpha::None);
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut lines = String::new();
    let usual = AnimationOptions::default;
    let named = usual().with_chroma(Some("anim/chroma".into()));
    for (item, d, options) in [("anim", &luma, named), ("anim/chroma", &chroma, usual())] {
        let of = |step: u32| {
            let values = picture(d.width, d.height, usize::from(d.n_channels), step, 1);
            values.iter().flat_map(|v| (u16::from(*v) * 4).to_le_bytes()).collect::<Vec<u8>>()
        };
        let mut frames = (0..3).map(|step| Frame::new(d.clone(), of(step), 1));
        writer.add_animation(item, &mut || Ok(frames.next()), &options).unwrap();
        lines += &line(name, item, "animation", &(0..3).flat_map(of).collect::<Vec<u8>>());
    }
    (name.to_owned(), writer.finish().unwrap().0, lines)
}

/// An animation with one 8 × 8 tile for each payload: sealed as it should be, whatever is in it.
fn forged(payloads: &[&[u8]], table: &[u8], change: &dyn Fn(&mut Map)) -> Vec<u8> {
    let (mut builder, header) = ArchiveBuilder::begin();
    let mut bytes = header.to_vec();
    for payload in payloads {
        let (frame, _) = builder.add_block(Codec::ImageTile, payload, 64, 0);
        bytes.extend_from_slice(&frame);
        bytes.extend_from_slice(payload);
    }
    let numbers =
        |pairs: &[(u64, u64)]| pairs.iter().map(|(k, v)| (*k, Value::Unsigned(*v))).collect::<Map>();
    let format = numbers(&[(0, 8), (1, 8), (2, 1), (3, 1), (5, 0), (10, 16)]);
    let mut descriptor = numbers(&[(0, 2)]);
    descriptor.insert(3, Value::Array(vec![Value::Map(format)]));
    descriptor.insert(4, Value::Bytes(table.to_vec()));
    change(&mut descriptor);
    let mut item = ItemRecord::new("anim".into(), ItemKind::Animation);
    item.content = vec![BlockRun { first: 0, n_blocks: payloads.len() as u64 }];
    item.raw_bytes = 128;
    item.content_sha256 = Sha256::digest([0; 128]).into();
    item.descriptor = descriptor;
    builder.add_item(item).unwrap();
    bytes.extend_from_slice(&builder.finish().0);
    bytes
}

/// Files that are sealed as they should be and wrong inside.
pub(crate) fn bad() -> Vec<(&'static str, Vec<u8>)> {
    let raw = [0; 65];
    let other = std::array::from_fn::<u8, 65, _>(|i| u8::from(i == 64));
    let table = [0, 9, 0, 0, 9, 1, 1];
    let inter = |rest: &[u8]| forged(&[&raw, &[&[16], rest].concat()], &table, &|_| {});
    let with =
        |key: u64, value: Value| forged(&[&raw, &raw], &table, &|map| drop(map.insert(key, value.clone())));
    let silent = {
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        let frame = Frame::new(ImageDescriptor::new(8, 8, 1, SampleType::U8), vec![0; 64], 1);
        let mut frames = std::iter::once(frame);
        let options = AnimationOptions::default().with_audio(vec!["song".into()]);
        writer.add_animation("anim", &mut || Ok(frames.next()), &options).unwrap();
        writer.finish().unwrap().0
    };
    vec![
        ("corrupt-animation-reference", forged(&[&raw, &raw], &[0, 9, 0, 0, 9, 2, 1], &|_| {})),
        ("corrupt-animation-format", forged(&[&raw, &raw], &[0, 9, 0, 1, 9, 0], &|_| {})),
        ("corrupt-animation-blocks", forged(&[&raw, &raw], &[0, 9, 0, 0, 9, 1, 0], &|_| {})),
        ("corrupt-animation-bitmap", forged(&[&raw, &raw], &[0, 9, 0, 0, 9, 1, 2, 1], &|_| {})),
        ("corrupt-animation-key", with(8, Value::Unsigned(0))),
        ("corrupt-animation-time-base", with(2, Value::Array(vec![Value::Unsigned(2), Value::Unsigned(4)]))),
        ("corrupt-animation-poster", with(7, Value::Unsigned(2))),
        ("corrupt-animation-hash", forged(&[&raw, &other], &table, &|_| {})),
        ("corrupt-animation-audio", silent),
        ("corrupt-animation-chroma", with(9, Value::Text("song".into()))),
        ("corrupt-animation-hash-state", with(8, Value::Bytes(vec![0; 32]))),
        // `d1` is the header of one vector (0, 0).
        ("corrupt-inter-body", inter(&[0, 1, 0, 0, 0xd1, 9])),
        ("corrupt-inter-header", inter(&[0, 2, 0, 0, 0xd1, 0])),
        ("corrupt-inter-motion", inter(&[0, 1, 0, 0, 0])),
        ("corrupt-inter-weights", inter(&[3, 1, 0, 0, 0xd1])),
        ("unsupported-inter-twice", inter(&[2, 1, 0, 0, 0xd1, 16, 0, 1, 0, 0, 0xd1])),
        ("unsupported-inter-form", inter(&[9, 1, 0, 0, 0xd1])),
        ("unsupported-inter-alone", forged(&[&[16, 0, 1, 0, 0, 0xd1], &raw], &table, &|_| {})),
    ]
}
