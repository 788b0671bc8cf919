use crate::formats::Input;
use std::io::{Read, Result, Seek, SeekFrom};

/// An input whose bytes at some places read otherwise.
///
/// The decoder interprets samples as their photometric tag says, and knows only some tags; told that black is zero,
/// it hands out samples as they are stored.
pub(super) struct Overlay {
    inner: Box<dyn Input>,
    at: u64,
    /// Offsets and the bytes there.
    patches: Vec<(u64, Vec<u8>)>,
}

impl Overlay {
    /// `inner` stands at its start.
    pub(super) fn new(inner: Box<dyn Input>, patches: Vec<(u64, Vec<u8>)>) -> Self {
        Self { inner, at: 0, patches }
    }
}

impl Read for Overlay {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let n = self.inner.read(out)?;
        let end = self.at + n as u64;
        for (offset, bytes) in &self.patches {
            for (place, byte) in (*offset..).zip(bytes) {
                if (self.at..end).contains(&place) {
                    out[(place - self.at) as usize] = *byte;
                }
            }
        }
        self.at = end;
        Ok(n)
    }
}

impl Seek for Overlay {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn patched_bytes_show_however_they_are_read() {
        let bytes: Vec<u8> = (0..20).collect();
        let patches = vec![(3, vec![77, 78]), (19, vec![99, 100])];
        let mut overlay = Overlay::new(Box::new(Cursor::new(bytes)), patches);
        let mut all = Vec::new();
        let mut part = [0; 4];
        loop {
            let n = overlay.read(&mut part).unwrap();
            if n == 0 {
                break;
            }
            all.extend_from_slice(&part[..n]);
        }
        let mut expected: Vec<u8> = (0..20).collect();
        expected[3..5].copy_from_slice(&[77, 78]);
        expected[19] = 99;
        assert_eq!(all, expected);
        overlay.seek(SeekFrom::Start(4)).unwrap();
        overlay.read_exact(&mut part).unwrap();
        assert_eq!(part, [78, 5, 6, 7]);
    }
}
