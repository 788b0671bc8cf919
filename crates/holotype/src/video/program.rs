//! Running `ffmpeg` and `ffprobe`.

use super::NAME;
use crate::{Error, Result};
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

/// Bytes of what a program says that are kept.
const MAX_TALK_BYTES: u64 = 16 << 10;

/// A program that runs, ended when dropped.
pub(super) struct Running {
    name: &'static str,
    pub(super) child: Child,
    talk: Option<JoinHandle<String>>,
}

/// Starts a program of `ffmpeg` that reads or writes a pipe, and says only what goes wrong.
pub(super) fn start(name: &'static str, arguments: &[&OsStr], takes_input: bool) -> Result<Running> {
    let stdin = if takes_input { Stdio::piped() } else { Stdio::null() };
    let mut command = Command::new(name);
    command.args(["-v", "error"]).args(arguments);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::unsupported(format!("videos need the program `{name}`, which is not installed"))
        }
        _ => Error::io(name, e),
    })?;
    let talk = child.stderr.take().map(|stderr| std::thread::spawn(move || listen(stderr)));
    Ok(Running { name, child, talk })
}

/// Reads to the end, so that the program never waits, and keeps the start.
fn listen(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(MAX_TALK_BYTES).read_to_end(&mut kept);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&kept).trim().to_owned()
}

impl Running {
    /// Waits for its end; an error with what it said if it went wrong.
    pub(super) fn finish(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(|e| Error::io(self.name, e))?;
        let talk = self.talk.take().and_then(|talk| talk.join().ok()).unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let last = talk.lines().last().unwrap_or("it said nothing").to_owned();
        Err(Error::source_format(NAME, format!("{} failed: {last}", self.name)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a program writes, at most `limit` bytes.
pub(super) fn output(name: &'static str, arguments: &[&OsStr], limit: u64) -> Result<Vec<u8>> {
    let mut running = start(name, arguments, false)?;
    let mut bytes = Vec::new();
    if let Some(stdout) = &mut running.child.stdout {
        stdout.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::io(name, e))?;
    }
    if bytes.len() as u64 > limit {
        return Err(Error::LimitExceeded {
            what: "the size of what ffmpeg gives",
            found: bytes.len() as u64,
            limit,
        });
    }
    running.finish()?;
    Ok(bytes)
}

/// A path that no program takes for an option or an address.
pub(super) fn plain(path: &Path) -> std::ffi::OsString {
    let mut plain = std::ffi::OsString::from("file:");
    plain.push(path);
    plain
}
