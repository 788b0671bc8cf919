//! Numbers of seven bits a byte, the lowest first: all but the last byte have the eighth bit set.

/// Appends a number in its shortest form.
pub fn put_leb128(mut number: u64, out: &mut Vec<u8>) {
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front of `bytes`; nothing if they end in it, or it is above 2⁶⁴ − 1 or not in its shortest
/// form.
pub fn take_leb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let is_cut = shift == 63 && byte > 1;
        let is_long = shift > 0 && byte == 0;
        if is_cut || is_long {
            return None;
        }
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in (0..64).flat_map(|k| [(1_u64 << k) - 1, 1 << k, u64::MAX >> k]) {
            let mut bytes = Vec::new();
            put_leb128(number, &mut bytes);
            assert_eq!(bytes.len(), (64 - (number | 1).leading_zeros() as usize).div_ceil(7));
            bytes.push(9);
            let mut rest = &bytes[..];
            assert_eq!(take_leb128(&mut rest), Some(number));
            assert_eq!(rest, [9]);
            assert_eq!(take_leb128(&mut &bytes[..bytes.len() - 2]), None);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let mut above = [255; 10];
        above[9] = 2;
        for bad in [&[0x80, 0][..], &[0xFF, 0x80, 0], &above, &[0xFF; 11]] {
            assert_eq!(take_leb128(&mut &*bad), None, "{bad:?}");
        }
        above[9] = 1;
        assert_eq!(take_leb128(&mut &above[..]), Some(u64::MAX));
    }
}
