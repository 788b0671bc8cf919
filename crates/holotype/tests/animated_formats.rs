//! Animations of other formats in and out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use holotype::{
    Alpha, AnimationAppendOptions, AnimationExportOptions, AnimationImportOptions, AnimationOptions, Archive,
    ColourModel, ErrorKind, Frame, ImageDescriptor, Limits, Metadata, MetadataKind, Palette, SampleType,
    TimeBase, VerifyOptions, Writer, WriterOptions, export_animation, open_animated,
};
use std::path::Path;

/// Frames in which something moves; what `alpha` gives is the alpha of each pixel.
fn frames(d: &ImageDescriptor, delays: &[u64], alpha: impl Fn(usize, usize) -> u16) -> Vec<Frame> {
    let (width, n) = (d.width as usize, usize::from(d.n_channels));
    let max = ((1_u32 << d.bits_per_sample) - 1) as u16;
    let colours = n - usize::from(d.alpha != Alpha::None);
    let frame = |(i, delay): (usize, &u64)| {
        let mut samples = Vec::new();
        for pixel in 0..d.n_pixels() as usize {
            let (x, y) = (pixel % width, pixel / width);
            let is_hit = x.abs_diff(3 * i) < 3 && y.abs_diff(4) < 3;
            let opacity = alpha(i, pixel).min(max);
            for c in 0..n {
                let value = if is_hit { 200 + 9 * c as u16 } else { (x * 5 + c * 40) as u16 % 60 };
                let value = value.min(max);
                let value = if c == colours {
                    opacity
                } else if opacity == 0 {
                    0
                } else {
                    value
                };
                match d.sample {
                    SampleType::U16 => samples.extend_from_slice(&value.to_le_bytes()),
                    _ => samples.push(value as u8),
                }
            }
        }
        Frame::new(d.clone(), samples, *delay)
    };
    delays.iter().enumerate().map(frame).collect()
}

fn archive(frames: &[Frame], options: &AnimationOptions) -> Archive {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut rest = frames.iter().cloned();
    writer.add_animation("anim", &mut || Ok(rest.next()), options).unwrap();
    Archive::from_bytes(writer.finish().unwrap().0).unwrap()
}

fn export(archive: &Archive, path: &Path) -> holotype::Result<u64> {
    let options = AnimationExportOptions::default();
    export_animation(archive, &archive.animation("anim").unwrap(), path, &options)
}

/// Frames, loops and milliseconds of a file.
fn import(path: &Path) -> (Vec<Frame>, u64, Vec<u64>, Metadata) {
    let mut reader = open_animated(path, &Limits::default(), false).unwrap().unwrap();
    let info = reader.info().clone();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame);
    }
    let times = frames.iter().map(|frame| info.time_base.milliseconds(frame.delay)).collect();
    (frames, info.loop_count, times, info.metadata)
}

fn same(found: &[Frame], expected: &[Frame]) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert_eq!(a.descriptor, b.descriptor, "frame {i}");
        assert!(a.samples == b.samples, "samples of frame {i}");
    }
}

fn rgb(n_channels: u16, sample: SampleType) -> ImageDescriptor {
    ImageDescriptor::new(23, 11, n_channels, sample)
}

const DELAYS: [u64; 5] = [40, 40, 250, 10, 0];

#[test]
fn frames_delays_and_loops_go_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let opaque = |_: usize, _: usize| u16::MAX;
    let holes = |i: usize, pixel: usize| if (pixel + i) % 7 < 3 { 0 } else { u16::MAX };
    let all = [
        ("png", frames(&rgb(3, SampleType::U8), &DELAYS, opaque)),
        ("apng", frames(&rgb(4, SampleType::U8), &DELAYS, holes)),
        ("apng", frames(&rgb(4, SampleType::U8), &DELAYS, |i, pixel| (i * 50 + pixel) as u16 % 256)),
        ("apng", frames(&rgb(1, SampleType::U8), &DELAYS, opaque)),
        ("apng", frames(&rgb(3, SampleType::U16), &DELAYS, opaque)),
        ("apng", frames(&rgb(4, SampleType::U16), &DELAYS, holes)),
        ("gif", frames(&rgb(3, SampleType::U8), &DELAYS, opaque)),
        ("gif", frames(&rgb(4, SampleType::U8), &DELAYS, holes)),
        ("webp", frames(&rgb(3, SampleType::U8), &DELAYS, opaque)),
        ("webp", frames(&rgb(4, SampleType::U8), &DELAYS, |i, pixel| (i * 50 + pixel) as u16 % 256)),
    ];
    for (i, (extension, frames)) in all.iter().enumerate() {
        for loop_count in [0, 1, 3] {
            let path = dir.path().join(format!("{i}_{loop_count}.{extension}"));
            let options = AnimationOptions::default().with_loop_count(loop_count);
            assert_eq!(export(&archive(frames, &options), &path).unwrap(), 5);
            let (found, loops, times, _) = import(&path);
            same(&found, frames);
            assert_eq!((loops, times.as_slice()), (loop_count, DELAYS.as_slice()), "{extension}");
        }
    }
}

#[test]
fn still_frames_are_small() {
    let dir = tempfile::tempdir().unwrap();
    let one = frames(&rgb(3, SampleType::U8), &[40], |_, _| u16::MAX);
    let many: Vec<Frame> = (0..50).map(|_| one[0].clone()).collect();
    for extension in ["apng", "gif", "webp"] {
        let size = |frames: &[Frame]| {
            let path = dir.path().join(format!("{}.{extension}", frames.len()));
            export(&archive(frames, &AnimationOptions::default()), &path).unwrap();
            std::fs::metadata(&path).unwrap().len()
        };
        let (one, all) = (size(&one), size(&many));
        assert!(all - one < 49 * 120, "{extension}: {one} → {all}");
    }
}

#[test]
fn video_without_subsampling_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let ycbcr = |n, sample, bits, alpha| {
        ImageDescriptor::new(6, 4, n, sample)
            .with_bits_per_sample(bits)
            .with_colour(ColourModel::YCbCr, alpha)
    };
    let kinds = [
        ImageDescriptor::new(7, 3, 1, SampleType::U8),
        ImageDescriptor::new(7, 3, 1, SampleType::U16).with_bits_per_sample(12),
        ycbcr(3, SampleType::U8, 8, Alpha::None),
        ycbcr(3, SampleType::U16, 10, Alpha::None),
        ycbcr(4, SampleType::U8, 8, Alpha::Straight),
    ];
    for (i, kind) in kinds.iter().enumerate() {
        let all = frames(kind, &[1; 4], |_, pixel| 100 + pixel as u16);
        let path = dir.path().join(format!("{i}.y4m"));
        let base = TimeBase::new(1001, 30_000).unwrap();
        export(&archive(&all, &AnimationOptions::default().with_time_base(base)), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"YUV4MPEG2 W") && bytes.windows(13).any(|w| w == b" F30000:1001 "));
        let (found, loops, ..) = import(&path);
        same(&found, &all);
        assert_eq!((loops, found[3].delay), (1, 1));
        let again = dir.path().join(format!("{i}b.y4m"));
        let options = AnimationOptions::default().with_time_base(base);
        export(&archive(&found, &options), &again).unwrap();
        assert_eq!(std::fs::read(again).unwrap(), bytes);
    }
}

#[test]
fn subsampled_video_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // Of each kind: pixels across and down for one of Cb and Cr, and bytes of a sample.
    let kinds = [
        ("420jpeg", 2, 2, 1),
        ("420mpeg2", 2, 2, 1),
        ("420paldv", 2, 2, 1),
        ("420", 2, 2, 1),
        ("422", 2, 1, 1),
        ("411", 4, 1, 1),
        ("420p9", 2, 2, 2),
        ("420p10", 2, 2, 2),
        ("422p12", 2, 1, 2),
        ("420p14", 2, 2, 2),
        ("422p16", 2, 1, 2),
        ("444p16", 1, 1, 2),
        ("mono", 0, 0, 1),
        ("mono10", 0, 0, 2),
    ];
    for (planes, across, down, size) in kinds {
        for (width, height) in [(16_usize, 8_usize), (7, 5), (1, 1)] {
            let chroma = if across == 0 { 0 } else { 2 * width.div_ceil(across) * height.div_ceil(down) };
            let n = (width * height + chroma) * size;
            let head = format!("YUV4MPEG2 W{width} H{height} F30000:1001 Ip A1:1 XYSCSS=ANY C{planes}\n");
            let frame = |i: usize| {
                let word =
                    |k: usize| ((k / size) * 3 + i + k / 7) % 200 * usize::from(k.is_multiple_of(size));
                [b"FRAME\n".to_vec(), (0..n).map(|k| word(k) as u8).collect()].concat()
            };
            let file = |range: std::ops::Range<usize>| {
                [head.clone().into_bytes(), range.flat_map(frame).collect()].concat()
            };
            let (first, rest, whole) = (path("first.y4m"), path("rest.y4m"), path("again.y4m"));
            std::fs::write(&first, file(0..3)).unwrap();
            std::fs::write(&rest, file(3..5)).unwrap();
            let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
            writer.import_animation("anim", &[first], &AnimationImportOptions::default()).unwrap();
            let bytes = writer.finish().unwrap().0;
            let base = Archive::from_bytes(bytes.clone()).unwrap();
            let mut writer = Writer::append(base, Vec::new(), WriterOptions::default()).unwrap();
            let more = AnimationAppendOptions::default();
            assert_eq!(writer.append_frame_files("anim", &[rest], None, false, &more).unwrap(), 5);
            let archive = Archive::from_bytes([bytes, writer.finish().unwrap().0].concat()).unwrap();
            assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
            let _ = std::fs::remove_file(&whole);
            export(&archive, &whole).unwrap();
            assert_eq!(std::fs::read(&whole).unwrap(), file(0..5), "{planes} {width} x {height}");
            // The planes themselves.
            let animation = archive.animation("anim").unwrap();
            let luma = animation.read_frame(4).unwrap();
            if across != 1 {
                assert_eq!(luma, frame(4)[6..6 + width * height * size]);
            }
            let Some(chroma) = animation.chroma().unwrap() else {
                assert!(across < 2);
                continue;
            };
            let pixels = chroma.read_frame(4).unwrap();
            let planes = &frame(4)[6 + luma.len()..];
            let cb: Vec<u8> = pixels.chunks(2 * size).flat_map(|pixel| pixel[..size].to_vec()).collect();
            assert_eq!(cb, planes[..planes.len() / 2]);
            // What has no room for them says so.
            for name in ["a.apng", "a.gif", "a.webp", "a.mkv"] {
                let error = export(&archive, &path(name)).unwrap_err().to_string();
                assert!(error.contains("subsampled colour"), "{error}");
            }
        }
    }
}

#[test]
fn subsampled_colour_stays_with_its_frames() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).unwrap();
        dir.path().join(name)
    };
    let colour = file("c.y4m", b"YUV4MPEG2 W2 H2 F25:1 C420jpeg\nFRAME\n\0\x01\x02\x03\x04\x05");
    let gray = file("g.y4m", b"YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME\n\0\x01\x02\x03");
    let bad = file("b.y4m", b"YUV4MPEG2 W2 H2 F25:1 C421\nFRAME\n\0\x01\x02\x03");
    let refused = open_animated(&bad, &Limits::default(), true).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let import = |paths: &[std::path::PathBuf]| {
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        writer.import_animation("anim", paths, &AnimationImportOptions::default())?;
        writer.finish().map(|done| done.0)
    };
    assert_eq!(import(&[colour.clone(), gray.clone()]).unwrap_err().kind(), ErrorKind::Unsupported);
    let bytes = import(&[colour]).unwrap();
    let append = || {
        Writer::append(Archive::from_bytes(bytes.clone()).unwrap(), Vec::new(), WriterOptions::default())
            .unwrap()
    };
    let more = AnimationAppendOptions::default();
    let error = append().append_frame_files("anim", &[gray], None, false, &more).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    // Y without Cb and Cr, or these alone, or none of them any more.
    for name in ["anim", "anim/chroma"] {
        let mut writer = append();
        let archive = Archive::from_bytes(bytes.clone()).unwrap();
        let animation = archive.animation(name).unwrap();
        let frame = Frame::new(animation.frame(0).unwrap().descriptor, animation.read_frame(0).unwrap(), 1);
        let mut one = Some(frame);
        writer.append_frames(name, &mut || Ok(one.take()), &more).unwrap();
        assert_eq!(writer.finish().map(drop).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let mut writer = append();
    writer.remove_item("anim/chroma").unwrap();
    assert!(writer.finish().is_err());
    // A name of nothing, or of what does not fit.
    let y = ImageDescriptor::new(4, 4, 1, SampleType::U8);
    let cbcr =
        |w, n| ImageDescriptor::new(w, 2, n, SampleType::U8).with_colour(ColourModel::Channels, Alpha::None);
    let good = |chroma: Option<(ImageDescriptor, usize)>| {
        let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
        let named = AnimationOptions::default().with_chroma(Some("c".into()));
        let mut add = |name: &str, d: &ImageDescriptor, n: usize, options: &AnimationOptions| {
            let n_bytes = usize::try_from(d.raw_bytes().unwrap()).unwrap();
            let mut frames = (0..n).map(|_| Frame::new(d.clone(), vec![7; n_bytes], 1));
            writer.add_animation(name, &mut || Ok(frames.next()), options).unwrap();
        };
        add("y", &y, 2, &named);
        if let Some((d, n)) = chroma {
            add("c", &d, n, &AnimationOptions::default());
        }
        let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
        let good = archive.verify(&VerifyOptions::default()).unwrap().is_good();
        assert_eq!(good, archive.animation("y").unwrap().chroma().is_ok());
        good
    };
    assert!(good(Some((cbcr(2, 2), 2))));
    for wrong in [None, Some((cbcr(3, 2), 2)), Some((cbcr(2, 1), 2)), Some((cbcr(2, 2), 1))] {
        assert!(!good(wrong));
    }
}

#[test]
fn palettes_become_colours() {
    let palette = |shift: u16, alpha: &[u8]| Palette {
        bits: 8,
        rgb: (0..4).map(|i| [i * 60 + shift, i, 255 - i]).collect(),
        alpha: alpha.to_vec(),
    };
    let image = |palette| ImageDescriptor::new(4, 2, 1, SampleType::U8).with_palette(palette);
    let indices = vec![0, 1, 2, 3, 3, 2, 1, 0];
    let colours = |shift: u8, alphas: Option<[u8; 4]>| -> Vec<u8> {
        let pixel = |i: &u8| {
            let alpha = alphas.map(|alphas| alphas[usize::from(*i)]);
            [i * 60 + shift, *i, 255 - i].into_iter().chain(alpha)
        };
        indices.iter().flat_map(pixel).collect()
    };
    let dir = tempfile::tempdir().unwrap();
    for (n_channels, alpha, alphas) in
        [(3, &[][..], [None; 2]), (4, &[9, 80][..], [Some([255; 4]), Some([9, 80, 255, 255])])]
    {
        let frames = [
            Frame::new(image(palette(0, &[])), indices.clone(), 40),
            Frame::new(image(palette(5, alpha)), indices.clone(), 40),
        ];
        let archive = archive(&frames, &AnimationOptions::default());
        let expected: Vec<Frame> = [(0, alphas[0]), (5, alphas[1])]
            .map(|(shift, alphas)| {
                Frame::new(ImageDescriptor::new(4, 2, n_channels, SampleType::U8), colours(shift, alphas), 40)
            })
            .into();
        for name in ["a.apng", "a.webp"] {
            let path = dir.path().join(format!("{n_channels}{name}"));
            export(&archive, &path).unwrap();
            same(&import(&path).0, &expected);
        }
    }
    // An index without a colour is not guessed.
    let frames = [Frame::new(image(palette(0, &[])), vec![4; 8], 40)];
    let error =
        export(&archive(&frames, &AnimationOptions::default()), &dir.path().join("b.apng")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldLose);
}

#[test]
fn what_would_be_lost_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let opaque = |_: usize, _: usize| u16::MAX;
    let refused = |name: &str, archive: &Archive| {
        let path = dir.path().join(name);
        let error = export(archive, &path).unwrap_err();
        assert!(!path.exists());
        error.to_string()
    };
    let of = |frames: &[Frame]| archive(frames, &AnimationOptions::default());
    let half = frames(&rgb(4, SampleType::U8), &[40; 3], |_, _| 128);
    assert!(refused("a.gif", &of(&half)).contains("half transparent"));
    let mut many = frames(&ImageDescriptor::new(300, 1, 3, SampleType::U8), &[40; 2], opaque);
    for (i, sample) in many[1].samples.iter_mut().enumerate() {
        *sample = (i * 7 % 251) as u8 ^ (i / 251) as u8;
    }
    assert!(refused("b.gif", &of(&many)).contains("frame 1 with more than 256 colours"));
    let odd = frames(&rgb(3, SampleType::U8), &[40, 33], opaque);
    assert!(refused("c.gif", &of(&odd)).contains("the delay of frame 1"));
    assert!(refused("d.y4m", &of(&odd)).contains("rgb u8"));
    let thirds = AnimationOptions::default().with_time_base(TimeBase::new(1, 3000).unwrap());
    assert!(refused("e.webp", &archive(&odd, &thirds)).contains("the delay of frame 0"));
    let deep = frames(&rgb(3, SampleType::U16), &[40; 2], opaque);
    assert!(refused("f.webp", &of(&deep)).contains("u16"));
    let mut sizes = frames(&rgb(3, SampleType::U8), &[40], opaque);
    sizes.extend(frames(&ImageDescriptor::new(9, 9, 3, SampleType::U8), &[40], opaque));
    assert!(refused("g.apng", &of(&sizes)).contains("frame 1"));
    let mut told = odd.clone();
    told[1].metadata.push(MetadataKind::Text, "note", "hello");
    assert!(refused("h.webp", &of(&told)).contains("text note of frame 1"));
    let lossy = AnimationExportOptions::default().with_metadata_loss(true);
    let archive = of(&told);
    let path = dir.path().join("i.webp");
    export_animation(&archive, &archive.animation("anim").unwrap(), &path, &lossy).unwrap();
    same(&import(&path).0, &odd);
}

#[test]
fn metadata_goes_along() {
    let dir = tempfile::tempdir().unwrap();
    let all = frames(&rgb(3, SampleType::U8), &[40; 3], |_, _| u16::MAX);
    let told = |entries: &[(MetadataKind, &str, &[u8])]| {
        let mut metadata = Metadata::default();
        entries.iter().for_each(|(kind, key, data)| metadata.push(*kind, *key, data.to_vec()));
        metadata
    };
    let xmp: (MetadataKind, &str, &[u8]) = (MetadataKind::Xmp, "", b"<x:xmpmeta/>");
    let icc: (MetadataKind, &str, &[u8]) = (MetadataKind::Icc, "icc", b"a profile");
    let cases = [
        ("apng", told(&[icc, xmp, (MetadataKind::PngChunk, "tEXt", b"Author\0me")])),
        ("gif", told(&[(MetadataKind::Comment, "", b"hello"), xmp])),
        ("webp", told(&[xmp, (MetadataKind::User, "webp:background", &[1, 2, 3, 4])])),
    ];
    for (extension, metadata) in cases {
        let path = dir.path().join(format!("told.{extension}"));
        export(&archive(&all, &AnimationOptions::default().with_metadata(metadata.clone())), &path).unwrap();
        let (found, _, _, mut kept) = import(&path);
        same(&found, &all);
        kept.entries.retain(|e| e.kind != MetadataKind::SourceFormat);
        assert_eq!(kept, metadata, "{extension}");
    }
}

/// Cut anywhere or with any byte wrong: an error, or the frames as they were.
#[test]
fn damaged_files_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let all =
        frames(&rgb(4, SampleType::U8), &[40; 3], |i, pixel| if (pixel + i) % 5 == 0 { 0 } else { u16::MAX });
    for extension in ["apng", "gif", "webp"] {
        let path = dir.path().join(format!("good.{extension}"));
        export(&archive(&all, &AnimationOptions::default()), &path).unwrap();
        let good = std::fs::read(&path).unwrap();
        let bad = dir.path().join(format!("bad.{extension}"));
        let mut n_errors = 0;
        let mut read = |bytes: &[u8]| {
            std::fs::write(&bad, bytes).unwrap();
            let all = open_animated(&bad, &Limits::default(), false).and_then(|reader| {
                let Some(mut reader) = reader else { return Ok(()) };
                while reader.next_frame()?.is_some() {}
                Ok(())
            });
            n_errors += u32::from(all.is_err());
        };
        for at in (0..good.len()).step_by(3) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x55;
            read(&bytes);
            read(&good[..at]);
        }
        assert!(n_errors > 100, "{extension}: {n_errors}");
    }
}

/// A few bytes that claim a screen of 12 GB: refused, and nothing ends for lack of memory.
#[test]
fn forged_sizes_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("forged.gif");
    let mut bytes = b"GIF89a\xff\xff\xff\xb7\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..2 {
        bytes.extend_from_slice(b"\x2c\0\0\0\0\xff\xff\xff\xb7\0\x02\x02\x4c\x01\0");
    }
    bytes.push(0x3b);
    std::fs::write(&path, &bytes).unwrap();
    let read = |limits: &Limits| {
        let mut reader = open_animated(&path, limits, false)?.unwrap();
        reader.next_frame().map(drop)
    };
    let kind = read(&Limits::default()).unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::Corrupt | ErrorKind::LimitExceeded), "{kind:?}");
    let small = Limits::default().with_max_decoded_bytes(1 << 20);
    assert_eq!(read(&small).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

fn has_ffmpeg() -> bool {
    let runs = |name: &str| std::process::Command::new(name).arg("-version").output().is_ok();
    runs("ffmpeg") && runs("ffprobe")
}

#[test]
fn videos_are_exact_where_ffmpeg_is_installed() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let opaque = |_: usize, _: usize| u16::MAX;
    let size = |n, sample| ImageDescriptor::new(34, 22, n, sample);
    let all = [
        ("mkv", frames(&size(3, SampleType::U8), &[40; 6], opaque)),
        ("mkv", frames(&size(1, SampleType::U8), &[40; 6], opaque)),
        ("mkv", frames(&size(1, SampleType::U16), &[40; 6], opaque)),
        ("mkv", frames(&size(4, SampleType::U8), &[40; 6], |i, pixel| (i + pixel) as u16 % 256)),
        ("avi", frames(&size(3, SampleType::U8), &[40; 6], opaque)),
        ("mp4", frames(&size(3, SampleType::U8), &[40; 6], opaque)),
    ];
    for (i, (extension, frames)) in all.iter().enumerate() {
        let path = dir.path().join(format!("{i}.{extension}"));
        match export(&archive(frames, &AnimationOptions::default()), &path) {
            // A build of ffmpeg without x264.
            Err(error) if *extension == "mp4" => assert!(error.to_string().contains("ffmpeg failed")),
            other => assert_eq!(other.unwrap(), 6),
        }
        if path.exists() {
            let (found, loops, times, _) = import(&path);
            same(&found, frames);
            assert_eq!((loops, times), (1, vec![40; 6]));
        }
    }
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("partial")), "{names:?}");
    // Times that differ, and colour that is subsampled, are refused.
    let uneven = frames(&size(3, SampleType::U8), &[40, 50], opaque);
    let error =
        export(&archive(&uneven, &AnimationOptions::default()), &dir.path().join("u.mkv")).unwrap_err();
    assert!(error.to_string().contains("longer or shorter"), "{error}");
    let path = dir.path().join("half.mkv");
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=duration=1:size=32x16:rate=30",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-c:v", "ffv1"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let refused = open_animated(&path, &Limits::default(), false).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let mut reader = open_animated(&path, &Limits::default(), true).unwrap().unwrap();
    assert_eq!(reader.info().time_base, TimeBase::new(1, 30).unwrap());
    let mut n = 0;
    while reader.next_frame().unwrap().is_some() {
        n += 1;
    }
    assert_eq!(n, 30);
}

#[test]
fn previews_of_frames_are_small() {
    let dir = tempfile::tempdir().unwrap();
    let all = frames(&ImageDescriptor::new(300, 150, 3, SampleType::U8), &[40; 3], |_, _| u16::MAX);
    let archive = archive(&all, &AnimationOptions::default());
    let path = dir.path().join("small.apng");
    let options = AnimationExportOptions::default().with_previews(true);
    export_animation(&archive, &archive.animation("anim").unwrap(), &path, &options).unwrap();
    let (found, ..) = import(&path);
    assert_eq!((found.len(), found[0].descriptor.width, found[0].descriptor.height), (3, 128, 64));
}
