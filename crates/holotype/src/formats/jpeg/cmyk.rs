//! Ink from the four components of Adobe files, which are stored inverted: 255 is no ink.

/// Inverts samples in place.
pub(super) fn invert(samples: &mut [u8]) {
    samples.iter_mut().for_each(|v| *v = !*v);
}

/// YCCK in place to CMYK: the first three are the YCbCr of inverted cyan, magenta, yellow's complement, as in
/// libjpeg, whose 16-bit fixed point is used.
pub(super) fn from_ycck(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<4>().0 {
        let [y, blue, red, _] = pixel.map(i32::from);
        let (blue, red) = (blue - 128, red - 128);
        let half = 1 << 15;
        let rgb = [
            y + ((91881 * red + half) >> 16),
            y + ((-46802 * red - 22554 * blue + half) >> 16),
            y + ((116_130 * blue + half) >> 16),
        ];
        for (out, value) in pixel.iter_mut().zip(rgb) {
            *out = (255 - value).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_has_no_chroma_and_red_is_red() {
        let mut pixels = [200, 128, 128, 7, 76, 85, 255, 0];
        from_ycck(&mut pixels);
        assert_eq!(pixels, [55, 55, 55, 7, 1, 255, 255, 0]);
    }
}
