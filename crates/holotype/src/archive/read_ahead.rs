use super::brief_lock::BriefLock;
use std::ops::Range;

/// Content fetched ahead at first, once reads follow each other.
const FIRST_BYTES: u64 = 1 << 20;
/// Content fetched ahead at most.
const MAX_BYTES: u64 = 16 << 20;

/// How far ahead of the reads of a file its source was told to fetch.
///
/// Only reads that follow each other look ahead: each time they reach the end of what was fetched, twice as far as the
/// time before. A read anywhere else fetches what it touches.
#[derive(Debug, Default)]
pub(super) struct ReadAhead(BriefLock<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Where a read starts that follows the one before; none before the first.
    next: Option<u64>,
    /// Content up to here was fetched.
    until: u64,
    window: u64,
}

impl Clone for ReadAhead {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl ReadAhead {
    /// True if a read starts where the one before ended, or is the first and starts at 0.
    pub(super) fn follows(&self, offset_bytes: u64, n_bytes: u64) -> bool {
        let Some(mut state) = self.0.lock() else { return false };
        state.next.replace(offset_bytes.saturating_add(n_bytes)).unwrap_or(0) == offset_bytes
    }

    /// The content to fetch for a read of `n_bytes` at `offset_bytes`; empty if an earlier read had it fetched.
    pub(super) fn plan(&self, offset_bytes: u64, n_bytes: u64) -> Range<u64> {
        let end = offset_bytes.saturating_add(n_bytes);
        let Some(mut state) = self.0.lock() else { return offset_bytes..end };
        if state.next != Some(offset_bytes) {
            *state = State { next: Some(end), until: end, window: 0 };
            return offset_bytes..end;
        }
        state.next = Some(end);
        if end <= state.until {
            return offset_bytes..offset_bytes;
        }
        state.window = (state.window * 2).clamp(FIRST_BYTES, MAX_BYTES);
        state.until = end.saturating_add(state.window);
        offset_bytes..state.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_that_follow_each_other_look_ahead() {
        let ahead = ReadAhead::default();
        assert_eq!(ahead.plan(0, 10), 0..10);
        assert_eq!(ahead.plan(500, 10), 500..510);
        assert_eq!(ahead.plan(510, 10), 510..520 + FIRST_BYTES);
        assert!(ahead.plan(520, 1000).is_empty());
        assert_eq!(ahead.plan(1520, FIRST_BYTES), 1520..1520 + 3 * FIRST_BYTES);
        assert_eq!(ahead.plan(7, 10), 7..17);
        assert_eq!(ahead.plan(u64::MAX - 5, 10), u64::MAX - 5..u64::MAX);
    }

    #[test]
    fn reads_that_follow_each_other_are_told_from_others() {
        let ahead = ReadAhead::default();
        assert!([(0, 5), (5, 10), (15, 1)].into_iter().all(|(at, n)| ahead.follows(at, n)));
        assert!(!ahead.follows(15, 1) && ahead.follows(16, 1) && !ahead.follows(0, 5));
        assert!(!ReadAhead::default().follows(7, 1));
    }

    #[test]
    fn it_never_looks_further_than_its_bound() {
        let ahead = ReadAhead::default();
        let mut at = 0;
        for _ in 0..20 {
            let planned = ahead.plan(at, 4 * MAX_BYTES);
            assert!(planned.end <= at + 5 * MAX_BYTES);
            at += 4 * MAX_BYTES;
        }
    }
}
