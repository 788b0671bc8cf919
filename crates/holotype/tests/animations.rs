//! Animations through the public API: written and read back, read in part, damaged.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    AnimationOptions, Archive, AudioTrack, ErrorKind, Frame, FrameCache, ImageDescriptor, ImageOptions,
    Limits, Metadata, MetadataKind, Mode, SampleType, VerifyOptions, Writer, WriterOptions,
};
use holotype_store::{MemorySource, Recorder};

/// A picture that moves over `step` with noise in its low bits.
fn samples(descriptor: &ImageDescriptor, step: usize, noise: u64) -> Vec<u8> {
    let (n, width) = (usize::from(descriptor.n_channels), descriptor.width as usize);
    let mut state = step as u64 * 77 + 5;
    let mut out = Vec::new();
    for i in 0..width * descriptor.height as usize * n {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, y) = (i / n % width + 2 * step, i / n / width);
        let value = ((x * x / 7 + y * 5 + i % n * 9) % 190) as u64 + (state >> 33) % (noise + 1);
        let value = if descriptor.sample == SampleType::Bool { value & 1 } else { value };
        out.extend_from_slice(&value.to_le_bytes()[..descriptor.sample.n_bytes()]);
    }
    out
}

fn frames(descriptor: &ImageDescriptor, n: usize, noise: u64) -> Vec<Frame> {
    (0..n).map(|i| Frame::new(descriptor.clone(), samples(descriptor, i, noise), 40 + i as u64)).collect()
}

fn archive(frames: &[Frame], options: &AnimationOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), options).unwrap();
    writer.finish().unwrap().0
}

fn rgb(width: u32, height: u32) -> ImageDescriptor {
    ImageDescriptor::new(width, height, 3, SampleType::U8)
}

#[test]
fn frames_of_any_type_and_size_come_back() {
    let mut all = Vec::new();
    for sample in SampleType::ALL {
        for (width, height, n_channels) in [(1, 1, 1), (33, 20, 3), (40, 7, 2)] {
            all.extend(frames(&ImageDescriptor::new(width, height, n_channels, sample), 3, 3));
        }
    }
    for mode in [Mode::Fast, Mode::Standard, Mode::Archival] {
        for (interval, edge) in [(1, 0), (4, 16), (256, 0)] {
            let image = ImageOptions::new(mode).with_tile_edge(edge);
            let options = AnimationOptions::default().with_key_interval(interval).with_image(image);
            let bytes = archive(&all, &options);
            assert_eq!(bytes, archive(&all, &options), "deterministic");
            let archive = Archive::from_bytes(bytes).unwrap();
            assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
            let animation = archive.animation("anim").unwrap();
            let mut cache = FrameCache::default();
            for (i, frame) in all.iter().enumerate() {
                let info = animation.frame(i as u64).unwrap();
                assert_eq!((&info.descriptor, info.delay), (&frame.descriptor, frame.delay));
                assert!(i as u64 - info.key < u64::from(interval));
                assert_eq!(animation.read_frame(i as u64).unwrap(), frame.samples, "{mode:?} frame {i}");
                let mut out = vec![0; frame.samples.len()];
                animation.read_frame_into(i as u64, &mut out, &mut cache, 2).unwrap();
                assert_eq!(out, frame.samples);
            }
        }
    }
}

#[test]
fn several_frames_are_read_together_in_any_order() {
    let all = frames(&rgb(64, 48), 20, 4);
    let archive =
        Archive::from_bytes(archive(&all, &AnimationOptions::default().with_key_interval(6))).unwrap();
    let animation = archive.animation("anim").unwrap();
    for wanted in [vec![], vec![19], vec![3, 2, 1], (0..20).collect(), vec![7, 7, 0, 19, 7]] {
        for n_threads in [1, 3] {
            let expected: Vec<u8> = wanted.iter().flat_map(|i| all[*i as usize].samples.clone()).collect();
            let mut out = vec![0; expected.len()];
            animation.read_frames_into(&wanted, &mut out, n_threads).unwrap();
            assert_eq!(out, expected, "{wanted:?}");
        }
    }
    let mut short = [0; 9];
    let error = animation.read_frames_into(&[1], &mut short, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(animation.read_frame(20).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_is_described_is_kept() {
    let titled = |i: usize| {
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::Text, "Title", format!("frame {i}"));
        metadata
    };
    let all: Vec<Frame> = frames(&rgb(160, 90), 5, 0)
        .into_iter()
        .enumerate()
        .map(|(i, frame)| if i % 2 == 1 { frame.with_metadata(titled(i)) } else { frame })
        .collect();
    let image = ImageOptions::default().with_preview(holotype::PreviewChoice::On);
    let options = AnimationOptions::default()
        .with_loop_count(7)
        .with_time_base(holotype::TimeBase::new(1, 30).unwrap())
        .with_image(image)
        .with_poster(4)
        .with_audio(vec!["voice".into(), "song".into()])
        .with_metadata(titled(99));
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = all.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), &options).unwrap();
    writer.add_audio("song", &AudioTrack::new("OGG"), &mut &b"OggS"[..]).unwrap();
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    writer.add_audio("voice", &AudioTrack::new("anything at all"), &mut large.as_slice()).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let animation = archive.first_animation().unwrap();
    let description = animation.description();
    assert_eq!((description.n_frames, description.loop_count, description.poster), (5, 7, 4));
    assert_eq!(description.time_base.milliseconds(30), 1000);
    assert_eq!(description.audio, ["voice", "song"]);
    assert_eq!(animation.delays().unwrap(), [40, 41, 42, 43, 44]);
    assert_eq!(animation.metadata().unwrap(), titled(99));
    assert_eq!(animation.frame_metadata(3).unwrap(), titled(3));
    assert_eq!(animation.frame_metadata(2).unwrap(), Metadata::default());
    assert_eq!(animation.all_frame_metadata().unwrap().len(), 2);
    let preview = animation.item().preview().unwrap().unwrap();
    assert_eq!((preview.width, preview.height), (128, 72));
    let voice = archive.audio("voice").unwrap();
    assert_eq!((voice.format(), voice.read().unwrap()), ("anything at all", large));
    assert_eq!(archive.audio("anim").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(archive.animation("song").unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn arguments_are_checked() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let good = frames(&rgb(4, 4), 1, 0);
    let mut add = |frames: Vec<Frame>, options: AnimationOptions| {
        let mut rest = frames.into_iter();
        writer.add_animation("a", &mut || Ok(rest.next()), &options).unwrap_err().kind()
    };
    let usual = AnimationOptions::default;
    assert_eq!(add(Vec::new(), usual()), ErrorKind::InvalidArgument);
    assert_eq!(add(good.clone(), usual().with_key_interval(0)), ErrorKind::InvalidArgument);
    assert_eq!(add(good.clone(), usual().with_key_interval(257)), ErrorKind::InvalidArgument);
    assert_eq!(add(good.clone(), usual().with_poster(1)), ErrorKind::InvalidArgument);
    let short = Frame::new(rgb(4, 4), vec![0; 47], 0);
    assert_eq!(add(vec![short], usual()), ErrorKind::InvalidArgument);
    let nameless = writer.add_audio("s", &AudioTrack::default(), &mut &b""[..]);
    assert_eq!(nameless.unwrap_err().kind(), ErrorKind::InvalidArgument);
    writer.add_audio("s", &AudioTrack::new("WAVE"), &mut &b""[..]).unwrap();
}

#[test]
fn an_unchanged_tile_costs_a_bit_and_an_unchanged_frame_four_bytes() {
    let descriptor = rgb(256, 256);
    let still = samples(&descriptor, 0, 255);
    let size = |n: usize| {
        let all: Vec<Frame> = (0..n).map(|_| Frame::new(descriptor.clone(), still.clone(), 40)).collect();
        let image = ImageOptions::default().with_tile_edge(16);
        archive(&all, &AnimationOptions::default().with_image(image).with_key_interval(256)).len()
    };
    let (two, fifty) = (size(2), size(50));
    assert!(fifty - two <= 48 * 4 + 16, "{two} → {fifty}");
}

#[test]
fn nothing_is_read_that_is_not_needed() {
    let all = frames(&rgb(320, 200), 60, 4);
    let bytes = archive(&all, &AnimationOptions::default().with_key_interval(10));
    let n_bytes = bytes.len() as u64;
    let recorder = Recorder::new(MemorySource::new(bytes));
    let archive = Archive::open_source(Box::new(recorder.clone()), "recorded", Limits::default()).unwrap();
    let read = || recorder.take().iter().map(|read| read.n_bytes).collect::<Vec<_>>();
    // What opening reads, and no more, tells all but frames.
    assert!(read().iter().sum::<u64>() <= 65 << 10);
    let animation = archive.animation("anim").unwrap();
    assert_eq!(animation.description().n_frames, 60);
    assert_eq!(animation.delays().unwrap().len(), 60);
    assert_eq!(animation.description().loop_count, 0);
    assert!(animation.metadata().unwrap().entries.is_empty());
    assert!(read().is_empty());
    // A frame: its blocks and those of its chain.
    animation.read_frame(37).unwrap();
    let (mut frame, mut n_chain) = (37, 1);
    while let Some(reference) = animation.frame(frame).unwrap().reference {
        (frame, n_chain) = (reference, n_chain + 1);
    }
    assert!(n_chain <= 10);
    let of_frame = read();
    assert_eq!(of_frame.len(), n_chain);
    assert!(of_frame.iter().sum::<u64>() < n_bytes / 4);
    // In order, each block once.
    let mut cache = FrameCache::default();
    let mut out = vec![0; all[0].samples.len()];
    for frame in 0..60 {
        animation.read_frame_into(frame, &mut out, &mut cache, 1).unwrap();
    }
    assert_eq!(read().len(), 60);
}

/// Tables in blocks, sound, a preview, metadata: each call reads its own blocks, once.
#[test]
fn every_call_reads_its_own_blocks() {
    let mut all = frames(&rgb(160, 90), 260, 3);
    for (i, frame) in all.iter_mut().enumerate() {
        frame.metadata.push(MetadataKind::Text, "Title", format!("frame {i}"));
    }
    let image = ImageOptions::new(Mode::Fast).with_preview(holotype::PreviewChoice::On);
    let mut about = Metadata::default();
    about.push(MetadataKind::Text, "Description", "long ".repeat(2000));
    let options = AnimationOptions::default()
        .with_image(image)
        .with_audio(vec!["song".into(), "voice".into()])
        .with_metadata(about.clone());
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = all.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), &options).unwrap();
    let mut state = 1_u64;
    let mut noise = |n: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..n).map(|_| next()).collect()
    };
    let (song, voice) = (noise(3 << 20), noise(1000));
    writer.add_audio("song", &AudioTrack::new("OGG"), &mut song.as_slice()).unwrap();
    writer.add_audio("voice", &AudioTrack::new("OGG"), &mut voice.as_slice()).unwrap();
    let bytes = writer.finish().unwrap().0;
    let recorder = Recorder::new(MemorySource::new(bytes));
    let archive = Archive::open_source(Box::new(recorder.clone()), "recorded", Limits::default()).unwrap();
    let read = || -> (usize, u64) {
        let reads = recorder.take();
        (reads.len(), reads.iter().map(|read| read.n_bytes).sum())
    };
    assert!(read().1 <= 65 << 10, "opening");
    let animation = archive.animation("anim").unwrap();
    let description = animation.description();
    assert_eq!((description.n_frames, description.loop_count, description.audio.len()), (260, 0, 2));
    assert_eq!(read(), (0, 0), "frame_count, loop count");
    assert_eq!(animation.delays().unwrap().len(), 260);
    let (n, table) = read();
    assert!(n == 1 && table < 2000, "delays: the frame table, {table} bytes");
    animation.frame(259).unwrap();
    assert_eq!(read(), (0, 0), "what is known of a frame");
    assert_eq!(animation.frame_metadata(7).unwrap(), all[7].metadata);
    let (n, n_bytes) = read();
    assert!(n == 1 && n_bytes < 6000, "metadata of frames: {n_bytes} bytes");
    assert_eq!(animation.metadata().unwrap(), about);
    let (n, n_bytes) = read();
    assert!(n == 1 && n_bytes < 1000, "metadata: {n_bytes} bytes");
    assert!(animation.item().preview().unwrap().is_some());
    let (n, n_bytes) = read();
    assert!(n == 1 && n_bytes < 40_000, "preview: {n_bytes} bytes");
    assert_eq!(archive.audio("voice").unwrap().read().unwrap(), voice);
    let (n, n_bytes) = read();
    assert!(n == 1 && n_bytes < 1100, "one track does not read the other: {n_bytes} bytes");
    assert_eq!(archive.audio("song").unwrap().read().unwrap(), song);
    let n_bytes = read().1;
    assert!((3 << 20..(3 << 20) + 1000).contains(&n_bytes), "{n_bytes} bytes");
    // Frames read together: those of their chains, each once.
    let wanted = [30, 31, 200];
    let mut chain = std::collections::BTreeSet::new();
    for frame in wanted {
        let mut next = Some(frame);
        while let Some(frame) = next {
            chain.insert(frame);
            next = animation.frame(frame).unwrap().reference;
        }
    }
    let stored: u64 = chain.iter().map(|frame| animation.stored_frame_bytes(*frame).unwrap()).sum();
    let mut out = vec![0; 3 * all[0].samples.len()];
    animation.read_frames_into(&wanted, &mut out, 1).unwrap();
    assert_eq!(read().1, stored);
}

#[test]
fn damage_to_a_frame_stays_within_its_group() {
    let all = frames(&rgb(64, 64), 30, 5);
    let good = archive(&all, &AnimationOptions::default().with_key_interval(10));
    let archive = Archive::from_bytes(good.clone()).unwrap();
    let keys: Vec<u64> = (0..30).map(|i| archive.animation("anim").unwrap().frame(i).unwrap().key).collect();
    let mut n_hit = 0;
    for at in (40..good.len() * 3 / 4).step_by(good.len() / 23) {
        let mut bad = good.clone();
        bad[at] ^= 16;
        let archive = Archive::from_bytes(bad).unwrap();
        let animation = archive.animation("anim").unwrap();
        let lost: Vec<usize> = (0..30)
            .filter(|i| match animation.read_frame(*i as u64) {
                Ok(samples) => {
                    assert_eq!(samples, all[*i].samples);
                    false
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    true
                }
            })
            .collect();
        assert!(!lost.is_empty());
        assert!(lost.iter().all(|i| keys[*i] == keys[lost[0]]), "{lost:?}");
        let report = archive.verify(&VerifyOptions::default()).unwrap();
        assert_eq!(report.findings.len(), lost.len());
        n_hit += 1;
    }
    assert!(n_hit > 10);
}

/// Every bit of a small animation with sound: a wrong one is an error, or what is read is right.
#[test]
fn no_flipped_bit_goes_unnoticed() {
    let mut all = frames(&rgb(12, 9), 4, 2);
    all.push(Frame::new(rgb(12, 9), all[3].samples.clone(), 9));
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = all.iter().cloned();
    let options = AnimationOptions::default().with_audio(vec!["song".into()]);
    writer.add_animation("anim", &mut || Ok(rest.next()), &options).unwrap();
    writer.add_audio("song", &AudioTrack::new("FLAC"), &mut &b"fLaC and more"[..]).unwrap();
    let good = writer.finish().unwrap().0;
    let read = |bytes: Vec<u8>| -> Result<(), holotype::Error> {
        let archive = Archive::from_bytes(bytes)?;
        let animation = archive.animation("anim")?;
        for (i, frame) in all.iter().enumerate() {
            assert_eq!(animation.frame(i as u64)?.delay, frame.delay);
            assert_eq!(animation.read_frame(i as u64)?, frame.samples);
        }
        assert_eq!(archive.audio("song")?.read()?, b"fLaC and more");
        Ok(())
    };
    read(good.clone()).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(read(bad).is_err(), "bit {bit} of {}", good.len() * 8);
    }
    for n in 0..good.len() {
        assert!(read(good[..n].to_vec()).is_err(), "cut at {n}");
    }
}

#[test]
fn salvage_keeps_what_is_whole() {
    let all = frames(&rgb(30, 20), 6, 3);
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = all.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), &AnimationOptions::default()).unwrap();
    writer.add_file("other", &mut &b"something else"[..], None).unwrap();
    let mut bytes = writer.finish().unwrap().0;
    let at = bytes.windows(14).position(|w| w == b"something else").unwrap();
    bytes[at] ^= 1;
    let (salvaged, report) =
        holotype::salvage_bytes(bytes, Vec::new(), &holotype::SalvageOptions::default()).unwrap();
    assert!(report.recovered.iter().any(|item| item.name == "anim"));
    let archive = Archive::from_bytes(salvaged).unwrap();
    let animation = archive.animation("anim").unwrap();
    for (i, frame) in all.iter().enumerate() {
        assert_eq!(animation.read_frame(i as u64).unwrap(), frame.samples);
    }
}
