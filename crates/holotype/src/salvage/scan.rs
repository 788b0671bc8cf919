//! Finds every whole frame of a damaged file, by the chain of their lengths and by their sync mark.

use crate::{Error, Limits, Progress, Result};
use holotype_container::{END_MAGIC, FRAME_SYNC, FrameHeader, Header, MAGIC, Trailer};
use holotype_store::ReadAt;
use std::path::Path;

/// Bytes looked at together.
const WINDOW_BYTES: usize = 1 << 18;
/// Frames followed to see whether a chain leads out of a payload.
const MAX_CHAIN: usize = 4096;
/// Times the file's size, and bytes besides, that may be read before the scan gives up: only a forged file needs
/// more.
const MAX_READS: u64 = 8;
const SPARE_BYTES: u64 = 64 << 20;

/// A frame whose header holds and whose payload is all there; whether that is intact its hash tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundFrame {
    pub(super) offset_bytes: u64,
    pub(super) header: FrameHeader,
    pub(super) hash: [u8; 32],
}

impl FoundFrame {
    pub(super) fn frame_bytes(&self) -> u64 {
        FrameHeader::N_BYTES as u64 + self.header.stored_bytes
    }
}

/// What a scan found, by offset.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) frames: Vec<FoundFrame>,
    pub(super) trailers: Vec<(u64, Trailer)>,
    /// Bytes in no header, frame or trailer.
    pub(super) n_skipped: u64,
    /// Frames whose end is missing.
    pub(super) n_cut: u64,
    /// True if the file was forged to be scanned forever.
    pub(super) gave_up: bool,
}

/// What lies at an offset.
enum Mark {
    Header,
    Frame(FrameHeader),
    CutFrame,
    Trailer(Trailer),
}

impl Mark {
    fn n_bytes(&self) -> u64 {
        match self {
            Self::Header => Header::N_BYTES as u64,
            Self::Frame(header) => (FrameHeader::N_BYTES as u64).saturating_add(header.stored_bytes),
            Self::CutFrame => FRAME_SYNC.len() as u64,
            Self::Trailer(_) => Trailer::N_BYTES as u64,
        }
    }
}

/// Scans all of `source`.
pub(super) fn scan(source: &dyn ReadAt, path: &Path, limits: &Limits, progress: &Progress) -> Result<Scan> {
    let mut window = Window::new(source, path);
    let mut found = Scan::default();
    let mut at = 0;
    // The payload that ends at `at`.
    let mut payload: Option<u64> = None;
    while at < source.len_bytes() {
        if window.is_exhausted() {
            found.gave_up = true;
            break;
        }
        let Some(mark) = mark_at(&mut window, at, limits)? else {
            // The chain is broken: bytes of the last payload may be missing, so that the next frame lies in it.
            let inside = match payload.take() {
                Some(start) => find(&mut window, start, at, Some(at), limits)?,
                None => None,
            };
            let next = match inside {
                Some(inside) => Some(inside),
                None => find(&mut window, at + 1, source.len_bytes(), None, limits)?,
            };
            let next = next.unwrap_or(source.len_bytes());
            found.n_skipped += next.saturating_sub(at);
            progress.advance(next.saturating_sub(at));
            at = next;
            continue;
        };
        payload = None;
        match &mark {
            Mark::Frame(header) => {
                let hash = window.hash(at, mark.n_bytes())?;
                found.frames.push(FoundFrame { offset_bytes: at, header: *header, hash });
                payload = Some(at + FrameHeader::N_BYTES as u64);
            }
            Mark::Trailer(trailer) => found.trailers.push((at, *trailer)),
            Mark::CutFrame => found.n_cut += 1,
            Mark::Header => {}
        }
        progress.advance(mark.n_bytes());
        at += mark.n_bytes();
    }
    found.frames.sort_unstable_by_key(|frame| frame.offset_bytes);
    Ok(found)
}

fn mark_at(window: &mut Window<'_>, at: u64, limits: &Limits) -> Result<Option<Mark>> {
    let len_bytes = window.source.len_bytes();
    let bytes = window.get(at, Trailer::N_BYTES)?;
    if bytes.starts_with(&MAGIC) && Header::parse(bytes).is_ok() {
        return Ok(Some(Mark::Header));
    }
    if bytes.starts_with(&FRAME_SYNC)
        && let Ok(header) = FrameHeader::parse(bytes, at, &limits.container)
    {
        let end =
            at.checked_add(FrameHeader::N_BYTES as u64).and_then(|e| e.checked_add(header.stored_bytes));
        let is_whole = end.is_some_and(|end| end <= len_bytes);
        return Ok(Some(if is_whole { Mark::Frame(header) } else { Mark::CutFrame }));
    }
    if bytes.ends_with(&END_MAGIC)
        && let Ok(trailer) = Trailer::parse_stray(bytes)
    {
        return Ok(Some(Mark::Trailer(trailer)));
    }
    Ok(None)
}

/// The next mark that starts in `from..to`; with `beyond`, only one whose chain of frames leads past that offset.
fn find(
    window: &mut Window<'_>,
    from: u64,
    to: u64,
    beyond: Option<u64>,
    limits: &Limits,
) -> Result<Option<u64>> {
    let mut at = from;
    while at < to && !window.is_exhausted() {
        let bytes = window.held(at)?;
        let n = bytes.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        let Some(skip) = bytes.iter().take(n).position(is_first_byte) else {
            at += n.max(1) as u64;
            continue;
        };
        at += skip as u64;
        let head = window.get(at, MAGIC.len())?;
        let start = match head {
            // A trailer has its mark at its end.
            _ if head == END_MAGIC => {
                at.checked_sub((Trailer::N_BYTES - END_MAGIC.len()) as u64).filter(|start| *start >= from)
            }
            _ if head == MAGIC || head.starts_with(&FRAME_SYNC) => Some(at),
            _ => None,
        };
        if let Some(start) = start
            && let Some(mark) = mark_at(window, start, limits)?
            && !matches!(mark, Mark::CutFrame)
            && beyond.is_none_or(|beyond| leads_past(window, start, beyond, limits))
        {
            return Ok(Some(start));
        }
        at += 1;
    }
    Ok(None)
}

fn is_first_byte(byte: &u8) -> bool {
    *byte == FRAME_SYNC[0] || *byte == MAGIC[0] || *byte == END_MAGIC[0]
}

/// True if the frames that follow each other from `start` end beyond `beyond`.
fn leads_past(window: &mut Window<'_>, start: u64, beyond: u64, limits: &Limits) -> bool {
    let mut at = start;
    for _ in 0..MAX_CHAIN {
        match mark_at(window, at, limits) {
            Ok(Some(mark)) if !matches!(mark, Mark::CutFrame) && !window.is_exhausted() => {
                at = at.saturating_add(mark.n_bytes())
            }
            _ => return false,
        }
        if at > beyond {
            return true;
        }
    }
    false
}

/// A buffered look at a source.
struct Window<'a> {
    source: &'a dyn ReadAt,
    path: &'a Path,
    start: u64,
    buffer: Vec<u8>,
    n_read: u64,
}

impl<'a> Window<'a> {
    fn new(source: &'a dyn ReadAt, path: &'a Path) -> Self {
        Self { source, path, start: 0, buffer: Vec::new(), n_read: 0 }
    }

    fn is_exhausted(&self) -> bool {
        self.n_read > self.source.len_bytes().saturating_mul(MAX_READS).saturating_add(SPARE_BYTES)
    }

    /// The bytes from `offset` that are at hand, at least as many as a mark has, or all to the end of the source.
    fn held(&mut self, offset: u64) -> Result<&[u8]> {
        self.get(offset, MAGIC.len())?;
        Ok(self.buffer.get((offset - self.start) as usize..).unwrap_or_default())
    }

    /// The bytes from `offset`, `n` of them (at most a window) or fewer at the end of the source.
    fn get(&mut self, offset: u64, n: usize) -> Result<&[u8]> {
        let rest = self.source.len_bytes().saturating_sub(offset);
        let n = (n as u64).min(rest) as usize;
        let held = offset.checked_sub(self.start).filter(|at| at + n as u64 <= self.buffer.len() as u64);
        let at = match held {
            Some(at) => at as usize,
            None => {
                self.buffer.resize((WINDOW_BYTES as u64).min(rest) as usize, 0);
                self.start = offset;
                self.n_read = self.n_read.saturating_add(self.buffer.len() as u64);
                self.source
                    .read_exact_at(offset, &mut self.buffer)
                    .map_err(|e| Error::of_read(self.path, e))?;
                0
            }
        };
        Ok(self.buffer.get(at..at + n).unwrap_or_default())
    }

    fn hash(&mut self, offset: u64, n_bytes: u64) -> Result<[u8; 32]> {
        let mut hasher = holotype_container::FrameHasher::default();
        let mut done = 0;
        while done < n_bytes {
            let n = (n_bytes - done).min(WINDOW_BYTES as u64) as usize;
            hasher.update(self.get(offset + done, n)?);
            done += n as u64;
        }
        Ok(hasher.finish())
    }
}
