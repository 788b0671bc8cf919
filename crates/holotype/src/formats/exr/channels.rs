use super::NAME;
use crate::{Alpha, ColourModel, Error, ImageDescriptor, Result, SampleType};

/// A channel as the file lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) name: String,
    /// 0 uint, 1 half, 2 float.
    pub(super) kind: i32,
    pub(super) is_linear: u8,
    pub(super) sampling: [i32; 2],
}

/// The list of the `channels` attribute.
pub(super) fn parse(mut value: &[u8]) -> Result<Vec<Channel>> {
    let broken = || Error::source_format(NAME, "the list of channels is malformed");
    let mut channels: Vec<Channel> = Vec::new();
    loop {
        let end = value.iter().position(|&b| b == 0).ok_or_else(broken)?;
        if end == 0 {
            break;
        }
        let name = std::str::from_utf8(&value[..end])
            .map_err(|_| Error::unsupported("OpenEXR with a channel whose name is not UTF-8"))?;
        let (fields, rest) = value[end + 1..].split_first_chunk::<16>().ok_or_else(broken)?;
        value = rest;
        let number =
            |at: usize| i32::from_le_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]]);
        if channels.iter().any(|c| c.name == name) || channels.len() == 65535 {
            return Err(broken());
        }
        channels.push(Channel {
            name: name.to_owned(),
            kind: number(0),
            is_linear: fields[4],
            sampling: [number(8), number(12)],
        });
    }
    Ok(channels)
}

/// The attribute's value of sorted channels.
pub(super) fn encode(channels: &[Channel]) -> Vec<u8> {
    let mut value = Vec::new();
    for Channel { name, kind, is_linear, sampling: [x, y] } in channels {
        value.extend_from_slice(name.as_bytes());
        value.push(0);
        value.extend_from_slice(&kind.to_le_bytes());
        value.extend_from_slice(&[*is_linear, 0, 0, 0]);
        value.extend_from_slice(&x.to_le_bytes());
        value.extend_from_slice(&y.to_le_bytes());
    }
    value.push(0);
    value
}

/// The one type of all channels.
pub(super) fn sample_of(channels: &[Channel]) -> Result<SampleType> {
    let first = channels.first().ok_or_else(|| Error::unsupported("OpenEXR without channels"))?;
    if channels.iter().any(|c| c.kind != first.kind) {
        return Err(Error::unsupported("OpenEXR whose channels are of different types"));
    }
    if channels.iter().any(|c| c.sampling != [1, 1]) {
        return Err(Error::unsupported("OpenEXR with subsampled channels"));
    }
    match first.kind {
        0 => Ok(SampleType::U32),
        1 => Ok(SampleType::F16),
        2 => Ok(SampleType::F32),
        _ => Err(Error::source_format(NAME, "a channel's type is unknown")),
    }
}

/// The order channels of these names are stored in here, and what they mean: R, G, B, A before all others, or
/// Y, A; everything else in the order of names. Names that follow from the meaning are not recorded.
pub(super) fn arrange(names: &[String], width: u32, height: u32, sample: SampleType) -> ImageDescriptor {
    let has = |name: &str| names.iter().any(|n| n == name);
    let (first, colour): (&[&str], _) = if has("R") && has("G") && has("B") {
        (if has("A") { &["R", "G", "B", "A"] } else { &["R", "G", "B"] }, ColourModel::Rgb)
    } else if has("Y") && names.iter().all(|n| n == "Y" || n == "A") {
        (if has("A") { &["Y", "A"] } else { &["Y"] }, ColourModel::Gray)
    } else {
        (&[], ColourModel::Channels)
    };
    let alpha = if first.contains(&"A") { Alpha::Premultiplied } else { Alpha::None };
    let mut others: Vec<&String> = names.iter().filter(|n| !first.contains(&n.as_str())).collect();
    others.sort();
    let mut image =
        ImageDescriptor::new(width, height, names.len() as u16, sample).with_colour(colour, alpha);
    if !others.is_empty() {
        let first = first.iter().map(|n| (*n).to_owned());
        image.channel_names = first.chain(others.into_iter().cloned()).collect();
    }
    image
}

/// The names of an image's channels; `None` if they do not follow from what it says.
pub(super) fn names_of(image: &ImageDescriptor) -> Option<Vec<String>> {
    let owned = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
    if !image.channel_names.is_empty() {
        return Some(image.channel_names.clone());
    }
    match (image.colour, image.alpha, image.n_channels) {
        (ColourModel::Rgb, Alpha::None, 3) => owned(&["R", "G", "B"]),
        (ColourModel::Rgb, Alpha::Premultiplied, 4) => owned(&["R", "G", "B", "A"]),
        (ColourModel::Gray, Alpha::None, 1) => owned(&["Y"]),
        (ColourModel::Gray, Alpha::Premultiplied, 2) => owned(&["Y", "A"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_first() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (file, stored, colour, alpha) in [
            (&["B", "G", "R"][..], &[][..], ColourModel::Rgb, Alpha::None),
            (&["A", "B", "G", "R"], &[], ColourModel::Rgb, Alpha::Premultiplied),
            (&["A", "Y"], &[], ColourModel::Gray, Alpha::Premultiplied),
            (&["B", "G", "R", "Z"], &["R", "G", "B", "Z"], ColourModel::Rgb, Alpha::None),
            (&["A", "Y", "Z"], &["A", "Y", "Z"], ColourModel::Channels, Alpha::None),
            (&["d.B", "d.G", "d.R"], &["d.B", "d.G", "d.R"], ColourModel::Channels, Alpha::None),
        ] {
            let image = arrange(&names(file), 2, 2, SampleType::F16);
            assert_eq!((image.colour, image.alpha), (colour, alpha));
            assert_eq!(image.channel_names, names(stored));
            image.validate().unwrap();
            let mut back = names_of(&image).unwrap();
            back.sort();
            assert_eq!(back, names(file));
        }
    }
}
