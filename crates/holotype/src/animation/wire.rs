//! An animation's descriptor and the metadata of its frames as the records of `docs/format.md` §17.

use super::{AnimationDescription, TimeBase};
use crate::Metadata;
use crate::image::wire as image_wire;
use holotype_container::cbor::{Map, Value};
use std::collections::BTreeMap;

mod key {
    pub(super) const N_FRAMES: u64 = 0;
    pub(super) const LOOP_COUNT: u64 = 1;
    pub(super) const TIME_BASE: u64 = 2;
    pub(super) const FORMATS: u64 = 3;
    pub(super) const TABLE: u64 = 4;
    pub(super) const FRAME_METADATA: u64 = 5;
    pub(super) const AUDIO: u64 = 6;
    pub(super) const POSTER: u64 = 7;
    pub(super) const HASH_STATE: u64 = 8;
    pub(super) const CHROMA: u64 = 9;
}

/// A descriptor read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) description: AnimationDescription,
    /// Tile edge of each format.
    pub(crate) tile_edges: Vec<u32>,
    /// The frame table, unless it is the last content block.
    pub(crate) table: Option<Vec<u8>>,
    /// True if the last content block before the table holds the frames' metadata.
    pub(crate) has_frame_metadata: bool,
    /// State of the content's SHA-256 after its last whole block.
    pub(crate) hash_state: Option<[u8; 32]>,
}

/// The descriptor's map. Keys whose value is the usual one are left out.
pub(crate) fn encode_descriptor(described: &Described) -> Map {
    let Described { description, tile_edges, table, has_frame_metadata, hash_state } = described;
    let AnimationDescription { n_frames, loop_count, time_base, formats, audio, chroma, poster } =
        description;
    let mut map = Map::new();
    map.insert(key::N_FRAMES, Value::Unsigned(*n_frames));
    if *loop_count != 0 {
        map.insert(key::LOOP_COUNT, Value::Unsigned(*loop_count));
    }
    if *time_base != TimeBase::default() {
        let parts = [time_base.numerator(), time_base.denominator()];
        map.insert(key::TIME_BASE, Value::Array(parts.map(|n| Value::Unsigned(n.into())).to_vec()));
    }
    let formats = formats.iter().zip(tile_edges);
    let formats = formats.map(|(image, edge)| Value::Map(image_wire::encode_descriptor(image, *edge)));
    map.insert(key::FORMATS, Value::Array(formats.collect()));
    if let Some(table) = table {
        map.insert(key::TABLE, Value::Bytes(table.clone()));
    }
    if *has_frame_metadata {
        map.insert(key::FRAME_METADATA, Value::Unsigned(1));
    }
    if !audio.is_empty() {
        map.insert(key::AUDIO, Value::Array(audio.iter().cloned().map(Value::Text).collect()));
    }
    if *poster != 0 {
        map.insert(key::POSTER, Value::Unsigned(*poster));
    }
    if let Some(state) = hash_state {
        map.insert(key::HASH_STATE, Value::Bytes(state.to_vec()));
    }
    if let Some(chroma) = chroma {
        map.insert(key::CHROMA, Value::Text(chroma.clone()));
    }
    map
}

/// Reads a descriptor; `None` if the map is not exactly what [`encode_descriptor`] writes.
pub(crate) fn decode_descriptor(map: &Map) -> Option<Described> {
    let or = |key, usual: u64| match map.get(&key) {
        None => Some(usual),
        Some(value) => value.as_unsigned(),
    };
    let time_base = match map.get(&key::TIME_BASE).map(|value| value.as_array()) {
        None => TimeBase::default(),
        Some(Some([numerator, denominator])) => TimeBase::new(
            u32::try_from(numerator.as_unsigned()?).ok()?,
            u32::try_from(denominator.as_unsigned()?).ok()?,
        )
        .ok()?,
        Some(_) => return None,
    };
    let formats = map.get(&key::FORMATS)?.as_array()?.iter();
    let formats: Option<Vec<_>> = formats.map(|v| image_wire::decode_descriptor(v.as_map()?)).collect();
    let (formats, tile_edges) = formats?.into_iter().unzip();
    let audio = match map.get(&key::AUDIO) {
        None => Some(Vec::new()),
        Some(names) => names.as_array()?.iter().map(|name| name.as_text().map(str::to_owned)).collect(),
    };
    let n_frames = or(key::N_FRAMES, 0)?;
    let description = AnimationDescription {
        n_frames,
        loop_count: or(key::LOOP_COUNT, 0)?,
        time_base,
        formats,
        audio: audio?,
        chroma: match map.get(&key::CHROMA) {
            None => None,
            Some(name) => Some(name.as_text()?.to_owned()),
        },
        poster: or(key::POSTER, 0)?,
    };
    let described = Described {
        tile_edges,
        table: match map.get(&key::TABLE) {
            None => None,
            Some(table) => Some(table.as_bytes()?.to_vec()),
        },
        has_frame_metadata: or(key::FRAME_METADATA, 0)? == 1,
        hash_state: match map.get(&key::HASH_STATE) {
            None => None,
            Some(state) => Some(state.as_bytes()?.try_into().ok()?),
        },
        description,
    };
    let is_possible = described.description.poster < n_frames;
    (is_possible && encode_descriptor(&described) == *map).then_some(described)
}

/// Metadata of single frames: an array of `[frame, metadata]`, ascending.
pub(crate) fn encode_frame_metadata(frames: &BTreeMap<u64, Metadata>) -> Value {
    let of_frame = |(frame, metadata): (&u64, &Metadata)| {
        Value::Array(vec![Value::Unsigned(*frame), image_wire::encode_metadata(metadata)])
    };
    Value::Array(frames.iter().map(of_frame).collect())
}

/// Inverse of [`encode_frame_metadata`].
pub(crate) fn decode_frame_metadata(value: &Value, n_frames: u64) -> Option<BTreeMap<u64, Metadata>> {
    let mut frames = BTreeMap::new();
    for entry in value.as_array()? {
        let [frame, metadata] = entry.as_array()? else { return None };
        let frame = frame.as_unsigned().filter(|frame| *frame < n_frames)?;
        let metadata = image_wire::decode_metadata(metadata)?;
        let is_ascending = frames.last_key_value().is_none_or(|(last, _)| *last < frame);
        if metadata.entries.is_empty() || !is_ascending {
            return None;
        }
        frames.insert(frame, metadata);
    }
    (!frames.is_empty()).then_some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ImageDescriptor, MetadataKind, SampleType};

    fn described() -> Described {
        Described {
            description: AnimationDescription {
                n_frames: 7,
                loop_count: 3,
                time_base: TimeBase::new(1001, 24_000).unwrap(),
                formats: vec![
                    ImageDescriptor::new(4, 3, 3, SampleType::U8),
                    ImageDescriptor::new(9, 3, 1, SampleType::F32),
                ],
                audio: vec!["song".into(), "voice".into()],
                chroma: Some("colour".into()),
                poster: 6,
            },
            tile_edges: vec![1024, 64],
            table: Some(vec![1, 2, 3]),
            has_frame_metadata: true,
            hash_state: Some([7; 32]),
        }
    }

    #[test]
    fn descriptors_round_trip() {
        let mut usual = described();
        assert_eq!(decode_descriptor(&encode_descriptor(&usual)), Some(usual.clone()));
        usual.description.loop_count = 0;
        usual.description.time_base = TimeBase::default();
        usual.description.poster = 0;
        usual.description.audio.clear();
        usual.description.chroma = None;
        (usual.table, usual.has_frame_metadata, usual.hash_state) = (None, false, None);
        let map = encode_descriptor(&usual);
        assert_eq!(map.len(), 2);
        assert_eq!(decode_descriptor(&map), Some(usual));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = encode_descriptor(&described());
        let pair = |a, b| Value::Array(vec![Value::Unsigned(a), Value::Unsigned(b)]);
        for (key, value) in [
            (0, Value::Unsigned(0)),
            (0, Value::Unsigned(6)),
            (1, Value::Unsigned(0)),
            (2, pair(1, 1000)),
            (2, pair(2, 50)),
            (2, pair(0, 1)),
            (3, Value::Unsigned(0)),
            (4, Value::Unsigned(0)),
            (5, Value::Unsigned(0)),
            (5, Value::Unsigned(2)),
            (6, Value::Array(Vec::new())),
            (7, Value::Unsigned(0)),
            (8, Value::Unsigned(0)),
            (8, Value::Bytes(vec![7; 31])),
            (9, Value::Unsigned(0)),
            (10, Value::Unsigned(0)),
        ] {
            let mut bad = good.clone();
            bad.insert(key, value.clone());
            assert_eq!(decode_descriptor(&bad), None, "{key}: {value:?}");
        }
    }

    #[test]
    fn frame_metadata_round_trips() {
        let mut frames = BTreeMap::new();
        for frame in [0, 5] {
            let mut metadata = Metadata::default();
            metadata.push(MetadataKind::Text, "Title", "x");
            frames.insert(frame, metadata);
        }
        let value = encode_frame_metadata(&frames);
        assert_eq!(decode_frame_metadata(&value, 6), Some(frames));
        assert_eq!(decode_frame_metadata(&value, 5), None);
        assert_eq!(decode_frame_metadata(&Value::Array(Vec::new()), 5), None);
    }
}
