//! An image's descriptor and metadata as the records of `docs/format.md` §8.

use super::{Alpha, ChannelOrder, ColourModel, ImageDescriptor, Metadata, MetadataKind, Palette};
use crate::SampleType;
use holotype_container::cbor::{Map, Value};

mod key {
    pub(super) const WIDTH: u64 = 0;
    pub(super) const HEIGHT: u64 = 1;
    pub(super) const N_CHANNELS: u64 = 2;
    pub(super) const SAMPLE: u64 = 3;
    pub(super) const BITS: u64 = 4;
    pub(super) const COLOUR: u64 = 5;
    pub(super) const ALPHA: u64 = 6;
    pub(super) const ORDER: u64 = 7;
    pub(super) const PALETTE: u64 = 8;
    pub(super) const CHANNEL_NAMES: u64 = 9;
    pub(super) const TILE_EDGE: u64 = 10;
}

/// The descriptor's map. Keys whose value is the usual one are left out.
pub(crate) fn encode_descriptor(image: &ImageDescriptor, tile_edge: u32) -> Map {
    let ImageDescriptor {
        width,
        height,
        n_channels,
        sample,
        bits_per_sample,
        colour,
        alpha,
        order,
        palette,
        channel_names,
    } = image;
    let mut map = Map::new();
    let mut put = |key, n: u64| drop(map.insert(key, Value::Unsigned(n)));
    put(key::WIDTH, u64::from(*width));
    put(key::HEIGHT, u64::from(*height));
    put(key::N_CHANNELS, u64::from(*n_channels));
    put(key::SAMPLE, u64::from(sample.code()));
    put(key::COLOUR, *colour as u64);
    put(key::TILE_EDGE, u64::from(tile_edge));
    if *bits_per_sample != usual_bits(*sample) {
        put(key::BITS, u64::from(*bits_per_sample));
    }
    if *alpha != Alpha::None {
        put(key::ALPHA, *alpha as u64);
    }
    if *order != ChannelOrder::Rgb {
        put(key::ORDER, *order as u64);
    }
    if let Some(Palette { bits, rgb, alpha }) = palette {
        let rgb = match bits {
            8 => rgb.iter().flatten().map(|&v| v as u8).collect(),
            _ => rgb.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(),
        };
        let parts = vec![Value::Unsigned(u64::from(*bits)), Value::Bytes(rgb), Value::Bytes(alpha.clone())];
        map.insert(key::PALETTE, Value::Array(parts));
    }
    if !channel_names.is_empty() {
        let names = channel_names.iter().cloned().map(Value::Text).collect();
        map.insert(key::CHANNEL_NAMES, Value::Array(names));
    }
    map
}

/// Reads a descriptor; `None` if the map is not exactly what [`encode_descriptor`] writes for a valid image.
pub(crate) fn decode_descriptor(map: &Map) -> Option<(ImageDescriptor, u32)> {
    let number = |key| map.get(&key)?.as_unsigned();
    let or = |key, usual: u64| if map.contains_key(&key) { number(key) } else { Some(usual) };
    let small = |n: u64| u8::try_from(n).ok();
    let sample = SampleType::from_code(small(number(key::SAMPLE)?)?)?;
    let image = ImageDescriptor {
        width: u32::try_from(number(key::WIDTH)?).ok()?,
        height: u32::try_from(number(key::HEIGHT)?).ok()?,
        n_channels: u16::try_from(number(key::N_CHANNELS)?).ok()?,
        sample,
        bits_per_sample: small(or(key::BITS, u64::from(usual_bits(sample)))?)?,
        colour: ColourModel::from_code(small(number(key::COLOUR)?)?)?,
        alpha: Alpha::from_code(small(or(key::ALPHA, 0)?)?)?,
        order: ChannelOrder::from_code(small(or(key::ORDER, 0)?)?)?,
        palette: match map.get(&key::PALETTE) {
            Some(value) => Some(decode_palette(value)?),
            None => None,
        },
        channel_names: match map.get(&key::CHANNEL_NAMES) {
            Some(value) => {
                value.as_array()?.iter().map(|v| v.as_text().map(str::to_owned)).collect::<Option<_>>()?
            }
            None => Vec::new(),
        },
    };
    let tile_edge = u32::try_from(number(key::TILE_EDGE)?).ok().filter(|edge| *edge > 0)?;
    image.validate().ok()?;
    (encode_descriptor(&image, tile_edge) == *map).then_some((image, tile_edge))
}

fn usual_bits(sample: SampleType) -> u8 {
    if sample == SampleType::Bool { 1 } else { 8 * sample.n_bytes() as u8 }
}

fn decode_palette(value: &Value) -> Option<Palette> {
    let [bits, rgb, alpha] = value.as_array()? else { return None };
    let bits = bits.as_unsigned()?;
    let rgb = rgb.as_bytes()?;
    let components: Vec<u16> = match bits {
        8 => rgb.iter().map(|&v| u16::from(v)).collect(),
        16 => {
            let (pairs, []) = rgb.as_chunks::<2>() else { return None };
            pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
        }
        _ => return None,
    };
    let (entries, []) = components.as_chunks::<3>() else { return None };
    Some(Palette { bits: bits as u8, rgb: entries.to_vec(), alpha: alpha.as_bytes()?.to_vec() })
}

/// Metadata as an array of `[kind, key, data]`.
pub(crate) fn encode_metadata(metadata: &Metadata) -> Value {
    let entries = metadata.entries.iter().map(|entry| {
        Value::Array(vec![
            Value::Unsigned(entry.kind as u64),
            Value::Text(entry.key.clone()),
            Value::Bytes(entry.data.clone()),
        ])
    });
    Value::Array(entries.collect())
}

/// Inverse of [`encode_metadata`]; `None` if the value is not of that form.
pub(crate) fn decode_metadata(value: &Value) -> Option<Metadata> {
    let mut metadata = Metadata::default();
    for entry in value.as_array()? {
        let [kind, key, data] = entry.as_array()? else { return None };
        let kind = MetadataKind::from_code(u8::try_from(kind.as_unsigned()?).ok()?)?;
        metadata.push(kind, key.as_text()?, data.as_bytes()?);
    }
    Some(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_round_trip() {
        let names: Vec<String> = ["R", "G", "B", "Z"].map(str::to_owned).to_vec();
        let palette = Palette { bits: 16, rgb: vec![[0, 1, 65535]; 3], alpha: vec![9] };
        for image in [
            ImageDescriptor::new(1, 1, 1, SampleType::Bool),
            ImageDescriptor::new(u32::MAX, 7, 4, SampleType::U16).with_bits_per_sample(12),
            ImageDescriptor::new(3, 2, 3, SampleType::U8).with_order(ChannelOrder::Bgr),
            ImageDescriptor::new(3, 2, 1, SampleType::U8).with_palette(palette),
            ImageDescriptor::new(3, 2, 4, SampleType::F32)
                .with_colour(ColourModel::Channels, Alpha::None)
                .with_channel_names(names),
        ] {
            assert_eq!(decode_descriptor(&encode_descriptor(&image, 512)), Some((image, 512)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let good = encode_descriptor(&ImageDescriptor::new(4, 4, 3, SampleType::U8), 1024);
        for (key, value) in [(0, 0), (0, 1 << 32), (3, 200), (5, 4), (4, 8), (6, 0), (10, 0), (77, 1)] {
            let mut bad = good.clone();
            bad.insert(key, Value::Unsigned(value));
            assert_eq!(decode_descriptor(&bad), None, "key {key} = {value}");
        }
    }

    #[test]
    fn metadata_round_trips() {
        let mut metadata = Metadata::default();
        metadata.push(MetadataKind::Icc, "", vec![0; 300]);
        metadata.push(MetadataKind::PngChunk, "tEXt", b"a\0b".to_vec());
        assert_eq!(decode_metadata(&encode_metadata(&metadata)), Some(metadata));
        assert_eq!(decode_metadata(&Value::Unsigned(0)), None);
    }
}
