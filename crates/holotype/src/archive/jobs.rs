use super::Item;
use holotype_container::{ChunkRecord, Extents};

/// A job goes on past its size up to so many bytes, if what follows starts in a block that it has decoded already.
const MAX_JOB_BYTES: u64 = 32 << 20;
/// Of entries that lie in the same place so many stay together, whatever their bytes: after the first they cost little.
const MAX_EQUAL: u64 = 8;
/// What an entry costs besides its bytes: the calls that make a file.
const ENTRY_BYTES: u64 = 4096;

/// Where the content of an entry lies; in order of where it starts, the same places together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The block that it starts in, and where in it.
    start: (u64, u64),
    /// The block that it ends in.
    last_block: u64,
    n_bytes: u64,
}

impl Place {
    pub(crate) fn of_item(item: &Item<'_>) -> Self {
        let record = item.record();
        let (start, last_block) = match &record.extents {
            Some(Extents::Inline(extents)) => (
                extents.first().map_or((0, 0), |first| (first.block, first.offset_bytes)),
                extents.last().map_or(0, |last| last.block),
            ),
            Some(Extents::Block(id)) => ((*id, 0), *id),
            _ => (record.content.first().map_or((0, 0), |run| (run.first, 0)), 0),
        };
        Self { start, last_block, n_bytes: item.raw_bytes() }
    }

    /// Chunks of one block.
    pub(super) fn of_chunks(chunks: &[ChunkRecord]) -> Self {
        let block = chunks.first().map_or(0, |chunk| chunk.extent.block);
        let n_bytes = chunks.iter().map(|chunk| chunk.extent.n_bytes).sum();
        Self { start: (block, 0), last_block: block, n_bytes }
    }
}

/// What a job weighs beside others of about `job_bytes`: nothing if it is one of them, its bytes if it is larger by far.
pub(crate) fn weight_of<T>(job: &[T], job_bytes: u64, place_of: impl Fn(&T) -> Place) -> u64 {
    let n_bytes = job.iter().fold(0, |n, entry| place_of(entry).n_bytes.saturating_add(n));
    if n_bytes > job_bytes.saturating_mul(2) { n_bytes } else { 0 }
}

/// Entries in the order of the blocks that they start in, in jobs of about `job_bytes`. Where one job ends and the next
/// begins no block is divided, if it is not too large for that: each is decoded by one thread.
pub(crate) fn jobs_of<T>(mut entries: Vec<T>, job_bytes: u64, place_of: impl Fn(&T) -> Place) -> Vec<Vec<T>> {
    entries.sort_by_cached_key(&place_of);
    let mut jobs: Vec<Vec<T>> = Vec::new();
    let (mut n_bytes, mut last_block, mut before) = (0, 0, None);
    for entry in entries {
        let place = place_of(&entry);
        let own_bytes = place.n_bytes.saturating_add(ENTRY_BYTES);
        let after = own_bytes.saturating_add(n_bytes);
        let mut most = if place.start.0 <= last_block { job_bytes.max(MAX_JOB_BYTES) } else { job_bytes };
        if before.replace(place) == Some(place) {
            most = most.max(own_bytes.saturating_mul(MAX_EQUAL));
        }
        match jobs.last_mut() {
            Some(job) if after <= most => {
                job.push(entry);
                (n_bytes, last_block) = (after, last_block.max(place.last_block));
            }
            _ => {
                jobs.push(vec![entry]);
                (n_bytes, last_block) = (own_bytes, place.last_block);
            }
        }
    }
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(places: &[(u64, u64, u64)], job_bytes: u64) -> Vec<Vec<u64>> {
        let place = |(first, last_block, n_bytes): &(u64, u64, u64)| Place {
            start: (*first, 0),
            last_block: *last_block,
            n_bytes: n_bytes - ENTRY_BYTES,
        };
        let jobs = jobs_of(places.to_vec(), job_bytes, place);
        jobs.iter().map(|job| job.iter().map(|(first, ..)| *first).collect()).collect()
    }

    #[test]
    fn jobs_end_where_blocks_do() {
        let n = 1 << 20;
        let small = [(2, 2, n), (0, 0, n), (0, 0, n), (1, 2, n), (0, 0, n), (3, 3, n)];
        assert_eq!(jobs(&small, 2 * n), [vec![0, 0, 0], vec![1, 2], vec![3]]);
        assert_eq!(jobs(&small, 1), [vec![0, 0, 0], vec![1, 2], vec![3]]);
        assert_eq!(jobs(&small, 100 * n), [vec![0, 0, 0, 1, 2, 3]]);
    }

    #[test]
    fn only_large_jobs_weigh() {
        let weight = |sizes: &[u64]| {
            weight_of(sizes, 100, |n_bytes| Place { start: (0, 0), last_block: 0, n_bytes: *n_bytes })
        };
        assert_eq!(
            [weight(&[100, 100]), weight(&[150, 51]), weight(&[]), weight(&[u64::MAX, 1])],
            [0, 201, 0, u64::MAX]
        );
    }

    #[test]
    fn a_block_of_very_much_is_divided() {
        let places = [0, 1, 2, 3].map(|less| (0, 0, MAX_JOB_BYTES / 2 - less));
        assert_eq!(jobs(&places, 1), [vec![0, 0], vec![0, 0]]);
        assert_eq!(jobs(&[(0, 0, u64::MAX), (0, 1, u64::MAX)], 1), [vec![0], vec![0]]);
        assert!(jobs(&[], 1).is_empty());
    }

    #[test]
    fn what_is_equal_stays_together() {
        let large = MAX_JOB_BYTES;
        assert_eq!(jobs(&[(0, 9, large), (0, 9, large), (9, 9, large)], 1), [vec![0, 0], vec![9]]);
        assert_eq!(jobs(&[(0, 9, large); 10], 1), [vec![0; 8], vec![0; 2]]);
    }
}
