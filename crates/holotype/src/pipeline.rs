//! Jobs done by a bounded number of threads while the caller goes on, who asks for each result when its turn comes
//! and does jobs meanwhile: nobody waits while there is something to do.
//!
//! The threads live only as long as the call, as in `parallel`, and are started when two jobs wait for the first time.

use crate::{Error, Result};
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

/// The number of a job: what its result is asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u64);

/// Runs `caller`, which hands out jobs for `work`, on up to `n_threads` threads, its own among them.
///
/// When `caller` returns, jobs that nobody started are dropped.
pub(crate) fn with_jobs<J: Send, T: Send, R>(
    n_threads: usize,
    work: &(dyn Fn(J) -> T + Sync),
    caller: impl FnOnce(&mut Jobs<'_, '_, J, T>) -> R,
) -> R {
    let shared = Shared { queue: Mutex::default(), changed: Condvar::new() };
    thread::scope(|scope| {
        let n_helpers = n_threads.saturating_sub(1);
        caller(&mut Jobs { scope, shared: &shared, work, n_helpers, n_started: 0, n_tickets: 0 })
    })
}

/// What the caller hands jobs to.
pub(crate) struct Jobs<'scope, 'env, J: Send, T: Send> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'scope Shared<J, T>,
    work: &'scope (dyn Fn(J) -> T + Sync),
    n_helpers: usize,
    n_started: usize,
    n_tickets: u64,
}

struct Shared<J, T> {
    queue: Mutex<Queue<J, T>>,
    changed: Condvar,
}

struct Queue<J, T> {
    /// Short jobs on which others depend: first of all.
    urgent: VecDeque<(Ticket, J)>,
    others: VecDeque<(Ticket, J)>,
    done: HashMap<Ticket, T>,
    n_running: usize,
    is_closed: bool,
}

impl<J, T> Default for Queue<J, T> {
    fn default() -> Self {
        let (urgent, others) = (VecDeque::new(), VecDeque::new());
        Self { urgent, others, done: HashMap::new(), n_running: 0, is_closed: false }
    }
}

impl<J, T> Queue<J, T> {
    fn next(&mut self) -> Option<(Ticket, J)> {
        self.urgent.pop_front().or_else(|| self.others.pop_front())
    }

    /// The job to do for who waits for `ticket`: that one if nobody has started it. Else who waits for an urgent one,
    /// which ends soon, starts none that is not.
    fn next_for(&mut self, ticket: Ticket, is_urgent: bool) -> Option<(Ticket, J)> {
        let queue = if is_urgent { &mut self.urgent } else { &mut self.others };
        match queue.iter().position(|(other, _)| *other == ticket) {
            Some(at) => queue.remove(at),
            None if is_urgent => self.urgent.pop_front(),
            None => self.next(),
        }
    }
}

impl<J, T> Shared<J, T> {
    fn lock(&self) -> MutexGuard<'_, Queue<J, T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue<J, T>>) -> MutexGuard<'a, Queue<J, T>> {
        self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a job that was taken from the queue; it counts as running until the end, even one in panic.
    fn run(&self, ticket: Ticket, job: J, work: &(dyn Fn(J) -> T + Sync)) {
        let running = Running(self);
        let result = work(job);
        self.lock().done.insert(ticket, result);
        drop(running);
    }

    /// What a thread does until the queue is closed.
    fn help(&self, work: &(dyn Fn(J) -> T + Sync)) {
        let mut queue = self.lock();
        while !queue.is_closed {
            match queue.next() {
                None => queue = self.wait(queue),
                Some((ticket, job)) => {
                    queue.n_running += 1;
                    drop(queue);
                    self.run(ticket, job, work);
                    queue = self.lock();
                }
            }
        }
    }
}

struct Running<'a, J, T>(&'a Shared<J, T>);

impl<J, T> Drop for Running<'_, J, T> {
    fn drop(&mut self) {
        self.0.lock().n_running -= 1;
        self.0.changed.notify_all();
    }
}

impl<'scope, J: Send + 'scope, T: Send + 'scope> Jobs<'scope, '_, J, T> {
    /// Hands out a job. Urgent ones are started before others.
    pub(crate) fn submit(&mut self, job: J, is_urgent: bool) -> Ticket {
        let ticket = Ticket(self.n_tickets);
        self.n_tickets += 1;
        let mut queue = self.shared.lock();
        if is_urgent {
            queue.urgent.push_back((ticket, job));
        } else {
            queue.others.push_back((ticket, job));
        }
        // The caller does one itself.
        let is_more = queue.urgent.len() + queue.others.len() > 1;
        drop(queue);
        if is_more && self.n_started < self.n_helpers {
            self.n_started += 1;
            let (shared, work) = (self.shared, self.work);
            // A thread that cannot be started is no error: the others do its work.
            let _ = thread::Builder::new().spawn_scoped(self.scope, move || shared.help(work));
        }
        self.shared.changed.notify_one();
        ticket
    }

    /// True if threads were started: what is submitted is done while the caller goes on.
    pub(crate) fn has_helpers(&self) -> bool {
        self.n_started > 0
    }

    /// False if the caller does all jobs itself.
    pub(crate) fn may_have_helpers(&self) -> bool {
        self.n_helpers > 0
    }

    /// The result of a job, which is asked for once; the caller does jobs until it is there.
    ///
    /// # Errors
    /// `InvalidArgument` if a thread ended before it had the result.
    pub(crate) fn wait(&mut self, ticket: Ticket, is_urgent: bool) -> Result<T> {
        let mut queue = self.shared.lock();
        loop {
            if let Some(result) = queue.done.remove(&ticket) {
                return Ok(result);
            }
            match queue.next_for(ticket, is_urgent) {
                Some((ticket, job)) => {
                    queue.n_running += 1;
                    drop(queue);
                    self.shared.run(ticket, job, self.work);
                    queue = self.shared.lock();
                }
                None if queue.n_running == 0 => return Err(Error::invalid("a thread ended before its job")),
                None => queue = self.shared.wait(queue),
            }
        }
    }
}

impl<J: Send, T: Send> Drop for Jobs<'_, '_, J, T> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.is_closed = true;
        queue.urgent.clear();
        queue.others.clear();
        drop(queue);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[test]
    fn results_come_by_number_on_any_number_of_threads() {
        for n_threads in [1, 2, 5] {
            let found = with_jobs(n_threads, &|n: u64| n * n, |jobs| {
                let tickets: Vec<_> = (0..100).map(|n| (jobs.submit(n, n % 3 == 0), n % 3 == 0)).collect();
                assert_eq!(jobs.has_helpers(), n_threads > 1);
                tickets.into_iter().rev().map(|(ticket, is_urgent)| jobs.wait(ticket, is_urgent)).collect()
            });
            let found: Result<Vec<u64>> = found;
            assert_eq!(found.unwrap(), (0..100).rev().map(|n| n * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_thread_does_what_is_waited_for_and_no_more() {
        let n_done = AtomicUsize::new(0);
        let work = |()| n_done.fetch_add(1, Ordering::Relaxed);
        with_jobs(1, &work, |jobs| {
            let tickets: Vec<_> = (0..5).map(|_| jobs.submit((), false)).collect();
            assert_eq!(jobs.wait(tickets[3], false).unwrap(), 0);
            assert_eq!(jobs.wait(tickets[1], false).unwrap(), 1);
        });
        assert_eq!(n_done.into_inner(), 2);
    }

    #[test]
    fn threads_work_while_the_caller_does_something_else() {
        let (tell, told) = mpsc::channel();
        let work = move |n: u64| tell.send(n).unwrap();
        with_jobs(2, &work, |jobs| {
            let tickets = [1, 2].map(|n| jobs.submit(n, false));
            // Nobody waits for a job here, and yet both are done.
            assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [1, 2]);
            tickets.into_iter().for_each(|ticket| jobs.wait(ticket, false).unwrap());
        });
    }

    #[test]
    fn urgent_jobs_come_first() {
        let order = Mutex::new(Vec::new());
        let work = |n: u64| order.lock().unwrap().push(n);
        with_jobs(1, &work, |jobs| {
            let last = [1, 2].map(|n| jobs.submit(n, false))[1];
            let urgent = [3, 4].map(|n| jobs.submit(n, true));
            jobs.wait(urgent[1], true).unwrap();
            jobs.wait(last, false).unwrap();
        });
        assert_eq!(order.into_inner().unwrap(), [4, 2]);
    }

    #[test]
    fn a_thread_that_panics_is_not_waited_for_forever() {
        let done = std::panic::catch_unwind(|| {
            let (tell, told) = mpsc::channel::<()>();
            let told = Mutex::new(told);
            let work = |is_bad: bool| {
                if is_bad {
                    told.lock().unwrap().recv().unwrap();
                    panic!("bad");
                }
            };
            with_jobs(2, &work, |jobs| {
                let bad = jobs.submit(true, false);
                let good = jobs.submit(false, false);
                while jobs.shared.lock().n_running == 0 {
                    thread::yield_now();
                }
                jobs.wait(good, false).unwrap();
                tell.send(()).unwrap();
                assert!(jobs.wait(bad, false).is_err());
            });
        });
        assert!(done.is_err());
    }
}
