//! Animations and the sound that goes with them: what they are, and how frames become blocks. `docs/format.md` §17.

mod add;
mod append;
mod audio;
mod chroma;
mod description;
mod encode;
mod ending;
mod export;
mod files;
mod frame;
mod import;
mod options;
mod table;
pub(crate) mod wire;

pub use append::AnimationAppendOptions;
pub use audio::AudioTrack;
pub(crate) use audio::decode_track;
pub use description::{AnimationDescription, TimeBase};
pub(crate) use encode::Earlier;
pub(crate) use ending::Ending;
pub use export::{AnimationExportOptions, export_animation, holds_animation};
pub use files::{FrameFiles, open_animated};
pub use frame::Frame;
pub use import::AnimationImportOptions;
pub use options::AnimationOptions;
pub(crate) use table::{FrameRecord, FrameTable, decode as decode_table};
