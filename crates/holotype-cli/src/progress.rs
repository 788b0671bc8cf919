use crate::printer::Printer;
use holotype::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar with throughput and remaining time, or nothing where no one would see it.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar over `n_bytes` of samples or file bytes; 0 if unknown.
    pub(crate) fn new(printer: &Printer, n_bytes: u64, label: &str) -> Self {
        if !printer.wants_progress() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = if n_bytes == 0 { ProgressBar::no_length() } else { ProgressBar::new(n_bytes) };
        let template = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(label.to_owned());
        Self { bar }
    }

    /// The callback that moves it.
    pub(crate) fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        Progress::new(move |n_bytes| bar.inc(n_bytes))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
