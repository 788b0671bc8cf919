//! Frames and sound added to animations that are there, as new revisions.
#![allow(clippy::unwrap_used)]

use holotype::{
    AnimationAppendOptions, AnimationOptions, AppendOutput, Archive, AudioTrack, Encryption, ErrorKind,
    Frame, ImageDescriptor, ImageOptions, KdfCost, Limits, Metadata, MetadataKind, Mode, OpenOptions,
    Password, PreviewChoice, Revision, SampleType, TimeBase, VerifyOptions, Writer, WriterOptions,
};
use holotype_store::{MemorySource, Recorder};
use std::fs;

fn frame(descriptor: &ImageDescriptor, i: usize) -> Frame {
    let width = descriptor.width as usize;
    let n = width * descriptor.height as usize * usize::from(descriptor.n_channels);
    let mut state = i as u64;
    let samples = (0..n).flat_map(|at| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (at % width + 2 * i, at / width);
        let value = ((x * x / 7 + y * 5) % 190) as u64 + (state >> 62);
        value.to_le_bytes()[..descriptor.sample.n_bytes()].to_vec()
    });
    Frame::new(descriptor.clone(), samples.collect(), 40 + i as u64)
}

fn titled(text: &str) -> Metadata {
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::Text, "Title", text);
    metadata
}

fn small() -> ImageDescriptor {
    ImageDescriptor::new(48, 30, 3, SampleType::U8)
}

/// Frames of two formats, one of them odd in size, some with metadata.
fn all(n: usize) -> Vec<Frame> {
    let wide = ImageDescriptor::new(7, 3, 1, SampleType::U16);
    (0..n)
        .map(|i| match i % 9 {
            5 => frame(&wide, i).with_metadata(titled(&i.to_string())),
            _ => frame(&small(), i / 2),
        })
        .collect()
}

fn options(mode: Mode) -> AnimationOptions {
    let image = ImageOptions::new(mode).with_tile_edge(16);
    AnimationOptions::default().with_key_interval(6).with_image(image)
}

fn more(mode: Mode) -> AnimationAppendOptions {
    let AnimationOptions { image, key_interval, .. } = options(mode);
    AnimationAppendOptions::default().with_image(image).with_key_interval(key_interval)
}

fn written(frames: &[Frame], options: &AnimationOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), options).unwrap();
    writer.finish().unwrap().0
}

fn with_more(bytes: &[u8], frames: &[Frame], options: &AnimationAppendOptions) -> Vec<u8> {
    let base = Archive::from_bytes(bytes.to_vec()).unwrap();
    let mut writer = Writer::append(base, Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames.iter().cloned();
    writer.append_frames("anim", &mut || Ok(rest.next()), options).unwrap();
    [bytes, &writer.finish().unwrap().0].concat()
}

fn check(bytes: &[u8], frames: &[Frame]) -> Archive {
    let archive = Archive::from_bytes(bytes.to_vec()).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let animation = archive.animation("anim").unwrap();
    assert_eq!(animation.description().n_frames, frames.len() as u64);
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!(animation.read_frame(i as u64).unwrap(), frame.samples, "frame {i}");
        assert_eq!(animation.frame_metadata(i as u64).unwrap(), frame.metadata);
    }
    let delays: Vec<u64> = frames.iter().map(|frame| frame.delay).collect();
    assert_eq!(animation.delays().unwrap(), delays);
    archive
}

/// What each frame is coded against, and the bytes of its tiles as they are stored.
fn coded(archive: &Archive) -> Vec<(Option<u64>, u64)> {
    let animation = archive.animation("anim").unwrap();
    let n = animation.description().n_frames;
    let stored = |i| animation.stored_frame_bytes(i).unwrap();
    (0..n).map(|i| (animation.frame(i).unwrap().reference, stored(i))).collect()
}

#[test]
fn frames_added_later_are_coded_as_if_added_at_once() {
    let frames = all(40);
    for mode in [Mode::Fast, Mode::Standard] {
        let at_once = check(&written(&frames, &options(mode)), &frames);
        for cuts in [vec![1, 2, 3, 4], vec![13], vec![7, 19, 20, 39]] {
            let mut bytes = written(&frames[..cuts[0]], &options(mode));
            for (i, from) in cuts.iter().enumerate() {
                let to = cuts.get(i + 1).copied().unwrap_or(frames.len());
                let longer = with_more(&bytes, &frames[*from..to], &more(mode));
                assert_eq!(longer, with_more(&bytes, &frames[*from..to], &more(mode)), "deterministic");
                assert!(longer.starts_with(&bytes));
                let archive = check(&longer, &frames[..to]);
                assert_eq!(archive.revision(), i as u64 + 2);
                bytes = longer;
            }
            let archive = Archive::from_bytes(bytes).unwrap();
            assert_eq!(coded(&archive), coded(&at_once), "{mode:?} {cuts:?}");
            let sha256 = |archive: &Archive| archive.item("anim").unwrap().content_sha256();
            assert_eq!(sha256(&archive), sha256(&at_once));
        }
    }
}

#[test]
fn earlier_revisions_stay_and_unchanged_frames_cost_little() {
    let still = frame(&ImageDescriptor::new(320, 200, 3, SampleType::U8), 3);
    let frames = vec![still; 30];
    let first = written(&frames[..10], &AnimationOptions::default());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    fs::write(&path, &first).unwrap();
    for n in 10..14 {
        let before = fs::metadata(&path).unwrap().len();
        let (out, base) = AppendOutput::open(&path, &OpenOptions::default()).unwrap();
        let mut writer = Writer::append(base, out, WriterOptions::default()).unwrap();
        let mut rest = frames[n..=n].iter().cloned();
        let n_frames =
            writer.append_frames("anim", &mut || Ok(rest.next()), &AnimationAppendOptions::default());
        assert_eq!(n_frames.unwrap(), n as u64 + 1);
        writer.finish().unwrap().0.commit().unwrap();
        let growth = fs::metadata(&path).unwrap().len() - before;
        assert!(growth < 900, "one more frame that is the last again takes {growth} bytes");
    }
    for revision in 1..=5 {
        let open = OpenOptions::default().with_revision(Revision::Number(revision));
        let archive = Archive::open_with(&path, &open).unwrap();
        let animation = archive.animation("anim").unwrap();
        assert_eq!(animation.description().n_frames, 9 + revision);
        assert_eq!(animation.read_frame(8 + revision).unwrap(), frames[0].samples);
    }
    check(&fs::read(&path).unwrap(), &frames[..14]);
}

#[test]
fn what_an_animation_says_of_itself_stays() {
    let image = ImageOptions::default().with_preview(PreviewChoice::On);
    let options = AnimationOptions::default()
        .with_image(image)
        .with_loop_count(7)
        .with_time_base(TimeBase::new(1, 30).unwrap())
        .with_poster(1)
        .with_audio(vec!["voice".into()])
        .with_metadata(titled("all"));
    let mut frames = all(12);
    frames[1] = frame(&ImageDescriptor::new(160, 90, 3, SampleType::U8), 1);
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut first = frames[..4].iter().cloned();
    writer.add_animation("anim", &mut || Ok(first.next()), &options).unwrap();
    writer.add_audio("voice", &AudioTrack::new("OGG"), &mut &b"OggS"[..]).unwrap();
    let mut other = frames[..1].iter().cloned();
    writer.add_animation("other", &mut || Ok(other.next()), &AnimationOptions::default()).unwrap();
    let bytes = writer.finish().unwrap().0;

    let base = Archive::from_bytes(bytes.clone()).unwrap();
    let preview = base.item("anim").unwrap().preview().unwrap();
    assert!(preview.is_some());
    let mut writer = Writer::append(base, Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames[4..].iter().cloned();
    let with_sound = AnimationAppendOptions::default().with_audio(vec!["song".into()]);
    writer.append_frames("anim", &mut || Ok(rest.next()), &with_sound).unwrap();
    writer.add_audio("song", &AudioTrack::new("FLAC"), &mut &b"fLaC"[..]).unwrap();
    let bytes = [bytes, writer.finish().unwrap().0].concat();
    let archive = check(&bytes, &frames);
    // It is still the first.
    let animation = archive.first_animation().unwrap();
    let description = animation.description();
    assert_eq!((description.loop_count, description.poster), (7, 1));
    assert_eq!(description.time_base, TimeBase::new(1, 30).unwrap());
    assert_eq!(description.audio, ["voice", "song"]);
    assert_eq!(animation.metadata().unwrap(), titled("all"));
    assert_eq!(archive.item("anim").unwrap().preview().unwrap(), preview);
    assert_eq!(archive.audio("voice").unwrap().read().unwrap(), b"OggS");
    assert_eq!(archive.audio("song").unwrap().read().unwrap(), b"fLaC");

    // Sound alone: no frame is read.
    let mut writer = Writer::append(archive, Vec::new(), WriterOptions::default()).unwrap();
    let third = AnimationAppendOptions::default().with_audio(vec!["noise".into()]);
    writer.add_audio("noise", &AudioTrack::new("WAVE"), &mut &b"RIFF"[..]).unwrap();
    writer.append_frames("anim", &mut || Ok(None), &third).unwrap();
    let archive = check(&[bytes, writer.finish().unwrap().0].concat(), &frames);
    assert_eq!(archive.animation("anim").unwrap().description().audio, ["voice", "song", "noise"]);
}

#[test]
fn later_appends_read_only_what_new_frames_need() {
    let descriptor = ImageDescriptor::new(160, 120, 3, SampleType::U8);
    let frames: Vec<Frame> = (0..42).map(|i| frame(&descriptor, i)).collect();
    let append = |archive: Archive, range: std::ops::Range<usize>| {
        let mut writer = Writer::append(archive, Vec::new(), WriterOptions::default()).unwrap();
        let mut rest = frames[range].iter().cloned();
        writer.append_frames("anim", &mut || Ok(rest.next()), &more(Mode::Fast))?;
        writer.finish().map(|done| done.0)
    };
    let first = written(&frames[..38], &options(Mode::Fast));
    let second = append(Archive::from_bytes(first.clone()).unwrap(), 38..40).unwrap();
    let mut bytes = [first.clone(), second].concat();
    let recorder = Recorder::new(MemorySource::new(bytes.clone()));
    let open = |recorder: &Recorder<MemorySource<Vec<u8>>>| {
        Archive::open_source(Box::new(recorder.clone()), "recorded", Limits::default()).unwrap()
    };
    let archive = open(&recorder);
    drop(recorder.take());
    let third = append(archive, 40..42).unwrap();
    let n_read: u64 = recorder.take().iter().map(|read| read.n_bytes).sum();
    assert!(n_read > 0 && n_read * 3 < bytes.len() as u64, "{n_read} of {} bytes", bytes.len());

    // Damage that nothing new depends on is found where frames are looked at: the first time, and by `verify`.
    bytes[400] ^= 1;
    let damaged = Archive::from_bytes(bytes.clone()).unwrap();
    assert_eq!(append(damaged, 40..42).unwrap(), third);
    let verified = Archive::from_bytes([bytes, third].concat()).unwrap();
    assert!(!verified.verify(&VerifyOptions::default()).unwrap().is_good());
    let mut damaged = first;
    damaged[400] ^= 1;
    let error = append(Archive::from_bytes(damaged).unwrap(), 38..40).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn encrypted_animations_are_appended_to() {
    let frames = all(14);
    let cost = KdfCost { memory_kib: 8, n_passes: 1, n_lanes: 1 };
    let encryption = Encryption::with_password(Password::new("open sesame")).with_cost(cost);
    let how = WriterOptions::default().with_encryption(Some(encryption));
    let mut writer = Writer::new(Vec::new(), how).unwrap();
    let mut first = frames[..8].iter().cloned();
    writer.add_animation("anim", &mut || Ok(first.next()), &options(Mode::Fast)).unwrap();
    let bytes = writer.finish().unwrap().0;
    let open = |bytes: Vec<u8>| {
        let options = OpenOptions::default().with_password(Some(Password::new("open sesame")));
        Archive::open_source_with(Box::new(MemorySource::new(bytes)), "<memory>", &options).unwrap()
    };
    let mut writer = Writer::append(open(bytes.clone()), Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames[8..].iter().cloned();
    writer.append_frames("anim", &mut || Ok(rest.next()), &more(Mode::Fast)).unwrap();
    let archive = open([bytes, writer.finish().unwrap().0].concat());
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!(archive.animation("anim").unwrap().read_frame(i as u64).unwrap(), frame.samples);
    }
}

#[test]
fn what_cannot_be_added_is_an_error() {
    let bytes = written(&all(3), &options(Mode::Fast));
    let append = || {
        let base = Archive::from_bytes(bytes.clone()).unwrap();
        Writer::append(base, Vec::new(), WriterOptions::default()).unwrap()
    };
    let one = || {
        let mut rest = Some(frame(&small(), 1));
        move || Ok(rest.take())
    };
    let fails = |writer: &mut Writer<Vec<u8>>, name: &str, options: &AnimationAppendOptions| {
        writer.append_frames(name, &mut one(), options).unwrap_err().kind()
    };
    let usual = AnimationAppendOptions::default();
    let mut new = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    assert_eq!(fails(&mut new, "anim", &usual), ErrorKind::InvalidArgument);
    assert_eq!(fails(&mut append(), "none", &usual), ErrorKind::NotFound);
    assert_eq!(fails(&mut append(), "anim", &usual.clone().with_key_interval(0)), ErrorKind::InvalidArgument);
    let mut writer = append();
    assert!(writer.append_frames("anim", &mut || Ok(None), &usual).is_err());
    writer.append_frames("anim", &mut one(), &usual).unwrap();
    assert_eq!(fails(&mut writer, "anim", &usual), ErrorKind::InvalidArgument);
    let mut writer = append();
    writer.remove_item("anim").unwrap();
    assert_eq!(fails(&mut writer, "anim", &usual), ErrorKind::NotFound);
    let mut writer = append();
    writer.append_frames("anim", &mut one(), &usual.clone().with_audio(vec!["gone".into()])).unwrap();
    assert!(writer.finish().is_err(), "a sound that is not there");
}
