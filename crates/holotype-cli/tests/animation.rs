//! `animate` and `frames` as a user runs them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{holo, path, text};
use std::fs;

#[test]
fn frames_go_in_and_come_out() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..4_u8)
        .map(|i| {
            let name = dir.path().join(format!("in_{i}.pgm"));
            let samples: Vec<u8> = (0..48).map(|k| k * 3 + i).collect();
            fs::write(&name, [b"P5\n8 6\n255\n".as_slice(), &samples].concat()).unwrap();
            name
        })
        .collect();
    let sound = dir.path().join("song.ogg");
    fs::write(&sound, b"OggS and so on").unwrap();
    let archive = dir.path().join("anim.holo");
    let mut args = vec!["animate"];
    args.extend(files.iter().map(|file| path(file)));
    args.extend(["-o", path(&archive), "--fps", "12.5", "--loop", "2", "--audio", path(&sound)]);
    let output = holo(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("4 frames"));
    // What exists is not replaced unasked.
    assert_eq!(holo(&args).status.code(), Some(1));

    let output = holo(&["--json", "frames", path(&archive)]);
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.lines().all(|line| line.contains("\"milliseconds\":80")), "{lines}");
    let listed = text(&holo(&["list", path(&archive)]).stdout);
    assert!(listed.contains("animation") && listed.contains("audio"), "{listed}");
    let info = text(&holo(&["info", path(&archive)]).stdout);
    for line in ["width: 8", "frames: 4", "seconds: 0.32", "time_base: 2/25", "loops: 2", "format: OGG"] {
        assert!(info.contains(line), "{line} of {info}");
    }
    assert!(holo(&["verify", path(&archive)]).status.success());
    assert_eq!(holo(&["cat", path(&archive), "animation/audio/0"]).stdout, b"OggS and so on");

    let out = dir.path().join("out");
    let output =
        holo(&["frames", path(&archive), "-o", path(&out), "--first", "1", "-n", "2", "--format", "pgm"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["frame_0001.pgm", "frame_0002.pgm"]);
    assert_eq!(fs::read(out.join("frame_0002.pgm")).unwrap(), fs::read(&files[2]).unwrap());
}

#[test]
fn frames_and_sound_are_added_to_an_animation_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(dir.path().join(name), bytes).unwrap();
        dir.path().join(name)
    };
    let frame =
        |i: u8| [b"P5\n8 6\n255\n".as_slice(), &(0..48).map(|k| k * 3 + i).collect::<Vec<u8>>()].concat();
    let files: Vec<_> = (0..5_u8).map(|i| file(&format!("{i}.pgm"), &frame(i))).collect();
    let (song, voice) = (file("song.ogg", b"OggS song"), file("voice.flac", b"fLaC voice"));
    let archive = dir.path().join("a.holo");
    let good = |args: &[&str]| {
        let output = holo(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let out = ["-o", path(&archive)];
    good(
        &[&["animate", path(&files[0]), path(&files[1]), "--fps", "20", "--audio", path(&song)], &out[..]]
            .concat(),
    );
    let first = fs::read(&archive).unwrap();
    let more = ["animate", "--append", path(&files[2]), path(&files[3])];
    let made = good(&[&["--json"], &more[..], &out[..]].concat());
    assert!(made.contains("\"frames\":4"), "{made}");
    good(
        &[&["animate", "--append", path(&files[4]), "--delay", "200", "--audio", path(&voice)], &out[..]]
            .concat(),
    );
    good(&[&["animate", "--append", "--audio", path(&song)], &out[..]].concat());
    assert!(fs::read(&archive).unwrap().starts_with(&first));
    good(&["verify", path(&archive)]);
    assert_eq!(good(&["cat", path(&archive), "animation/audio/0"]), "OggS song");
    assert_eq!(good(&["cat", path(&archive), "animation/audio/1"]), "fLaC voice");
    assert_eq!(good(&["cat", path(&archive), "animation/audio/2"]), "OggS song");
    let listed = good(&["--json", "frames", path(&archive)]);
    let delays: Vec<bool> = listed.lines().map(|line| line.contains("\"milliseconds\":200")).collect();
    assert_eq!(delays, [false, false, false, false, true], "{listed}");
    let old = good(&["--json", "frames", path(&archive), "--revision", "1"]);
    assert_eq!(old.lines().count(), 2);
    let folder = dir.path().join("out");
    good(&["frames", path(&archive), "-o", path(&folder), "--format", "pgm"]);
    for (i, file) in files.iter().enumerate() {
        assert_eq!(fs::read(folder.join(format!("frame_{i:04}.pgm"))).unwrap(), fs::read(file).unwrap());
    }

    let before = fs::read(&archive).unwrap();
    let bad = file("notes.txt", b"no image");
    let code = |args: &[&str]| holo(&[args, &out].concat()).status.code().unwrap();
    assert_eq!(code(&["animate", "--append", path(&bad)]), 1);
    assert_eq!(code(&["animate", "--append"]), 1);
    assert_eq!(code(&["animate", "--append", path(&files[0]), "--name", "none"]), 1);
    assert_eq!(code(&["animate", "--append", path(&files[0]), "--fps", "24"]), 1);
    assert_eq!(code(&["animate", "--append", path(&files[0]), "--force"]), 2);
    assert_eq!(holo(&["animate", "--append", path(&files[0]), "-o", "-"]).status.code(), Some(2));
    assert_eq!(fs::read(&archive).unwrap(), before);
}

#[test]
fn subsampled_video_goes_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let (source, archive) = (dir.path().join("a.y4m"), dir.path().join("a.holo"));
    let frame = |i: u8| [b"FRAME\n".to_vec(), (0..24).map(|k| k * 3 + i).collect()].concat();
    let head = b"YUV4MPEG2 W4 H4 F25:1 It A1:1 C420mpeg2\n".to_vec();
    let video = [head, frame(0), frame(9)].concat();
    fs::write(&source, &video).unwrap();
    let run = |args: &[&str]| holo(args).status.code().unwrap();
    assert_eq!(run(&["animate", path(&source), "-o", path(&archive)]), 0);
    let again = dir.path().join("b.y4m");
    assert_eq!(run(&["frames", path(&archive), "-o", path(&again)]), 0);
    assert_eq!(fs::read(&again).unwrap(), video);
    // Images hold Y, or Cb and Cr; which, has to be said.
    let folder = dir.path().join("out");
    let frames = ["frames", path(&archive), "-o", path(&folder)];
    assert_eq!(run(&frames), 1);
    assert_eq!(run(&[&frames[..], &["--item", "animation"]].concat()), 0);
    assert_eq!(run(&["frames", path(&archive), "-o", path(&dir.path().join("c.apng"))]), 1);
    let small = dir.path().join("small.apng");
    assert_eq!(run(&["preview", path(&archive), path(&small)]), 0);
    assert_eq!(run(&["animate", "--append", path(&source), "-o", path(&archive)]), 0);
    let listed = holo(&["frames", path(&archive), "--item", "animation/chroma"]).stdout;
    assert_eq!(text(&listed).lines().count(), 4);
    assert_eq!(run(&["verify", path(&archive)]), 0);
}

#[test]
fn what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("notes.txt");
    fs::write(&bad, b"no image").unwrap();
    let out = dir.path().join("a.holo");
    assert_eq!(holo(&["animate", path(&bad), "-o", path(&out)]).status.code(), Some(1));
    assert!(!out.exists());
    assert_eq!(holo(&["animate", path(&bad), "-o", path(&out), "--fps", "0"]).status.code(), Some(2));
    assert_eq!(holo(&["animate", path(&bad), "-o", path(&out), "--fps", "fast"]).status.code(), Some(2));
}

#[test]
fn animations_of_other_formats_go_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..3_u8)
        .map(|i| {
            let name = dir.path().join(format!("in_{i}.ppm"));
            let samples: Vec<u8> = (0..144).map(|k| if k % 48 == i { 200 } else { 10 }).collect();
            fs::write(&name, [b"P6\n8 6\n255\n".as_slice(), &samples].concat()).unwrap();
            name
        })
        .collect();
    let archive = dir.path().join("anim.holo");
    let mut args = vec!["animate"];
    args.extend(files.iter().map(|file| path(file)));
    args.extend(["-o", path(&archive), "--delay", "70", "--loop", "3"]);
    assert!(holo(&args).status.success());
    let raw = holo(&["cat", path(&archive), "animation"]).stdout;
    assert_eq!(raw.len(), 3 * 144);
    for extension in ["apng", "gif", "webp"] {
        let file = dir.path().join(format!("out.{extension}"));
        let output = holo(&["frames", path(&archive), "-o", path(&file)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        // What exists is not replaced unasked.
        assert_eq!(holo(&["frames", path(&archive), "-o", path(&file)]).status.code(), Some(1));
        let back = dir.path().join(format!("{extension}.holo"));
        let output = holo(&["animate", path(&file), "-o", path(&back)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(holo(&["cat", path(&back), "animation"]).stdout, raw, "{extension}");
        let lines = text(&holo(&["--json", "frames", path(&back)]).stdout);
        assert!(lines.lines().all(|line| line.contains("\"milliseconds\":70")), "{lines}");
    }
    // RGB is no Y4M.
    let file = dir.path().join("out.y4m");
    assert_eq!(holo(&["frames", path(&archive), "-o", path(&file)]).status.code(), Some(1));
    assert!(!file.exists());
    let preview = dir.path().join("small.apng");
    assert!(holo(&["preview", path(&archive), path(&preview)]).status.success());
    assert!(fs::read(&preview).unwrap().windows(4).any(|w| w == b"acTL"));
}
