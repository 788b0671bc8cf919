//! The two settings of the coder; a byte of the stream names which. `docs/codecs/archival.md` §1.

/// Which setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Effort {
    /// The default of archival.
    Usual,
    /// The strongest.
    Utmost,
}

impl Effort {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Usual => 0,
            Self::Utmost => 1,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Usual, Self::Utmost].into_iter().find(|effort| effort.code() == code)
    }
}

/// What a setting fixes at compile time.
pub(super) trait Setting {
    /// What is left of the sums of a fit one row later.
    const DECAY: f32;
    /// Adaptive filters beside the least-squares fit: 2 or 3.
    const N_FILTERS: usize;
    /// Contexts mixed, of [`super::contexts::N_CONTEXTS`].
    const N_CONTEXTS: usize;
    /// Energy class from which low bits are split off a residual.
    const FIRST_SPLIT: i32;
    /// Second set of mixing weights, and probabilities refined by a table.
    const IS_REFINED: bool;
}

#[derive(Debug)]
pub(super) struct Usual;

impl Setting for Usual {
    const DECAY: f32 = 0.8;
    const N_FILTERS: usize = 2;
    const N_CONTEXTS: usize = 5;
    const FIRST_SPLIT: i32 = 16;
    const IS_REFINED: bool = false;
}

#[derive(Debug)]
pub(super) struct Utmost;

impl Setting for Utmost {
    const DECAY: f32 = 0.86;
    const N_FILTERS: usize = 3;
    const N_CONTEXTS: usize = 6;
    const FIRST_SPLIT: i32 = 20;
    const IS_REFINED: bool = true;
}
