//! Tensors → blocks and their record.

use super::boxes::copy_box;
use super::known::Known;
use super::parent::MAX_WRITTEN_PARENTS;
use super::slices::{self, Slices};
use super::{ElementOrder, ParentName, TensorCodec, TensorDescriptor, TensorOptions, TensorParent, wire};
use crate::writer::extend;
use crate::{Error, Result, Writer, parallel};
use holotype_codec::CodecError;
use holotype_codec::noise::{NoiseRecipe, find_corrections, generate};
use holotype_codec::tensor::{
    SliceLayout, encode_multiples, encode_slice, encode_slice_by, needs_parent, round_slice,
};
use holotype_container::{Codec, ItemKind, ItemRecord};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Write;

/// Largest raw tensor that is one slice.
const MAX_RAW_SLICE_BYTES: u64 = 1 << 30;
/// Slices coded together, for each thread.
const SLICES_PER_THREAD: usize = 4;
/// Bytes of elements for one of corrections, at least: half of what coders save of noise would not be reached otherwise.
const MIN_ELEMENT_BYTES_A_CORRECTION: usize = 2;

impl<W: Write> Writer<W> {
    /// Adds a tensor: its elements as they lie in memory in the order its descriptor says, little-endian.
    ///
    /// Memory beside the tensor: a few coded slices of 1 MiB for each thread.
    ///
    /// # Errors
    /// `InvalidArgument` if descriptor, bytes, options or name do not fit; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::{Archive, ElementType, TensorDescriptor, TensorOptions, Writer, WriterOptions};
    /// let descriptor = TensorDescriptor::new(ElementType::F32, &[2, 3]);
    /// let elements: Vec<u8> = [0.0, 1.0, 2.0, -0.0, f32::NAN, 5.0].iter().flat_map(|v: &f32| v.to_le_bytes()).collect();
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_tensor("bias", &descriptor, &elements, &TensorOptions::default())?;
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let bias = archive.tensor("bias")?;
    /// assert_eq!(bias.descriptor().shape, [2, 3]);
    /// assert_eq!(bias.read()?, elements);
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn add_tensor(
        &mut self,
        name: &str,
        descriptor: &TensorDescriptor,
        elements: &[u8],
        options: &TensorOptions,
    ) -> Result<()> {
        self.add_elements(name, descriptor, elements, None, options)
    }

    /// Adds a tensor against a parent: slices that are smaller so are stored as what they differ. It reads back as
    /// itself.
    ///
    /// Memory beside tensor and parent: a few coded slices of 1 MiB for each thread.
    ///
    /// # Errors
    /// As [`Self::add_tensor`]; `InvalidArgument` if the parent has another type, shape or order, was neither added
    /// before nor is in an archive of [`crate::WriterOptions::parents`], or the codec is not [`TensorCodec::Auto`].
    pub fn add_tensor_by(
        &mut self,
        name: &str,
        descriptor: &TensorDescriptor,
        elements: &[u8],
        parent: &TensorParent<'_>,
        options: &TensorOptions,
    ) -> Result<()> {
        if options.codec != TensorCodec::Auto {
            return Err(Error::invalid("a tensor with a parent is coded as `auto` finds best"));
        }
        self.add_elements(name, descriptor, elements, Some(parent), options)
    }

    fn add_elements(
        &mut self,
        name: &str,
        descriptor: &TensorDescriptor,
        elements: &[u8],
        parent: Option<&TensorParent<'_>>,
        options: &TensorOptions,
    ) -> Result<()> {
        descriptor.validate()?;
        self.check_name(name)?;
        let raw_bytes = descriptor.raw_bytes().unwrap_or(u64::MAX);
        if raw_bytes != elements.len() as u64 {
            return Err(Error::invalid(format!(
                "the tensor has {} bytes, its descriptor says {raw_bytes}",
                elements.len()
            )));
        }
        let noise = proven(descriptor, elements, options);
        let lossy = if noise.is_some() { None } else { rounded(descriptor, elements, options)? };
        if lossy.is_some() && parent.is_some() {
            return Err(Error::invalid("a tensor with a largest error has no parent"));
        }
        let max_error = lossy.as_ref().map(|(bound, _)| *bound);
        let elements = lossy.as_ref().map_or(elements, |(_, elements)| elements);
        let slices = slices::asked(descriptor, options.slice_shape.as_deref())?;
        let usable =
            parent.map(|parent| self.usable(parent, descriptor, elements, &slices)).transpose()?.flatten();
        let n_parents = usable.map_or(0, |(_, n_parents)| n_parents + 1);
        let parent = usable.map(|(parent, _)| parent);
        let is_mapped = options.codec == TensorCodec::Raw
            && options.slice_shape.is_none()
            && (1..=MAX_RAW_SLICE_BYTES).contains(&raw_bytes);
        let slices = if is_mapped { Slices::whole(descriptor) } else { slices };
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::Tensor);
        item.content_sha256 = Sha256::digest(elements).into();
        item.raw_bytes = raw_bytes;
        let alone = wire::encode_descriptor(descriptor, &slices, None, None, max_error);
        let known = Known::key(item.content_sha256, &alone, is_mapped);
        if let Some(Proven { recipe, corrections }) = noise {
            item.descriptor =
                wire::encode_descriptor(descriptor, &Slices::whole(descriptor), Some(&recipe), None, None);
            if !corrections.is_empty() {
                let block = self.add_packed(&corrections)?;
                extend(&mut item.content, block);
            }
            self.advance(raw_bytes);
            self.known_tensors()?.name(name, descriptor, item.content_sha256, 0);
        } else if let Some(same) = self.known_tensors()?.same(&known).filter(|_| raw_bytes > 0).cloned() {
            item.content = same.content;
            item.descriptor = same.descriptor;
            self.advance(raw_bytes);
            self.known_tensors()?.name(name, descriptor, item.content_sha256, same.n_parents);
        } else if let Some(parent) =
            parent.filter(|parent| raw_bytes > 0 && parent.is_equal(item.content_sha256, elements))
        {
            item.descriptor = wire::encode_descriptor(
                descriptor,
                &Slices::whole(descriptor),
                None,
                Some(&parent.name),
                None,
            );
            self.advance(raw_bytes);
            self.known_tensors()?.name(name, descriptor, item.content_sha256, n_parents);
        } else {
            if is_mapped {
                self.align()?;
            }
            let by = By { parent, max_error };
            let is_child = self.add_slices(&mut item, descriptor, &slices, elements, &by, options)?;
            let parent = parent.filter(|_| is_child);
            item.descriptor =
                wire::encode_descriptor(descriptor, &slices, None, parent.map(|p| &p.name), max_error);
            let n_parents = if is_child { n_parents } else { 0 };
            let same =
                Known { content: item.content.clone(), descriptor: item.descriptor.clone(), n_parents };
            self.known_tensors()?.insert(known, same);
            self.known_tensors()?.name(name, descriptor, item.content_sha256, n_parents);
        }
        item.metadata = self.add_metadata(&options.metadata)?;
        self.add_item(item)
    }

    /// The parent and its own parents in a row, if it may be one and these are not too many.
    fn usable<'p, 'e>(
        &mut self,
        parent: &'p TensorParent<'e>,
        descriptor: &TensorDescriptor,
        elements: &[u8],
        slices: &Slices,
    ) -> Result<Option<(&'p TensorParent<'e>, u64)>> {
        let ParentName { seal, name, sha256, first } = &parent.name;
        if parent.content.len() != elements.len() {
            return Err(Error::invalid(format!("the parent `{name}` has another size")));
        }
        if first.is_some() && !slices.are_consecutive() {
            return Err(Error::invalid("a tensor compared with bytes has consecutive slices"));
        }
        if seal.is_some_and(|seal| !self.has_parent(&seal)) {
            return Err(Error::invalid(format!("`{name}` is in an archive that is no parent of this one")));
        }
        let mut n_parents = parent.n_parents;
        let mut of_parent = parent.descriptor.as_ref();
        let added;
        if seal.is_none() {
            added = self
                .known_tensors()?
                .named(name)
                .filter(|added| added.sha256 == *sha256)
                .cloned()
                .ok_or_else(|| Error::invalid(format!("no tensor `{name}` with these elements was added")))?;
            n_parents = added.n_parents;
            of_parent = Some(&added.descriptor);
        }
        if first.is_none() && of_parent != Some(descriptor) {
            return Err(Error::invalid(format!("the parent `{name}` has another type, shape or order")));
        }
        Ok((n_parents < MAX_WRITTEN_PARENTS).then_some((parent, n_parents)))
    }

    /// Codes slices and adds their blocks; true if one of them needs the parent.
    fn add_slices(
        &mut self,
        item: &mut ItemRecord,
        descriptor: &TensorDescriptor,
        slices: &Slices,
        elements: &[u8],
        by: &By<'_>,
        options: &TensorOptions,
    ) -> Result<bool> {
        let n_slices = slices.n_slices().ok_or_else(|| Error::invalid("there are too many slices"))?;
        let n_threads =
            parallel::n_threads(options.n_threads, usize::try_from(n_slices).unwrap_or(usize::MAX));
        let step = n_threads * SLICES_PER_THREAD;
        let mut is_child = false;
        for first in (0..n_slices).step_by(step) {
            let numbers: Vec<u64> = (first..n_slices.min(first + step as u64)).collect();
            let coded = parallel::map(n_threads, numbers, |number| {
                let bytes = cut(slices, elements, number);
                let parent = by.parent.map(|parent| cut(slices, &parent.content, number));
                let layout = slices.layout(descriptor, &slices.ranges(number));
                let coded = layout.and_then(|layout| {
                    smallest(&bytes, parent.as_deref(), by.max_error, &layout, options.codec)
                });
                Ok((coded.map_err(|e| Error::invalid(e.to_string()))?, bytes))
            })?;
            for (coded, bytes) in coded {
                let (codec, payload) = match &coded {
                    Some(coded) => (Codec::TensorSlice, coded.as_slice()),
                    None => (Codec::Raw, bytes.as_ref()),
                };
                is_child |= coded.as_deref().is_some_and(needs_parent);
                let id = self.add_block(codec, payload, bytes.len() as u64)?;
                extend(&mut item.content, id);
                self.advance(bytes.len() as u64);
            }
        }
        Ok(is_child)
    }
}

/// What helps to code the slices of a tensor.
struct By<'a> {
    parent: Option<&'a TensorParent<'a>>,
    max_error: Option<f64>,
}

/// The bound, and the elements rounded within it, if that changes any of them.
fn rounded(
    descriptor: &TensorDescriptor,
    elements: &[u8],
    options: &TensorOptions,
) -> Result<Option<(f64, Vec<u8>)>> {
    let Some(max_error) = options.max_error else { return Ok(None) };
    if options.codec != TensorCodec::Auto {
        return Err(Error::invalid("a tensor with a largest error is coded as `auto` finds best"));
    }
    let Some(bound) = max_error.bound(elements, descriptor.element)? else { return Ok(None) };
    let mut rounded = elements.to_vec();
    round_slice(&mut rounded, descriptor.element, bound).map_err(|e| Error::invalid(e.to_string()))?;
    Ok((rounded != elements).then_some((bound, rounded)))
}

/// A slice alone or by its parent, whatever is smaller; nothing if it is best kept as it is.
fn smallest(
    bytes: &[u8],
    parent: Option<&[u8]>,
    max_error: Option<f64>,
    layout: &SliceLayout,
    codec: TensorCodec,
) -> Result<Option<Vec<u8>>, CodecError> {
    let mut alone = encode_slice(bytes, layout, codec)?;
    if let Some(max_error) = max_error
        && let Some(multiples) = encode_multiples(bytes, layout, max_error)?
        && multiples.len() < alone.as_ref().map_or(bytes.len(), Vec::len)
    {
        alone = Some(multiples);
    }
    let Some(parent) = parent else { return Ok(alone) };
    let child = encode_slice_by(bytes, parent, layout)?;
    let limit = alone.as_ref().map_or(bytes.len(), Vec::len);
    Ok(if child.len() < limit { Some(child) } else { alone })
}

/// A recipe, and what makes exactly the elements of what it makes.
struct Proven {
    recipe: NoiseRecipe,
    corrections: Vec<u8>,
}

/// The first of the recipes that makes these elements; else the one that makes them with the least corrections, if they
/// are few enough to be worth it.
fn proven(descriptor: &TensorDescriptor, elements: &[u8], options: &TensorOptions) -> Option<Proven> {
    let n = usize::try_from(descriptor.n_elements()?).ok().filter(|n| *n > 0)?;
    if descriptor.order != ElementOrder::C {
        return None;
    }
    let mut best: Option<Proven> = None;
    let mut made = Vec::new();
    for recipe in &options.noise {
        made.clear();
        let most = best
            .as_ref()
            .map_or(elements.len() / MIN_ELEMENT_BYTES_A_CORRECTION, |best| best.corrections.len());
        if generate(recipe, descriptor.element, n, &mut made).is_ok()
            && let Some(corrections) = find_corrections(&made, elements, descriptor.element, most)
            && best.as_ref().is_none_or(|best| corrections.len() < best.corrections.len())
        {
            let is_exact = corrections.is_empty();
            best = Some(Proven { recipe: *recipe, corrections });
            if is_exact {
                break;
            }
        }
    }
    best
}

/// The bytes of a slice: a part of the content, or gathered from it.
fn cut<'a>(slices: &Slices, elements: &'a [u8], number: u64) -> Cow<'a, [u8]> {
    let ranges = slices.ranges(number);
    let n_bytes = slices.box_bytes(&ranges).unwrap_or(0) as usize;
    let start: Vec<u64> = ranges.iter().map(|range| range.start).collect();
    if slices.are_consecutive() {
        let first = slices.offset_bytes(&ranges) as usize;
        return Cow::Borrowed(elements.get(first..first + n_bytes).unwrap_or_default());
    }
    let extent: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
    let mut out = vec![0; n_bytes];
    let origin = vec![0; extent.len()];
    copy_box(
        (elements, slices.stored_shape(), &start),
        (&mut out, &extent, &origin),
        &extent,
        slices.unit_bytes(),
    );
    Cow::Owned(out)
}
