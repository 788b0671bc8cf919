use super::found_file::FoundFile;
use crate::{Error, Result};
use holotype_container::{Cutter, FileAttributes, frame_hash};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// Content to be packed, a part at a time.
pub(crate) struct Source {
    pub(super) name: String,
    input: Input,
    content: Sha256,
    n_bytes: u64,
    /// Bytes after the last cut.
    rest: Vec<u8>,
}

enum Input {
    Found(FoundFile),
    /// The file, what was known of it when it was opened, and its path.
    File(File, std::fs::Metadata, PathBuf),
    Stream(Box<dyn Read + Send>),
}

/// A part of a source's content, cut into chunks.
pub(super) struct Part {
    /// The chunks' bytes, one after another.
    pub(super) bytes: Vec<u8>,
    /// Length and id of each.
    pub(super) chunks: Vec<(u32, [u8; 32])>,
    /// Set with the last part.
    pub(super) end: Option<End>,
}

/// What is known of a source once all of it was read.
pub(super) struct End {
    pub(super) n_bytes: u64,
    pub(super) content_sha256: [u8; 32],
    /// What the file system knew of it; nothing of a stream.
    pub(super) attributes: Option<FileAttributes>,
}

impl Source {
    /// A file that is opened when its first part is wanted.
    pub(crate) fn file(name: String, file: FoundFile) -> Self {
        Self::new(name, Input::Found(file))
    }

    /// Whatever `stream` gives.
    pub(crate) fn stream(name: String, stream: Box<dyn Read + Send>) -> Self {
        Self::new(name, Input::Stream(stream))
    }

    fn new(name: String, input: Input) -> Self {
        Self { name, input, content: Sha256::new(), n_bytes: 0, rest: Vec::new() }
    }

    /// Reads up to `n_bytes` more and cuts them.
    pub(super) fn advance(&mut self, n_bytes: usize, cutter: &Cutter) -> Result<Part> {
        if let Input::Found(found) = &self.input {
            let (file, known) = found.open()?;
            let path = found.path().to_path_buf();
            self.input = Input::File(file, known, path);
        }
        let mut bytes = std::mem::take(&mut self.rest);
        let n_before = bytes.len();
        let wanted = (n_before + n_bytes).max(n_before + 1);
        let is_last = self.read(&mut bytes, wanted)?;
        self.content.update(&bytes[n_before..]);
        self.n_bytes += (bytes.len() - n_before) as u64;
        let mut chunks = Vec::new();
        let mut at = 0;
        while at < bytes.len() && (is_last || bytes.len() - at >= cutter.chunking().max_bytes() as usize) {
            let n = cutter.first_chunk(&bytes[at..]);
            chunks.push((n as u32, frame_hash(&bytes[at..at + n])));
            at += n;
        }
        self.rest = bytes.split_off(at);
        let end = if is_last { Some(self.end()?) } else { None };
        Ok(Part { bytes, chunks, end })
    }

    /// Appends to `bytes` until it is `wanted` long; true if the input ended, or a file has more than it had.
    fn read(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> Result<bool> {
        let mut n_wanted = wanted - bytes.len();
        let (reader, path): (&mut dyn Read, _) = match &mut self.input {
            Input::File(file, known, path) => {
                // A byte more than the file has shows that it ended.
                let more = usize::try_from(known.len().saturating_sub(self.n_bytes)).unwrap_or(usize::MAX);
                let more = more.saturating_add(1);
                n_wanted = n_wanted.min(more);
                bytes.reserve_exact(n_wanted);
                if self.n_bytes > known.len() {
                    return Ok(true);
                }
                (file, path.clone())
            }
            Input::Stream(stream) => (stream.as_mut(), PathBuf::from(&self.name)),
            Input::Found(found) => {
                return Err(Error::invalid(format!("{} is not open", found.path().display())));
            }
        };
        let n = reader.take(n_wanted as u64).read_to_end(bytes).map_err(|e| Error::io(path, e))?;
        Ok(n < n_wanted)
    }

    fn end(&mut self) -> Result<End> {
        let content_sha256 = std::mem::take(&mut self.content).finalize().into();
        let attributes = match &self.input {
            Input::File(file, known, path) => {
                super::attributes::check_unchanged(file, known, self.n_bytes, path)?;
                Some(super::attributes::of_open(file, path, known)?)
            }
            _ => None,
        };
        Ok(End { n_bytes: self.n_bytes, content_sha256, attributes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use holotype_container::Chunking;
    use std::fs;

    fn read_whole(mut source: Source, cutter: &Cutter, n_bytes: usize) -> Result<(Vec<u8>, usize)> {
        let (mut bytes, mut n_chunks) = (Vec::new(), 0);
        loop {
            let part = source.advance(n_bytes, cutter)?;
            bytes.extend_from_slice(&part.bytes);
            n_chunks += part.chunks.len();
            if part.end.is_some() {
                return Ok((bytes, n_chunks));
            }
        }
    }

    #[test]
    fn parts_of_any_size_have_the_same_chunks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content: Vec<u8> = (0..50_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        fs::write(&path, &content).unwrap();
        let cutter = Chunking::new(256, 9, 2048).unwrap().cutter();
        let whole =
            read_whole(Source::file("a".into(), FoundFile::new(&path, None)), &cutter, 1 << 20).unwrap();
        assert_eq!(whole.0, content);
        for n_bytes in [1, 777, 50_000, 50_001] {
            let parts =
                read_whole(Source::file("a".into(), FoundFile::new(&path, None)), &cutter, n_bytes).unwrap();
            assert_eq!(parts, whole, "{n_bytes}");
        }
    }

    #[test]
    fn a_file_that_grows_or_shrinks_meanwhile_is_an_error_and_is_not_read_forever() {
        let dir = tempfile::tempdir().unwrap();
        let cutter = Chunking::new(256, 9, 2048).unwrap().cutter();
        for new_bytes in [0, 5_000, 100_000] {
            let path = dir.path().join("file");
            fs::write(&path, vec![7; 10_000]).unwrap();
            let mut source = Source::file("a".into(), FoundFile::new(&path, None));
            assert!(source.advance(6_000, &cutter).unwrap().end.is_none());
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(new_bytes).unwrap();
            let mut n_bytes = 0;
            let error = loop {
                match source.advance(6_000, &cutter) {
                    Ok(part) => n_bytes += part.bytes.len(),
                    Err(error) => break error,
                }
                assert!(n_bytes <= 10_001);
            };
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().ends_with("file changed while it was read"), "{error}");
        }
    }
}
