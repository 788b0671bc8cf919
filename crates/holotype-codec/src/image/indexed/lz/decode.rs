use super::literal::{Channels, Literals, Numbers};
use super::tokens::{self, Source};
use super::{Around, Canvas, Models};
use crate::entropy::rans::{Decoder, SymbolCoder};
use crate::image::indexed::dictionary::{EntryCoder, EntryForm};
use crate::image::indexed::pixels::{self, pixel_bytes};
use crate::simd::{Kernel, WordLanes, dispatch};
use crate::{CodecError, TileMut};

const WRONG_HEADER: CodecError = CodecError::Corrupt { what: "header of copies" };

/// Decodes what [`super::encode`] made.
pub(in crate::image::indexed) fn decode(bytes: &[u8], out: &mut TileMut<'_, '_>) -> Result<(), CodecError> {
    let cut = CodecError::Truncated { what: "header of copies" };
    let shape = out.shape();
    let n_bytes = pixel_bytes(&shape).ok_or(WRONG_HEADER)?;
    let mut canvas = Canvas::new(shape.width as usize, shape.n_pixels());
    let (&flags, rest) = bytes.split_first().ok_or(cut.clone())?;
    let (&second, rest) = rest.split_first().ok_or(cut.clone())?;
    if flags & 1 == 1 {
        let form = EntryForm::from_code(flags >> 1).ok_or(WRONG_HEADER)?;
        let n_colours = usize::from(second) + 1;
        let mut coder = Decoder::new(rest)?;
        let mut entry = EntryCoder::new(form, n_bytes);
        let entries: Vec<u64> = (0..n_colours).map(|_| entry.code(&mut coder, 0)).collect();
        fill(coder, Numbers::new(n_colours), &mut canvas)?;
        let mut table = [0; 256];
        table[..n_colours].copy_from_slice(&entries);
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|number| table[*number as usize & 255]));
    } else {
        let is_colour = flags == 2;
        let n_channels = u32::from(shape.n_channels);
        let fits = shape.sample.n_bytes() == 1
            && n_channels <= 4
            && (!is_colour || (shape.is_rgb && n_channels >= 3));
        if flags > 2 || !fits || u32::from(second) >= 1 << n_channels {
            return Err(WRONG_HEADER);
        }
        let mask = u32::from(second);
        let (samples, rest) = rest.split_at_checked(mask.count_ones() as usize).ok_or(cut)?;
        let places = (0..4).filter(|c| mask >> c & 1 == 1);
        let constant = places.zip(samples).fold(0, |all, (c, sample)| all | u32::from(*sample) << (8 * c));
        let channels = Channels::new(n_channels, is_colour, mask, constant);
        fill(Decoder::new(rest)?, channels, &mut canvas)?;
        pixels::write_rows(out, |y| canvas.row(y).iter().map(|pixel| u64::from(*pixel)));
    }
    Ok(())
}

/// Decodes every pixel.
fn fill(coder: Decoder<'_>, literals: impl Literals, canvas: &mut Canvas) -> Result<(), CodecError> {
    dispatch(Fill { coder, literals, canvas })
}

/// The pixels of a tile.
struct Fill<'a, 'b, S> {
    coder: Decoder<'a>,
    literals: S,
    canvas: &'b mut Canvas,
}

impl<S: Literals> Kernel for Fill<'_, '_, S> {
    type Output = Result<(), CodecError>;

    #[inline(always)]
    fn run<L: WordLanes>(self, _: L) -> Self::Output {
        let Fill { mut coder, mut literals, canvas } = self;
        let mut models = Models::new();
        let mut source = Adaptive { coder: &mut coder, literals: &mut literals, models: &mut models };
        tokens::fill(&mut source, canvas)?;
        coder.finish()
    }
}

/// Symbols under models that learn.
struct Adaptive<'a, 'b, S> {
    coder: &'b mut Decoder<'a>,
    literals: &'b mut S,
    models: &'b mut Models,
}

impl<S: Literals> Source for Adaptive<'_, '_, S> {
    #[inline(always)]
    fn token(&mut self, context: usize) -> usize {
        self.coder.symbol(&mut self.models.tokens[context], 0)
    }

    #[inline(always)]
    fn literal(&mut self, around: &Around) -> Result<u32, CodecError> {
        Ok(self.literals.code(self.coder, around, 0))
    }

    #[inline(always)]
    fn bits(&mut self, n_bits: u32) -> u32 {
        self.coder.bits(0, n_bits)
    }

    #[inline(always)]
    fn run(&mut self, is_west: bool) -> Result<u64, CodecError> {
        Ok(self.models.run[usize::from(is_west)].code(self.coder, 0))
    }

    #[inline(always)]
    fn length(&mut self) -> Result<u64, CodecError> {
        Ok(self.models.length.code(self.coder, 0))
    }

    #[inline(always)]
    fn offset(&mut self) -> Result<[u64; 2], CodecError> {
        let rows = self.models.rows.code(self.coder, 0);
        Ok([rows, self.models.columns[rows.min(2) as usize].code(self.coder, 0)])
    }
}
