use crate::append::Base;
use crate::encryption::random;
use crate::formats::{Format, SourceImage};
use crate::image::preview::{PREVIEW_EDGE, Preview, PreviewBuilder, wants_preview};
use crate::image::{encode::BandEncoder, grid::TileGrid, wire};
use crate::pack::{Addition, Others, Packing, Parent, SharedBlocks, Sink, stored_extents};
use crate::tensor::{KnownTensors, TensorsOfParents};
use crate::{Encryption, Error, ImageOptions, Metadata, MetadataKind, Mode, Progress, Result, parallel};
use holotype_codec::{TileRef, image::TileOptions, image::encode_tile};
use holotype_container::{
    ArchiveBuilder, BlockRecord, BlockRun, Codec, Extent, Extents, ForeignBlock, FrameHeader, ItemKind,
    ItemRecord, Packer, PageDraft, Trailer, cbor,
};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// Bytes of file content in one block.
const FILE_BLOCK_BYTES: usize = 4 << 20;
/// Metadata up to this size stays in the item's record; more goes into a block of its own.
const MAX_INLINE_METADATA_BYTES: usize = 1024;

/// Most metadata of an archive as a whole.
const MAX_ARCHIVE_METADATA_BYTES: usize = 1 << 20;
/// What the payload of a tensor that is mapped starts at a multiple of.
const ALIGNMENT_BYTES: u64 = 4096;

/// How an archive is written.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriterOptions {
    /// Told of the bytes of content taken in.
    pub progress: Progress,
    /// Who can open it; by default it is not encrypted.
    pub encryption: Option<Encryption>,
    /// How packed files are cut, grouped and compressed.
    pub packing: Packing,
    /// Archives whose chunks packed files name instead of storing them again: reading then needs these archives.
    /// Files are cut as in the first of them.
    pub parents: Vec<Parent>,
    /// Store image files of packed trees as images, so, if the files come back of them to the byte; default: as files.
    pub images: Option<ImageOptions>,
}

impl WriterOptions {
    /// Sets [`Self::progress`].
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Sets [`Self::encryption`].
    #[must_use]
    pub fn with_encryption(mut self, encryption: Option<Encryption>) -> Self {
        self.encryption = encryption;
        self
    }

    /// Sets [`Self::parents`].
    #[must_use]
    pub fn with_parents(mut self, parents: Vec<Parent>) -> Self {
        self.parents = parents;
        self
    }

    /// Sets [`Self::images`].
    #[must_use]
    pub fn with_images(mut self, images: Option<ImageOptions>) -> Self {
        self.images = images;
        self
    }

    /// Sets [`Self::packing`].
    #[must_use]
    pub fn with_packing(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }
}

/// Writes an archive front to back: no seeking, memory bounded by a band of tiles.
///
/// ```
/// use holotype::{Archive, ImageDescriptor, ImageOptions, Metadata, SampleType, SourceImage, Writer, WriterOptions};
/// let descriptor = ImageDescriptor::new(4, 2, 1, SampleType::U16);
/// let image = SourceImage { descriptor, metadata: Metadata::default() };
/// let samples = [7; 16];
/// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// writer.add_image("ramp", &image, &samples, &ImageOptions::default())?;
/// let (bytes, _seal) = writer.finish()?;
/// let archive = Archive::from_bytes(bytes)?;
/// assert_eq!(archive.image("ramp")?.read()?, samples);
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    builder: ArchiveBuilder,
    packer: Packer,
    /// Blocks that packed files share, once there are any.
    shared: Option<SharedBlocks>,
    /// Tensors that may be named again; read from the revision before when the first is added.
    tensors: Option<KnownTensors>,
    /// Tensors of the parents; read when one is looked for by what it holds.
    tensors_of_parents: TensorsOfParents,
    options: WriterOptions,
    /// Numbers that the parents in `options` have in the archive.
    parent_numbers: Vec<u32>,
    base: Option<Base>,
    last_content_sha256: [u8; 32],
}

impl<W: Write> Writer<W> {
    /// Starts an archive on `out`.
    ///
    /// # Errors
    /// `Io`.
    pub fn new(mut out: W, options: WriterOptions) -> Result<Self> {
        let mut options = options;
        let (mut builder, header) = match &options.encryption {
            Some(encryption) => {
                let (seed, record) = encryption.begin()?;
                // Where content is cut is no one's business either.
                options.packing.chunking = options.packing.chunking.with_secret(random()?);
                ArchiveBuilder::begin_encrypted(&seed, record)
            }
            None => ArchiveBuilder::begin(),
        };
        if let Some(chunking) = options.parents.iter().find_map(|parent| parent.archive().chunking()) {
            options.packing.chunking = chunking;
        }
        let parents = options.parents.iter();
        let numbers = parents.map(|parent| builder.add_parent(parent.record())).collect::<Result<_, _>>()?;
        out.write_all(&header).map_err(output_error)?;
        Ok(Self::with(out, builder, options, numbers, None))
    }

    /// A writer of what `builder` builds; `parent_numbers` are those of the parents in `options`.
    pub(crate) fn with(
        out: W,
        builder: ArchiveBuilder,
        options: WriterOptions,
        parent_numbers: Vec<u32>,
        base: Option<Base>,
    ) -> Self {
        Self {
            out,
            builder,
            packer: Packer::default(),
            shared: None,
            tensors: None,
            tensors_of_parents: TensorsOfParents::default(),
            options,
            parent_numbers,
            base,
            last_content_sha256: [0; 32],
        }
    }

    /// Adds a parent to those of the options.
    ///
    /// # Errors
    /// `InvalidArgument` after files were packed, for the same parent twice, for one of other cuts than the archive's, or an
    /// encrypted one of an archive that is not.
    pub fn add_parent(&mut self, parent: Parent) -> Result<()> {
        if self.shared.is_some() {
            return Err(Error::invalid("parents are added before files are packed"));
        }
        let number = self.builder.add_parent(parent.record())?;
        if let (Some(chunking), None) = (parent.archive().chunking(), &self.base) {
            self.options.packing.chunking = chunking;
        }
        self.options.parents.push(parent);
        self.parent_numbers.push(number);
        Ok(())
    }

    /// The archive that is appended to, and the builder of the new revision.
    pub(crate) fn base_and_builder(&mut self) -> Result<(&mut Base, &mut ArchiveBuilder)> {
        let base = self.base.as_mut();
        let base = base.ok_or_else(|| Error::invalid("this writer does not append to an archive"))?;
        Ok((base, &mut self.builder))
    }

    /// Adds an image from all its samples: row-major, interleaved, little-endian, as its descriptor says.
    ///
    /// # Errors
    /// `InvalidArgument` if descriptor, samples or name do not fit; `Io`.
    pub fn add_image(
        &mut self,
        name: &str,
        image: &SourceImage,
        samples: &[u8],
        options: &ImageOptions,
    ) -> Result<()> {
        if image.descriptor.raw_bytes() != Some(samples.len() as u64) {
            return Err(Error::invalid(format!(
                "the image has {} bytes of samples, its descriptor says {}",
                samples.len(),
                image.descriptor.raw_bytes().unwrap_or(u64::MAX)
            )));
        }
        let mut rest = samples;
        self.add_bands(name, image, options, &mut |n_bytes, encode| {
            let (band, after) = rest.split_at(n_bytes.min(rest.len()));
            rest = after;
            encode(band)
        })
    }

    /// Adds an image whose rows come from `read_rows`, which fills the buffer it is given with the next rows.
    ///
    /// Memory is one row of tiles of samples and their coded bytes, whatever the image's height.
    ///
    /// # Errors
    /// As [`Self::add_image`], and what `read_rows` returns.
    pub fn add_image_rows(
        &mut self,
        name: &str,
        image: &SourceImage,
        read_rows: &mut dyn FnMut(&mut [u8]) -> Result<()>,
        options: &ImageOptions,
    ) -> Result<()> {
        let mut band = Vec::new();
        self.add_bands(name, image, options, &mut |n_bytes, encode| {
            band.resize(n_bytes, 0);
            read_rows(&mut band)?;
            encode(&band)
        })
    }

    fn add_bands(
        &mut self,
        name: &str,
        image: &SourceImage,
        options: &ImageOptions,
        next: NextBand<'_>,
    ) -> Result<()> {
        self.check_name(name)?;
        let progress = self.options.progress.clone();
        let mut item = self.image_record(image, options, &mut |n_bytes, encode| {
            next(n_bytes, encode)?;
            progress.advance(n_bytes as u64);
            Ok(())
        })?;
        item.name = name.to_owned();
        self.add_item(item)
    }

    /// Adds the blocks of an image; its record has no name yet.
    pub(crate) fn image_record(
        &mut self,
        image: &SourceImage,
        options: &ImageOptions,
        next: NextBand<'_>,
    ) -> Result<ItemRecord> {
        let SourceImage { descriptor, metadata } = image;
        descriptor.validate()?;
        let row_bytes = descriptor.row_bytes().ok_or_else(|| Error::invalid("the image's size overflows"))?;
        let tile_edge = options.tile_edge_for(descriptor)?;
        let grid = TileGrid::new(descriptor, tile_edge);
        let mut encoder = BandEncoder::new(descriptor, options, grid);
        let mut preview = wants_preview(descriptor, options.preview).then(|| PreviewBuilder::new(descriptor));
        let mut item = ItemRecord::new(String::new(), ItemKind::Image);
        for row in 0..grid.n_rows() {
            let n_bytes = grid.tile(0, row).height as usize * row_bytes;
            let mut coded = Vec::new();
            next(n_bytes, &mut |band| {
                if let Some(preview) = &mut preview {
                    preview.push_rows(band);
                }
                coded = encoder.encode(row, band)?;
                Ok(())
            })?;
            for (column, tile) in (0..).zip(&coded) {
                let region = grid.tile(column, row);
                let raw_bytes = region.raw_bytes(descriptor).unwrap_or(0);
                let id = self.add_block(Codec::ImageTile, tile, raw_bytes)?;
                extend(&mut item.content, id);
            }
        }
        item.content_sha256 = encoder.finish();
        item.raw_bytes = descriptor.raw_bytes().unwrap_or(0);
        item.descriptor = wire::encode_descriptor(descriptor, tile_edge);
        item.metadata = self.add_metadata(metadata)?;
        if let Some(preview) = preview {
            item.preview = Some(self.add_preview(&preview.finish())?);
        }
        Ok(item)
    }

    /// Adds a file's bytes as they are. Returns their number.
    ///
    /// # Errors
    /// `InvalidArgument` if the name does not fit; `Io`.
    pub fn add_file(&mut self, name: &str, input: &mut dyn Read, format: Option<Format>) -> Result<u64> {
        self.add_file_with_preview(name, input, format, None)
    }

    /// Adds a file's bytes as they are, and a picture of what is in it. Returns their number.
    ///
    /// # Errors
    /// As [`Self::add_file`].
    pub fn add_file_with_preview(
        &mut self,
        name: &str,
        input: &mut dyn Read,
        format: Option<Format>,
        preview: Option<&Preview>,
    ) -> Result<u64> {
        self.check_name(name)?;
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::File);
        let mut content = Sha256::new();
        let mut block = Vec::new();
        loop {
            block.clear();
            let mut part = (&mut *input).take(FILE_BLOCK_BYTES as u64);
            let n_bytes = part.read_to_end(&mut block).map_err(|e| Error::io(name, e))?;
            if n_bytes == 0 {
                break;
            }
            content.update(&block);
            let (codec, stored) = self.packer.pack(&block);
            let id = self.add_block(codec, &stored, n_bytes as u64)?;
            extend(&mut item.content, id);
            item.raw_bytes += n_bytes as u64;
            self.options.progress.advance(n_bytes as u64);
        }
        item.content_sha256 = content.finalize().into();
        let mut metadata = Metadata::default();
        if let Some(format) = format {
            metadata.push(MetadataKind::SourceFormat, "", format.name());
        }
        item.metadata = self.add_metadata(&metadata)?;
        item.preview = preview.map(|preview| self.add_preview(preview)).transpose()?;
        let raw_bytes = item.raw_bytes;
        self.add_item(item)?;
        Ok(raw_bytes)
    }

    /// Sets the metadata of the archive as a whole.
    ///
    /// # Errors
    /// `InvalidArgument` for more than 1 MiB of it: it is read whenever the archive is opened.
    pub fn set_metadata(&mut self, metadata: &Metadata) -> Result<()> {
        let n_bytes: usize = metadata.entries.iter().map(|entry| entry.key.len() + entry.data.len()).sum();
        if n_bytes > MAX_ARCHIVE_METADATA_BYTES {
            return Err(Error::invalid(format!(
                "the archive's metadata has {n_bytes} bytes, more than 1 MiB"
            )));
        }
        self.builder.set_metadata(wire::encode_metadata(metadata));
        Ok(())
    }

    /// Ends and seals the archive; returns the output and the seal.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(self) -> Result<(W, [u8; 32])> {
        let Self { mut out, mut builder, shared, base, options, .. } = self;
        // Who packs nothing did not say how many threads there may be.
        let n_threads = if shared.is_some() { options.packing.n_threads } else { 1 };
        let chunks = match shared {
            None => None,
            Some(mut shared) => {
                shared.flush(&mut Frames { out: &mut out, builder: &mut builder })?;
                Some(shared.into_table(base.as_ref().map(|base| base.archive.as_ref()))?)
            }
        };
        if let Some(base) = base {
            base.settle(&mut builder)?;
        }
        let pages_at = builder.position_bytes();
        let (tail, Trailer { seal, root_offset_bytes, .. }) =
            builder.finish_with(chunks, &|pages| frame_pages(n_threads, pages));
        // What the root refers to is durable before it is written, where an output can make it so.
        let (pages, root) = tail.split_at(tail.len().min((root_offset_bytes - pages_at) as usize));
        let written = out.write_all(pages).and_then(|()| out.flush());
        written.and_then(|()| out.write_all(root)).and_then(|()| out.flush()).map_err(output_error)?;
        Ok((out, seal))
    }

    /// True if the archive with this seal is a parent.
    pub(crate) fn has_parent(&self, seal: &[u8; 32]) -> bool {
        self.parents().iter().any(|parent| parent.archive().seal() == *seal)
    }

    /// Threads of packing; 0 for what the machine offers.
    pub(crate) fn n_threads(&self) -> usize {
        self.options.packing.n_threads
    }

    /// True if packed files of tensors are stored as their tensors.
    pub(crate) fn splits_checkpoints(&self) -> bool {
        self.options.packing.split_checkpoints
    }

    /// What is known of the parents' tensors, and the parents.
    pub(crate) fn known_and_parents(&mut self) -> (&mut TensorsOfParents, &[Parent]) {
        (&mut self.tensors_of_parents, &self.options.parents)
    }

    /// [`WriterOptions::parents`].
    pub(crate) fn parents(&self) -> &[Parent] {
        &self.options.parents
    }

    pub(crate) fn options(&self) -> &WriterOptions {
        &self.options
    }

    /// Tensors added so far, and those of the revision before.
    pub(crate) fn known_tensors(&mut self) -> Result<&mut KnownTensors> {
        if self.tensors.is_none() {
            let base = self.base.as_ref().map(|base| base.archive.as_ref());
            self.tensors = Some(base.map_or_else(|| Ok(KnownTensors::default()), KnownTensors::of)?);
        }
        Ok(self.tensors.get_or_insert_default())
    }

    /// True if `name` can name another item.
    pub(crate) fn is_free(&self, name: &str) -> bool {
        self.check_name(name).is_ok()
    }

    /// Adds an item whose blocks were added by [`Self::add_block`].
    pub(crate) fn add_item(&mut self, item: ItemRecord) -> Result<()> {
        self.last_content_sha256 = item.content_sha256;
        Ok(self.builder.add_item(item)?)
    }

    /// Adds an item with the ordinal it has: reserved, or that of the item it stands for.
    pub(crate) fn add_item_at(&mut self, item: ItemRecord) -> Result<()> {
        self.last_content_sha256 = item.content_sha256;
        Ok(self.builder.add_item_at(item)?)
    }

    /// Content hash of the item added last, packed files aside: what records name their parts by.
    #[must_use]
    pub fn last_content_sha256(&self) -> [u8; 32] {
        self.last_content_sha256
    }

    /// Adds a block of bytes of the next item, packed if that saves something; returns its id.
    pub(crate) fn add_packed(&mut self, bytes: &[u8]) -> Result<u64> {
        let (codec, stored) = self.packer.pack(bytes);
        self.add_block(codec, &stored, bytes.len() as u64)
    }

    /// The ordinal that the next item gets.
    pub(crate) fn next_ordinal(&self) -> u64 {
        self.builder.next_ordinal()
    }

    /// Takes the next `n` ordinals, for items added by [`Self::add_shared`].
    pub(crate) fn reserve_ordinals(&mut self, n: u64) -> u64 {
        self.builder.reserve_ordinals(n)
    }

    /// Adds files whose content goes into shared blocks; returns their bytes.
    pub(crate) fn add_shared(
        &mut self,
        additions: impl IntoIterator<Item = Result<Addition>>,
    ) -> Result<u64> {
        let Self { out, builder, shared, options, parent_numbers, base, .. } = self;
        let shared = match shared {
            Some(shared) => shared,
            None => {
                let base = base.as_ref().map(|base| &base.archive);
                let others = Others::new(&options.parents, parent_numbers, base);
                shared.insert(SharedBlocks::new(options.packing, &others, options.progress.clone())?)
            }
        };
        shared.add(additions, &mut Frames { out, builder })
    }

    /// Extents as the next item's record holds them.
    pub(crate) fn stored_extents(&mut self, extents: Vec<Extent>) -> Result<Option<Extents>> {
        let Self { out, builder, .. } = self;
        let ordinal = builder.next_ordinal();
        stored_extents(extents, ordinal, &mut Frames { out, builder })
    }

    /// Bytes of the archive written so far; packed files are written some time after they were added.
    #[must_use]
    pub fn n_written_bytes(&self) -> u64 {
        self.builder.position_bytes()
    }

    /// True if packed files wait for their blocks to be written.
    pub(crate) fn has_pending_items(&self) -> bool {
        self.shared.as_ref().is_some_and(SharedBlocks::has_items)
    }

    pub(crate) fn check_name(&self, name: &str) -> Result<()> {
        let is_pending = self.shared.as_ref().is_some_and(|shared| shared.has_item(name));
        if name.is_empty() || is_pending || self.builder.has_item(name) {
            return Err(Error::invalid(format!("`{name}` cannot name another item")));
        }
        Ok(())
    }

    /// Tells progress of `n_bytes` more.
    pub(crate) fn advance(&self, n_bytes: u64) {
        self.options.progress.advance(n_bytes);
    }

    /// Adds a block of zeros that no item names, so that the next block's payload starts at a multiple of 4096.
    pub(crate) fn align(&mut self) -> Result<()> {
        let payload_bytes = self.builder.position_bytes() + FrameHeader::N_BYTES as u64;
        // What is encrypted is not mapped.
        if self.options.encryption.is_some() || payload_bytes.is_multiple_of(ALIGNMENT_BYTES) {
            return Ok(());
        }
        let headers = 2 * FrameHeader::N_BYTES as u64;
        let to_next = (self.builder.position_bytes() + headers).next_multiple_of(ALIGNMENT_BYTES);
        let n_zeros = (to_next - headers - self.builder.position_bytes()) as usize;
        let zeros = vec![0; n_zeros];
        let ordinal = u64::from(u32::MAX);
        let Self { out, builder, .. } = self;
        Frames { out, builder }.block(Codec::Raw, &zeros, n_zeros as u64, ordinal).map(drop)
    }

    /// Adds a block of the next item; returns its id.
    pub(crate) fn add_block(&mut self, codec: Codec, payload: &[u8], raw_bytes: u64) -> Result<u64> {
        self.add_block_of(self.builder.next_ordinal(), codec, payload, raw_bytes)
    }

    /// Adds a block of the item with that ordinal; returns its id.
    pub(crate) fn add_block_of(
        &mut self,
        ordinal: u64,
        codec: Codec,
        payload: &[u8],
        raw_bytes: u64,
    ) -> Result<u64> {
        let Self { out, builder, .. } = self;
        Frames { out, builder }.block(codec, payload, raw_bytes, ordinal)
    }

    /// Puts metadata where it belongs: into the record, or a block of its own.
    pub(crate) fn add_metadata(
        &mut self,
        metadata: &Metadata,
    ) -> Result<Option<holotype_container::Metadata>> {
        if metadata.entries.is_empty() {
            return Ok(None);
        }
        let value = wire::encode_metadata(metadata);
        let mut bytes = Vec::new();
        value.encode_into(&mut bytes);
        if bytes.len() <= MAX_INLINE_METADATA_BYTES {
            return Ok(Some(holotype_container::Metadata::Inline(value)));
        }
        let (codec, stored) = self.packer.pack(&bytes);
        let id = self.add_block(codec, &stored, bytes.len() as u64)?;
        Ok(Some(holotype_container::Metadata::Block(id)))
    }

    pub(crate) fn add_preview(&mut self, preview: &Preview) -> Result<holotype_container::Preview> {
        let descriptor = preview.descriptor();
        let shape = descriptor.tile_shape(preview.width, preview.height);
        let rows: Vec<&[u8]> = preview.pixels.chunks_exact(shape.row_bytes()).collect();
        let tile = TileRef::new(shape, &rows).map_err(|e| Error::invalid(e.to_string()))?;
        let coded = encode_tile(&tile, &TileOptions::new(Mode::Standard));
        let block = self.add_block(Codec::ImageTile, &coded, preview.pixels.len() as u64)?;
        Ok(holotype_container::Preview {
            block,
            descriptor: wire::encode_descriptor(&descriptor, PREVIEW_EDGE),
        })
    }
}

/// Where frames and items go: what of a writer the packing of files needs.
struct Frames<'a, W> {
    out: &'a mut W,
    builder: &'a mut ArchiveBuilder,
}

impl<W: Write> Sink for Frames<'_, W> {
    fn block(&mut self, codec: Codec, payload: &[u8], raw_bytes: u64, ordinal: u64) -> Result<u64> {
        let hint = u32::try_from(ordinal).unwrap_or(u32::MAX);
        let block = self.builder.push_block(codec, payload, raw_bytes, hint);
        let written = self.out.write_all(&block.header).and_then(|()| self.out.write_all(&block.payload));
        written.map_err(output_error)?;
        Ok(block.id)
    }

    fn foreign(&mut self, foreign: ForeignBlock, block: &BlockRecord) -> Result<u64> {
        Ok(self.builder.add_foreign_block(foreign, block)?)
    }

    fn item(&mut self, record: ItemRecord) -> Result<()> {
        Ok(self.builder.add_item_at(record)?)
    }
}

/// Fetches the next band of so many bytes and hands it to the encoder.
type NextBand<'a> = &'a mut dyn FnMut(usize, &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

/// Appends block `id` to the runs of an item's content.
pub(crate) fn extend(runs: &mut Vec<BlockRun>, id: u64) {
    match runs.last_mut() {
        Some(run) if run.first + run.n_blocks == id => run.n_blocks += 1,
        _ => runs.push(BlockRun { first: id, n_blocks: 1 }),
    }
}

fn output_error(source: std::io::Error) -> Error {
    Error::io("the archive", source)
}

/// The deterministic CBOR of metadata, for readers.
pub(crate) fn decode_metadata_block(bytes: &[u8], limits: &crate::Limits) -> Result<Option<Metadata>> {
    Ok(wire::decode_metadata(&cbor::decode(bytes, &limits.container)?))
}

/// Frames of a manifest's pages, made on `n_threads` threads; 0 for what the machine offers.
fn frame_pages(n_threads: usize, pages: Vec<PageDraft<'_>>) -> Vec<Vec<u8>> {
    parallel::map_sure(parallel::n_threads(n_threads, pages.len()), pages, |page| page.frame())
}
