//! What threads do of packing: read, cut and hash sources, and compress blocks.

use super::profile::Packing;
use super::source::{Part, Source};
use crate::pipeline::{Jobs, Ticket};
use crate::{Error, Result};
use holotype_container::{Codec, Cutter, Packer};
use std::sync::{Mutex, PoisonError};

/// A block in the making, or full.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) bytes: Vec<u8>,
    /// Ordinal of the first item in it.
    pub(super) ordinal: u64,
}

/// A block as it is written.
pub(super) struct Packed {
    pub(super) ordinal: u64,
    pub(super) codec: Codec,
    pub(super) payload: Vec<u8>,
    pub(super) raw_bytes: u64,
}

pub(super) enum Job {
    Compress(Filled),
    /// Reads up to so many bytes more of each.
    Read(Vec<(Source, usize)>),
}

pub(super) enum Done {
    Compressed(Packed),
    Read(Vec<(Source, Result<Part>)>),
}

/// Blocks that are compressed and sources that are read by [`Work`].
pub(super) struct Tasks<'a, 'scope, 'env>(pub(super) &'a mut Jobs<'scope, 'env, Job, Done>);

impl Tasks<'_, '_, '_> {
    pub(super) fn read(&mut self, sources: Vec<(Source, usize)>) -> Ticket {
        self.0.submit(Job::Read(sources), true)
    }

    pub(super) fn wait_for_parts(&mut self, ticket: Ticket) -> Result<Vec<(Source, Result<Part>)>> {
        match self.0.wait(ticket, true)? {
            Done::Read(parts) => Ok(parts),
            Done::Compressed(_) => Err(mixed_up()),
        }
    }

    pub(super) fn compress(&mut self, block: Filled) -> Ticket {
        self.0.submit(Job::Compress(block), false)
    }

    pub(super) fn wait_for_block(&mut self, ticket: Ticket) -> Result<Packed> {
        match self.0.wait(ticket, false)? {
            Done::Compressed(block) => Ok(block),
            Done::Read(_) => Err(mixed_up()),
        }
    }

    /// True if the caller is the only thread there can be.
    pub(super) fn is_alone(&self) -> bool {
        !self.0.may_have_helpers()
    }

    /// True if what is handed out now is done while the caller goes on.
    pub(super) fn has_helpers(&self) -> bool {
        self.0.has_helpers()
    }
}

fn mixed_up() -> Error {
    Error::invalid("a block was asked for by the number of a source, or the other way round")
}

/// The settings and tools of all threads.
pub(super) struct Work {
    pub(super) packing: Packing,
    cutter: Cutter,
    packers: Mutex<Vec<Packer>>,
}

impl Work {
    pub(super) fn new(packing: Packing) -> Self {
        Self { packing, cutter: packing.chunking.cutter(), packers: Mutex::default() }
    }

    pub(super) fn run(&self, job: Job) -> Done {
        match job {
            Job::Read(sources) => {
                let read = |(mut source, n_bytes): (Source, usize)| {
                    let part = source.advance(n_bytes, &self.cutter);
                    (source, part)
                };
                Done::Read(sources.into_iter().map(read).collect())
            }
            Job::Compress(block) => Done::Compressed(self.compress(block)),
        }
    }

    fn compress(&self, Filled { bytes, ordinal }: Filled) -> Packed {
        let kept = self.packers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut packer = kept.unwrap_or_else(|| Packer::new(self.packing.compression));
        let (codec, packed) = packer.pack_large(&bytes);
        let packed = (codec != Codec::Raw).then(|| packed.into_owned());
        self.packers.lock().unwrap_or_else(PoisonError::into_inner).push(packer);
        let raw_bytes = bytes.len() as u64;
        Packed { ordinal, codec, payload: packed.unwrap_or(bytes), raw_bytes }
    }
}
