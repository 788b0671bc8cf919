use super::{ANIMATION, NAME};
use crate::formats::held::{input_bytes, limit, read_bytes};
use crate::formats::{Input, Opaque};
use crate::{Error, Limits, Result};
use std::io::SeekFrom;

/// A name and its data.
pub(super) type Chunk = ([u8; 4], Vec<u8>);

/// Why the file is better kept as it is, if it is. The position is restored.
pub(in crate::formats) fn opaque(input: &mut dyn Input) -> Result<Option<Opaque>> {
    let mut found = None;
    walk(input, &mut |input, name, n_bytes| {
        match &name {
            b"VP8X" if n_bytes > 0 => {
                let flags = read_bytes(NAME, input, 1)?[0];
                if flags & ANIMATION != 0 {
                    found = Some(Opaque::Animated);
                }
            }
            b"ANIM" | b"ANMF" => found = Some(Opaque::Animated),
            b"VP8 " => found = found.or(Some(Opaque::Lossy)),
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// Every chunk of the file, and the bytes after its end.
pub(super) fn chunks(input: &mut dyn Input, limits: &Limits) -> Result<(Vec<Chunk>, Vec<u8>)> {
    let mut chunks = Vec::new();
    let mut n_kept = 0_u64;
    let end = walk(input, &mut |input, name, n_bytes| {
        n_kept += u64::from(n_bytes);
        let most = if name.starts_with(b"VP8") || &name == b"ANMF" {
            limits.max_decoded_bytes
        } else {
            limits.max_metadata_bytes
        };
        limit("the size of a WebP chunk", n_kept, most)?;
        let data = read_bytes(NAME, input, u64::from(n_bytes))?;
        chunks.push((name, data));
        Ok(())
    })?;
    let n_after = input_bytes(NAME, input)?.saturating_sub(end);
    limit("the size of what follows the WebP image", n_after, limits.max_metadata_bytes)?;
    input.seek(SeekFrom::Start(end)).map_err(damaged)?;
    let after = read_bytes(NAME, input, n_after)?;
    Ok((chunks, after))
}

/// Is told of a chunk, with the input at its data.
type Visit<'a> = &'a mut dyn FnMut(&mut dyn Input, [u8; 4], u32) -> Result<()>;

/// Returns where the container ends. The position is restored.
fn walk(input: &mut dyn Input, visit: Visit<'_>) -> Result<u64> {
    input.seek(SeekFrom::Start(4)).map_err(damaged)?;
    let size = read_bytes(NAME, input, 4)?;
    let size = u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
    let mut at = 12;
    let end = size + 8;
    if input_bytes(NAME, input)? < end {
        return Err(Error::source_format(NAME, "the file ends early"));
    }
    while at < end {
        input.seek(SeekFrom::Start(at)).map_err(damaged)?;
        let head = read_bytes(NAME, input, 8)?;
        let (name, n_bytes) = ([head[0], head[1], head[2], head[3]], [head[4], head[5], head[6], head[7]]);
        let n_bytes = u32::from_le_bytes(n_bytes);
        at += 8 + u64::from(n_bytes);
        if at > end {
            return Err(Error::source_format(NAME, "a chunk is longer than the file"));
        }
        visit(input, name, n_bytes)?;
        at += at % 2;
    }
    input.seek(SeekFrom::Start(0)).map_err(damaged)?;
    Ok(end)
}

/// A whole file of these chunks.
pub(super) fn file(chunks: &[(&[u8], &[u8])]) -> Result<Vec<u8>> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        let n_bytes = u32::try_from(data.len()).map_err(|_| too_large())?;
        body.extend_from_slice(name);
        body.extend_from_slice(&n_bytes.to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len() + data.len() % 2, 0);
    }
    let n_bytes = u32::try_from(body.len()).map_err(|_| too_large())?;
    Ok([b"RIFF", &n_bytes.to_le_bytes()[..], &body].concat())
}

/// The data of a `VP8X` chunk.
pub(super) fn extended_header(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |n: u32| (n.saturating_sub(1)).to_le_bytes();
    let ([w0, w1, w2, _], [h0, h1, h2, _]) = (side(width), side(height));
    vec![flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]
}

fn too_large() -> Error {
    Error::unsupported("a WebP file of 4 GiB or more")
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
