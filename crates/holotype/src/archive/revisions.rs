//! The revisions of an archive that was appended to. `docs/format.md` §16.

use super::cache::BlockCache;
use super::open::{Ends, OpenOptions, read_ends};
use super::spares::Spares;
use super::tables::{Tables, all_blocks};
use super::unpackers::Unpackers;
use super::{Archive, Home, read};
use crate::{Error, Limits, Result};
use holotype_container::{
    ArchiveBuilder, BlockRecord, FrameHeader, FrameType, Header, ItemRecord, Manifest, PageRef,
    RevisionRecord, Trailer, Unlock, hex,
};
use holotype_store::{AppendFile, FileSource, PrefixSource, ReadAt};
use std::path::Path;
use std::sync::Arc;

/// Which revision of an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revision {
    /// The last one, with which the file must end unless someone appends to it at this moment.
    #[default]
    Last,
    /// The last whole one, wherever it ends: what follows it is of an append that was not finished, or is damaged.
    LastWhole,
    /// The one of this number, from 1.
    Number(u64),
}

/// A revision of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevisionInfo {
    /// Its number, from 1.
    pub number: u64,
    /// Bytes of the archive up to its end.
    pub n_bytes: u64,
    /// Its seal, over everything up to its end.
    pub seal: [u8; 32],
}

impl RevisionInfo {
    /// Its seal in hexadecimal.
    #[must_use]
    pub fn seal_hex(&self) -> String {
        hex(&self.seal)
    }
}

/// How often a file that may be growing is opened.
const MAX_OPENINGS: usize = 8;
/// Bytes looked at together.
const WINDOW_BYTES: u64 = 1 << 20;

impl Archive {
    /// The revisions up to this one, in order; one of an archive that was never appended to.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_file("letter", &mut &b"Dear reader"[..], None)?;
    /// let mut bytes = writer.finish()?.0;
    ///
    /// let base = Archive::from_bytes(bytes.clone())?;
    /// let mut writer = Writer::append(base, Vec::new(), WriterOptions::default())?;
    /// writer.add_file("letter", &mut &b"Dear readers"[..], None)?;
    /// bytes.extend(writer.finish()?.0);
    ///
    /// let archive = Archive::from_bytes(bytes)?;
    /// assert_eq!(archive.revisions().len(), 2);
    /// assert_eq!(archive.item("letter")?.raw_bytes(), 12);
    /// assert_eq!(archive.at_revision(1)?.item("letter")?.raw_bytes(), 11);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    #[must_use]
    pub fn revisions(&self) -> Vec<RevisionInfo> {
        let earlier = &self.manifest.root().revisions;
        let own = self.manifest.revision_record();
        let info = |(number, record): (u64, &RevisionRecord)| RevisionInfo {
            number,
            n_bytes: record.end_bytes,
            seal: record.seal,
        };
        (1..).zip(earlier.iter().chain([&own])).map(info).collect()
    }

    /// The archive as it was at a revision, up to this one.
    ///
    /// # Errors
    /// `NotFound` if there is no such revision; `Corrupt` if it is not the one that is listed.
    pub fn at_revision(&self, number: u64) -> Result<Self> {
        let revisions = self.revisions();
        let wanted = number.checked_sub(1).and_then(|at| revisions.get(usize::try_from(at).ok()?));
        let RevisionInfo { n_bytes, seal, .. } =
            *wanted.ok_or(Error::NoRevision { number, n_revisions: revisions.len() })?;
        let source: Arc<dyn ReadAt> = Arc::new(PrefixSource::new(Arc::clone(&self.source), n_bytes));
        let Ends { header, root_frame, trailer } = read_ends(source.as_ref(), &self.path, &self.limits)?;
        if trailer.seal != seal {
            let offset_bytes = n_bytes.saturating_sub(Trailer::N_BYTES as u64);
            let rule = "an earlier revision is not the one that is listed";
            return Err(holotype_container::Error::Corrupt { what: "trailer", offset_bytes, rule }.into());
        }
        let unlock = self.manifest.data_key().map(|(_, key)| Unlock::Key(key));
        let manifest = Manifest::open_with(&header, &root_frame, trailer, unlock, &self.limits.container)?;
        Ok(Self {
            source: Arc::clone(&source),
            path: self.path.clone(),
            manifest,
            tables: Tables::default(),
            cache: BlockCache::new(self.cache.max_bytes()),
            unpackers: Unpackers::default(),
            frames: Spares::default(),
            parents: self.parents.again(),
            limits: self.limits,
            read_ahead: self.read_ahead,
        })
    }

    /// Opens a file whose end was no revision's with `error`, if that is because someone appends to it: the last whole
    /// revision is then what there is.
    pub(super) fn open_while_appended(path: &Path, options: &OpenOptions, error: Error) -> Result<Self> {
        let mut error = error;
        for _ in 0..MAX_OPENINGS {
            let is_appended_to = AppendFile::is_open(path).map_err(|e| Error::io(path, e))?;
            let opened = if is_appended_to {
                Self::open_before_torn(path, options)
            } else {
                // Whoever appended may have ended just now.
                Self::open_file(path, options).map(Ok)
            };
            match opened {
                Ok(Ok(archive)) => return Ok(archive),
                Ok(Err(_)) => return Err(error),
                // The file grew, or was cut off, between two reads.
                Err(again) if is_of_growth(&again) => error = again,
                Err(other) => return Err(other),
            }
        }
        Err(error)
    }

    /// Opens the last whole revision of a file whose end is none's. Where that ends if what follows it may be a damaged
    /// one.
    pub(crate) fn open_before_torn(path: &Path, options: &OpenOptions) -> Result<Result<Self, u64>> {
        let source = FileSource::open(path).map_err(|e| Error::io(path, e))?;
        let LastWhole { end_bytes, rest_is_torn } = last_whole(&source, path, &options.limits)?;
        if !rest_is_torn {
            return Ok(Err(end_bytes));
        }
        let source = Box::new(PrefixSource::new(Arc::new(source), end_bytes));
        Self::open_at(source, path, options, Home::of(path)?).map(Ok)
    }

    /// Every block, in the order of ids, after a check that they fill the file.
    pub(crate) fn checked_blocks(&self) -> Result<Vec<BlockRecord>> {
        let blocks = all_blocks(self)?;
        self.manifest.check_blocks(&blocks)?;
        Ok(blocks)
    }

    /// What builds the next revision.
    pub(crate) fn next_revision(&self, blocks: Vec<BlockRecord>, salt: [u8; 32]) -> Result<ArchiveBuilder> {
        Ok(ArchiveBuilder::append(&self.manifest, blocks, salt)?)
    }

    /// The items of a page.
    pub(crate) fn item_page(&self, page: &PageRef<String>) -> Result<Vec<ItemRecord>> {
        let frame = self.read(page.offset_bytes, page.frame_bytes)?;
        Ok(self.manifest.read_item_page(page, &frame, &self.limits.container)?)
    }

    /// The number of the revision with this seal, if it is this one or one before.
    pub(crate) fn revision_of_seal(&self, seal: &[u8; 32]) -> Option<u64> {
        self.revisions().iter().find(|revision| revision.seal == *seal).map(|revision| revision.number)
    }
}

/// True if that is how a file looks to which someone appends.
pub(super) fn may_be_growing(error: &Error, options: &OpenOptions) -> bool {
    options.revision == Revision::Last && is_of_growth(error)
}

fn is_of_growth(error: &Error) -> bool {
    use holotype_container::Error::{NotAnArchive, Truncated};
    match error {
        Error::Container(NotAnArchive { .. } | Truncated { .. }) => true,
        // It was cut off between two reads.
        Error::Io { source, .. } => source.kind() == std::io::ErrorKind::UnexpectedEof,
        _ => false,
    }
}

/// Where the last whole revision of a file ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastWhole {
    pub(super) end_bytes: u64,
    /// False if what follows may hold a revision, though a damaged one: more than an interrupted writer leaves.
    rest_is_torn: bool,
}

/// Finds the last whole revision by the lengths of the frames from the first on: what is in their payloads is not
/// looked at, so that content cannot pose as a revision.
pub(super) fn last_whole(source: &dyn ReadAt, path: &Path, limits: &Limits) -> Result<LastWhole> {
    let n_bytes = source.len_bytes();
    let header_bytes = read(source, path, 0, (Header::N_BYTES as u64).min(n_bytes))?;
    let header = Header::parse(&header_bytes)?;
    let mut found = None;
    let mut at = Header::N_BYTES as u64;
    let rest_is_torn = loop {
        if n_bytes.saturating_sub(at) < FrameHeader::N_BYTES as u64 {
            break true;
        }
        let bytes = read(source, path, at, FrameHeader::N_BYTES as u64)?;
        let frame = if header.is_encrypted {
            FrameHeader::parse_sealed(&bytes, at, &limits.container)
                .or_else(|_| FrameHeader::parse(&bytes, at, &limits.container))
        } else {
            FrameHeader::parse(&bytes, at, &limits.container)
        };
        let Ok(frame) = frame else { break is_zero(source, path, at)? };
        let end = at.saturating_add(FrameHeader::N_BYTES as u64).saturating_add(frame.stored_bytes);
        if end > n_bytes {
            break true;
        }
        if frame.frame_type != FrameType::Root {
            at = end;
            continue;
        }
        let trailer_end = end.saturating_add(Trailer::N_BYTES as u64);
        if trailer_end > n_bytes {
            break true;
        }
        let trailer = read(source, path, end, Trailer::N_BYTES as u64)?;
        let trailer = match Trailer::parse(&trailer, trailer_end) {
            Ok(trailer) if trailer.root_offset_bytes == at => trailer,
            _ => break is_zero(source, path, end)?,
        };
        if frame.stored_bytes > limits.container.max_root_bytes {
            break false;
        }
        let root_frame = read(source, path, at, end - at)?;
        if trailer.check_seal(&header_bytes, &root_frame).is_err() {
            break false;
        }
        found = Some(trailer_end);
        at = trailer_end;
    };
    let what = "the seal is missing: no revision of it is whole";
    let end_bytes = found.ok_or(holotype_container::Error::NotAnArchive { what })?;
    Ok(LastWhole { end_bytes, rest_is_torn })
}

/// True if there is nothing but zeros from `at` on.
fn is_zero(source: &dyn ReadAt, path: &Path, at: u64) -> Result<bool> {
    let mut at = at;
    while at < source.len_bytes() {
        let n = (source.len_bytes() - at).min(WINDOW_BYTES);
        if read(source, path, at, n)?.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += n;
    }
    Ok(true)
}
