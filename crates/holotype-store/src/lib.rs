//! Where archives live: positional reads and atomic writes over memory and files.
//!
//! This room does not know what the bytes mean. Readers share no file position, start no thread and stay
//! correct after `fork`.

mod atomic_file;
mod read_at;
mod recorder;
mod secret_file;

pub use atomic_file::{AtomicFile, Replace};
pub use read_at::{FileSource, MemorySource, ReadAt};
pub use recorder::{RecordedRead, Recorder};
pub use secret_file::create_secret_file;
