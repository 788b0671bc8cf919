use crate::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs another crate's decoder on bytes nobody vouches for. Should it panic, that is an error of the file: nothing
/// it touched is used afterwards.
pub(super) fn guarded<T>(format: &'static str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(Error::source_format(format, "its decoder gave up on the damaged data")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn panics_become_errors() {
        assert_eq!(guarded("X", || Ok(7)).unwrap(), 7);
        let nothing: [u8; 0] = [];
        let broken = guarded("X", || Ok(nothing[std::hint::black_box(3)]));
        assert_eq!(broken.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
