//! Which requests fetch a set of ranges.

use std::ops::Range;

/// Merges ranges that lie no more than `max_gap_bytes` apart, as long as what is fetched together is at most
/// `max_bytes`. Returned in order; empty ranges are left out.
pub(super) fn coalesce(ranges: &[Range<u64>], max_gap_bytes: u64, max_bytes: u64) -> Vec<Range<u64>> {
    let mut sorted: Vec<&Range<u64>> = ranges.iter().filter(|r| r.start < r.end).collect();
    sorted.sort_unstable_by_key(|r| (r.start, r.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.end <= last.end => {}
            Some(last)
                if range.start <= last.end.saturating_add(max_gap_bytes)
                    && range.end - last.start <= max_bytes =>
            {
                last.end = range.end;
            }
            _ => merged.push(range.clone()),
        }
    }
    merged
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_fetched_together() {
        assert_eq!(coalesce(&[0..10, 10..20, 25..30], 5, 100), [0..30]);
        assert_eq!(coalesce(&[25..30, 0..10], 5, 100), [0..10, 25..30]);
        assert_eq!(coalesce(&[0..10, 10..20], 5, 15), [0..10, 10..20]);
        assert_eq!(coalesce(&[0..50, 3..4, 7..7, 40..60], 0, 100), [0..60]);
        assert_eq!(coalesce(&[u64::MAX - 1..u64::MAX], 5, 10), [u64::MAX - 1..u64::MAX]);
        assert!(coalesce(&[], 5, 10).is_empty());
    }
}
