//! Tensors → blocks and their record.

use super::boxes::copy_box;
use super::slices::{self, Slices};
use super::{ElementOrder, TensorCodec, TensorDescriptor, TensorOptions, wire};
use crate::writer::extend;
use crate::{Error, Result, Writer, parallel};
use holotype_codec::noise::{NoiseRecipe, generate};
use holotype_codec::tensor::encode_slice;
use holotype_container::{Codec, ItemKind, ItemRecord};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::Write;

/// Largest raw tensor that is one slice.
const MAX_RAW_SLICE_BYTES: u64 = 1 << 30;
/// Slices coded together, for each thread.
const SLICES_PER_THREAD: usize = 4;

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
        descriptor.validate()?;
        self.check_name(name)?;
        let raw_bytes = descriptor.raw_bytes().unwrap_or(u64::MAX);
        if raw_bytes != elements.len() as u64 {
            return Err(Error::invalid(format!(
                "the tensor has {} bytes, its descriptor says {raw_bytes}",
                elements.len()
            )));
        }
        if let Some(noise) = proven(descriptor, elements, options) {
            let mut item = ItemRecord::new(name.to_owned(), ItemKind::Tensor);
            item.content_sha256 = Sha256::digest(elements).into();
            item.raw_bytes = raw_bytes;
            item.descriptor = wire::encode_descriptor(descriptor, &Slices::whole(descriptor), Some(&noise));
            item.metadata = self.add_metadata(&options.metadata)?;
            self.advance(raw_bytes);
            return self.add_item(item);
        }
        let is_mapped = options.codec == TensorCodec::Raw
            && options.slice_shape.is_none()
            && (1..=MAX_RAW_SLICE_BYTES).contains(&raw_bytes);
        let slices = if is_mapped {
            self.align()?;
            Slices::whole(descriptor)
        } else {
            slices::asked(descriptor, options.slice_shape.as_deref())?
        };
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::Tensor);
        self.add_slices(&mut item, descriptor, &slices, elements, options)?;
        item.content_sha256 = Sha256::digest(elements).into();
        item.raw_bytes = raw_bytes;
        item.descriptor = wire::encode_descriptor(descriptor, &slices, None);
        item.metadata = self.add_metadata(&options.metadata)?;
        self.add_item(item)
    }

    fn add_slices(
        &mut self,
        item: &mut ItemRecord,
        descriptor: &TensorDescriptor,
        slices: &Slices,
        elements: &[u8],
        options: &TensorOptions,
    ) -> Result<()> {
        let n_slices = slices.n_slices().ok_or_else(|| Error::invalid("there are too many slices"))?;
        let n_threads =
            parallel::n_threads(options.n_threads, usize::try_from(n_slices).unwrap_or(usize::MAX));
        let step = n_threads * SLICES_PER_THREAD;
        for first in (0..n_slices).step_by(step) {
            let numbers: Vec<u64> = (first..n_slices.min(first + step as u64)).collect();
            let coded = parallel::map(n_threads, numbers, |number| {
                let bytes = cut(slices, elements, number);
                let layout = slices.layout(descriptor, &slices.ranges(number));
                let coded = layout.and_then(|layout| encode_slice(&bytes, &layout, options.codec));
                Ok((coded.map_err(|e| Error::invalid(e.to_string()))?, bytes))
            })?;
            for (coded, bytes) in coded {
                let (codec, payload) = match &coded {
                    Some(coded) => (Codec::TensorSlice, coded.as_slice()),
                    None => (Codec::Raw, bytes.as_ref()),
                };
                let id = self.add_block(codec, payload, bytes.len() as u64)?;
                extend(&mut item.content, id);
                self.advance(bytes.len() as u64);
            }
        }
        Ok(())
    }
}

/// The first of the recipes that makes these elements.
fn proven(descriptor: &TensorDescriptor, elements: &[u8], options: &TensorOptions) -> Option<NoiseRecipe> {
    let n = usize::try_from(descriptor.n_elements()?).ok().filter(|n| *n > 0)?;
    if descriptor.order != ElementOrder::C {
        return None;
    }
    let mut made = Vec::new();
    options.noise.iter().copied().find(|recipe| {
        made.clear();
        generate(recipe, descriptor.element, n, &mut made).is_ok() && made == elements
    })
}

/// The bytes of a slice: a part of the content, or gathered from it.
fn cut<'a>(slices: &Slices, elements: &'a [u8], number: u64) -> Cow<'a, [u8]> {
    let ranges = slices.ranges(number);
    let n_bytes = slices.box_bytes(&ranges).unwrap_or(0) as usize;
    let start: Vec<u64> = ranges.iter().map(|range| range.start).collect();
    if slices.are_consecutive() {
        let first = start.iter().zip(slices.stored_shape()).fold(0, |n, (at, axis)| n * axis + at);
        let first = (first * slices.unit_bytes()) as usize;
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
