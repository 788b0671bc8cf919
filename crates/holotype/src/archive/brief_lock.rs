use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// What a thread of a forked process waits for a lock that may have nobody to give it back.
const PATIENCE: Duration = Duration::from_millis(50);

/// A lock that is held for a look-up and no longer, in front of what can be done without.
///
/// A process that is forked while a thread holds it has it held for ever: there [`Self::lock`] gives up after a moment,
/// the first time it happens, and at once from then on.
#[derive(Debug)]
pub(super) struct BriefLock<T> {
    value: Mutex<T>,
    /// The process it was made in.
    process: u32,
    is_lost: AtomicBool,
}

impl<T: Default> Default for BriefLock<T> {
    fn default() -> Self {
        Self { value: Mutex::default(), process: process::id(), is_lost: AtomicBool::new(false) }
    }
}

impl<T> BriefLock<T> {
    /// The value, alone; `None` if the process was forked at the wrong moment.
    pub(super) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        if let Some(value) = self.try_lock() {
            return Some(value);
        }
        if process::id() == self.process {
            return Some(self.value.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let give_up = Instant::now() + PATIENCE;
        while !self.is_lost.load(Ordering::Relaxed) {
            thread::yield_now();
            match self.try_lock() {
                Some(value) => return Some(value),
                None => self.is_lost.fetch_or(Instant::now() > give_up, Ordering::Relaxed),
            };
        }
        None
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(value)) => Some(value.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_it_held_waits() {
        let lock = BriefLock::<u32>::default();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| *lock.lock().unwrap() += 1));
            }
        });
        assert_eq!(*lock.lock().unwrap(), 4000);
    }

    #[test]
    fn a_forked_process_does_without_one_that_nobody_gives_back() {
        let lock = BriefLock::<u32> { process: 0, ..BriefLock::default() };
        let held = lock.lock().unwrap();
        assert!(lock.lock().is_none() && lock.is_lost.load(Ordering::Relaxed));
        let before = Instant::now();
        assert!((0..1000).all(|_| lock.lock().is_none()));
        assert!(before.elapsed() < 20 * PATIENCE, "it does not wait again");
        drop(held);
        assert!(lock.lock().is_some());
    }
}
