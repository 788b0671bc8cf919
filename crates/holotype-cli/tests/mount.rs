//! `holo mount`, where the system lets a test mount something.
#![cfg(all(feature = "mount", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::fs::{self, File, FileTimes};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

struct Mounted {
    process: Child,
    directory: std::path::PathBuf,
}

impl Mounted {
    /// None, and a line that says so, where nothing can be mounted.
    fn new(archive: &Path, directory: &Path) -> Option<Self> {
        fs::create_dir(directory).unwrap();
        let outside = fs::metadata(directory).unwrap().dev();
        let mut process = Command::new(env!("CARGO_BIN_EXE_holo"))
            .arg("mount")
            .args([archive, directory])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while fs::metadata(directory).map(|known| known.dev()).unwrap_or(outside) == outside {
            if process.try_wait().unwrap().is_some() {
                let mut why = String::new();
                process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
                eprintln!("SKIPPED: this system mounts nothing for a test: {why}");
                return None;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "it is never mounted");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { process, directory: directory.to_path_buf() })
    }

    /// Asks the process to end, as Ctrl-C does.
    fn ask(&self) {
        let asked = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(asked.unwrap().success());
    }

    /// Waits until the process has ended; whether it did so well.
    fn ended(&mut self) -> bool {
        self.wait(|mounted| mounted.process.try_wait().unwrap().is_some());
        self.process.wait().unwrap().success()
    }

    fn wait(&mut self, mut is_over: impl FnMut(&mut Self) -> bool) {
        let started = Instant::now();
        while !is_over(self) {
            assert!(started.elapsed() < Duration::from_secs(60), "it is never over");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            let _ = Command::new("umount").arg(&self.directory).status();
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

fn content() -> Vec<u8> {
    (0..300_000).flat_map(|i: u32| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn packed(dir: &Path) -> std::path::PathBuf {
    let tree = dir.join("tree");
    fs::create_dir_all(tree.join("in/deep")).unwrap();
    fs::create_dir(tree.join("empty")).unwrap();
    fs::write(tree.join("in/deep/file"), content()).unwrap();
    fs::write(tree.join("small"), b"small").unwrap();
    fs::set_permissions(tree.join("small"), fs::Permissions::from_mode(0o640)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::options()
        .write(true)
        .open(tree.join("small"))
        .unwrap()
        .set_times(FileTimes::new().set_modified(time))
        .unwrap();
    fs::hard_link(tree.join("small"), tree.join("same")).unwrap();
    symlink("in/deep/file", tree.join("link")).unwrap();
    let archive = dir.join("a.holo");
    let done = Command::new(env!("CARGO_BIN_EXE_holo"))
        .arg("pack")
        .arg(tree.join("."))
        .arg("-o")
        .arg(&archive)
        .status();
    assert!(done.unwrap().success());
    archive
}

#[test]
fn a_mounted_archive_is_the_tree_it_was_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let archive = packed(dir.path());
    let Some(mut mounted) = Mounted::new(&archive, &dir.path().join("at")) else { return };
    let at = mounted.directory.clone();
    let mut names: Vec<_> = fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "in", "link", "same", "small"]);
    assert_eq!(fs::read_dir(at.join("empty")).unwrap().count(), 0);
    assert!(fs::read(at.join("in/deep/file")).unwrap() == content());
    assert_eq!(fs::read_link(at.join("link")).unwrap(), Path::new("in/deep/file"));
    assert!(fs::read(at.join("link")).unwrap() == content());
    let small = fs::metadata(at.join("small")).unwrap();
    assert_eq!((small.mode() & 0o7777, small.len(), small.nlink()), (0o640, 5, 2));
    assert_eq!((small.mtime(), small.mtime_nsec()), (1_000_000_000, 123_456_789));
    assert_eq!(fs::metadata(at.join("same")).unwrap().ino(), small.ino());
    let mut file = File::open(at.join("in/deep/file")).unwrap();
    file.seek(SeekFrom::End(-3)).unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    assert_eq!(end, content()[content().len() - 3..]);
    let mut part = [0; 100];
    file.read_exact_at(&mut part, 700_001).unwrap();
    assert_eq!(part, content()[700_001..700_101]);
    assert_eq!(fs::metadata(at.join("nothing")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    for refused in [
        fs::write(at.join("new"), b"x"),
        fs::write(at.join("small"), b"x"),
        fs::remove_file(at.join("small")),
        fs::create_dir(at.join("folder")),
    ] {
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    }
    drop(file);
    mounted.ask();
    assert!(mounted.ended());
    assert_eq!(fs::read_dir(&at).unwrap().count(), 0, "it is unmounted");
}

#[test]
fn what_is_open_at_the_end_can_be_read_on() {
    let dir = tempfile::tempdir().unwrap();
    let archive = packed(dir.path());
    let Some(mut mounted) = Mounted::new(&archive, &dir.path().join("at/")) else { return };
    let mut file = File::open(mounted.directory.join("in/deep/file")).unwrap();
    mounted.ask();
    mounted.wait(|mounted| fs::read_dir(&mounted.directory).unwrap().count() == 0);
    assert!(mounted.process.try_wait().unwrap().is_none(), "it ends too early");
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    assert!(all == content());
    drop(file);
    assert!(mounted.ended());
}

#[test]
fn damage_is_an_error_and_never_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let archive = packed(dir.path());
    let mut bytes = fs::read(&archive).unwrap();
    bytes[200_000] ^= 1;
    fs::write(&archive, bytes).unwrap();
    let Some(mounted) = Mounted::new(&archive, &dir.path().join("at")) else { return };
    assert_eq!(fs::read(mounted.directory.join("in/deep/file")).unwrap_err().raw_os_error(), Some(5));
}

#[test]
fn only_an_empty_folder_is_mounted_over() {
    let dir = tempfile::tempdir().unwrap();
    let archive = packed(dir.path());
    for place in ["tree", "a.holo", "missing"] {
        let mut holo = Command::new(env!("CARGO_BIN_EXE_holo"));
        let done = holo.arg("mount").args([&archive, &dir.path().join(place)]).output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{place}");
    }
    assert!(fs::read(dir.path().join("tree/small")).unwrap() == b"small");
}
