//! Samples out of tokens.

use super::super::PlaneShape;
use super::super::colour::{self, Transform};
use super::N_CONTEXTS;
use super::group::Group;
use super::kernel::{Place, Residuals, walk};
use super::model::PlaneModel;
use crate::CodecError;
use crate::entropy::static_rans::{DecodeTables, Decoder};
use crate::image::levels::{N_DIRECT, normalise};
use crate::simd::{ByteLanes, Kernel, Lanes};

/// The stream of one plane, ready to decode.
struct PlaneStream<'a> {
    coder: Decoder<'a>,
    tables: DecodeTables,
    low: i32,
    high: i32,
    group: Group,
}

/// Decodes planes and undoes their transform: one vector of `width * height` samples each.
pub(super) struct Decode<'a> {
    pub(super) models: &'a [PlaneModel],
    /// States and words of each plane.
    pub(super) streams: &'a [([u32; 8], Vec<u16>)],
    pub(super) shape: &'a PlaneShape,
    pub(super) transform: Transform,
}

impl Kernel for Decode<'_> {
    type Output = Result<Vec<Vec<u16>>, CodecError>;

    #[inline(always)]
    fn run<L: ByteLanes>(self, l: L) -> Self::Output {
        let Self { models, streams, shape, transform } = self;
        let (width, height) = (shape.width, shape.height);
        let mut planes = Vec::with_capacity(models.len());
        for (model, (states, words)) in models.iter().zip(streams) {
            let frequencies: Vec<_> = model.tables.levels.iter().map(|levels| normalise(levels)).collect();
            planes.push(PlaneStream {
                coder: Decoder::new(*states, words)?,
                tables: DecodeTables::new(&frequencies, model.tables.clusters.as_slice()),
                low: model.low,
                high: model.high,
                group: Group::new(width),
            });
        }
        let rows = vec![Vec::new(); planes.len()];
        let samples = vec![vec![0; width * height]; planes.len()];
        let mut source = Source { planes, shape, transform, rows, samples, error: None };
        walk(l, models, width, height, &mut source);
        source.error.map_or(Ok(()), Err)?;
        source.planes.iter().try_for_each(|plane| plane.coder.finish())?;
        Ok(source.samples)
    }
}

struct Source<'a> {
    planes: Vec<PlaneStream<'a>>,
    shape: &'a PlaneShape,
    transform: Transform,
    /// The rows of a group in each transformed plane.
    rows: Vec<Vec<i32>>,
    samples: Vec<Vec<u16>>,
    error: Option<CodecError>,
}

impl<L: Lanes> Residuals<L> for Source<'_> {
    #[inline(always)]
    fn begin_group(&mut self, _: usize) {}

    #[inline(always)]
    fn code(&mut self, l: L, c: usize, t: isize, place: &Place<L>) -> L::I {
        let Some(plane) = self.planes.get_mut(c) else { return place.prediction };
        let token = plane.coder.token(l, &plane.tables, place.context, place.active);
        let is_long = l.and(l.gt_i32(token, l.splat_i32(N_DIRECT as i32 - 1)), place.active);
        let mut number = token;
        if l.sign_mask(is_long) != 0 {
            let octave = l.shr::<3>(l.sub_i32(token, l.splat_i32(N_DIRECT as i32)));
            let n_bits = l.and(l.add_i32(octave, l.splat_i32(3)), is_long);
            let top = l.or(l.and(token, l.splat_i32(7)), l.splat_i32(8));
            let long = l.or(l.shl_each(top, n_bits), plane.coder.bits(l, n_bits));
            number = l.select_i32(is_long, long, token);
        }
        let sign = l.sub_i32(l.splat_i32(0), l.and(number, l.splat_i32(1)));
        let residual = l.xor(l.shr::<1>(number), sign);
        // Negated where the prediction was rounded up.
        let residual = l.sub_i32(l.xor(residual, place.is_flipped), place.is_flipped);
        let value = l.add_i32(place.prediction, residual);
        let value = l.min_i32(l.max_i32(value, l.splat_i32(plane.low)), l.splat_i32(plane.high));
        if let Some(step) = plane.group.step_mut(t) {
            l.store_i32(value, step);
        }
        value
    }

    #[inline(always)]
    fn end_group(&mut self, row: usize, n_rows: usize) -> bool {
        let width = self.shape.width;
        for (plane, rows) in self.planes.iter().zip(&mut self.rows) {
            rows.resize(n_rows * width, 0);
            plane.group.empty(rows, width, n_rows);
        }
        let mut out: Vec<&mut [u16]> =
            self.samples.iter_mut().map(|plane| &mut plane[row * width..][..n_rows * width]).collect();
        self.error = colour::inverse_rows(self.shape, self.transform, &mut self.rows, &mut out).err();
        // A forged size must not cost the time and memory of a true one.
        self.error.is_none() && !self.planes.iter().any(|plane| plane.coder.is_past_the_end())
    }
}

const _: () = assert!(N_CONTEXTS <= 1024);
