use super::{ImageReader, Input, SourceImage, no_image};
use crate::{Error, ImageDescriptor, Limits, Result};

/// The samples of an image that a format gives only as a whole, handed out row by row.
#[derive(Debug, Default)]
pub(super) struct Held {
    samples: Vec<u8>,
    at: usize,
}

impl Held {
    pub(super) fn new(samples: Vec<u8>) -> Self {
        Self { samples, at: 0 }
    }

    /// The next rows.
    pub(super) fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        let end = self.at.checked_add(rows.len()).ok_or_else(no_image)?;
        rows.copy_from_slice(self.samples.get(self.at..end).ok_or_else(no_image)?);
        self.at = end;
        Ok(())
    }
}

/// The reader of a file of one image that was decoded whole.
pub(super) struct Whole {
    image: Option<SourceImage>,
    held: Held,
}

impl Whole {
    pub(super) fn reader<'a>(image: SourceImage, samples: Vec<u8>) -> Box<dyn ImageReader + 'a> {
        Box::new(Self { image: Some(image), held: Held::new(samples) })
    }
}

impl ImageReader for Whole {
    fn next_image(&mut self) -> Result<Option<SourceImage>> {
        Ok(self.image.take())
    }

    fn read_rows(&mut self, rows: &mut [u8]) -> Result<()> {
        self.held.read_rows(rows)
    }

    fn is_streaming(&self) -> bool {
        false
    }
}

/// Refuses more pixels than the limits allow, or a descriptor that contradicts itself.
pub(super) fn check_size(format: &'static str, image: &ImageDescriptor, limits: &Limits) -> Result<()> {
    limit("the number of pixels", image.n_pixels(), limits.max_pixels)?;
    image.validate().map_err(|e| Error::source_format(format, e))
}

/// Bytes of a whole image, checked before memory is taken for them.
pub(super) fn whole_bytes(image: &ImageDescriptor, limits: &Limits) -> Result<usize> {
    let n_bytes = image.raw_bytes().unwrap_or(u64::MAX);
    limit("the size of an image that is decoded whole", n_bytes, limits.max_decoded_bytes)?;
    usize::try_from(n_bytes).map_err(|_| Error::invalid("the image's size overflows"))
}

/// Refuses `found` above `limit`.
pub(super) fn limit(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found > limit { Err(Error::LimitExceeded { what, found, limit }) } else { Ok(()) }
}

/// Exactly `n` bytes of the input. Grows as bytes really come: a forged length allocates nothing.
pub(super) fn read_bytes(format: &'static str, input: &mut dyn Input, n: u64) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    input.take(n).read_to_end(&mut bytes).map_err(|e| Error::source_format(format, e))?;
    if (bytes.len() as u64) < n {
        return Err(Error::source_format(format, "the file ends early"));
    }
    Ok(bytes)
}

/// Bytes of the input. The position is restored.
pub(super) fn input_bytes(format: &'static str, input: &mut dyn Input) -> Result<u64> {
    let io = |e| Error::source_format(format, e);
    let at = input.stream_position().map_err(io)?;
    let n_bytes = input.seek(std::io::SeekFrom::End(0)).map_err(io)?;
    input.seek(std::io::SeekFrom::Start(at)).map_err(io)?;
    Ok(n_bytes)
}
