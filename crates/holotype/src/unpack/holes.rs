use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// Blocks of this many bytes of a file are left out if they are zeros: what most file systems give out.
const BLOCK_BYTES: usize = 4096;

/// A new file that is written from its start to its end, with holes in place of zeros.
#[derive(Debug, Default)]
pub(super) struct Holes {
    /// Where the next bytes belong.
    at: u64,
    /// Where the file's own position is: before a hole that no bytes follow yet.
    written: u64,
}

impl Holes {
    /// Writes what comes next, but for blocks of zeros; of one that `bytes` begin or end within, that part.
    pub(super) fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let first = BLOCK_BYTES - (self.at % BLOCK_BYTES as u64) as usize;
        let (head, rest) = bytes.split_at(first.min(bytes.len()));
        // Blocks that are written follow each other in one call.
        let mut run = 0..0;
        for block in [head].into_iter().chain(rest.chunks(BLOCK_BYTES)) {
            if is_zeros(block) {
                self.put(file, &bytes[run.clone()])?;
                self.at += block.len() as u64;
                run = run.end + block.len()..run.end + block.len();
            } else {
                run.end += block.len();
            }
        }
        self.put(file, &bytes[run])
    }

    fn put(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.written != self.at {
            file.seek(SeekFrom::Start(self.at))?;
        }
        file.write_all(bytes)?;
        self.at += bytes.len() as u64;
        self.written = self.at;
        Ok(())
    }

    /// Gives the file its length, if it ends in a hole.
    pub(super) fn finish(self, file: &File) -> io::Result<()> {
        if self.written == self.at { Ok(()) } else { file.set_len(self.at) }
    }
}

fn is_zeros(bytes: &[u8]) -> bool {
    // Most blocks show it at their start.
    bytes.chunks(64).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Bytes with zeros in `holes`: from a block up to another.
    fn content(n_bytes: usize, holes: &[(usize, usize)]) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..n_bytes).map(|i| (i % 251) as u8 + 1).collect();
        for (start, end) in holes {
            bytes[start * BLOCK_BYTES..end * BLOCK_BYTES].fill(0);
        }
        bytes
    }

    #[test]
    fn files_read_as_they_were_however_their_bytes_come() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut sparse = content(10 * BLOCK_BYTES + 100, &[(0, 2), (5, 8)]);
        sparse[9 * BLOCK_BYTES + 7..].fill(0);
        let files = [
            Vec::new(),
            vec![0],
            vec![1],
            vec![0; BLOCK_BYTES],
            vec![0; 3 * BLOCK_BYTES + 1],
            content(3 * BLOCK_BYTES, &[]),
            content(3 * BLOCK_BYTES, &[(2, 3)]),
            sparse,
        ];
        for expected in &files {
            for step in [1, 63, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 20 * BLOCK_BYTES] {
                let mut file = File::create(&path).unwrap();
                let mut holes = Holes::default();
                expected.chunks(step).for_each(|part| holes.write(&mut file, part).unwrap());
                holes.finish(&file).unwrap();
                assert!(fs::read(&path).unwrap() == *expected, "{} bytes by {step}", expected.len());
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn zeros_take_no_room() {
        use std::os::unix::fs::MetadataExt as _;
        const N_BLOCKS: usize = 1000;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let room = || fs::metadata(&path).unwrap().blocks();
        // What a file of one block takes here, which some file systems store otherwise.
        fs::write(&path, content(BLOCK_BYTES, &[])).unwrap();
        let one = room();
        File::create(&path).unwrap().set_len((N_BLOCKS * BLOCK_BYTES) as u64).unwrap();
        let has_holes = room() <= one;
        let mut file = File::create(&path).unwrap();
        let mut holes = Holes::default();
        let expected = content(N_BLOCKS * BLOCK_BYTES, &[(0, 500), (501, N_BLOCKS)]);
        expected.chunks(100_000).for_each(|part| holes.write(&mut file, part).unwrap());
        holes.finish(&file).unwrap();
        assert!(fs::read(&path).unwrap() == expected);
        if has_holes {
            // Some file systems give out more than a block at a time.
            assert!(room() <= one.max(8) * 16, "{} for one of {one}", room());
        }
    }
}
