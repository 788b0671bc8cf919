//! Jobs on a bounded number of threads that live only as long as the call: nothing survives to be broken by
//! `fork`, and one thread means the caller's own.

use crate::Result;
use std::cmp::Reverse;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Threads to use: `asked`, or what the machine offers for 0, never more than `n_jobs`.
pub(crate) fn n_threads(asked: usize, n_jobs: usize) -> usize {
    let n = if asked == 0 { thread::available_parallelism().map_or(1, NonZeroUsize::get) } else { asked };
    n.clamp(1, n_jobs.max(1))
}

/// `items` in their order, `n` to a job and fewer in the last.
pub(crate) fn batches<T>(items: Vec<T>, n: usize) -> Vec<Vec<T>> {
    let n_jobs = items.len().div_ceil(n);
    let mut items = items.into_iter();
    (0..n_jobs).map(|_| items.by_ref().take(n).collect()).collect()
}

/// Runs `work` on every job and returns the results in the order of the jobs.
///
/// The first error in job order is returned; jobs not yet started when an error occurs are dropped.
pub(crate) fn map<J: Send, T: Send>(
    n_threads: usize,
    jobs: Vec<J>,
    work: impl Fn(J) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    run_all(n_threads, jobs, |_| 0, work)
}

/// [`map`], but several threads begin with the jobs of the most weight: begun last, such a one would be done by one thread
/// while the others have nothing left. Jobs of equal weight keep their order.
pub(crate) fn map_heavy_first<J: Send, T: Send>(
    n_threads: usize,
    jobs: Vec<J>,
    weight: impl Fn(&J) -> u64,
    work: impl Fn(J) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    run_all(n_threads, jobs, weight, work)
}

/// [`map`] for work that cannot fail.
pub(crate) fn map_sure<J: Send, T: Send>(
    n_threads: usize,
    jobs: Vec<J>,
    work: impl Fn(J) -> T + Sync,
) -> Vec<T> {
    let Ok(results) = run_all(n_threads, jobs, |_| 0, |job| Ok::<T, Infallible>(work(job)));
    results
}

fn run_all<J: Send, T: Send, E: Send>(
    n_threads: usize,
    jobs: Vec<J>,
    weight: impl Fn(&J) -> u64,
    work: impl Fn(J) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    if n_threads <= 1 || jobs.len() <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let n_jobs = jobs.len();
    let mut jobs: Vec<(usize, J)> = jobs.into_iter().enumerate().collect();
    jobs.sort_by_cached_key(|(_, job)| Reverse(weight(job)));
    let queue = Mutex::new(jobs.into_iter());
    let done: Mutex<Vec<(usize, Result<T, E>)>> = Mutex::new(Vec::with_capacity(n_jobs));
    let run = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, job)) = next else { break };
            let result = work(job);
            let failed = result.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            if failed {
                // Drains the queue so that the other threads stop early.
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..n_threads {
            // A thread that cannot be started is no error: the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn keeps_the_order_on_any_number_of_threads() {
        for n in [1, 2, 7] {
            let squares = map(n, (0..100_u64).collect(), |i| Ok(i * i)).unwrap();
            assert_eq!(squares, (0..100).map(|i| i * i).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn begins_with_the_heaviest_and_keeps_the_order() {
        for n in [1, 2, 3] {
            let begun = Mutex::new(Vec::new());
            let weight = |i: &u64| if i % 10 == 3 { *i } else { 0 };
            let found = map_heavy_first(n, (0..50).collect(), weight, |i| {
                begun.lock().unwrap().push(i);
                Ok(i + 1)
            });
            assert_eq!(found.unwrap(), (1..=50).collect::<Vec<u64>>());
            let first: Vec<u64> = begun.into_inner().unwrap().into_iter().take(n).collect();
            if n > 1 {
                assert!(first.iter().all(|i| i % 10 == 3), "{first:?}");
            } else {
                assert_eq!(first, [0]);
            }
        }
    }

    #[test]
    fn returns_an_error_of_a_job() {
        for n in [1, 3] {
            let result =
                map(
                    n,
                    (0..50).collect(),
                    |i| if i >= 20 { Err(Error::invalid(format!("{i}"))) } else { Ok(()) },
                );
            assert!(matches!(result, Err(Error::InvalidArgument { .. })));
        }
    }

    #[test]
    fn batches_keep_every_item_in_its_order() {
        assert_eq!(batches(vec![1, 2, 3, 4, 5], 2), [vec![1, 2], vec![3, 4], vec![5]]);
        assert_eq!(batches(vec![1, 2], 2), [vec![1, 2]]);
        assert!(batches(Vec::<u8>::new(), 2).is_empty());
    }

    #[test]
    fn threads_are_bounded_by_the_jobs() {
        assert_eq!(n_threads(8, 3), 3);
        assert_eq!(n_threads(2, 0), 1);
        assert!(n_threads(0, 1000) >= 1);
    }
}
