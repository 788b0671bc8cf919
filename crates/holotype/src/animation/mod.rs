//! Animations and the sound that goes with them: what they are, and how frames become blocks. `docs/format.md` §17.

mod audio;
mod description;
mod encode;
mod files;
mod frame;
mod options;
mod table;
pub(crate) mod wire;

pub use audio::AudioTrack;
pub(crate) use audio::decode_track;
pub use description::{AnimationDescription, TimeBase};
pub use files::FrameFiles;
pub use frame::Frame;
pub use options::AnimationOptions;
pub(crate) use table::{FrameRecord, FrameTable, decode as decode_table};
