/// Which bits of a 16- or 32-bit pixel word are red, green, blue and alpha (0: none).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) word_bits: u32,
    pub(super) channels: [u32; 4],
}

impl Masks {
    /// Five bits a colour, the words of uncompressed 16-bit files.
    pub(super) const RGB_555: Self = Self { word_bits: 16, channels: [0x7c00, 0x03e0, 0x001f, 0] };
    /// A byte a colour and one that is not used, the words of uncompressed 32-bit files.
    pub(super) const RGBX: Self = Self { word_bits: 32, channels: [0xff_0000, 0xff00, 0xff, 0] };
    /// A byte for each of red, green, blue, alpha.
    pub(super) const RGBA: Self = Self { word_bits: 32, channels: [0xff_0000, 0xff00, 0xff, 0xff00_0000] };

    /// True if all colours have bits, all masks are runs of at most 16 bits within the word, and none overlap.
    pub(super) fn is_valid(&self) -> bool {
        let mut seen = 0;
        self.channels.iter().enumerate().all(|(c, &mask)| {
            let is_run = mask == 0 || (mask >> mask.trailing_zeros()).trailing_ones() == mask.count_ones();
            let fits = mask.count_ones() <= 16 && (self.word_bits == 32 || mask >> 16 == 0);
            let is_new = seen & mask == 0;
            seen |= mask;
            (mask != 0 || c == 3) && is_run && fits && is_new
        })
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.channels[3] != 0
    }

    pub(super) fn n_channels(&self) -> usize {
        if self.has_alpha() { 4 } else { 3 }
    }

    /// Bits of the deepest channel: those of every sample. Shallower channels repeat their bits to fill it.
    pub(super) fn depth(&self) -> u32 {
        self.channels.iter().map(|m| m.count_ones()).max().unwrap_or(0)
    }

    /// The samples of a word.
    pub(super) fn split(&self, word: u32) -> impl Iterator<Item = u16> {
        let depth = self.depth();
        let channels = self.channels.into_iter().take(self.n_channels());
        channels.map(move |mask| widen((word & mask) >> mask.trailing_zeros(), mask.count_ones(), depth))
    }

    /// The word of samples; `None` if a sample is not what [`Self::split`] gives for any word.
    pub(super) fn join(&self, samples: impl Iterator<Item = u16>) -> Option<u32> {
        let depth = self.depth();
        let mut word = 0;
        for (mask, sample) in self.channels.into_iter().zip(samples) {
            let value = u32::from(sample) >> (depth - mask.count_ones());
            if widen(value, mask.count_ones(), depth) != sample {
                return None;
            }
            word |= value << mask.trailing_zeros();
        }
        Some(word)
    }

    pub(super) fn to_text(self) -> String {
        let [r, g, b, a] = self.channels;
        format!("{} {r:x} {g:x} {b:x} {a:x}", self.word_bits)
    }

    /// Inverse of [`Self::to_text`].
    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let word_bits = words.next()?.parse().ok().filter(|bits| matches!(bits, 16 | 32))?;
        let mut channels = [0; 4];
        for mask in &mut channels {
            *mask = u32::from_str_radix(words.next()?, 16).ok()?;
        }
        let masks = Self { word_bits, channels };
        (words.next().is_none() && masks.is_valid()).then_some(masks)
    }
}

/// `bits` bits repeated from the top until they fill `depth`.
fn widen(value: u32, bits: u32, depth: u32) -> u16 {
    let mut filled = 0;
    let mut wide = 0;
    while filled < depth {
        let n = bits.min(depth - filled);
        wide = wide << n | value >> (bits - n);
        filled += n;
    }
    wide as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back() {
        let with_alpha = Masks { word_bits: 16, channels: [0x7c00, 0x03e0, 0x001f, 0x8000] };
        let green_6 = Masks { word_bits: 16, channels: [0xf800, 0x07e0, 0x001f, 0] };
        for masks in [with_alpha, green_6] {
            for word in 0..=0xffff {
                assert_eq!(masks.join(masks.split(word)), Some(word));
            }
            assert_eq!(Masks::from_text(masks.to_text().as_bytes()), Some(masks));
        }
        assert_eq!(green_6.split(0xf800).collect::<Vec<_>>(), [63, 0, 0]);
        assert_eq!(green_6.split(0x0801).collect::<Vec<_>>(), [2, 0, 2]);
        assert_eq!(with_alpha.split(0x8000).collect::<Vec<_>>(), [0, 0, 0, 31]);
        assert_eq!(green_6.join([1, 0, 0].into_iter()), None, "no word has this red");
    }

    #[test]
    fn broken_masks_are_refused() {
        for channels in [[0, 1, 2, 0], [5, 2, 8, 0], [3, 2, 8, 0], [0x1_0000, 1, 2, 0]] {
            assert!(!Masks { word_bits: 16, channels }.is_valid(), "{channels:x?}");
        }
        for text in ["16 1 2 4", "24 1 2 4 0", "16 1 2 4 0 0", "16 1 1 4 0", "x"] {
            assert_eq!(Masks::from_text(text.as_bytes()), None);
        }
    }
}
