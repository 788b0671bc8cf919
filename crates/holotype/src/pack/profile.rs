use crate::{ImageOptions, Mode, PreviewChoice};
use holotype_container::{Chunking, Compression};

/// What an archive of files is for: sets block size, compression and chunking together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// Training data, read at random and often: LZ4, blocks of 128 KiB.
    Ml,
    /// Data looked at while it is worked on: Zstandard 1, blocks of 128 KiB.
    Eda,
    /// Little memory to read with: Zstandard 9, blocks of 64 KiB, chunks of 16 KiB.
    Embedded,
    /// The default: Zstandard 3, blocks of 160 KiB.
    #[default]
    Generic,
    /// Kept for long, read seldom: Zstandard 19, blocks of 8 MiB.
    Archival,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 5] = [Self::Ml, Self::Eda, Self::Embedded, Self::Generic, Self::Archival];

    /// Lower-case name, as in `generic`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ml => "ml",
            Self::Eda => "eda",
            Self::Embedded => "embedded",
            Self::Generic => "generic",
            Self::Archival => "archival",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Its settings.
    #[must_use]
    pub fn packing(self) -> Packing {
        let (compression, block_bytes, average_log2) = match self {
            Self::Ml => (Compression::Lz4, 128 << 10, 16),
            Self::Eda => (Compression::Zstd(1), 128 << 10, 15),
            Self::Embedded => (Compression::Zstd(9), 64 << 10, 14),
            Self::Generic => (Compression::Zstd(3), 160 << 10, 16),
            Self::Archival => (Compression::Zstd(19), 8 << 20, 16),
        };
        let chunking = Chunking::around(average_log2);
        Packing {
            compression,
            block_bytes,
            chunking,
            deduplicate: true,
            split_checkpoints: true,
            n_threads: 0,
        }
    }
}

impl Profile {
    /// How image files are stored when they are stored as images: fast to read for training, dense for keeping.
    #[must_use]
    pub fn images(self) -> ImageOptions {
        let mode = match self {
            Self::Ml | Self::Eda | Self::Embedded => Mode::Fast,
            Self::Generic => Mode::Standard,
            Self::Archival => Mode::Archival,
        };
        ImageOptions::new(mode).with_preview(PreviewChoice::Off)
    }
}

/// How files are packed into blocks they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packing {
    /// How blocks are compressed; one that gains less than 1/64 is stored.
    pub compression: Compression,
    /// Raw bytes of a block, 4 KiB to 16 MiB. Larger blocks are smaller in all; a read decodes whole ones.
    pub block_bytes: u32,
    /// How content is cut for deduplication.
    pub chunking: Chunking,
    /// Store what is there several times once (default). Without it only lists of chunks tell of repetitions.
    pub deduplicate: bool,
    /// Store a safetensors file as its tensors, each of which can be read by its name, and give it back byte for byte
    /// (default). Without it, such a file is one as any other.
    pub split_checkpoints: bool,
    /// Threads; 0 (default) uses what the machine offers. The archive is the same for any number.
    pub n_threads: usize,
}

/// Blocks a reader takes in one piece.
pub(crate) const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 4 << 10..=16 << 20;

impl Default for Packing {
    fn default() -> Self {
        Profile::default().packing()
    }
}

impl Packing {
    /// Sets [`Self::compression`].
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets [`Self::block_bytes`].
    #[must_use]
    pub fn with_block_bytes(mut self, n: u32) -> Self {
        self.block_bytes = n;
        self
    }

    /// Sets [`Self::chunking`].
    #[must_use]
    pub fn with_chunking(mut self, chunking: Chunking) -> Self {
        self.chunking = chunking;
        self
    }

    /// Sets [`Self::deduplicate`].
    #[must_use]
    pub fn with_deduplicate(mut self, deduplicate: bool) -> Self {
        self.deduplicate = deduplicate;
        self
    }

    /// Sets [`Self::split_checkpoints`].
    #[must_use]
    pub fn with_split_checkpoints(mut self, split_checkpoints: bool) -> Self {
        self.split_checkpoints = split_checkpoints;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n: usize) -> Self {
        self.n_threads = n;
        self
    }

    /// Threads that compress: strong levels take memory, 12 times a block each, of which 256 MiB are given.
    pub(super) fn max_compressors(&self) -> usize {
        match self.compression {
            Compression::Zstd(16..) => ((256 << 20) / (self.block_bytes as usize * 12)).max(1),
            _ => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_settings_are_within_the_rules() {
        for profile in Profile::ALL {
            assert_eq!(Profile::from_name(profile.name()), Some(profile));
            assert!(BLOCK_BYTES.contains(&profile.packing().block_bytes));
        }
        assert_eq!(Profile::from_name("generik"), None);
    }
}
