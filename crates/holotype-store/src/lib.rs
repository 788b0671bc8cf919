//! Where archives live: positional reads over memory, files and (feature `remote`) HTTP and S3; atomic writes.
//!
//! This room does not know what the bytes mean. Readers share no file position, start no thread and stay
//! correct after `fork`.

mod append_file;
mod atomic_file;
mod cut_short;
mod new_directory;
mod prefix;
mod read_at;
mod recorder;
#[cfg(feature = "remote")]
mod remote;
mod remote_error;
mod secret_file;

pub use append_file::AppendFile;
pub use atomic_file::{AtomicFile, Replace};
pub use cut_short::CutShort;
pub use new_directory::NewDirectory;
pub use prefix::PrefixSource;
pub use read_at::{FileSource, MemorySource, ReadAt};
pub use recorder::{RecordedRead, Recorder};
#[cfg(feature = "remote")]
pub use remote::{RemoteOptions, RemoteSource, Resolve, S3Options, S3Upload};
pub use remote_error::RemoteError;
pub use secret_file::create_secret_file;
