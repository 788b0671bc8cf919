use thiserror::Error;

/// Why a codec could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The coded bytes end before the samples do.
    #[error("coded tile is truncated: {what}")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// The coded bytes contradict themselves or the shape they are decoded into.
    #[error("coded tile is corrupt: {what}")]
    Corrupt {
        /// The rule that was broken.
        what: &'static str,
    },
    /// A path, mode or version this build does not know.
    #[error("coded tile needs an unknown feature: {what} {id}")]
    Unsupported {
        /// The kind of feature.
        what: &'static str,
        /// Its number on the wire.
        id: u32,
    },
    /// The caller's arguments do not fit together.
    #[error("invalid argument: {what}")]
    InvalidArgument {
        /// The rule that was broken.
        what: &'static str,
    },
}
