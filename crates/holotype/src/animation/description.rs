use crate::{Error, ImageDescriptor, Result};

/// Seconds of a tick, the unit of delays: a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeBase {
    numerator: u32,
    denominator: u32,
}

impl Default for TimeBase {
    /// Milliseconds.
    fn default() -> Self {
        Self { numerator: 1, denominator: 1000 }
    }
}

impl TimeBase {
    /// `numerator` / `denominator` seconds, in lowest terms.
    ///
    /// # Errors
    /// `InvalidArgument` if either is 0.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self> {
        if numerator == 0 || denominator == 0 {
            return Err(Error::invalid("a time base is a fraction of two numbers from 1 on"));
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Ok(Self { numerator: numerator / a, denominator: denominator / a })
    }

    /// Seconds of a tick, above the line.
    #[must_use]
    pub fn numerator(&self) -> u32 {
        self.numerator
    }

    /// Seconds of a tick, below the line.
    #[must_use]
    pub fn denominator(&self) -> u32 {
        self.denominator
    }

    /// `ticks` of this unit in ticks of `other`.
    ///
    /// # Errors
    /// `InvalidArgument` if they are no whole number of these.
    pub fn ticks_of(&self, ticks: u64, other: Self) -> Result<u64> {
        let above = u128::from(self.numerator) * u128::from(other.denominator);
        let below = u128::from(self.denominator) * u128::from(other.numerator);
        // Both are below 2^64: the product may overflow only where the result does.
        let n = u128::from(ticks).checked_mul(above).filter(|n| n % below == 0).map(|n| n / below);
        n.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| {
            Error::invalid(format!(
                "{ticks} x {}/{} s is no whole number of ticks of {}/{} s",
                self.numerator, self.denominator, other.numerator, other.denominator
            ))
        })
    }

    /// The milliseconds of `ticks`, to the nearest; the most there is if they are more.
    #[must_use]
    pub fn milliseconds(&self, ticks: u64) -> u64 {
        let denominator = u128::from(self.denominator);
        let milliseconds =
            (u128::from(ticks) * u128::from(self.numerator) * 1000 + denominator / 2) / denominator;
        u64::try_from(milliseconds).unwrap_or(u64::MAX)
    }
}

/// What an animation is, its frames aside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnimationDescription {
    /// Number of frames, at least 1.
    pub n_frames: u64,
    /// How often it is shown; 0 for ever.
    pub loop_count: u64,
    /// Unit of delays.
    pub time_base: TimeBase,
    /// What frames are: each has one of these. Their first use is in this order.
    pub formats: Vec<ImageDescriptor>,
    /// Names of the audio items that go with it.
    pub audio: Vec<String>,
    /// Name of the animation that holds the subsampled channels of its frames; [`crate::AnimationItem::chroma`].
    pub chroma: Option<String>,
    /// Number of the frame its preview is of.
    pub poster: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_bases_are_in_lowest_terms() {
        let base = TimeBase::new(1001, 30_000).unwrap();
        assert_eq!((base.numerator(), base.denominator()), (1001, 30_000));
        assert_eq!(TimeBase::new(20, 500).unwrap(), TimeBase::new(1, 25).unwrap());
        assert_eq!(base.milliseconds(30), 1001);
        assert_eq!(TimeBase::default().milliseconds(7), 7);
        assert_eq!(TimeBase::new(u32::MAX, 1).unwrap().milliseconds(u64::MAX), u64::MAX);
        let film = TimeBase::new(1, 24).unwrap();
        assert_eq!(film.ticks_of(3, TimeBase::default()).unwrap(), 125);
        assert_eq!(TimeBase::default().ticks_of(125, film).unwrap(), 3);
        assert!(film.ticks_of(1, TimeBase::default()).is_err());
        assert!(TimeBase::new(u32::MAX, 1).unwrap().ticks_of(u64::MAX, film).is_err());
        assert!(TimeBase::new(0, 1).is_err() && TimeBase::new(1, 0).is_err());
    }
}
