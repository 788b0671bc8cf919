//! Image file directories as raw values: tag, field type, bytes in little-endian order.

use super::{NAME, tag};
use crate::formats::Input;
use crate::{Error, Limits, Result};
use std::io::{Read as _, SeekFrom};

/// One directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) tag: u16,
    pub(super) field_type: u16,
    /// The values, little-endian.
    pub(super) values: Vec<u8>,
    /// Where the values lie in the file.
    pub(super) offset_bytes: u64,
    /// For EXIF and GPS directories: their entries.
    pub(super) children: Vec<Entry>,
}

/// Bytes of one value of a field type; the unit byte order works on is smaller for rationals.
pub(super) fn value_bytes(field_type: u16) -> Option<(usize, usize)> {
    Some(match field_type {
        1 | 2 | 6 | 7 => (1, 1),
        3 | 8 => (2, 2),
        4 | 9 | 11 | 13 => (4, 4),
        5 | 10 => (8, 4),
        12 | 16 | 17 | 18 => (8, 8),
        _ => return None,
    })
}

/// Every directory of the main chain, and whether numbers are big-endian. The position is restored.
pub(super) fn read_all(input: &mut dyn Input, limits: &Limits) -> Result<(Vec<Vec<Entry>>, bool)> {
    let mut walker =
        Walker { input, is_big_endian: false, is_big_tiff: false, left_bytes: limits.max_metadata_bytes };
    let mut offset = walker.header()?;
    let mut directories = Vec::new();
    let mut seen = std::collections::HashSet::new();
    while offset != 0 {
        if !seen.insert(offset) || seen.len() as u64 > limits.max_images {
            return Err(Error::source_format(NAME, "the chain of directories has a loop or too many images"));
        }
        let (entries, next) = walker.directory(offset, 2)?;
        directories.push(entries);
        offset = next;
    }
    walker.seek(0)?;
    Ok((directories, walker.is_big_endian))
}

struct Walker<'a> {
    input: &'a mut dyn Input,
    is_big_endian: bool,
    is_big_tiff: bool,
    left_bytes: u64,
}

impl Walker<'_> {
    fn header(&mut self) -> Result<u64> {
        self.seek(0)?;
        let start = self.bytes(4)?;
        self.is_big_endian = start.starts_with(b"MM");
        self.is_big_tiff = start.contains(&43);
        if self.is_big_tiff {
            self.bytes(4)?;
        }
        self.offset()
    }

    fn directory(&mut self, offset: u64, depth: u32) -> Result<(Vec<Entry>, u64)> {
        self.seek(offset)?;
        let n = if self.is_big_tiff { self.number(8)? } else { self.number(2)? };
        if n > 4096 {
            return Err(Error::source_format(NAME, "a directory has too many entries"));
        }
        let inline_bytes = if self.is_big_tiff { 8 } else { 4 };
        let mut raw = Vec::new();
        let mut at = offset + if self.is_big_tiff { 8 } else { 2 };
        for _ in 0..n {
            let (tag, field_type) = (self.number(2)? as u16, self.number(2)? as u16);
            let count = self.number(inline_bytes)?;
            let inline_at = at + 4 + inline_bytes as u64;
            raw.push((tag, field_type, count, inline_at, self.bytes(inline_bytes as u64)?));
            at = inline_at + inline_bytes as u64;
        }
        let next = self.offset()?;
        let mut entries = Vec::new();
        for (tag, field_type, count, inline_at, inline) in raw {
            let Some((size, unit)) = value_bytes(field_type) else { continue };
            let is_location = tag::STRUCTURAL.contains(&tag) && count > 1 << 16;
            if is_location {
                continue;
            }
            let n_bytes = count.checked_mul(size as u64).filter(|n| *n <= self.left_bytes).ok_or(
                Error::LimitExceeded {
                    what: "the size of the metadata",
                    found: count.saturating_mul(size as u64),
                    limit: self.left_bytes,
                },
            )?;
            self.left_bytes -= n_bytes;
            let (offset_bytes, mut values) = if n_bytes <= inline.len() as u64 {
                (inline_at, inline[..n_bytes as usize].to_vec())
            } else {
                let at = self.value(&inline);
                self.seek(at)?;
                (at, self.bytes(n_bytes)?)
            };
            let pointer = self.value(&values);
            if self.is_big_endian {
                values.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
            }
            let mut children = Vec::new();
            if matches!(tag, tag::EXIF_IFD | tag::GPS_IFD) && depth > 0 {
                children = self.directory(pointer, depth - 1)?.0;
            }
            entries.push(Entry { tag, field_type, values, offset_bytes, children });
        }
        Ok((entries, next))
    }

    fn seek(&mut self, offset: u64) -> Result<()> {
        self.input.seek(SeekFrom::Start(offset)).map(drop).map_err(|e| Error::source_format(NAME, e))
    }

    /// Grows as bytes really come: a forged count allocates nothing.
    fn bytes(&mut self, n: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut *self.input).take(n).read_to_end(&mut bytes).map_err(|e| Error::source_format(NAME, e))?;
        if (bytes.len() as u64) < n {
            return Err(Error::source_format(NAME, "the file ends inside a directory"));
        }
        Ok(bytes)
    }

    fn number(&mut self, n_bytes: usize) -> Result<u64> {
        let bytes = self.bytes(n_bytes as u64)?;
        Ok(self.value(&bytes))
    }

    fn offset(&mut self) -> Result<u64> {
        self.number(if self.is_big_tiff { 8 } else { 4 })
    }

    /// Up to eight bytes as a number in the file's byte order.
    fn value(&self, bytes: &[u8]) -> u64 {
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        let bytes = &bytes[..bytes.len().min(8)];
        if self.is_big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    }
}
