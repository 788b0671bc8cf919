use holotype_container::Unpacker;
use std::sync::Mutex;

/// Decompressors that no thread uses now: making one for each block costs more than a small block.
///
/// The lock is never waited for: who meets it held makes one of their own, so a `fork` at any moment does no harm.
#[derive(Debug, Default)]
pub(super) struct Unpackers(Mutex<Vec<Unpacker>>);

impl Unpackers {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Unpacker) -> T) -> T {
        let kept = self.0.try_lock().ok().and_then(|mut kept| kept.pop());
        let mut unpacker = kept.unwrap_or_default();
        let done = work(&mut unpacker);
        if let Ok(mut kept) = self.0.try_lock() {
            kept.push(unpacker);
        }
        done
    }
}
