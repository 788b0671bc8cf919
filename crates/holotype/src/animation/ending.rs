use super::encode::Earlier;
use super::table::FrameRecord;
use crate::content_hash::ContentHash;
use crate::{ImageDescriptor, Metadata};
use std::collections::BTreeMap;

/// What a writer needs of an animation to go on with it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) formats: Vec<ImageDescriptor>,
    pub(crate) tile_edges: Vec<u32>,
    pub(crate) records: Vec<FrameRecord>,
    pub(crate) metadata: BTreeMap<u64, Metadata>,
    pub(crate) content: ContentHash,
    pub(crate) raw_bytes: u64,
    /// The last frame coded alone, the last after it that needs no other, and the last frame.
    pub(crate) key: Option<Earlier>,
    pub(crate) anchor: Option<Earlier>,
    pub(crate) last: Option<Earlier>,
}
