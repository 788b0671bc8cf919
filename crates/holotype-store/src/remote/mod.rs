//! Archives behind HTTP and S3, read by ranges.
//!
//! * `restricted`, `pins`: where a link may lead. Names are resolved once; every hop of a redirect is judged.
//! * `http`, `fetch`: one request, then redirects, retries and the checks that the object is still the same.
//! * `origin`, `s3`, `credentials`: what is asked, and how it is signed.
//! * `retry`: attempts within a deadline. `upload`: an object written front to back, in parts.
//! * `source`, `plan`, `per_process`: the [`ReadAt`](crate::ReadAt) over it.
//!
//! The client blocks: there is no runtime and no thread but the caller's and those that one read of several
//! ranges starts and ends. What the bytes mean is checked by the container, so that a lying server can cause an
//! error and nothing else.

mod content_range;
mod credentials;
mod fetch;
mod http;
mod options;
mod origin;
mod per_process;
mod pins;
mod plan;
mod restricted;
mod retry;
mod s3;
mod source;
mod upload;

pub use options::RemoteOptions;
pub use pins::Resolve;
pub use s3::S3Options;
pub use source::RemoteSource;
pub use upload::S3Upload;
