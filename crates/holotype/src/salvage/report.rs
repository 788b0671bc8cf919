use crate::{Finding, ItemKind, Region};
use holotype_container::hex;
use std::fmt;

/// What vouches for a salvaged item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// The seal: content, name and metadata are what was archived.
    Seal,
    /// The item's own SHA-256, found with it: the content is what was archived; name and metadata are as they
    /// were found.
    Content,
    /// The Merkle root of all blocks: the coded bytes are what was archived.
    MerkleRoot,
    /// Nothing: the bytes are as they were found.
    Nothing,
}

impl Proof {
    /// Lower-case name, as in `merkle-root`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Content => "content",
            Self::MerkleRoot => "merkle-root",
            Self::Nothing => "nothing",
        }
    }
}

/// A manifest that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SalvagedManifest {
    /// Where its root record lies; `None` if only pages of it are left.
    pub offset_bytes: Option<u64>,
    /// The seal, if it holds.
    pub seal: Option<[u8; 32]>,
    /// Items it names.
    pub n_items: u64,
    /// Items in pages of it that are lost, whose names are not known.
    pub n_lost_items: u64,
}

impl SalvagedManifest {
    /// The seal in hexadecimal, if it holds.
    #[must_use]
    pub fn seal_hex(&self) -> Option<String> {
        self.seal.as_ref().map(|seal| hex(seal))
    }
}

/// An item written to the new archive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SalvagedItem {
    /// Its name in the new archive.
    pub name: String,
    /// Its name in the damaged one, if it was another.
    pub old_name: Option<String>,
    /// What it is.
    pub kind: ItemKind,
    /// What vouches for it.
    pub proof: Proof,
    /// Tiles that are lost and were written as zeros; empty if the content is whole.
    pub filled: Vec<Region>,
    /// What else is lost of it: metadata, preview.
    pub findings: Vec<Finding>,
}

/// An item that could not be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostItem {
    /// Its name.
    pub name: String,
    /// What is damaged, and where in the damaged archive.
    pub findings: Vec<Finding>,
}

/// What a salvage found, recovered and lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SalvageReport {
    /// Bytes of the damaged archive.
    pub n_bytes: u64,
    /// Bytes the medium did not give.
    pub n_unreadable_bytes: u64,
    /// Bytes that are part of no frame.
    pub n_skipped_bytes: u64,
    /// Manifests found, in the order of the file.
    pub manifests: Vec<SalvagedManifest>,
    /// Items written to the new archive.
    pub recovered: Vec<SalvagedItem>,
    /// Items lost.
    pub lost: Vec<LostItem>,
    /// Blocks that belong to no item found.
    pub n_stray_blocks: u64,
    /// Bytes of their frames.
    pub n_stray_bytes: u64,
    /// Further remarks.
    pub notes: Vec<String>,
}

impl SalvageReport {
    /// True if every item of every archive in the file came back whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.manifests.is_empty()
            && self.manifests.iter().all(|m| m.offset_bytes.is_some() && m.n_lost_items == 0)
            && self.lost.is_empty()
            && self.n_stray_blocks == 0
            && self.recovered.iter().all(|item| item.filled.is_empty() && item.findings.is_empty())
    }
}

/// The report as it is kept in the new archive.
impl fmt::Display for SalvageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            n_bytes,
            n_unreadable_bytes,
            n_skipped_bytes,
            manifests,
            recovered,
            lost,
            n_stray_blocks,
            n_stray_bytes,
            notes,
        } = self;
        writeln!(f, "salvaged from a damaged archive of {n_bytes} bytes; this is not that archive")?;
        writeln!(f, "unreadable bytes: {n_unreadable_bytes}, bytes outside frames: {n_skipped_bytes}")?;
        for manifest in manifests {
            match manifest.offset_bytes {
                Some(offset) => write!(f, "manifest at byte {offset}: ")?,
                None => f.write_str("pages of a manifest: ")?,
            }
            write!(f, "{} items, {} lost with their names, ", manifest.n_items, manifest.n_lost_items)?;
            match manifest.seal_hex() {
                Some(seal) => writeln!(f, "seal {seal}")?,
                None => writeln!(f, "no seal")?,
            }
        }
        for item in recovered {
            write!(f, "recovered `{}`", item.name)?;
            if let Some(old) = &item.old_name {
                write!(f, " (was `{old}`)")?;
            }
            writeln!(f, ": proven by {}", item.proof.name())?;
            for Region { x, y, width, height } in &item.filled {
                writeln!(f, "  tile at x {x}, y {y} ({width} × {height}) is lost and zero")?;
            }
            item.findings.iter().try_for_each(|finding| writeln!(f, "  lost: {finding}"))?;
        }
        for item in lost {
            writeln!(f, "lost `{}`", item.name)?;
            item.findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))?;
        }
        if *n_stray_blocks > 0 {
            writeln!(f, "blocks of no item: {n_stray_blocks}, {n_stray_bytes} bytes")?;
        }
        notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}
