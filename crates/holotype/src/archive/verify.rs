use super::{
    AnimationItem, Archive, AudioItem, FileMap, GenerationItem, ImageItem, Item, Place, Reading, TensorItem,
    Uses, chunks, content, jobs_of, tables, uses::block_of, weight_of,
};
use crate::image::decode;
use crate::{Error, Progress, Region, Result, memory, parallel};
use holotype_container::{BlockRecord, ChunkRecord, Extents, FrameHasher, ItemKind};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;

/// How [`Archive::verify`] works.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Threads; 0 (default) uses what the machine offers.
    pub n_threads: usize,
    /// Read every block and hash every item's content (default). Otherwise only what describes them is checked: that
    /// tables, records, metadata and lists are whole and fit together.
    pub content: bool,
    /// Told of the stored bytes checked.
    pub progress: Progress,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { n_threads: 0, content: true, progress: Progress::default() }
    }
}

impl VerifyOptions {
    /// Sets [`Self::content`].
    #[must_use]
    pub fn with_content(mut self, content: bool) -> Self {
        self.content = content;
        self
    }

    /// Sets [`Self::n_threads`].
    #[must_use]
    pub fn with_n_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The item it belongs to.
    pub item: Option<String>,
    /// The pixels of the damaged tile.
    pub tile: Option<Region>,
    /// Where the damaged block's frame starts.
    pub offset_bytes: Option<u64>,
    /// Bytes of that frame.
    pub n_bytes: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// True if a parent of a thin archive is missing, or is another one now; no byte of the archive itself is wrong.
    pub in_parent: bool,
}

impl Finding {
    /// A finding about an item as a whole.
    pub(crate) fn of_item(item: &str, error: &Error) -> Self {
        Self::of(Some(item), error)
    }

    fn of(item: Option<&str>, error: &Error) -> Self {
        Self {
            item: item.map(str::to_owned),
            tile: None,
            offset_bytes: None,
            n_bytes: None,
            message: error.to_string(),
            in_parent: matches!(error, Error::Parent { .. }),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(item) = &self.item {
            write!(f, "{item}")?;
        } else {
            f.write_str("archive")?;
        }
        if let Some(Region { x, y, width, height }) = self.tile {
            write!(f, ", tile at x {x}, y {y} ({width} × {height})")?;
        }
        if let (Some(offset), Some(n)) = (self.offset_bytes, self.n_bytes) {
            write!(f, ", bytes {offset}..{}", offset.saturating_add(n))?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What [`Archive::verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Items checked.
    pub n_items: u64,
    /// Blocks checked.
    pub n_blocks: u64,
    /// Bytes of the archive, all of them covered.
    pub n_bytes: u64,
    /// What is wrong; empty if all is good.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// True if nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    /// True if no byte of the archive itself is wrong, but a parent is missing or another: what is named of it could
    /// not be checked.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        !self.is_good() && self.findings.iter().all(|finding| finding.in_parent)
    }
}

/// Files that share blocks are checked in jobs of about so many bytes.
const JOB_BYTES: u64 = 8 << 20;

/// Header, root and trailer were checked by the seal when the archive was opened. What is left: the tables,
/// every block's frame, every item's content decoded and hashed.
pub(super) fn verify(archive: &Archive, options: &VerifyOptions) -> Result<VerifyReport> {
    let mut report = VerifyReport { n_bytes: archive.n_bytes(), ..VerifyReport::default() };
    let blocks = match tables::all_blocks(archive) {
        Ok(blocks) => blocks,
        Err(error) => return unreadable(report, error),
    };
    if let Err(error) = archive.manifest.check_blocks(&blocks) {
        report.findings.push(whole(None, &error.into()));
    }
    let items = match archive.items_on(options.n_threads) {
        Ok(items) => items,
        Err(error) => return unreadable(report, error),
    };
    if let Err(error) = check_pages_hash(archive) {
        damage_only(&error)?;
        report.findings.push(whole(None, &error));
    }
    report.n_items = items.len() as u64;
    if !options.content {
        return verify_structure(&items, report);
    }
    report.n_blocks = blocks.len() as u64;
    let mut is_content = vec![false; blocks.len()];
    let (mut later, mut of_chunks) = (None::<Archive>, Vec::new());
    for item in &items {
        let listed = match &item.record().extents {
            Some(Extents::Block(_)) => content::extents(archive, item.record()).ok().flatten(),
            _ => None,
        };
        let listed = listed.iter().flatten().map(|extent| extent.block);
        for id in item.record().content_blocks().chain(item.shared_blocks()).chain(listed) {
            if let Some(seen) = is_content.get_mut(id as usize) {
                *seen = true;
            }
        }
        if item.record().extents.is_none() {
            verify_item(item, options, &mut report)?;
        }
    }
    let chunks = match chunks::all_chunks(archive) {
        Ok(chunks) => chunks,
        Err(error) => {
            damage_only(&error)?;
            of_chunks.push(whole(None, &error));
            Vec::new()
        }
    };
    of_chunks.extend(verify_shared(archive, &items, &chunks, options, &mut report)?);
    for item in &items {
        if let Err(error) = item.check_link() {
            damage_only(&error)?;
            report.findings.push(whole(Some(item), &error));
        }
    }
    report.findings.append(&mut of_chunks);
    for number in (1..archive.revision()).rev() {
        let newer = later.as_ref().map_or(archive, |later| later);
        match verify_earlier(archive, number, newer, &blocks, options, &mut report) {
            Ok(earlier) => later = Some(earlier),
            Err(error) => {
                damage_only(&error)?;
                let message = format!("revision {number}: {error}");
                report.findings.push(Finding { message, ..whole(None, &error) });
            }
        }
    }
    for ((id, block), _) in (0..).zip(&blocks).zip(&is_content).filter(|(_, seen)| !**seen) {
        if block.foreign.is_some() {
            verify_foreign(archive, id, &mut report)?;
        } else {
            verify_other(archive, block, options, &mut report)?;
        }
    }
    Ok(report)
}

/// An earlier revision: its tables, that this one goes on from it, and the items that are others in the one after it,
/// `newer`. Blocks are checked with those of `archive`.
fn verify_earlier(
    archive: &Archive,
    number: u64,
    newer: &Archive,
    blocks: &[BlockRecord],
    options: &VerifyOptions,
    report: &mut VerifyReport,
) -> Result<Archive> {
    let earlier = archive.at_revision(number)?;
    let rule = |rule| holotype_container::Error::Corrupt {
        what: "earlier revision",
        offset_bytes: earlier.manifest.trailer().root_offset_bytes,
        rule,
    };
    let (root, last) = (earlier.manifest.root(), archive.manifest.root());
    let earlier_blocks = tables::all_blocks(&earlier)?;
    if !blocks.starts_with(&earlier_blocks) {
        return Err(rule("the block table does not go on from that of an earlier revision").into());
    }
    if !last.parents.starts_with(&root.parents) || !last.revisions.starts_with(&root.revisions) {
        return Err(rule("parents or revisions do not go on from those of an earlier revision").into());
    }
    earlier.manifest.check_blocks(&earlier_blocks)?;
    check_pages_hash(&earlier)?;
    chunks::all_chunks(&earlier)?;
    let kept: HashMap<String, Item<'_>> =
        newer.items_on(options.n_threads)?.into_iter().map(|item| (item.name().to_owned(), item)).collect();
    let is_kept =
        |item: &Item<'_>| kept.get(item.name()).is_some_and(|other| other.record() == item.record());
    let mut changed = earlier.items_on(options.n_threads)?;
    changed.retain(|item| !is_kept(item));
    for item in changed.iter().filter(|item| item.record().extents.is_none()) {
        verify_item(item, options, report)?;
    }
    verify_shared(&earlier, &changed, &[], options, report)?;
    drop((changed, kept));
    Ok(earlier)
}

/// What describes the items: no block of content is read.
fn verify_structure(items: &[Item<'_>], mut report: VerifyReport) -> Result<VerifyReport> {
    for item in items {
        let described = match item.kind() {
            ItemKind::Image => ImageItem::open(item.clone()).map(drop),
            ItemKind::Tensor => TensorItem::open(item.clone()).map(drop),
            ItemKind::Generation => GenerationItem::open(item.clone()).map(drop),
            ItemKind::File => FileMap::new(item).map(drop).and_then(|()| item.check_link()),
            _ => Ok(()),
        };
        if let Err(error) = described.and_then(|()| item.metadata().map(drop)) {
            damage_only(&error)?;
            report.findings.push(whole(Some(item), &error));
        }
    }
    Ok(report)
}

/// What checks the pages of an encrypted archive for those who have no key says so truly.
fn check_pages_hash(archive: &Archive) -> Result<()> {
    let Some(expected) = archive.manifest.pages_hash() else { return Ok(()) };
    let mut found = FrameHasher::default();
    let part = archive.manifest.trailer().part_bytes();
    let pages = archive.manifest.root().page_frames();
    for (offset, n_bytes) in pages.into_iter().filter(|(offset, _)| *offset >= part) {
        found.update(&archive.read(offset, n_bytes)?);
    }
    if found.finish() == expected {
        return Ok(());
    }
    let (what, rule) = ("root record", "the pages have another hash than recorded");
    let offset_bytes = archive.manifest.trailer().root_offset_bytes;
    Err(holotype_container::Error::Corrupt { what, offset_bytes, rule }.into())
}

/// What shares blocks with others.
enum Sharing<'a> {
    Item(&'a Item<'a>),
    /// Chunks of one block.
    Chunks(&'a [ChunkRecord]),
}

impl Sharing<'_> {
    /// True for a file of the same content as `before`: nothing else of it is read.
    fn repeats(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Item(item), Self::Item(before)) => {
                item.kind() == ItemKind::File && item.has_content_of(before)
            }
            _ => false,
        }
    }
}

/// Files and chunks that share blocks: neighbours together, so that each block is decoded once or a few times. Returns
/// what it found of the chunks.
fn verify_shared(
    archive: &Archive,
    items: &[Item<'_>],
    chunks: &[ChunkRecord],
    options: &VerifyOptions,
    report: &mut VerifyReport,
) -> Result<Vec<Finding>> {
    let mut shared: Vec<Sharing<'_>> =
        items.iter().filter(|item| item.record().extents.is_some()).map(Sharing::Item).collect();
    let by_block = chunks.chunk_by(|a, b| a.extent.block == b.extent.block);
    shared.extend(by_block.map(Sharing::Chunks));
    let uses = Uses::of(archive);
    for entry in &shared {
        match entry {
            Sharing::Item(item) => uses.add(item.shared_blocks()),
            Sharing::Chunks(chunks) => uses.add(block_of(chunks)),
        }
    }
    let place_of = |entry: &Sharing<'_>| match entry {
        Sharing::Item(item) => Place::of_item(item),
        Sharing::Chunks(chunks) => Place::of_chunks(chunks),
    };
    let jobs = jobs_of(shared, JOB_BYTES, place_of);
    let n_threads = parallel::n_threads(options.n_threads, jobs.len());
    let weight = |job: &Vec<Sharing<'_>>| weight_of(job, JOB_BYTES, place_of);
    let found = parallel::map_heavy_first(n_threads, jobs, weight, |job: Vec<_>| {
        let (mut of_items, mut of_chunks) = (VerifyReport::default(), Vec::new());
        for equal in job.chunk_by(|a, b| b.repeats(a)) {
            let n_equal = equal.len() as u32;
            let mut reading =
                Reading { checked: None, uses: Some((&uses, n_equal)), n_threads: options.n_threads };
            for entry in equal {
                match entry {
                    Sharing::Chunks(chunks) => {
                        of_chunks.extend(chunks::check_chunks(archive, chunks)?);
                        block_of(chunks).for_each(|block| uses.end(block, 1));
                    }
                    Sharing::Item(item) if item.kind() == ItemKind::File => {
                        let is_good = verify_file_among(&reading, item, options, &mut of_items)?;
                        reading = Reading { checked: is_good.then_some(item), uses: None, ..reading };
                    }
                    Sharing::Item(item) => {
                        verify_item(item, options, &mut of_items)?;
                        item.shared_blocks().for_each(|block| uses.end(block, 1));
                    }
                }
            }
        }
        Ok((of_items.findings, of_chunks))
    })?;
    let (of_items, of_chunks): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    report.findings.extend(of_items.into_iter().flatten());
    Ok(of_chunks.into_iter().flatten().collect())
}

/// Decodes and hashes an item's content, its metadata and its preview.
pub(crate) fn verify_item(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    match item.kind() {
        ItemKind::Image => verify_image(item, options, report),
        ItemKind::Directory | ItemKind::Symlink => verify_entry(item, report),
        ItemKind::Tensor => verify_tensor(item, options, report),
        ItemKind::Animation => verify_animation(item, options, report),
        ItemKind::Audio => {
            if let Err(error) = AudioItem::open(item.clone()) {
                damage_only(&error)?;
                report.findings.push(whole(Some(item), &error));
                return Ok(());
            }
            verify_file(item, options, report)
        }
        ItemKind::Generation => verify_generation(item, options, report),
        _ => verify_file(item, options, report),
    }
}

/// A folder or symbolic link: no content, and the hash of none.
fn verify_entry(item: &Item<'_>, report: &mut VerifyReport) -> Result<()> {
    let checked = item.check_content(Sha256::digest([]).into()).and_then(|()| item.metadata().map(drop));
    if let Err(error) = checked {
        damage_only(&error)?;
        report.findings.push(whole(Some(item), &error));
    }
    Ok(())
}

fn unreadable(mut report: VerifyReport, error: Error) -> Result<VerifyReport> {
    damage_only(&error)?;
    report.findings.push(whole(None, &error));
    Ok(report)
}

/// Passes on what is not damage: a disk that fails, a limit.
pub(super) fn damage_only(error: &Error) -> Result<()> {
    match error {
        Error::Io { path, source } => Err(Error::io_again(path, source)),
        Error::LimitExceeded { what, found, limit } => {
            Err(Error::LimitExceeded { what, found: *found, limit: *limit })
        }
        Error::OutOfMemory { what, n_bytes } => Err(Error::OutOfMemory { what, n_bytes: *n_bytes }),
        _ => Ok(()),
    }
}

fn whole(item: Option<&Item<'_>>, error: &Error) -> Finding {
    Finding::of(item.map(Item::name), error)
}

fn in_block(block: Option<&BlockRecord>, finding: Finding) -> Finding {
    Finding {
        offset_bytes: block.map(|b| b.offset_bytes),
        n_bytes: block.map(BlockRecord::frame_bytes),
        ..finding
    }
}

fn verify_image(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    let image = match ImageItem::open(item.clone()) {
        Ok(image) => image,
        Err(error) => {
            damage_only(&error)?;
            report.findings.push(whole(Some(item), &error));
            return Ok(());
        }
    };
    let n_before = report.findings.len();
    let descriptor = image.descriptor();
    let grid = image.grid();
    let fetch = image.fetch();
    let mut content = Sha256::new();
    let mut band = Vec::new();
    for row in 0..grid.n_rows() {
        let strip = Region { x: 0, width: descriptor.width, ..grid.tile(0, row) };
        if let Err(error) = image.check_tiles(&strip).and_then(|()| image.will_read(&strip)) {
            damage_only(&error)?;
            report.findings.push(whole(Some(item), &error));
            return Ok(());
        }
        memory::resize(&mut band, "a row of tiles", strip.raw_bytes(descriptor).unwrap_or(u64::MAX))?;
        let jobs = decode::cut(descriptor, grid, &strip, &mut band);
        let n_threads = parallel::n_threads(options.n_threads, jobs.len());
        let found = parallel::map(n_threads, jobs, |job| {
            let (column, row) = (job.column, job.row);
            let id = item.record().content_block(grid.tile_number(column, row));
            let block = id.and_then(|id| item.archive().block(id).ok());
            options.progress.advance(block.map_or(0, |b| b.frame_bytes()));
            match decode::decode_one(item.name(), descriptor, grid, &fetch, &strip, job) {
                Ok(()) => Ok(None),
                Err(error) => {
                    damage_only(&error)?;
                    let finding = Finding { tile: Some(grid.tile(column, row)), ..whole(Some(item), &error) };
                    Ok(Some(in_block(block.as_ref(), finding)))
                }
            }
        })?;
        report.findings.extend(found.into_iter().flatten());
        // Once a tile is damaged the hash tells nothing more.
        if report.findings.len() == n_before {
            content.update(&band);
        }
    }
    if report.findings.len() == n_before
        && let Err(error) = item.check_content(content.finalize().into())
    {
        report.findings.push(whole(Some(item), &error));
    }
    if report.findings.len() == n_before
        && let Err(error) = image.restore()
    {
        damage_only(&error)?;
        report.findings.push(whole(Some(item), &error));
    }
    if let Err(error) = image.preview() {
        damage_only(&error)?;
        report.findings.push(whole(Some(item), &error));
    }
    Ok(())
}

fn verify_file(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    let reading = Reading { n_threads: options.n_threads, ..Reading::default() };
    verify_file_among(&reading, item, options, report).map(drop)
}

/// [`verify_file`] of one among many; true if it is good.
fn verify_file_among(
    reading: &Reading<'_>,
    item: &Item<'_>,
    options: &VerifyOptions,
    report: &mut VerifyReport,
) -> Result<bool> {
    let mut checked = if reading.checked.is_some_and(|checked| item.has_content_of(checked)) {
        // What its record says was found true of the same extents a moment ago.
        options.progress.advance(item.raw_bytes());
        Ok(())
    } else {
        item.read_file_among(reading, &mut |bytes| {
            options.progress.advance(bytes.len() as u64);
            Ok(())
        })
    };
    if checked.is_ok() {
        checked = item.metadata().and_then(|_| item.preview()).map(drop);
    }
    let is_good = checked.is_ok();
    note(item, checked, report)?;
    Ok(is_good)
}

fn verify_tensor(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    let check = || {
        let tensor = TensorItem::open(item.clone())?;
        tensor.check_content(options.n_threads, &options.progress)
    };
    note(item, check(), report)
}

fn verify_generation(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    let check = || {
        GenerationItem::open(item.clone())?;
        options.progress.advance(item.raw_bytes());
        item.metadata().and_then(|_| item.preview()).map(drop)
    };
    note(item, check(), report)
}

/// Notes what a check of an item as a whole found.
fn note(item: &Item<'_>, checked: Result<()>, report: &mut VerifyReport) -> Result<()> {
    let Err(error) = checked else { return Ok(()) };
    damage_only(&error)?;
    let offset = match &error {
        Error::Block { source: holotype_container::Error::Hash { offset_bytes, .. }, .. } => {
            Some(*offset_bytes)
        }
        _ => None,
    };
    report.findings.push(Finding { offset_bytes: offset, ..whole(Some(item), &error) });
    Ok(())
}

/// Every frame; those that cannot be read are named one by one, and what does not need them is checked all the same.
fn verify_animation(item: &Item<'_>, options: &VerifyOptions, report: &mut VerifyReport) -> Result<()> {
    let damage = |error: &Error, report: &mut VerifyReport| {
        damage_only(error)?;
        report.findings.push(whole(Some(item), error));
        Ok(())
    };
    let animation = match AnimationItem::open(item.clone()).and_then(|animation| {
        animation.frame(0)?;
        Ok(animation)
    }) {
        Ok(animation) => animation,
        Err(error) => return damage(&error, report),
    };
    let n_before = report.findings.len();
    animation.check_content(options.n_threads, &options.progress, &mut |error| damage(error, report))?;
    if report.findings.len() == n_before {
        let rest = animation.item().metadata().and_then(|_| animation.frame_metadata(0)).map(drop);
        if let Err(error) = rest
            .and_then(|()| item.preview().map(drop))
            .and_then(|()| animation.check_audio())
            .and_then(|()| animation.chroma().map(drop))
        {
            damage(&error, report)?;
        }
    }
    Ok(())
}

/// A block of a parent outside every item's content.
fn verify_foreign(archive: &Archive, id: u64, report: &mut VerifyReport) -> Result<()> {
    let Err(error) = archive.with_block("a block of a parent", id, |_, _| Ok(())) else { return Ok(()) };
    damage_only(&error)?;
    report.findings.push(whole(None, &error));
    Ok(())
}

/// A block outside every item's content: metadata, previews.
fn verify_other(
    archive: &Archive,
    block: &BlockRecord,
    options: &VerifyOptions,
    report: &mut VerifyReport,
) -> Result<()> {
    options.progress.advance(block.frame_bytes());
    let frame = archive.read(block.offset_bytes, block.frame_bytes())?;
    if let Err(error) = archive.manifest.open_block(block, &frame, &archive.limits.container) {
        report.findings.push(in_block(Some(block), whole(None, &error.into())));
    }
    Ok(())
}
