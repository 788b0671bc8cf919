//! Buffers whose size an archive claims: a refusal, not an abort, where there is no memory for them, and no page of
//! it touched before there are bytes to fill it.

use crate::{Error, Result};

/// From this size on memory is asked for before it is taken.
const MIN_ASKED_BYTES: u64 = 8 << 20;

/// `n_bytes` zeros for `what`.
pub(crate) fn zeroed(what: &'static str, n_bytes: u64) -> Result<Vec<u8>> {
    // `vec![0; n]` takes fresh pages, which are zero already, but aborts if there are none.
    Ok(vec![0; ask(what, n_bytes)?])
}

/// `n_bytes` as a size, if there is memory for so many.
pub(crate) fn ask(what: &'static str, n_bytes: u64) -> Result<usize> {
    let n = usize::try_from(n_bytes).map_err(|_| Error::OutOfMemory { what, n_bytes })?;
    if n_bytes >= MIN_ASKED_BYTES {
        let mut asked = Vec::<u8>::new();
        asked.try_reserve_exact(n).map_err(|_| Error::OutOfMemory { what, n_bytes })?;
        // Memory that nobody uses is not asked for at all where the compiler optimises.
        std::hint::black_box(&asked);
    }
    Ok(n)
}

/// The error where there is no memory for `n_bytes` of `what`.
pub(crate) fn refused(what: &'static str, n_bytes: u64) -> crate::Error {
    Error::OutOfMemory { what, n_bytes }
}

/// Makes `buffer` `n_bytes` long, whatever it then holds.
pub(crate) fn resize(buffer: &mut Vec<u8>, what: &'static str, n_bytes: u64) -> Result<()> {
    match usize::try_from(n_bytes) {
        Ok(n) if n <= buffer.capacity() => buffer.resize(n, 0),
        _ => {
            buffer.clear();
            buffer.shrink_to_fit();
            *buffer = zeroed(what, n_bytes)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_cannot_be_had_is_refused() {
        assert_eq!(zeroed("a band", u64::MAX).unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert_eq!(zeroed("a band", 1 << 62).unwrap_err().kind(), ErrorKind::LimitExceeded);
        assert_eq!(zeroed("a band", 9).unwrap(), [0; 9]);
    }

    #[test]
    fn a_buffer_is_used_again() {
        let mut buffer = Vec::new();
        resize(&mut buffer, "a band", 100).unwrap();
        let at = buffer.as_ptr();
        for n in [100, 7, 0] {
            resize(&mut buffer, "a band", n).unwrap();
            assert_eq!((buffer.len() as u64, buffer.as_ptr()), (n, at));
        }
        resize(&mut buffer, "a band", 1000).unwrap();
        assert_eq!(buffer.len(), 1000);
    }
}
