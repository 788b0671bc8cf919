//! Recovers what is proven intact of a damaged archive into a new one. `docs/format.md` §11 says what is possible.
//!
//! 1. `scan` finds every whole frame, by length and by sync mark, and hashes it.
//! 2. `manifest` finds roots and pages among them, and each block by its hash wherever it lies.
//! 3. Each item is read and hashed as `verify` does; what passes is copied, block by block, as it is coded.

mod copy;
mod manifest;
mod report;
mod scan;
mod seal;
mod stray;
mod tolerant;

pub use report::{LostItem, Proof, SalvageReport, SalvagedItem, SalvagedManifest};

use crate::archive::{Archive, ImageItem, Item, verify_item};
use crate::{Error, Finding, Limits, Progress, Result, VerifyOptions, VerifyReport, Writer, WriterOptions};
use holotype_container::{Header, ItemKind, ItemRecord};
use holotype_store::{FileSource, MemorySource, ReadAt};
use manifest::FoundManifest;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;
use tolerant::Tolerant;

/// Name of the report in the new archive.
const REPORT_NAME: &str = "salvage-report.txt";

/// How [`salvage`] works.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SalvageOptions {
    /// Write images of which tiles are lost, those tiles zero and the item marked; default false.
    pub fill: bool,
    /// Write blocks that belong to no item found, as files; default false.
    pub stray_blocks: bool,
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Limits of reading.
    pub limits: Limits,
    /// Told of the bytes scanned.
    pub progress: Progress,
}

impl SalvageOptions {
    /// Sets [`Self::fill`].
    #[must_use]
    pub fn with_fill(mut self, fill: bool) -> Self {
        self.fill = fill;
        self
    }

    /// Sets [`Self::stray_blocks`].
    #[must_use]
    pub fn with_stray_blocks(mut self, stray_blocks: bool) -> Self {
        self.stray_blocks = stray_blocks;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::limits`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// Writes what is proven intact of the damaged archive at `path` as a new, sealed archive to `out`.
///
/// The new archive is another one than the damaged: it holds a file item `salvage-report.txt` with the report, and
/// an item of which something is lost says so in its metadata. Nothing is made up: what is not proven by a hash is
/// left out, unless `options` asks for it.
///
/// # Errors
/// `Io` if the archive cannot be opened or `out` not be written; `Unsupported` if it is encrypted. Damage is in the
/// report.
///
/// # Examples
/// ```
/// use holotype::{Archive, SalvageOptions, Writer, WriterOptions, salvage_bytes};
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// writer.add_file("letter", &mut &b"Dear reader"[..], None)?;
/// let (mut bytes, _seal) = writer.finish()?;
/// bytes.truncate(bytes.len() - 20); // the seal is gone
/// assert!(Archive::from_bytes(bytes.clone()).is_err());
/// let (saved, report) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default())?;
/// assert_eq!(report.recovered[0].name, "letter");
/// assert_eq!(Archive::from_bytes(saved)?.item("letter")?.raw_bytes(), 11);
/// # Ok::<(), holotype::Error>(())
/// ```
pub fn salvage<W: Write>(
    path: impl AsRef<Path>,
    out: W,
    options: &SalvageOptions,
) -> Result<(W, SalvageReport)> {
    let path = path.as_ref();
    let source = FileSource::open(path).map_err(|e| Error::io(path, e))?;
    salvage_source(Box::new(source), path, out, options)
}

/// [`salvage`] of an archive in memory.
///
/// # Errors
/// As [`salvage`].
pub fn salvage_bytes<W: Write>(
    bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    out: W,
    options: &SalvageOptions,
) -> Result<(W, SalvageReport)> {
    salvage_source(Box::new(MemorySource::new(bytes)), "<memory>", out, options)
}

/// [`salvage`] of any source; `path` is for messages.
///
/// # Errors
/// As [`salvage`].
pub fn salvage_source<W: Write>(
    source: Box<dyn ReadAt>,
    path: impl AsRef<Path>,
    out: W,
    options: &SalvageOptions,
) -> Result<(W, SalvageReport)> {
    let path = path.as_ref();
    let source = Arc::new(Tolerant::new(source));
    check_readable(&source, path)?;
    let scan = scan::scan(&source, path, &options.limits, &options.progress)?;
    let mut manifests = manifest::find(&source, path, &scan, &options.limits)?;
    // What an archive held last keeps its names.
    manifests.sort_by_key(|manifest| std::cmp::Reverse(manifest.revision));
    let has_revisions = manifests.iter().any(|manifest| manifest.revision > 1);
    let writer = Writer::new(out, WriterOptions::default())?;
    let mut salvage = Salvage {
        writer,
        options,
        report: SalvageReport::default(),
        used: HashSet::new(),
        copied: BTreeMap::new(),
        contents: HashMap::new(),
        found: has_revisions.then(HashSet::new),
    };
    salvage.report.n_bytes = source.len_bytes();
    salvage.report.n_skipped_bytes = scan.n_skipped;
    for manifest in manifests {
        salvage.manifest(&source, path, manifest)?;
    }
    salvage.stray(&source, path, &scan)?;
    if scan.n_cut > 0 {
        salvage.report.notes.push(format!("frames that are cut: {}", scan.n_cut));
    }
    if scan.gave_up {
        salvage.report.notes.push("the scan was given up: the file is forged to never end".into());
    }
    salvage.report.n_unreadable_bytes = source.n_unreadable();
    salvage.finish()
}

/// Encrypted archives are not salvaged: their frames are found, but not what is in them.
fn check_readable(source: &Tolerant, path: &Path) -> Result<()> {
    let mut header = [0; Header::N_BYTES];
    if source.len_bytes() < header.len() as u64 {
        return Ok(());
    }
    source.read_exact_at(0, &mut header).map_err(|e| Error::of_read(path, e))?;
    match Header::parse(&header) {
        Ok(header) if header.is_encrypted => Err(Error::unsupported("salvage of encrypted archives")),
        _ => Ok(()),
    }
}

struct Salvage<'a, W: Write> {
    writer: Writer<W>,
    options: &'a SalvageOptions,
    report: SalvageReport,
    /// Hashes of the blocks of all manifests.
    used: HashSet<[u8; 32]>,
    /// New ids of the blocks copied from the archive at hand.
    copied: BTreeMap<u64, u64>,
    /// Content hashes of the items copied from the archive at hand, by name: what hard links may name.
    contents: HashMap<String, [u8; 32]>,
    /// Items found whole in later revisions, of an archive that was appended to.
    found: Option<HashSet<(String, ItemKind, [u8; 32])>>,
}

impl<W: Write> Salvage<'_, W> {
    fn manifest(&mut self, source: &Arc<Tolerant>, path: &Path, found: FoundManifest) -> Result<()> {
        let FoundManifest { offset_bytes, revision: _, seal, notes, mut items, n_lost_items, blocks } = found;
        self.used.extend(blocks.iter().map(|block| block.hash));
        // Tensors may be the parents of others.
        let mut parents: Vec<ItemRecord> =
            items.iter().filter(|item| item.kind == ItemKind::Tensor).cloned().collect();
        parents.sort_by(|a, b| a.name.cmp(&b.name));
        let limits = self.options.limits;
        let archive = Archive::without_seal(Box::new(Arc::clone(source)), path, blocks, parents, limits);
        let n_items = items.len() as u64;
        self.report.manifests.push(SalvagedManifest { offset_bytes, seal, n_items, n_lost_items });
        self.report.notes.extend(notes);
        let proof = if seal.is_some() { Proof::Seal } else { Proof::Content };
        items.sort_by_key(|item| item.ordinal);
        self.copied.clear();
        self.contents.clear();
        items.into_iter().try_for_each(|record| self.item(&archive, record, proof))
    }

    fn item(&mut self, archive: &Archive, record: ItemRecord, proof: Proof) -> Result<()> {
        let identity = (record.name.clone(), record.kind, record.content_sha256);
        if self.found.as_ref().is_some_and(|found| found.contains(&identity)) {
            return Ok(());
        }
        let mut record = record;
        let mut findings = self.verify(archive, &record)?;
        if !findings.is_empty() && drop_damaged_parts(archive, &mut record) {
            let of_content = self.verify(archive, &record)?;
            if of_content.is_empty() {
                let note = "incomplete: damaged metadata or preview of the original was left out";
                return self.copy_whole(archive, record, proof, findings, Some(note));
            }
            findings = of_content;
        }
        if findings.is_empty() {
            self.found.iter_mut().for_each(|found| {
                found.insert(identity.clone());
            });
            return self.copy_whole(archive, record, proof, findings, None);
        }
        let name = record.name.clone();
        if self.options.fill && self.fill(archive, record, &findings)? {
            return Ok(());
        }
        self.report.lost.push(LostItem { name, findings });
        Ok(())
    }

    fn verify(&self, archive: &Archive, record: &ItemRecord) -> Result<Vec<Finding>> {
        let options = VerifyOptions::default().with_n_threads(self.options.n_threads);
        let mut report = VerifyReport::default();
        let item = Item::new(archive, Arc::new(record.clone()));
        match verify_item(&item, &options, &mut report) {
            // What a limit refuses is lost, but no reason to stop.
            Err(error @ (Error::LimitExceeded { .. } | Error::OutOfMemory { .. })) => {
                Ok(vec![Finding::of_item(item.name(), &error)])
            }
            Err(error) => Err(error),
            Ok(()) => Ok(report.findings),
        }
    }

    fn copy_whole(
        &mut self,
        archive: &Archive,
        record: ItemRecord,
        proof: Proof,
        findings: Vec<Finding>,
        note: Option<&str>,
    ) -> Result<()> {
        let mut record = record;
        let name = self.free_name(&record.name);
        // A link to a file that is lost, or has another name now, becomes a file: its content is all there.
        let linked = record.attributes.hard_link.as_ref().and_then(|name| self.contents.get(name));
        if linked != Some(&record.content_sha256) {
            record.attributes.hard_link = None;
            if name == record.name && record.kind == ItemKind::File {
                self.contents.insert(name.clone(), record.content_sha256);
            }
        }
        let item = Item::new(archive, Arc::new(record));
        copy::copy_whole(&mut self.writer, &item, &name, note, &mut self.copied)?;
        let old_name = (name != item.name()).then(|| item.name().to_owned());
        let kind = item.kind();
        self.report.recovered.push(SalvagedItem {
            name,
            old_name,
            kind,
            proof,
            filled: Vec::new(),
            findings,
        });
        Ok(())
    }

    /// Writes an image of which only tiles are lost, and not all of them; false if it is not one.
    fn fill(&mut self, archive: &Archive, record: ItemRecord, findings: &[Finding]) -> Result<bool> {
        let filled: Vec<_> = findings.iter().filter_map(|finding| finding.tile).collect();
        if record.kind != ItemKind::Image || filled.len() != findings.len() {
            return Ok(false);
        }
        let old_name = record.name.clone();
        let Ok(image) = ImageItem::open(Item::new(archive, Arc::new(record))) else { return Ok(false) };
        let edge = image.tile_edge();
        let missing: BTreeSet<u64> =
            filled.iter().map(|tile| image.grid().tile_number(tile.x / edge, tile.y / edge)).collect();
        if missing.len() as u64 == image.n_tiles() {
            return Ok(false);
        }
        let note = format!(
            "incomplete: {} of {} tiles of the original were lost and are zero; see {REPORT_NAME}",
            missing.len(),
            image.n_tiles()
        );
        let name = self.free_name(&old_name);
        copy::copy_filled(&mut self.writer, &image, &missing, &name, &note)?;
        let old_name = (name != old_name).then_some(old_name);
        self.report.recovered.push(SalvagedItem {
            name,
            old_name,
            kind: ItemKind::Image,
            proof: Proof::Nothing,
            filled,
            findings: findings.to_vec(),
        });
        Ok(true)
    }

    fn stray(&mut self, source: &Tolerant, path: &Path, scan: &scan::Scan) -> Result<()> {
        let frames = stray::stray_blocks(scan, &self.used);
        self.report.n_stray_blocks = frames.len() as u64;
        self.report.n_stray_bytes = frames.iter().map(|frame| frame.frame_bytes()).sum();
        if frames.is_empty() {
            return Ok(());
        }
        let proof = stray::proof(scan);
        self.report.notes.push(format!("blocks of no item are proven by {}", proof.name()));
        if !self.options.stray_blocks {
            return Ok(());
        }
        for frame in frames {
            let Some(content) = stray::content(source, path, frame, &self.options.limits)? else { continue };
            let name = self.free_name(&stray::name(frame));
            self.writer.add_file(&name, &mut Cursor::new(&content), None)?;
            self.report.recovered.push(SalvagedItem {
                name,
                old_name: None,
                kind: ItemKind::File,
                proof,
                filled: Vec::new(),
                findings: Vec::new(),
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(W, SalvageReport)> {
        let name = self.free_name(REPORT_NAME);
        self.writer.add_file(&name, &mut Cursor::new(self.report.to_string()), None)?;
        let (out, _seal) = self.writer.finish()?;
        Ok((out, self.report))
    }

    /// `name`, or the first of `name~2`, `name~3`, … that is free: several archives may have items of one name.
    fn free_name(&self, name: &str) -> String {
        let max = self.options.limits.container.max_name_bytes as usize - 24;
        let stem = name.get(..name.floor_char_boundary(max.min(name.len()))).unwrap_or(name);
        let others = (2_u64..).map(|n| format!("{stem}~{n}"));
        let first = std::iter::once(name.to_owned());
        first.chain(others).find(|name| self.writer.is_free(name)).unwrap_or_default()
    }
}

/// Takes damaged metadata and a damaged preview out of a record; true if there was any.
fn drop_damaged_parts(archive: &Archive, record: &mut ItemRecord) -> bool {
    let item = |record: &ItemRecord| Item::new(archive, Arc::new(record.clone()));
    let mut dropped = false;
    if item(record).metadata().is_err() {
        record.metadata = None;
        dropped = true;
    }
    if record.preview.is_some() && ImageItem::open(item(record)).and_then(|image| image.preview()).is_err() {
        record.preview = None;
        dropped = true;
    }
    dropped
}
