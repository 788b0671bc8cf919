use super::http::{Failure, Response};
use std::ops::Range;

/// `Content-Range: bytes 0-31/1000`: which part of the object an answer holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) range: Range<u64>,
    /// Length of the whole object.
    pub(super) n_bytes: u64,
}

impl ContentRange {
    /// That of a partial answer.
    pub(super) fn of(response: &Response) -> Result<Self, Failure> {
        let value = response.header("content-range").unwrap_or_default();
        Self::parse(value)
            .ok_or_else(|| response.protocol_error(format!("a partial answer with `Content-Range: {value}`")))
    }

    /// The length in `bytes */1000`, the answer to a range outside the object.
    pub(super) fn length_of_unsatisfied(response: &Response) -> Option<u64> {
        number(response.header("content-range")?.strip_prefix("bytes */")?)
    }

    fn parse(value: &str) -> Option<Self> {
        let (range, n_bytes) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last, n_bytes) = (number(first)?, number(last)?, number(n_bytes)?);
        (first <= last && last < n_bytes).then(|| Self { range: first..last + 1, n_bytes })
    }
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_only() {
        assert_eq!(
            ContentRange::parse("bytes 0-31/1000"),
            Some(ContentRange { range: 0..32, n_bytes: 1000 })
        );
        for bad in [
            "",
            "bytes",
            "bytes 0-31",
            "bytes 0-31/*",
            "bytes */1000",
            "bytes 5-4/10",
            "bytes 0-10/10",
            "bytes +0-3/10",
            "items 0-31/1000",
            "bytes 0-31/99999999999999999999999",
            "bytes 0-31/1000 ",
        ] {
            assert_eq!(ContentRange::parse(bad), None, "{bad}");
        }
    }
}
