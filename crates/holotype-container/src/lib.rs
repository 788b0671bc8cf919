//! The Holotype file format, version 1: bytes to structs and back. `docs/format.md` is the specification.
//!
//! This room does no I/O and knows no codec. Everything a reader allocates is bounded by [`Limits`] or by the
//! bytes it was given.

mod attributes;
mod block;
mod builder;
pub mod cbor;
mod chunk;
mod chunking;
mod cursor;
mod encryption;
mod error;
mod extent;
mod frame;
mod header;
mod item;
mod key;
mod limits;
mod manifest;
mod merkle;
mod pack;
mod page;
mod paging;
mod parent;
mod revision;
mod root;
mod signature;
mod stray;
mod tables;
mod trailer;
mod unpack;

pub use attributes::{FileAttributes, FileTime};
pub use block::{BlockRecord, OpenedPayload, VerifiedPayload};
pub use builder::{ArchiveBuilder, PushedBlock};
pub use chunk::{ChunkRecord, ChunkTable};
pub use chunking::{Chunking, Cutter};
pub use encryption::{DataKey, EncryptionRecord, EncryptionSeed, KdfCost, KeySlot, Sealer};
pub use error::{Error, ErrorKind, hex};
pub use extent::{Extent, Extents, decode_extents, encode_extents};
pub use frame::{Codec, FRAME_SYNC, FrameHeader, FrameType};
pub use header::{FORMAT_VERSION, Header, MAGIC};
pub use item::{BlockRun, ItemKind, ItemRecord, Metadata, Preview, RestoredFile};
pub use key::{PublicKey, SecretKey};
pub use limits::Limits;
pub use manifest::{Manifest, Unlock, rekeyed_tail};
pub use merkle::{FrameHasher, MerkleTree, frame_hash};
pub use pack::{Compression, Packer, pack};
pub use page::PageRef;
pub use paging::{FramePages, PageDraft};
pub use parent::{ForeignBlock, ParentRecord};
pub use revision::RevisionRecord;
pub use root::{Root, Table};
pub use signature::{SIGNATURE_MAGIC, SignatureFile};
pub use stray::StrayPage;
pub use trailer::{END_MAGIC, Trailer};
pub use unpack::{Unpacker, unpack, unpack_block};
