//! Where archives live: positional reads and atomic writes over memory and files.
//!
//! This room does not know what the bytes mean. Readers share no file position, start no thread and stay
//! correct after `fork`.

mod atomic_file;
mod new_directory;
mod read_at;
mod recorder;

pub use atomic_file::{AtomicFile, Replace};
pub use new_directory::NewDirectory;
pub use read_at::{FileSource, MemorySource, ReadAt};
pub use recorder::{RecordedRead, Recorder};
