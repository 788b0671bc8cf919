use super::TensorItem;
use super::cache::Key;
use crate::Result;
use std::sync::Arc;

impl TensorItem<'_> {
    /// Fills `out` with the bytes of the content from `offset_bytes` on, which must lie inside it: elements in the
    /// stored order, little-endian. Only the slices they are in are decoded, or taken from the cache.
    pub(super) fn content_at(&self, offset_bytes: u64, out: &mut [u8]) -> Result<()> {
        let is_cut = self.noise().is_none() && self.n_slices() > 0 && self.slices().are_consecutive();
        let n_slices = if is_cut { self.n_slices() } else { 1 };
        // The last slice that does not start after the offset.
        let (mut low, mut high) = (0, n_slices);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.start_of(middle) <= offset_bytes { low = middle } else { high = middle }
        }
        let (mut out, mut at) = (out, offset_bytes);
        for number in low..n_slices {
            if out.is_empty() {
                return Ok(());
            }
            let slice = self.kept_slice(number, is_cut)?;
            let start = if is_cut { self.start_of(number) } else { 0 };
            let skipped = usize::try_from(at - start).ok().and_then(|skipped| slice.get(skipped..));
            let part = skipped.ok_or_else(|| self.item().broken("a slice ends too early"))?;
            let n = part.len().min(out.len());
            let (now, later) = out.split_at_mut(n);
            now.copy_from_slice(&part[..n]);
            out = later;
            at += n as u64;
        }
        if out.is_empty() { Ok(()) } else { Err(self.item().broken("the slices end too early")) }
    }

    /// Where slice `number` starts in the content, if slices are consecutive parts of it.
    fn start_of(&self, number: u64) -> u64 {
        let mut stride = self.slices().unit_bytes();
        let mut start = 0_u64;
        for (range, axis) in self.slices().ranges(number).iter().zip(self.slices().stored_shape()).rev() {
            start = start.saturating_add(range.start.saturating_mul(stride));
            stride = stride.saturating_mul(*axis);
        }
        start
    }

    fn kept_slice(&self, number: u64, is_cut: bool) -> Result<Arc<Vec<u8>>> {
        let cache = &self.item().archive().cache;
        let key = Key::Slice { ordinal: self.item().record().ordinal, number };
        if let Some(kept) = cache.get(key) {
            return Ok(kept);
        }
        let slice = Arc::new(if is_cut { self.slice(number)? } else { self.read()? });
        cache.insert(key, &slice);
        Ok(slice)
    }
}
