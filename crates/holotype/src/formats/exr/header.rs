use super::channels::{self, Channel};
use super::{MAGIC, NAME, STRUCTURAL, USUAL};
use crate::formats::Input;
use crate::formats::held::{limit, read_bytes};
use crate::{Error, Limits, Metadata, MetadataKind, Result};

/// What the attributes say.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) channels: Vec<Channel>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) metadata: Metadata,
}

/// Reads the header of a file; the input then stands behind it.
pub(super) fn read(input: &mut dyn Input, limits: &Limits) -> Result<Header> {
    let broken = |what: &str| Error::source_format(NAME, what);
    let start = read_bytes(NAME, input, 8)?;
    let flags = u32::from_le_bytes([start[4], start[5], start[6], start[7]]);
    if start[..4] != MAGIC || flags & 0xff != 2 {
        return Err(Error::unsupported(format!("OpenEXR of version {}", flags & 0xff)));
    }
    for (bit, what) in [(0x800, "deep samples"), (0x1000, "several parts")] {
        if flags & bit != 0 {
            return Err(Error::unsupported(format!("OpenEXR with {what}")));
        }
    }
    if flags >> 8 & !0x1e != 0 {
        return Err(Error::unsupported("OpenEXR with unknown flags"));
    }
    let (mut found, mut windows) = (None, [None, None]);
    let mut metadata = Metadata::default();
    let mut n_kept = 0_u64;
    loop {
        let name = text(input)?;
        if name.is_empty() {
            break;
        }
        let kind = text(input)?;
        let size = read_bytes(NAME, input, 4)?;
        let size = u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
        n_kept = n_kept.saturating_add(size + 8);
        limit("the size of the metadata", n_kept, limits.max_metadata_bytes)?;
        let value = read_bytes(NAME, input, size)?;
        match name.as_str() {
            "channels" => found = Some(channels::parse(&value)?),
            "dataWindow" => windows[0] = Some(window(&value)?),
            "displayWindow" => windows[1] = Some(window(&value)?),
            "tiles" if value.get(8).is_none_or(|mode| mode & 15 != 0) => {
                return Err(Error::unsupported("OpenEXR with several resolutions"));
            }
            _ => {}
        }
        let is_usual = USUAL.contains(&(name.as_str(), kind.as_str(), value.as_slice()));
        // Whether a channel is linear is all the list of channels says beyond names and types.
        let is_odd_list = name == "channels" && found.iter().flatten().any(|c| c.is_linear != 0);
        if is_odd_list || !(is_usual || STRUCTURAL.contains(&name.as_str())) {
            let data = [kind.as_bytes(), &[0], &value].concat();
            metadata.push(MetadataKind::ExrAttribute, name, data);
        }
    }
    let [Some([left, top, right, bottom]), display] = windows else {
        return Err(broken("the data window is missing"));
    };
    let side = |first: i32, last: i32| {
        let n = i64::from(last) - i64::from(first) + 1;
        u32::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| broken("the data window is empty"))
    };
    let data = [left, top, right, bottom];
    metadata.entries.retain(|e| match e.key.as_str() {
        "dataWindow" => [left, top] != [0, 0],
        "displayWindow" => display != Some(data),
        _ => true,
    });
    metadata.push(MetadataKind::SourceFormat, "", "exr");
    Ok(Header {
        channels: found.ok_or_else(|| broken("the list of channels is missing"))?,
        width: side(left, right)?,
        height: side(top, bottom)?,
        metadata,
    })
}

/// The corners of a `box2i`, both inclusive.
pub(super) fn window(value: &[u8]) -> Result<[i32; 4]> {
    let (numbers, []) = value.as_chunks::<4>() else { return Err(Error::source_format(NAME, "a window")) };
    let numbers: Vec<i32> = numbers.iter().map(|n| i32::from_le_bytes(*n)).collect();
    numbers.try_into().map_err(|_| Error::source_format(NAME, "a window is malformed"))
}

/// A name: up to a zero byte, at most 255 bytes.
fn text(input: &mut dyn Input) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        match read_bytes(NAME, input, 1)?[0] {
            0 => break,
            _ if bytes.len() == 255 => return Err(Error::source_format(NAME, "a name is too long")),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::unsupported("OpenEXR with a name that is not UTF-8"))
}
