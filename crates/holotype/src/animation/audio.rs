use crate::writer::extend;
use crate::{Error, Metadata, Result, Writer};
use holotype_container::cbor::{Map, Value};
use holotype_container::{ItemKind, ItemRecord, pack};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// Bytes of sound in one block.
const BLOCK_BYTES: usize = 1 << 20;
/// Longest name of a format.
const MAX_FORMAT_BYTES: usize = 255;

mod key {
    pub(super) const FORMAT: u64 = 0;
}

/// What is known of a file of sound that is kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AudioTrack {
    /// What its bytes are: `WAVE`, `MPEG`, `OGG`, `FLAC`, or any other name of 1 to 255 bytes.
    pub format: String,
    /// Title, language, anything.
    pub metadata: Metadata,
}

impl AudioTrack {
    /// A track without metadata.
    #[must_use]
    pub fn new(format: impl Into<String>) -> Self {
        Self { format: format.into(), metadata: Metadata::default() }
    }

    /// Sets [`Self::metadata`].
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The format that the first bytes of a file of sound show, if it is a known one.
    #[must_use]
    pub fn recognised(start: &[u8]) -> Option<&'static str> {
        match start {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("WAVE"),
            [b'f', b'L', b'a', b'C', ..] => Some("FLAC"),
            [b'O', b'g', b'g', b'S', ..] => Some("OGG"),
            [b'I', b'D', b'3', ..] => Some("MPEG"),
            // The eleven bits that start a frame, and no reserved layer.
            [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 6 != 0 => Some("MPEG"),
            _ => None,
        }
    }
}

/// The format in an audio item's descriptor.
pub(crate) fn decode_track(map: &Map) -> Option<String> {
    match map.get(&key::FORMAT) {
        Some(Value::Text(format)) if map.len() == 1 && (1..=MAX_FORMAT_BYTES).contains(&format.len()) => {
            Some(format.clone())
        }
        _ => None,
    }
}

impl<W: Write> Writer<W> {
    /// Adds a file of sound, byte for byte. Returns the number of bytes.
    ///
    /// # Errors
    /// `InvalidArgument` if name or format do not fit; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, AudioTrack, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_audio("song", &AudioTrack::new("OGG"), &mut &b"OggS and so on"[..])?;
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let song = archive.audio("song")?;
    /// assert_eq!(song.format(), "OGG");
    /// assert_eq!(song.read()?, b"OggS and so on");
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn add_audio(&mut self, name: &str, track: &AudioTrack, input: &mut dyn Read) -> Result<u64> {
        self.check_name(name)?;
        if !(1..=MAX_FORMAT_BYTES).contains(&track.format.len()) {
            return Err(Error::invalid("the name of a format of sound has 1 to 255 bytes"));
        }
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::Audio);
        let mut content = Sha256::new();
        let mut block = Vec::new();
        loop {
            block.clear();
            let mut part = (&mut *input).take(BLOCK_BYTES as u64);
            let n_bytes = part.read_to_end(&mut block).map_err(|e| Error::io(name, e))?;
            if n_bytes == 0 {
                break;
            }
            content.update(&block);
            let (codec, stored) = pack(&block);
            let id = self.add_block(codec, &stored, n_bytes as u64)?;
            extend(&mut item.content, id);
            item.raw_bytes += n_bytes as u64;
            self.advance(n_bytes as u64);
        }
        item.content_sha256 = content.finalize().into();
        item.descriptor.insert(key::FORMAT, Value::Text(track.format.clone()));
        item.metadata = self.add_metadata(&track.metadata)?;
        let raw_bytes = item.raw_bytes;
        self.add_item(item)?;
        Ok(raw_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_recognised_by_its_start() {
        let known = |start: &[u8]| AudioTrack::recognised(start);
        assert_eq!(known(b"RIFF\0\0\0\0WAVEfmt "), Some("WAVE"));
        assert_eq!(known(b"RIFF\0\0\0\0WEBPVP8L"), None);
        assert_eq!(known(b"fLaC\0"), Some("FLAC"));
        assert_eq!(known(b"OggS\0"), Some("OGG"));
        assert_eq!(known(b"ID3\x04"), Some("MPEG"));
        assert_eq!(known(&[0xff, 0xfb, 0x90]), Some("MPEG"));
        assert_eq!(known(&[0xff, 0xd8, 0xff]), None);
        assert_eq!(known(b""), None);
    }
}
