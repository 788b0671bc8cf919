use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything: no header, several ranges, or one that is none; a server may ignore those (RFC 9110 §14.2).
    Whole,
    Part(Range<u64>),
    /// A range that starts past the end.
    Unsatisfiable,
}

/// What `header` asks of `n_bytes` bytes.
pub(super) fn asked(header: Option<&str>, n_bytes: u64) -> Asked {
    parse(header, n_bytes).unwrap_or(Asked::Whole)
}

fn parse(header: Option<&str>, n_bytes: u64) -> Option<Asked> {
    let (unit, ranges) = header?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    if first.is_empty() {
        let n_last = number(last)?;
        return Some(match n_last.min(n_bytes) {
            0 => Asked::Unsatisfiable,
            n => Asked::Part(n_bytes - n..n_bytes),
        });
    }
    let first = number(first)?;
    let end = if last.is_empty() { n_bytes } else { number(last)?.checked_add(1)? };
    if first >= end && !last.is_empty() {
        return None;
    }
    if first >= n_bytes {
        return Some(Asked::Unsatisfiable);
    }
    Some(Asked::Part(first..end.min(n_bytes)))
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_served_and_others_ignored() {
        for (header, expected) in [
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=-5", Asked::Part(95..100)),
            ("bytes=-500", Asked::Part(0..100)),
            ("BYTES=7-7", Asked::Part(7..8)),
            ("bytes=100-", Asked::Unsatisfiable),
            ("bytes=100-200", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=9-8", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=0-18446744073709551615", Asked::Whole),
            ("items=0-9", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(asked(Some(header), 100), expected, "{header}");
        }
        assert_eq!(asked(None, 100), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
        assert_eq!(asked(Some("bytes=-1"), 0), Asked::Unsatisfiable);
    }
}
