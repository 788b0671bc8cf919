use std::time::{Duration, Instant};

/// How a step ended.
pub(crate) enum Outcome {
    Passed,
    /// Not run, and why.
    Skipped(String),
}

/// Runs steps, goes on after a failure, and sums up at the end.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<String>,
    n_passed: usize,
    n_failed: usize,
    n_skipped: usize,
    spent: Duration,
}

impl Report {
    /// Runs `work` as the step `name`; true unless it failed.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome, String>) -> bool {
        println!("\n── {name}");
        let start = Instant::now();
        let outcome = work();
        let spent = start.elapsed();
        self.spent += spent;
        let (mark, note) = match &outcome {
            Ok(Outcome::Passed) => ("passed", String::new()),
            Ok(Outcome::Skipped(why)) => ("skipped", format!("  {why}")),
            Err(what) => ("FAILED", format!("  {what}")),
        };
        match &outcome {
            Ok(Outcome::Passed) => self.n_passed += 1,
            Ok(Outcome::Skipped(_)) => self.n_skipped += 1,
            Err(_) => self.n_failed += 1,
        }
        self.lines.push(format!("{name:<10} {mark:<7} {:>6.1} s{note}", spent.as_secs_f64()));
        outcome.is_ok()
    }

    /// Prints the summary; true if nothing failed.
    pub(crate) fn finish(&self) -> bool {
        println!("\n── summary");
        for line in &self.lines {
            println!("{line}");
        }
        println!(
            "{} passed, {} failed, {} skipped in {:.0} s",
            self.n_passed,
            self.n_failed,
            self.n_skipped,
            self.spent.as_secs_f64()
        );
        self.n_failed == 0
    }
}
