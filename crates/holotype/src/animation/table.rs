//! The frame table: of each frame its format, its delay, what it is coded against, which tiles it has.
//! `docs/format.md` §17.2.

use crate::image::grid::TileGrid;
use holotype_codec::{put_leb128, take_leb128};

/// Frames that may have to be decoded for one, itself included.
pub(crate) const MAX_CHAIN: u32 = 256;
/// Fewest bytes of a record.
const MIN_RECORD_BYTES: usize = 3;

/// Which tiles of a frame have a block; the others are those of the frame it is coded against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tiles {
    None,
    All,
    /// Bit `i` is tile `i`.
    Some(Vec<u8>),
}

impl Tiles {
    /// The shortest form for these tiles.
    pub(crate) fn of(present: &[bool]) -> Self {
        if present.iter().all(|present| *present) {
            return Self::All;
        }
        if !present.contains(&true) {
            return Self::None;
        }
        let mut bits = vec![0; present.len().div_ceil(8)];
        for (i, present) in present.iter().enumerate() {
            bits[i / 8] |= u8::from(*present) << (i % 8);
        }
        Self::Some(bits)
    }

    /// Number of the block of tile `tile` among the frame's own; `None` if it has none.
    pub(crate) fn block_of(&self, tile: u64) -> Option<u64> {
        match self {
            Self::None => None,
            Self::All => Some(tile),
            Self::Some(bits) => {
                let byte = usize::try_from(tile / 8).ok()?;
                let own = *bits.get(byte)?;
                let before: u64 = bits[..byte].iter().map(|byte| u64::from(byte.count_ones())).sum();
                let below = own & ((1 << (tile % 8)) - 1);
                (own >> (tile % 8) & 1 == 1).then(|| before + u64::from(below.count_ones()))
            }
        }
    }

    fn n_blocks(&self, n_tiles: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::All => n_tiles,
            Self::Some(bits) => bits.iter().map(|byte| u64::from(byte.count_ones())).sum(),
        }
    }
}

/// What the table says of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrameRecord {
    pub(crate) format: u32,
    pub(crate) delay: u64,
    /// The frame it is coded against is so many before it; 0 if it is coded alone.
    pub(crate) distance: u32,
    pub(crate) tiles: Tiles,
}

/// A frame table with what follows from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FrameTable {
    pub(crate) records: Vec<FrameRecord>,
    /// Number of each frame's first content block, and one past the last.
    pub(crate) first_blocks: Vec<u64>,
    /// True if a later frame is coded against it.
    pub(crate) is_reference: Vec<bool>,
    /// The frame coded alone that each one's chain starts with.
    pub(crate) keys: Vec<u64>,
}

/// The table's bytes.
pub(crate) fn encode(records: &[FrameRecord]) -> Vec<u8> {
    let mut out = Vec::new();
    for FrameRecord { format, delay, distance, tiles } in records {
        put_leb128(u64::from(*format), &mut out);
        put_leb128(*delay, &mut out);
        put_leb128(u64::from(*distance), &mut out);
        if *distance == 0 {
            continue;
        }
        match tiles {
            Tiles::None => out.push(0),
            Tiles::All => out.push(1),
            Tiles::Some(bits) => {
                out.push(2);
                out.extend_from_slice(bits);
            }
        }
    }
    out
}

/// Inverse of [`encode`] for frames of these tile grids; nothing if it breaks a rule of the format.
pub(crate) fn decode(mut bytes: &[u8], n_frames: u64, grids: &[TileGrid]) -> Option<FrameTable> {
    let n = usize::try_from(n_frames).ok().filter(|n| *n <= bytes.len() / MIN_RECORD_BYTES)?;
    let mut table = FrameTable { is_reference: vec![false; n], ..FrameTable::default() };
    let mut chains: Vec<u32> = Vec::with_capacity(n);
    let mut n_blocks = 0_u64;
    let mut n_formats = 0;
    for i in 0..n {
        let format = u32::try_from(take_leb128(&mut bytes)?).ok()?;
        // Formats are numbered in the order of their first use.
        if format > n_formats {
            return None;
        }
        n_formats = n_formats.max(format + 1);
        let n_tiles = grids.get(format as usize)?.n_tiles();
        let delay = take_leb128(&mut bytes)?;
        let distance = u32::try_from(take_leb128(&mut bytes)?).ok()?;
        let mut tiles = Tiles::All;
        let (mut chain, mut key) = (1, i as u64);
        if distance > 0 {
            let reference = i.checked_sub(distance as usize)?;
            if table.records[reference].format != format {
                return None;
            }
            table.is_reference[reference] = true;
            chain = chains[reference] + 1;
            key = table.keys[reference];
            tiles = take_tiles(&mut bytes, n_tiles)?;
        }
        if chain > MAX_CHAIN {
            return None;
        }
        table.first_blocks.push(n_blocks);
        n_blocks = n_blocks.checked_add(tiles.n_blocks(n_tiles))?;
        table.keys.push(key);
        chains.push(chain);
        table.records.push(FrameRecord { format, delay, distance, tiles });
    }
    table.first_blocks.push(n_blocks);
    (bytes.is_empty() && n_formats as usize == grids.len()).then_some(table)
}

fn take_tiles(bytes: &mut &[u8], n_tiles: u64) -> Option<Tiles> {
    let (form, rest) = bytes.split_first()?;
    *bytes = rest;
    match form {
        0 => Some(Tiles::None),
        1 => Some(Tiles::All),
        2 => {
            let (bits, rest) = bytes.split_at_checked(usize::try_from(n_tiles.div_ceil(8)).ok()?)?;
            *bytes = rest;
            let tiles = Tiles::Some(bits.to_vec());
            let past_the_end = match n_tiles % 8 {
                0 => 0,
                n => bits.last()? >> n,
            };
            (past_the_end == 0 && (1..n_tiles).contains(&tiles.n_blocks(n_tiles))).then_some(tiles)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ImageDescriptor, SampleType};

    fn grids() -> Vec<TileGrid> {
        let grid = |w, h| TileGrid::new(&ImageDescriptor::new(w, h, 1, SampleType::U8), 4);
        vec![grid(12, 10), grid(4, 4)]
    }

    fn records() -> Vec<FrameRecord> {
        let frame = |format, delay, distance, tiles| FrameRecord { format, delay, distance, tiles };
        vec![
            frame(0, 40, 0, Tiles::All),
            frame(0, 300, 1, Tiles::Some(vec![0b0100_0001, 1])),
            frame(1, u64::MAX, 0, Tiles::All),
            frame(0, 0, 2, Tiles::None),
            frame(1, 1, 2, Tiles::All),
        ]
    }

    #[test]
    fn tables_round_trip() {
        let table = decode(&encode(&records()), 5, &grids()).unwrap();
        assert_eq!(table.records, records());
        assert_eq!(table.first_blocks, [0, 9, 12, 13, 13, 14]);
        assert_eq!(table.is_reference, [true, true, true, false, false]);
        assert_eq!(table.keys, [0, 0, 2, 0, 2]);
        let tiles = &table.records[1].tiles;
        assert_eq!([0, 1, 6, 7, 8].map(|tile| tiles.block_of(tile)), [Some(0), None, Some(1), None, Some(2)]);
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let good = encode(&records());
        assert!(decode(&good, 4, &grids()).is_none());
        assert!(decode(&good, 6, &grids()).is_none());
        assert!(decode(&good, u64::MAX, &grids()).is_none());
        assert!(decode(&good[..good.len() - 1], 5, &grids()).is_none());
        let refuses = |change: &dyn Fn(&mut Vec<FrameRecord>)| {
            let mut records = records();
            change(&mut records);
            decode(&encode(&records), 5, &grids()).is_none()
        };
        assert!(refuses(&|r| r[1].distance = 2));
        assert!(refuses(&|r| r[3].distance = 1));
        assert!(refuses(&|r| r[4].format = 2));
        assert!(refuses(&|r| r[0].format = 1));
        assert!(refuses(&|r| r[1].tiles = Tiles::Some(vec![1, 2])));
        assert!(refuses(&|r| r[1].tiles = Tiles::Some(vec![0, 0])));
        assert!(refuses(&|r| r[1].tiles = Tiles::Some(vec![255, 1])));
        let long: Vec<FrameRecord> = (0..257)
            .map(|i| FrameRecord { format: 0, delay: 0, distance: u32::from(i > 0), tiles: Tiles::None })
            .collect();
        assert!(decode(&encode(&long[..256]), 256, &grids()[..1]).is_some());
        assert!(decode(&encode(&long), 257, &grids()[..1]).is_none());
    }

    #[test]
    fn every_cut_and_flip_is_read_or_refused() {
        let good = encode(&records());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&bad, 5, &grids());
            let _ = decode(&bad[..bit / 8], 5, &grids());
        }
    }
}
