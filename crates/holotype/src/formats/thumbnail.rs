use super::{Format, ImageReader, Input, gif, jpeg, png, webp};
use crate::image::preview::{Preview, PreviewBuilder, wants_preview};
use crate::{Limits, PreviewChoice, Result};
use std::io::SeekFrom;

/// Most pixels decoded for a preview of a file that is kept as it is.
const MAX_PIXELS: u64 = 1 << 28;

/// The preview of a file that is kept as it is: its only or first picture, if it can be decoded. The file itself
/// is stored whatever its state, so that what is wrong with it is no error here.
///
/// # Errors
/// `Io` if the input cannot be set back to its start.
pub(crate) fn preview_of_file(
    format: Format,
    input: &mut dyn Input,
    choice: PreviewChoice,
    limits: &Limits,
) -> Result<Option<Preview>> {
    if choice == PreviewChoice::Off {
        return Ok(None);
    }
    let mut small = *limits;
    small.max_pixels = small.max_pixels.min(MAX_PIXELS);
    small.max_decoded_bytes = small.max_decoded_bytes.min(4 * MAX_PIXELS);
    let preview = open(format, input, &small).and_then(|reader| reduce(reader, choice));
    input.seek(SeekFrom::Start(0)).map_err(|e| crate::Error::io("the source file", e))?;
    Ok(preview.ok().flatten())
}

fn open<'a>(format: Format, input: &'a mut dyn Input, limits: &Limits) -> Result<Box<dyn ImageReader + 'a>> {
    match format {
        Format::Jpeg => jpeg::open_tolerant(input, limits),
        Format::Gif => gif::open_first(input, limits),
        Format::WebP => webp::open_first(input, limits),
        Format::Png => png::open(input, limits),
        other => Err(crate::Error::unsupported(format!("{other} files are not kept"))),
    }
}

fn reduce(mut reader: Box<dyn ImageReader + '_>, choice: PreviewChoice) -> Result<Option<Preview>> {
    let Some(image) = reader.next_image()? else { return Ok(None) };
    if !wants_preview(&image.descriptor, choice) {
        return Ok(None);
    }
    let mut builder = PreviewBuilder::new(&image.descriptor);
    let mut row = vec![0; image.descriptor.row_bytes().unwrap_or(0)];
    for _ in 0..image.descriptor.height {
        reader.read_rows(&mut row)?;
        builder.push_rows(&row);
    }
    Ok(Some(builder.finish()))
}
