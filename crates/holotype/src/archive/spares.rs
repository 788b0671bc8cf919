use std::sync::Mutex;

/// Buffers kept at most, and the bytes of all of them.
const MAX_SPARES: usize = 4;
const MAX_SPARE_BYTES: usize = 16 << 20;

/// Buffers that nobody needs any more, for those who need one next: fresh memory costs the system a call a page.
///
/// The lock is never waited for, so a `fork` at any moment does no harm.
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<Vec<Vec<u8>>>);

impl Spares {
    /// The smallest that holds `n_bytes` and is not much larger, whatever is in it; else an empty one.
    pub(super) fn take(&self, n_bytes: u64) -> Vec<u8> {
        let fits = |buffer: &&(usize, usize)| {
            let capacity = buffer.1 as u64;
            (n_bytes..=n_bytes.saturating_mul(2).max(1 << 20)).contains(&capacity)
        };
        let Ok(mut spares) = self.0.try_lock() else { return Vec::new() };
        let sizes: Vec<(usize, usize)> = spares.iter().map(Vec::capacity).enumerate().collect();
        let found = sizes.iter().filter(fits).min_by_key(|(_, capacity)| *capacity);
        found.map(|(at, _)| spares.swap_remove(*at)).unwrap_or_default()
    }

    pub(super) fn give(&self, buffer: Vec<u8>) {
        let Ok(mut spares) = self.0.try_lock() else { return };
        let n_bytes: usize = spares.iter().map(Vec::capacity).sum();
        if spares.len() < MAX_SPARES && n_bytes.saturating_add(buffer.capacity()) <= MAX_SPARE_BYTES {
            spares.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_for_what_fits() {
        let spares = Spares::default();
        spares.give(vec![7; 3 << 20]);
        spares.give(vec![7; 100]);
        assert_eq!(spares.take(101).capacity(), 0, "one is too small, the other much too large");
        assert_eq!(spares.take(50).capacity(), 100);
        assert_eq!(spares.take(50).capacity(), 0);
        assert_eq!(spares.take(2 << 20).capacity(), 3 << 20);
    }

    #[test]
    fn few_are_kept() {
        let spares = Spares::default();
        (0..10).for_each(|_| spares.give(vec![0; 10]));
        assert_eq!(spares.0.lock().unwrap().len(), MAX_SPARES);
        let spares = Spares::default();
        (0..3).for_each(|_| spares.give(Vec::with_capacity(MAX_SPARE_BYTES / 2)));
        assert_eq!(spares.0.lock().unwrap().len(), 2);
        let held = spares.0.lock().unwrap();
        assert_eq!(spares.take(1).capacity(), 0);
        spares.give(vec![1]);
        drop(held);
    }
}
