use super::markers::{self, Head};
use super::{NAME, cmyk};
use crate::formats::guard::guarded;
use crate::formats::held::{Whole, check_size, input_bytes, limit, read_bytes, whole_bytes};
use crate::formats::{ImageReader, Input, SourceImage};
use crate::{Alpha, ColourModel, Error, ImageDescriptor, Limits, Result, SampleType};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

/// Opens a JPEG file.
pub(in crate::formats) fn open(mut input: Box<dyn Input>, limits: &Limits) -> Result<Box<dyn ImageReader>> {
    guarded(NAME, || decode(input.as_mut(), limits, true))
}

/// Opens a JPEG file as far as it can be decoded, for a preview.
pub(in crate::formats) fn open_tolerant(
    input: &mut dyn Input,
    limits: &Limits,
) -> Result<Box<dyn ImageReader>> {
    guarded(NAME, || decode(input, limits, false))
}

fn decode(input: &mut dyn Input, limits: &Limits, strict: bool) -> Result<Box<dyn ImageReader>> {
    let n_bytes = input_bytes(NAME, input)?;
    limit("the size of a JPEG file", n_bytes, limits.max_decoded_bytes)?;
    let file = read_bytes(NAME, input, n_bytes)?;
    let head = markers::read(&file)?;
    if strict && !head.has_end {
        return Err(Error::source_format(NAME, "the file ends early"));
    }
    let (descriptor, stored) = describe(&head)?;
    check_size(NAME, &descriptor, limits)?;
    // Every block of 8 × 8 pixels takes a bit at least: a forged size is seen before the decoder believes it.
    if descriptor.n_pixels() / 512 > n_bytes {
        return Err(Error::source_format(NAME, "the file is too short for its size in pixels"));
    }
    let mut samples = vec![0; whole_bytes(&descriptor, limits)?];
    let options = DecoderOptions::default()
        .set_max_width(65535)
        .set_max_height(65535)
        .set_strict_mode(strict)
        .jpeg_set_out_colorspace(stored);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file.as_slice()), options);
    decoder.decode_headers().map_err(damaged)?;
    let is_as_read = decoder.info().is_some_and(|info| {
        (u32::from(info.width), u32::from(info.height)) == (descriptor.width, descriptor.height)
    });
    if !is_as_read || decoder.output_buffer_size() != Some(samples.len()) {
        return Err(Error::source_format(NAME, "the headers contradict each other"));
    }
    decoder.decode_into(&mut samples).map_err(damaged)?;
    if descriptor.colour == ColourModel::Cmyk {
        if head.adobe_transform == Some(2) {
            cmyk::from_ycck(&mut samples);
        }
        if head.adobe_transform.is_some() {
            cmyk::invert(&mut samples);
        }
    }
    let image = SourceImage { descriptor, metadata: head.metadata };
    Ok(Whole::reader(image, samples))
}

/// What the image is, and the form to ask of the decoder: grays, RGB, or the stored four components.
fn describe(head: &Head) -> Result<(ImageDescriptor, ColorSpace)> {
    if head.bits != 8 {
        return Err(Error::unsupported(format!("JPEG of {} bits a sample", head.bits)));
    }
    let image = |n| ImageDescriptor::new(head.width, head.height, n, SampleType::U8);
    Ok(match (head.components.len(), head.adobe_transform) {
        (1, _) => (image(1), ColorSpace::Luma),
        (3, Some(1)) if head.components == *b"RGB" => {
            return Err(Error::unsupported("JPEG whose components are named RGB and said to be YCbCr"));
        }
        (3, _) => (image(3), ColorSpace::RGB),
        (4, Some(2)) => (image(4).with_colour(ColourModel::Cmyk, Alpha::None), ColorSpace::YCCK),
        (4, _) => (image(4).with_colour(ColourModel::Cmyk, Alpha::None), ColorSpace::CMYK),
        (n, _) => return Err(Error::unsupported(format!("JPEG of {n} components"))),
    })
}

fn damaged(error: zune_jpeg::errors::DecodeErrors) -> Error {
    use zune_jpeg::errors::DecodeErrors;
    match error {
        DecodeErrors::Unsupported(scheme) => Error::unsupported(format!("JPEG: {scheme:?}")),
        other => Error::source_format(NAME, other),
    }
}
