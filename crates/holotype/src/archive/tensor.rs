use super::Item;
use crate::tensor::slices::Slices;
use crate::tensor::{OpenParent, copy_box, wire};
use crate::{
    ElementOrder, Error, Metadata, ParentName, Progress, Result, TensorDescriptor, memory, parallel,
};
use holotype_codec::noise::{NoiseRecipe, correct, generate};
use holotype_codec::tensor::{decode_slice_by, needs_parent};
use holotype_container::{Codec, FrameHeader, ItemKind};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::OnceLock;

/// Slices decoded together, for each thread.
const SLICES_PER_THREAD: usize = 2;

/// A tensor of an archive: its description, and its elements when asked.
///
/// ```
/// # use holotype::{Archive, ElementType, TensorDescriptor, TensorOptions, Writer, WriterOptions};
/// # let descriptor = TensorDescriptor::new(ElementType::U16, &[300, 400]);
/// # let elements: Vec<u8> = (0..120_000_u32).flat_map(|i| ((i % 400) as u16).to_le_bytes()).collect();
/// # let options = TensorOptions::default().with_slice_shape(Some(vec![64, 64]));
/// # let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
/// # writer.add_tensor("ramp", &descriptor, &elements, &options)?;
/// # let archive = Archive::from_bytes(writer.finish()?.0)?;
/// let ramp = archive.tensor("ramp")?;
/// assert_eq!(ramp.descriptor().shape, [300, 400]);
/// // Only the slices that the region touches are read and decoded.
/// let mut part = [0; 4];
/// ramp.read_into(&[7..8, 258..260], &mut part, 0)?;
/// assert_eq!(part, [2, 1, 3, 1]);
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TensorItem<'a> {
    item: Item<'a>,
    descriptor: TensorDescriptor,
    slices: Slices,
    noise: Option<NoiseRecipe>,
    parent: Option<ParentName>,
    max_error: Option<f64>,
    /// Tensors in a row that this is the parent of.
    n_children: u64,
    opened: OnceLock<OpenParent<'a>>,
}

impl<'a> TensorItem<'a> {
    pub(crate) fn open(item: Item<'a>) -> Result<Self> {
        Self::open_as(item, 0)
    }

    /// Opens a tensor that `n_children` others in a row need.
    pub(crate) fn open_as(item: Item<'a>, n_children: u64) -> Result<Self> {
        if item.kind() != ItemKind::Tensor {
            return Err(Error::invalid(format!("item `{}` is no tensor", item.name())));
        }
        let record = item.record();
        let described = wire::decode_descriptor(&record.descriptor)
            .ok_or_else(|| item.broken("the tensor descriptor is malformed"))?;
        let wire::Described { descriptor, slices, noise, parent, max_error } = described;
        if descriptor.raw_bytes() != Some(record.raw_bytes) {
            return Err(item.broken("the content's size is not the tensor's"));
        }
        let n_blocks = record.n_content_blocks();
        let is_equal =
            n_blocks == 0 && record.raw_bytes > 0 && parent.as_ref().is_some_and(|p| p.seal.is_some());
        if is_equal && !slices.is_whole() {
            return Err(item.broken("a tensor without blocks is cut into slices"));
        }
        let is_right = if noise.is_some() { n_blocks <= 1 } else { Some(n_blocks) == slices.n_slices() };
        if !is_equal && !is_right {
            return Err(item.broken("the number of blocks is not the number of slices"));
        }
        let opened = OnceLock::new();
        Ok(Self { item, descriptor, slices, noise, parent, max_error, n_children, opened })
    }

    /// The item.
    #[must_use]
    pub fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// What the tensor is.
    #[must_use]
    pub fn descriptor(&self) -> &TensorDescriptor {
        &self.descriptor
    }

    /// Its metadata, checked.
    ///
    /// # Errors
    /// As [`Item::metadata`].
    pub fn metadata(&self) -> Result<Metadata> {
        self.item.metadata()
    }

    /// How its elements are made, if they are noise that is stored as that. It may have corrections of some of them.
    #[must_use]
    pub fn noise(&self) -> Option<&NoiseRecipe> {
        self.noise.as_ref()
    }

    /// What it is stored against, if it is. It is read as any other.
    #[must_use]
    pub fn parent(&self) -> Option<&ParentName> {
        self.parent.as_ref()
    }

    /// How far its values may be from those that were given, if it is lossy. What was stored is read bit for bit.
    #[must_use]
    pub fn max_error(&self) -> Option<f64> {
        self.max_error
    }

    /// Parents in a row that it needs.
    ///
    /// # Errors
    /// `NotFound` if one of them is not there; `LimitExceeded` if there are too many.
    pub fn n_parents(&self) -> Result<u64> {
        match (&self.parent, self.parent.as_ref().map(|_| self.opened()).transpose()?) {
            (Some(_), Some(OpenParent::Tensor(parent))) => Ok(parent.n_parents()? + 1),
            (parent, _) => Ok(u64::from(parent.is_some())),
        }
    }

    pub(crate) fn slices(&self) -> &Slices {
        &self.slices
    }

    /// Number of its slices; none of noise.
    #[must_use]
    pub fn n_slices(&self) -> u64 {
        if self.noise.is_some() { 0 } else { self.item.record().n_content_blocks() }
    }

    /// All elements, as they were in memory.
    ///
    /// # Errors
    /// `Corrupt` if any of it is damaged; `LimitExceeded`; `Io`.
    pub fn read(&self) -> Result<Vec<u8>> {
        let whole = self.whole();
        let n_bytes = self.region_bytes(&whole)?;
        if self.noise.is_none() && !self.is_equal() {
            self.check_slices(&self.stored_region(&whole))?;
        }
        let mut elements = memory::zeroed("the tensor", n_bytes)?;
        self.read_into(&whole, &mut elements, 0)?;
        Ok(elements)
    }

    /// The region of all elements.
    #[must_use]
    pub fn whole(&self) -> Vec<Range<u64>> {
        self.descriptor.shape.iter().map(|n| 0..*n).collect()
    }

    /// Bytes of the elements of `region`, a range along each axis.
    ///
    /// # Errors
    /// `InvalidArgument` if the region is not inside the tensor, or is a part of one whose elements do not fill
    /// bytes; `LimitExceeded`.
    pub fn region_bytes(&self, region: &[Range<u64>]) -> Result<u64> {
        let shape = &self.descriptor.shape;
        let fits = |(range, n): (&Range<u64>, &u64)| range.start <= range.end && range.end <= *n;
        if region.len() != shape.len() || !region.iter().zip(shape).all(fits) {
            return Err(Error::invalid(format!(
                "region {region:?} is not inside a tensor of shape {shape:?}"
            )));
        }
        if self.descriptor.is_packed() && !region.iter().zip(shape).all(|(range, n)| *range == (0..*n)) {
            return Err(Error::invalid("a tensor whose elements do not fill bytes is read whole"));
        }
        let n_bytes = self.slices.box_bytes(&self.stored_region(region)).unwrap_or(u64::MAX);
        let limit = self.item.archive().limits.max_decoded_bytes;
        if n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of the tensor", found: n_bytes, limit });
        }
        Ok(n_bytes)
    }

    /// The elements of `region` into `out`, in the tensor's own order, reading and decoding only the slices it
    /// touches.
    ///
    /// `n_threads` 0 uses what the machine offers. Every block is checked before it is decoded.
    ///
    /// # Errors
    /// As [`Self::region_bytes`]; `InvalidArgument` if the buffer does not fit; `Corrupt` if a slice is damaged
    /// (`out` then holds unspecified bytes); `Io`.
    pub fn read_into(&self, region: &[Range<u64>], out: &mut [u8], n_threads: usize) -> Result<()> {
        let n_bytes = self.region_bytes(region)?;
        if n_bytes != out.len() as u64 {
            return Err(Error::invalid(format!(
                "the buffer has {} bytes, the region needs {n_bytes}",
                out.len()
            )));
        }
        self.read_stored(&self.stored_region(region), out, n_threads)
    }

    /// A box over the stored axes, which is in the tensor and as large as `out`.
    pub(crate) fn read_stored(&self, region: &[Range<u64>], out: &mut [u8], n_threads: usize) -> Result<()> {
        if self.is_equal() {
            return self.read_equal(region, out, n_threads);
        }
        if let Some(noise) = &self.noise {
            let made = self.made(noise)?;
            let extent: Vec<u64> = region.iter().map(|range| range.end - range.start).collect();
            let start: Vec<u64> = region.iter().map(|range| range.start).collect();
            let origin = vec![0; extent.len()];
            if !out.is_empty() {
                copy_box(
                    (&made, self.slices.stored_shape(), &start),
                    (out, &extent, &origin),
                    &extent,
                    self.slices.unit_bytes(),
                );
            }
            return Ok(());
        }
        if region.iter().zip(self.slices.stored_shape()).all(|(range, n)| *range == (0..*n))
            && self.slices.are_consecutive()
        {
            return self.read_consecutive(out, n_threads);
        }
        self.read_boxes(region, out, n_threads)
    }

    /// Fills `out` with the content from byte `first`, which is in it.
    pub(crate) fn read_content(&self, first: u64, out: &mut [u8]) -> Result<()> {
        let end = first.checked_add(out.len() as u64).filter(|end| *end <= self.item.raw_bytes());
        let Some(end) = end else { return Err(self.item.broken("it has fewer bytes than are asked of it")) };
        if out.is_empty() {
            return Ok(());
        }
        if self.noise.is_some() || self.is_equal() || !self.slices.are_consecutive() {
            let whole = self.read()?;
            out.copy_from_slice(whole.get(first as usize..end as usize).unwrap_or_default());
            return Ok(());
        }
        let start = |number: u64| self.slices.offset_bytes(&self.slices.ranges(number));
        // The first slice that ends after `first`.
        let (mut low, mut high) = (0, self.n_slices());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if start(middle) <= first { low = middle } else { high = middle }
        }
        for number in (low..self.n_slices()).take_while(|number| start(*number) < end) {
            let slice = self.slice(number)?;
            let at = start(number);
            let (from, to) = (first.max(at), end.min(at + slice.len() as u64));
            let part = slice.get((from - at) as usize..(to - at) as usize).unwrap_or_default();
            if let Some(out) = out.get_mut((from - first) as usize..(to - first) as usize) {
                out.copy_from_slice(part);
            }
        }
        Ok(())
    }

    /// True if it has no blocks, being the parent itself.
    fn is_equal(&self) -> bool {
        self.parent.is_some() && self.item.raw_bytes() > 0 && self.item.record().n_content_blocks() == 0
    }

    fn read_equal(&self, region: &[Range<u64>], out: &mut [u8], n_threads: usize) -> Result<()> {
        let parent = self.parent.as_ref().ok_or_else(|| self.item.broken("a slice has no block"))?;
        if parent.sha256 != self.item.content_sha256() || parent.first.is_some() {
            return Err(self.item.broken("it has no blocks and is not its parent"));
        }
        match self.opened()? {
            OpenParent::Tensor(tensor) => tensor.read_stored(region, out, n_threads),
            OpenParent::File(..) => Err(self.item.broken("its parent is no tensor")),
        }
    }

    /// The parent, looked for when it is first needed.
    fn opened(&self) -> Result<&OpenParent<'a>> {
        if let Some(parent) = self.opened.get() {
            return Ok(parent);
        }
        let name = self.parent.as_ref().ok_or_else(|| self.item.broken("a difference from no parent"))?;
        let limit = self.item.archive().limits.max_parents;
        if self.n_children >= limit {
            let found = self.n_children + 1;
            return Err(Error::LimitExceeded { what: "the number of parents in a row", found, limit });
        }
        let (archive, other) = match &name.seal {
            None => (self.item.archive(), None),
            Some(seal) => match self.item.archive().parent_of_seal(seal)? {
                Some((archive, other)) => (archive, Some(other)),
                None => return Err(self.item.broken("its parent is in an archive that is not listed")),
            },
        };
        let wrong = |of_own: &'static str, of_other: &str| match &other {
            None => self.item.broken(of_own),
            Some(other) => other.because(of_other),
        };
        let item = archive.item(&name.name).map_err(|error| match error {
            Error::NotFound { .. } => wrong("its parent is not there", "lacks an item that is named"),
            error => error,
        })?;
        if name.seal.is_none() && item.record().ordinal >= self.item.record().ordinal {
            return Err(self.item.broken("its parent does not come before it"));
        }
        if item.content_sha256() != name.sha256 {
            return Err(wrong(
                "its parent has another content hash",
                "holds an item that is named with another content",
            ));
        }
        let last = name.first.map(|first| first.checked_add(self.item.raw_bytes()));
        if last.is_some_and(|last| last.is_none_or(|last| last > item.raw_bytes())) {
            return Err(self.item.broken("its parent is too short"));
        }
        let parent = OpenParent::new(item, self.n_children + 1).map_err(|error| {
            if error.kind() == crate::ErrorKind::InvalidArgument {
                self.item.broken("its parent is no tensor and no file")
            } else {
                error
            }
        })?;
        match &parent {
            OpenParent::Tensor(tensor) if name.first.is_none() && tensor.descriptor != self.descriptor => {
                return Err(self.item.broken("its parent has another type, shape or order"));
            }
            OpenParent::File(..) if name.first.is_none() => {
                return Err(self.item.broken("its parent is no tensor"));
            }
            _ => {}
        }
        Ok(self.opened.get_or_init(|| parent))
    }

    /// The part of the parent that slice `number` is compared with.
    fn parent_part(&self, ranges: &[Range<u64>], n_bytes: usize) -> Result<Vec<u8>> {
        let mut part = memory::zeroed("a slice of the parent", n_bytes as u64)?;
        match (self.opened()?, self.parent.as_ref().and_then(|parent| parent.first)) {
            (OpenParent::Tensor(tensor), None) => tensor.read_stored(ranges, &mut part, 1)?,
            (parent, first) => {
                parent.read_range(first.unwrap_or(0) + self.slices.offset_bytes(ranges), &mut part)?;
            }
        }
        Ok(part)
    }

    /// Where the elements lie in the archive, if they lie there as in memory: offset and bytes. The block was read
    /// and matched its hash.
    ///
    /// # Errors
    /// As [`Self::read_into`].
    pub fn mapped(&self) -> Result<Option<(u64, u64)>> {
        let Some(frame) = self.raw_frame()? else { return Ok(None) };
        let n_header = FrameHeader::N_BYTES as u64;
        self.check_raw_frame(&self.item.archive().read(frame.start, frame.end - frame.start)?)?;
        Ok(Some((frame.start + n_header, frame.end - frame.start - n_header)))
    }

    /// Where the frame of a block lies in the archive that is a header of 32 bytes and then the elements as they are in
    /// memory; nothing of it was read.
    ///
    /// # Errors
    /// `Corrupt` or `Io` if a manifest page cannot be read.
    pub fn raw_frame(&self) -> Result<Option<Range<u64>>> {
        let record = self.item.record();
        let (1, Some(id)) = (self.n_slices(), record.content_block(0)) else { return Ok(None) };
        let block = self.item.archive().block(id)?;
        let is_here = !self.item.archive().is_encrypted() && block.foreign.is_none();
        let is_raw = block.codec == Codec::Raw && block.raw_bytes == record.raw_bytes;
        Ok((is_here && is_raw).then(|| block.offset_bytes..block.offset_bytes + block.frame_bytes()))
    }

    /// Checks bytes that someone else read, or mapped, from where [`Self::raw_frame`] says.
    ///
    /// # Errors
    /// `Corrupt` if they are not those of the frame; `InvalidArgument` if there is none.
    pub fn check_raw_frame(&self, frame: &[u8]) -> Result<()> {
        let (archive, record) = (self.item.archive(), self.item.record());
        let id = record.content_block(0).filter(|_| self.n_slices() == 1);
        let block = archive.block(id.ok_or_else(|| Error::invalid("the tensor is not one block"))?)?;
        let opened = archive.manifest.open_block(&block, frame, &archive.limits.container);
        let n_bytes =
            opened.map_err(|source| Error::Block { item: record.name.clone(), source })?.bytes().len() as u64;
        if n_bytes == record.raw_bytes { Ok(()) } else { Err(self.item.broken("its block has another size")) }
    }

    /// Decodes everything and compares its SHA-256 with the item's; metadata is checked too.
    pub(super) fn check_content(&self, n_threads: usize, progress: &Progress) -> Result<()> {
        self.metadata()?;
        if let Some(noise) = &self.noise {
            progress.advance(self.item.stored_bytes()?);
            return self.made(noise).map(drop);
        }
        let mut content = Sha256::new();
        self.read_parts(n_threads, &mut |bytes| {
            content.update(bytes);
            Ok(())
        })?;
        progress.advance(self.item.stored_bytes()?);
        self.item.check_content(content.finalize().into())
    }

    /// Hands all elements in the stored order to `sink`, a few slices in memory where they are parts of the content.
    pub(crate) fn read_parts(
        &self,
        n_threads: usize,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.noise.is_some() || !self.slices.are_consecutive() || self.is_equal() {
            return sink(&self.read()?);
        }
        let n_slices = self.n_slices();
        let step = self.batch(n_threads);
        for first in (0..n_slices).step_by(step) {
            let numbers: Vec<u64> = (first..n_slices.min(first + step as u64)).collect();
            let n_threads = parallel::n_threads(n_threads, numbers.len());
            for slice in parallel::map(n_threads, numbers, |number| self.slice(number))? {
                sink(&slice)?;
            }
        }
        Ok(())
    }

    /// All elements of noise, proven by their hash.
    fn made(&self, noise: &NoiseRecipe) -> Result<Vec<u8>> {
        let raw_bytes = self.item.raw_bytes();
        let limit = self.item.archive().limits.max_decoded_bytes;
        if raw_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of the tensor", found: raw_bytes, limit });
        }
        let mut made = Vec::new();
        let n = usize::try_from(raw_bytes)
            .map_err(|_| Error::OutOfMemory { what: "noise", n_bytes: raw_bytes })?;
        made.try_reserve_exact(n).map_err(|_| Error::OutOfMemory { what: "noise", n_bytes: raw_bytes })?;
        let n_elements = self.descriptor.n_elements().unwrap_or(0) as usize;
        let wrong = |source| Error::Slice { item: self.item.name().to_owned(), slice: 0, source };
        generate(noise, self.descriptor.element, n_elements, &mut made).map_err(wrong)?;
        if let Some(id) = self.item.record().content_block(0) {
            // Corrections are smaller than what they correct.
            let corrections = self.item.archive().unpacked(self.item.name(), id, raw_bytes)?;
            if corrections.is_empty() {
                return Err(self.item.broken("corrections of noise are empty"));
            }
            correct(&mut made, self.descriptor.element, &corrections).map_err(wrong)?;
        }
        self.item.check_content(Sha256::digest(&made).into())?;
        Ok(made)
    }

    fn batch(&self, n_threads: usize) -> usize {
        let n_slices = usize::try_from(self.n_slices()).unwrap_or(usize::MAX);
        parallel::n_threads(n_threads, n_slices) * SLICES_PER_THREAD
    }

    /// A region in the order of the stored axes.
    fn stored_region(&self, region: &[Range<u64>]) -> Vec<Range<u64>> {
        if self.descriptor.is_packed() {
            return self.slices.stored_shape().iter().map(|n| 0..*n).collect();
        }
        match self.descriptor.order {
            ElementOrder::C => region.to_vec(),
            ElementOrder::Fortran => region.iter().rev().cloned().collect(),
        }
    }

    /// Checks that the slices a stored region touches are recorded with the sizes they must have: done before memory
    /// is taken for them.
    fn check_slices(&self, region: &[Range<u64>]) -> Result<()> {
        for number in self.slices.touched(region) {
            let id = self.block_of(number)?;
            let block = self.item.archive().block(id)?;
            let expected = self.slices.box_bytes(&self.slices.ranges(number));
            if !matches!(block.codec, Codec::Raw | Codec::TensorSlice) || Some(block.raw_bytes) != expected {
                return Err(self.item.broken("a slice's block has another codec or size"));
            }
        }
        Ok(())
    }

    fn block_of(&self, number: u64) -> Result<u64> {
        let id = self.item.record().content_block(number);
        id.ok_or_else(|| self.item.broken("a slice has no block"))
    }

    fn read_consecutive(&self, out: &mut [u8], n_threads: usize) -> Result<()> {
        let mut rest = out;
        let mut jobs = Vec::new();
        for number in 0..self.n_slices() {
            let n_bytes = self.slices.box_bytes(&self.slices.ranges(number)).unwrap_or(u64::MAX);
            let (part, after) = usize::try_from(n_bytes)
                .ok()
                .and_then(|n| rest.split_at_mut_checked(n))
                .ok_or_else(|| self.item.broken("the slices are larger than the tensor"))?;
            jobs.push((number, part));
            rest = after;
        }
        let n_threads = parallel::n_threads(n_threads, jobs.len());
        parallel::map(n_threads, jobs, |(number, part)| self.slice_into(number, part))?;
        Ok(())
    }

    fn read_boxes(&self, region: &[Range<u64>], out: &mut [u8], n_threads: usize) -> Result<()> {
        let extent: Vec<u64> = region.iter().map(|range| range.end - range.start).collect();
        let mut touched = self.slices.touched(region);
        let mut first = self.slices.touched(region);
        if let (Some(number), None) = (first.next(), first.next())
            && self.slices.ranges(number) == region
        {
            return self.slice_into(number, out);
        }
        let step = self.batch(n_threads);
        loop {
            let numbers: Vec<u64> = touched.by_ref().take(step).collect();
            if numbers.is_empty() {
                return Ok(());
            }
            let n_threads = parallel::n_threads(n_threads, numbers.len());
            let decoded = parallel::map(n_threads, numbers, |number| Ok((number, self.slice(number)?)))?;
            for (number, slice) in decoded {
                let ranges = self.slices.ranges(number);
                let Some(common) = crate::tensor::intersection(&ranges, region) else { continue };
                let start = |of: &[Range<u64>]| -> Vec<u64> {
                    common.iter().zip(of).map(|(common, of)| common.start - of.start).collect()
                };
                let shape: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
                let common_extent: Vec<u64> = common.iter().map(|range| range.end - range.start).collect();
                copy_box(
                    (&slice, &shape, &start(&ranges)),
                    (out, &extent, &start(region)),
                    &common_extent,
                    self.slices.unit_bytes(),
                );
            }
        }
    }

    pub(crate) fn slice(&self, number: u64) -> Result<Vec<u8>> {
        let n_bytes = self.slices.box_bytes(&self.slices.ranges(number)).unwrap_or(u64::MAX);
        let limit = self.item.archive().limits.max_decoded_bytes;
        if n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of a slice", found: n_bytes, limit });
        }
        // The block's own claim first: a forged shape takes no memory.
        let block = self.item.archive().block(self.block_of(number)?)?;
        if block.raw_bytes != n_bytes {
            return Err(self.item.broken("a slice's block has another codec or size"));
        }
        let mut out = memory::zeroed("a slice", n_bytes)?;
        self.slice_into(number, &mut out)?;
        Ok(out)
    }

    fn slice_into(&self, number: u64, out: &mut [u8]) -> Result<()> {
        let name = self.item.name();
        self.item.archive().with_block(name, self.block_of(number)?, |block, payload| {
            if block.raw_bytes != out.len() as u64 {
                return Err(self.item.broken("a slice's block has another codec or size"));
            }
            let fail = |source| Error::Slice { item: name.to_owned(), slice: number, source };
            match block.codec {
                Codec::Raw => out.copy_from_slice(payload),
                Codec::TensorSlice => {
                    let ranges = self.slices.ranges(number);
                    let layout = self.slices.layout(&self.descriptor, &ranges).map_err(fail)?;
                    let parent = if needs_parent(payload) && self.parent.is_some() {
                        Some(self.parent_part(&ranges, out.len())?)
                    } else {
                        None
                    };
                    decode_slice_by(payload, parent.as_deref(), &layout, out).map_err(fail)?;
                }
                _ => return Err(self.item.broken("a slice's block has another codec or size")),
            }
            Ok(())
        })
    }
}
