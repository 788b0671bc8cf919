use super::{AFTER_IEND, NAME, XMP_KEYWORD};
use crate::formats::Input;
use crate::{Error, Limits, Metadata, MetadataKind, Result};
use std::io::{Read as _, SeekFrom};

/// What the chunks around the image data say.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// Ancillary chunks, ICC, EXIF and XMP, in file order.
    pub(super) metadata: Metadata,
    /// The palette, if there is one.
    pub(super) palette: Option<Vec<u8>>,
    /// `tRNS`, if there is one.
    pub(super) transparency: Option<Vec<u8>>,
}

/// Walks all chunks, checks their CRCs (those of image data are the decoder's to check) and keeps what is not
/// image data. The position is restored. Of an animation also the frames are not kept.
pub(super) fn read(input: &mut dyn Input, limits: &Limits, is_animation: bool) -> Result<Chunks> {
    let mut chunks = Chunks::default();
    let mut kept_bytes = 0_u64;
    walk(input, &mut |input, kind, n_bytes| {
        if matches!(&kind, b"IHDR" | b"IDAT") {
            return Ok(Step::Skip);
        }
        if is_animation && matches!(&kind, b"acTL" | b"fcTL" | b"fdAT") {
            return Ok(Step::Skip);
        }
        kept_bytes += u64::from(n_bytes);
        if kept_bytes > limits.max_metadata_bytes {
            return Err(Error::LimitExceeded {
                what: "the size of the metadata",
                found: kept_bytes,
                limit: limits.max_metadata_bytes,
            });
        }
        let data = read_checked(input, kind, n_bytes)?;
        match &kind {
            b"IEND" => {
                let mut after = Vec::new();
                let mut rest = (&mut *input).take(limits.max_metadata_bytes.saturating_add(1));
                rest.read_to_end(&mut after).map_err(damaged)?;
                if after.len() as u64 > limits.max_metadata_bytes {
                    return Err(Error::unsupported("the PNG file is followed by other data"));
                }
                if !after.is_empty() {
                    chunks.metadata.push(MetadataKind::User, AFTER_IEND, after);
                }
                return Ok(Step::Stop);
            }
            b"PLTE" => chunks.palette = Some(data),
            b"tRNS" => chunks.transparency = Some(data),
            b"iCCP" => match unpack_profile(&data, limits) {
                Some((name, profile)) => chunks.metadata.push(MetadataKind::Icc, name, profile),
                None => return Err(Error::source_format(NAME, "the iCCP chunk is damaged")),
            },
            b"eXIf" => chunks.metadata.push(MetadataKind::Exif, "", data),
            b"iTXt" if plain_xmp(&data).is_some() => {
                let packet = plain_xmp(&data).unwrap_or_default().to_vec();
                chunks.metadata.push(MetadataKind::Xmp, "", packet);
            }
            _ if kind[0].is_ascii_uppercase() => {
                let name = String::from_utf8_lossy(&kind).into_owned();
                return Err(Error::unsupported(format!("PNG with the critical chunk `{name}`")));
            }
            _ => {
                let name = kind.iter().map(|&b| char::from(b)).collect::<String>();
                chunks.metadata.push(MetadataKind::PngChunk, name, data);
            }
        }
        Ok(Step::Done)
    })?;
    Ok(chunks)
}

/// True if the file is an animation (`acTL` before the image data). The position is restored.
pub(in crate::formats) fn is_animated(input: &mut dyn Input) -> Result<bool> {
    let mut animated = false;
    walk(input, &mut |_, kind, _| {
        animated |= &kind == b"acTL";
        Ok(if animated || matches!(&kind, b"IDAT" | b"IEND") { Step::Stop } else { Step::Skip })
    })?;
    Ok(animated)
}

pub(super) enum Step {
    /// The chunk's data was not read.
    Skip,
    /// The chunk was read with its CRC.
    Done,
    Stop,
}

pub(super) type Visit<'a> = &'a mut dyn FnMut(&mut dyn Input, [u8; 4], u32) -> Result<Step>;

pub(super) fn walk(input: &mut dyn Input, visit: Visit<'_>) -> Result<()> {
    input.seek(SeekFrom::Start(8)).map_err(damaged)?;
    loop {
        let mut head = [0; 8];
        input.read_exact(&mut head).map_err(damaged)?;
        let [a, b, c, d, kind @ ..] = head;
        let n_bytes = u32::from_be_bytes([a, b, c, d]);
        if n_bytes > 1 << 31 || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Error::source_format(NAME, "a chunk header is damaged"));
        }
        match visit(input, kind, n_bytes)? {
            Step::Skip => drop(input.seek(SeekFrom::Current(i64::from(n_bytes) + 4)).map_err(damaged)?),
            Step::Done => {}
            Step::Stop => break,
        }
    }
    input.seek(SeekFrom::Start(0)).map_err(damaged)?;
    Ok(())
}

pub(super) fn read_checked(input: &mut dyn Input, kind: [u8; 4], n_bytes: u32) -> Result<Vec<u8>> {
    // Grows as bytes really come: a forged length allocates nothing.
    let mut data = Vec::new();
    (&mut *input).take(u64::from(n_bytes)).read_to_end(&mut data).map_err(damaged)?;
    let mut stored = [0; 4];
    input.read_exact(&mut stored).map_err(damaged)?;
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(&data);
    if data.len() as u64 != u64::from(n_bytes) || crc.sum() != u32::from_be_bytes(stored) {
        let name = String::from_utf8_lossy(&kind).into_owned();
        return Err(Error::source_format(NAME, format!("the CRC of chunk `{name}` does not match")));
    }
    Ok(data)
}

/// Profile name (Latin-1) and uncompressed profile of an iCCP chunk.
fn unpack_profile(data: &[u8], limits: &Limits) -> Option<(String, Vec<u8>)> {
    let end = data.iter().position(|&b| b == 0)?;
    let name = data[..end].iter().map(|&b| char::from(b)).collect();
    let (&0, packed) = data.get(end + 1..)?.split_first()? else { return None };
    let mut profile = Vec::new();
    let unpacker = flate2::read::ZlibDecoder::new(packed);
    unpacker.take(limits.max_metadata_bytes.saturating_add(1)).read_to_end(&mut profile).ok()?;
    (profile.len() as u64 <= limits.max_metadata_bytes).then_some((name, profile))
}

/// The packet of an uncompressed XMP iTXt chunk in its canonical form: no language, no translated keyword.
fn plain_xmp(data: &[u8]) -> Option<&[u8]> {
    data.strip_prefix(XMP_KEYWORD)?.strip_prefix(&[0; 5])
}

pub(super) fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
