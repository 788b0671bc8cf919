use super::NAME;
use crate::{Error, Result};

/// Indices of a run-length coded image, top row first; pixels that are skipped are 0.
pub(super) fn decode(coded: &[u8], bits: u32, width: usize, height: usize, out: &mut [u8]) -> Result<()> {
    let mut bytes = coded.iter().copied();
    let mut next = || bytes.next().ok_or_else(|| Error::source_format(NAME, "the run lengths end early"));
    let outside = || Error::source_format(NAME, "a run leaves the image");
    // `y` counts from the bottom.
    let (mut x, mut y) = (0_usize, 0_usize);
    while y < height {
        let (count, value) = (next()?, next()?);
        if count > 0 {
            let row = row_of(out, width, height, y).ok_or_else(outside)?;
            let run = row.get_mut(x..x + usize::from(count)).ok_or_else(outside)?;
            for (i, pixel) in run.iter_mut().enumerate() {
                *pixel = nibble(value, bits, i);
            }
            x += usize::from(count);
            continue;
        }
        match value {
            0 => (x, y) = (0, y + 1),
            1 => break,
            2 => {
                x += usize::from(next()?);
                y += usize::from(next()?);
                if x > width || y > height {
                    return Err(outside());
                }
            }
            n => {
                let n = usize::from(n);
                let row = row_of(out, width, height, y).ok_or_else(outside)?;
                let run = row.get_mut(x..x + n).ok_or_else(outside)?;
                let n_bytes = if bits == 4 { n.div_ceil(2) } else { n };
                let mut byte = 0;
                for (i, pixel) in run.iter_mut().enumerate() {
                    if bits == 8 || i % 2 == 0 {
                        byte = next()?;
                    }
                    *pixel = nibble(byte, bits, i);
                }
                if n_bytes % 2 == 1 {
                    next()?;
                }
                x += n;
            }
        }
    }
    Ok(())
}

/// The byte itself, or its upper half for even, its lower half for odd pixels.
fn nibble(byte: u8, bits: u32, i: usize) -> u8 {
    match (bits, i % 2) {
        (8, _) => byte,
        (_, 0) => byte >> 4,
        _ => byte & 15,
    }
}

fn row_of(out: &mut [u8], width: usize, height: usize, from_bottom: usize) -> Option<&mut [u8]> {
    let y = height.checked_sub(from_bottom + 1)?;
    out.get_mut(y * width..(y + 1) * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(coded: &[u8], bits: u32) -> Option<Vec<u8>> {
        let mut out = vec![0; 12];
        decode(coded, bits, 6, 2, &mut out).ok().map(|()| out)
    }

    #[test]
    fn runs_literals_and_jumps() {
        let coded = [4, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 1, 0, 2, 9, 0, 1];
        assert_eq!(pixels(&coded, 8).unwrap(), [1, 2, 3, 0, 9, 9, 7, 7, 7, 7, 0, 0]);
        let coded = [5, 0x12, 0, 0, 0, 5, 0xab, 0xcd, 0xe0, 0, 0, 1];
        assert_eq!(pixels(&coded, 4).unwrap(), [10, 11, 12, 13, 14, 0, 1, 2, 1, 2, 1, 0]);
    }

    #[test]
    fn runs_that_leave_the_image_are_errors() {
        for coded in
            [&[7, 1][..], &[0, 7, 1, 2, 3, 4, 5, 6, 7, 0], &[0, 2, 7, 0], &[0, 2, 0, 3], &[1], &[0, 3, 1]]
        {
            assert_eq!(pixels(coded, 8), None, "{coded:?}");
        }
    }
}
