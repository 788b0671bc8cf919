//! The time that this thread has run, whatever else the machine does.

/// Megabytes a second, the best of 0.4 seconds.
pub(crate) fn speed(n_bytes: usize, work: &mut dyn FnMut()) -> f64 {
    let mut best = u64::MAX;
    let begin = now_ns();
    while now_ns() - begin < 400_000_000 {
        let start = now_ns();
        work();
        best = best.min(now_ns() - start);
    }
    n_bytes as f64 * 1e3 / best as f64
}

/// Nanoseconds this thread has run.
#[cfg(unix)]
pub(crate) fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(not(unix))]
pub(crate) fn now_ns() -> u64 {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed().as_nanos() as u64
}
