//! What is seen while the pictures of an animation are drawn over each other.

use super::animated::{AnimationInfo, AnimationReader};
use crate::{Alpha, ColourModel, Error, Frame, ImageDescriptor, Result, SampleType, memory};

/// Pixels `x..x + width`, `y..y + height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Place {
    pub(super) fn is_inside(&self, width: u32, height: u32) -> bool {
        let ends = |start: u32, n: u32, size: u32| start.checked_add(n).is_some_and(|end| end <= size);
        ends(self.x, self.width, width) && ends(self.y, self.height, height)
    }
}

/// What becomes of a picture before the next is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dispose {
    Keep,
    /// Its place becomes transparent.
    Clear,
    /// Its place becomes what it was before.
    Restore,
}

/// How a picture is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawing {
    pub(super) place: Place,
    /// Its transparent pixels show what is under them; else it replaces all.
    pub(super) is_over: bool,
    pub(super) dispose: Dispose,
    /// Ticks that the result is shown.
    pub(super) delay: u64,
}

/// Pixels of colour samples and alpha, the last channel, all from 0 to `max`.
pub(super) struct Canvas {
    width: u32,
    n_channels: usize,
    max: u16,
    samples: Vec<u16>,
    /// What the last picture leaves to be done.
    pending: Option<(Place, Option<Vec<u16>>)>,
}

impl Canvas {
    fn new(width: u32, height: u32, n_channels: usize, max: u16) -> Result<Self> {
        let n_samples = (u64::from(width) * u64::from(height)).saturating_mul(n_channels as u64);
        let n_bytes = memory::ask("the canvas of an animation", n_samples.saturating_mul(2))?;
        Ok(Self { width, n_channels, max, samples: vec![0; n_bytes / 2], pending: None })
    }

    fn rows(&mut self, place: Place) -> impl Iterator<Item = &mut [u16]> {
        let row = self.width as usize * self.n_channels;
        let (from, n) = (place.x as usize * self.n_channels, place.width as usize * self.n_channels);
        let rows = self.samples.chunks_exact_mut(row.max(1));
        rows.skip(place.y as usize).take(place.height as usize).map(move |row| &mut row[from..from + n])
    }

    /// Draws `picture`; false if half transparent pixels met others, which no format says how to round.
    fn draw(&mut self, drawing: &Drawing, picture: &[u16]) -> bool {
        match self.pending.take() {
            Some((place, Some(before))) => {
                let n = place.width as usize * self.n_channels;
                self.rows(place)
                    .zip(before.chunks_exact(n))
                    .for_each(|(row, from)| row.copy_from_slice(from));
            }
            Some((place, None)) => self.rows(place).for_each(|row| row.fill(0)),
            None => {}
        }
        let place = drawing.place;
        self.pending = match drawing.dispose {
            Dispose::Keep => None,
            Dispose::Clear => Some((place, None)),
            Dispose::Restore => Some((place, Some(self.rows(place).flat_map(|row| row.to_vec()).collect()))),
        };
        let (n, max) = (self.n_channels, self.max);
        let mut is_exact = true;
        for (row, from) in self.rows(place).zip(picture.chunks_exact(place.width as usize * n)) {
            if !drawing.is_over {
                row.copy_from_slice(from);
                continue;
            }
            for (pixel, from) in row.chunks_exact_mut(n).zip(from.chunks_exact(n)) {
                match (from[n - 1], pixel[n - 1]) {
                    (0, _) => {}
                    (alpha, below) if alpha == max || below == 0 => pixel.copy_from_slice(from),
                    _ => {
                        is_exact = false;
                        blend(pixel, from, max);
                    }
                }
            }
        }
        is_exact
    }

    fn is_opaque(&self) -> bool {
        self.samples.iter().skip(self.n_channels - 1).step_by(self.n_channels).all(|alpha| *alpha == self.max)
    }

    fn bytes(&self, descriptor: &ImageDescriptor) -> Vec<u8> {
        let kept = usize::from(descriptor.n_channels);
        let samples = self.samples.chunks_exact(self.n_channels).flat_map(|pixel| &pixel[..kept]);
        if descriptor.sample == SampleType::U16 {
            samples.flat_map(|sample| sample.to_le_bytes()).collect()
        } else {
            samples.map(|sample| *sample as u8).collect()
        }
    }
}

/// A pixel over another, straight alpha, each sample to the nearest.
fn blend(pixel: &mut [u16], over: &[u16], max: u16) {
    let (Some((above, colours)), Some((below, below_colours))) = (over.split_last(), pixel.split_last_mut())
    else {
        return;
    };
    let max = u64::from(max);
    let (a, b) = (u64::from(*above) * max, (max - u64::from(*above)) * u64::from(*below));
    let sum = (a + b).max(1);
    for (to, from) in below_colours.iter_mut().zip(colours) {
        *to = ((u64::from(*from) * a + u64::from(*to) * b + sum / 2) / sum) as u16;
    }
    *below = ((a + b + max / 2) / max) as u16;
}

/// The pictures an animation is drawn of.
pub(super) trait Pictures: Send {
    fn n_pictures(&self) -> usize;

    /// How picture `i` is drawn: inside the canvas.
    fn drawing(&self, i: usize) -> Drawing;

    /// Its samples as the canvas has them, alpha included.
    fn read(&mut self, i: usize) -> Result<Vec<u16>>;
}

/// An animation that is drawn picture by picture.
pub(super) struct Drawn<P> {
    format: &'static str,
    pictures: P,
    canvas: Canvas,
    info: AnimationInfo,
    next: usize,
    allow_approximate: bool,
}

/// What the canvas of an animation is like.
pub(super) struct CanvasKind {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 1 for gray, 3 for red, green and blue.
    pub(super) n_colours: u16,
    pub(super) sample: SampleType,
    pub(super) bits: u8,
    /// Pictures have alpha of their own, which is kept; else it is dropped if all that is seen is opaque.
    pub(super) has_alpha: bool,
}

impl CanvasKind {
    pub(super) fn descriptor(&self, has_alpha: bool) -> ImageDescriptor {
        let colour = if self.n_colours == 1 { ColourModel::Gray } else { ColourModel::Rgb };
        let (alpha, n) = if has_alpha { (Alpha::Straight, 1) } else { (Alpha::None, 0) };
        ImageDescriptor::new(self.width, self.height, self.n_colours + n, self.sample)
            .with_bits_per_sample(self.bits)
            .with_colour(colour, alpha)
    }

    fn canvas(&self) -> Result<Canvas> {
        let max = ((1_u32 << self.bits) - 1) as u16;
        Canvas::new(self.width, self.height, usize::from(self.n_colours) + 1, max)
    }
}

impl<P: Pictures> Drawn<P> {
    /// Starts drawing. The size was checked. Where pictures have no alpha of their own all are drawn once to see whether
    /// any of the canvas stays transparent.
    pub(super) fn new(
        format: &'static str,
        kind: &CanvasKind,
        mut pictures: P,
        info: AnimationInfo,
        allow_approximate: bool,
    ) -> Result<Self> {
        let n_pictures = pictures.n_pictures();
        for i in 0..n_pictures {
            let place = pictures.drawing(i).place;
            if place.width == 0 || place.height == 0 || !place.is_inside(kind.width, kind.height) {
                return Err(Error::source_format(format, format!("frame {i} reaches beyond the canvas")));
            }
        }
        let mut has_alpha = kind.has_alpha;
        let mut canvas = kind.canvas()?;
        for i in 0..n_pictures {
            if has_alpha {
                break;
            }
            let picture = picture(&mut pictures, i, &canvas)?;
            canvas.draw(&pictures.drawing(i), &picture);
            has_alpha = !canvas.is_opaque();
        }
        let descriptor = kind.descriptor(has_alpha);
        descriptor.validate().map_err(|e| Error::source_format(format, e))?;
        let info = AnimationInfo { descriptor, n_frames: Some(n_pictures as u64), ..info };
        let canvas = kind.canvas()?;
        Ok(Self { format, pictures, canvas, info, next: 0, allow_approximate })
    }
}

/// A picture, if there is memory for it, what it is decoded from and a frame.
fn picture(pictures: &mut impl Pictures, i: usize, canvas: &Canvas) -> Result<Vec<u16>> {
    let Place { width, height, .. } = pictures.drawing(i).place;
    let n_samples = (u64::from(width) * u64::from(height)).saturating_mul(canvas.n_channels as u64);
    let n_bytes = n_samples.saturating_mul(5).saturating_add(2 * canvas.samples.len() as u64);
    memory::ask("a picture of an animation", n_bytes)?;
    pictures.read(i)
}

impl<P: Pictures> AnimationReader for Drawn<P> {
    fn info(&self) -> &AnimationInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let i = self.next;
        if i >= self.pictures.n_pictures() {
            return Ok(None);
        }
        self.next += 1;
        let drawing = self.pictures.drawing(i);
        let picture = picture(&mut self.pictures, i, &self.canvas)?;
        if !self.canvas.draw(&drawing, &picture) && !self.allow_approximate {
            return Err(Error::unsupported(format!(
                "{}: frame {i} draws half transparent pixels over others, which decoders round differently",
                self.format
            )));
        }
        let samples = self.canvas.bytes(&self.info.descriptor);
        Ok(Some(Frame::new(self.info.descriptor.clone(), samples, drawing.delay)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(x: u32, is_over: bool, dispose: Dispose) -> Drawing {
        Drawing { place: Place { x, y: 0, width: 1, height: 1 }, is_over, dispose, delay: 0 }
    }

    #[test]
    fn pictures_are_kept_cleared_or_taken_back() {
        let mut canvas = Canvas::new(3, 1, 2, 255).unwrap();
        assert!(canvas.draw(&drawing(0, false, Dispose::Keep), &[9, 255]));
        assert!(canvas.draw(&drawing(1, true, Dispose::Clear), &[8, 255]));
        assert_eq!(canvas.samples, [9, 255, 8, 255, 0, 0]);
        assert!(canvas.draw(&drawing(0, true, Dispose::Restore), &[7, 255]));
        assert_eq!(canvas.samples, [7, 255, 0, 0, 0, 0]);
        assert!(canvas.draw(&drawing(2, true, Dispose::Keep), &[6, 100]));
        assert_eq!(canvas.samples, [9, 255, 0, 0, 6, 100]);
        assert!(!canvas.is_opaque());
        // Nothing over something, something over nothing: exact.
        assert!(canvas.draw(&drawing(2, true, Dispose::Keep), &[1, 0]));
        assert_eq!(canvas.samples[4..], [6, 100]);
        assert!(!canvas.draw(&drawing(2, true, Dispose::Keep), &[106, 128]));
    }

    #[test]
    fn half_transparent_pixels_are_blended_to_the_nearest() {
        let mut pixel = [0, 255];
        blend(&mut pixel, &[255, 128], 255);
        assert_eq!(pixel, [128, 255]);
        let mut pixel = [100, 0];
        blend(&mut pixel, &[7, 3], 255);
        assert_eq!(pixel, [7, 3]);
        let mut pixel = [65535, 65535];
        blend(&mut pixel, &[65535, 1], 65535);
        assert_eq!(pixel, [65535, 65535]);
    }
}
