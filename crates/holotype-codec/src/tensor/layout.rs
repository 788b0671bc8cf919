use super::lorenzo::Axis;
use super::{ElementType, WordKind};
use crate::CodecError;

/// Most axes along which a slice may be differenced.
pub(super) const MAX_AXES: usize = 3;

/// What is known about a slice before its bytes are looked at: its words and how they lie.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SliceLayout {
    pub(super) element: ElementType,
    pub(super) n_word_bytes: usize,
    pub(super) n_words: usize,
    n_per_element: usize,
    /// Elements along the last axes, the last first.
    lengths: [usize; MAX_AXES],
}

impl SliceLayout {
    /// A slice of `shape` elements in row-major order, its last axis the fastest. Elements of
    /// [`ElementType::Opaque`] have `opaque_bits` bits; if these do not fill bytes, `shape` counts bytes.
    ///
    /// # Errors
    /// `InvalidArgument` if a slice of that shape has no elements or more bytes than memory can hold.
    pub fn new(element: ElementType, opaque_bits: u32, shape: &[u64]) -> Result<Self, CodecError> {
        let (n_word_bytes, n_per_element) = match (element.n_bits(), opaque_bits as usize) {
            (Some(n_bits), _) => (n_bits as usize / 8 / element.n_words(), element.n_words()),
            (None, n_bits @ (8 | 16 | 32 | 64)) => (n_bits / 8, 1),
            (None, n_bits) => (1, if n_bits % 8 == 0 { (n_bits / 8).max(1) } else { 1 }),
        };
        let n_elements = shape
            .iter()
            .try_fold(1_usize, |n, axis| n.checked_mul(usize::try_from(*axis).ok()?))
            .filter(|n| n.checked_mul(n_per_element * n_word_bytes).is_some_and(|n| n <= isize::MAX as usize))
            .filter(|n| *n > 0)
            .ok_or(CodecError::InvalidArgument { what: "a slice has elements, and memory holds them" })?;
        let mut lengths = [1; MAX_AXES];
        for (length, axis) in lengths.iter_mut().zip(shape.iter().rev()) {
            *length = *axis as usize;
        }
        Ok(Self { element, n_word_bytes, n_words: n_elements * n_per_element, n_per_element, lengths })
    }

    /// As many words of another type at the same places.
    pub(super) fn with_words(&self, element: ElementType, n_word_bytes: usize) -> Self {
        Self { element, n_word_bytes, ..self.clone() }
    }

    /// A row of words of this type.
    pub(super) fn row(&self, n_words: usize) -> Self {
        let mut lengths = [1; MAX_AXES];
        lengths[0] = n_words / self.n_per_element.max(1);
        Self { n_words, lengths, ..self.clone() }
    }

    /// Bytes of the slice.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.n_words * self.n_word_bytes
    }

    pub(super) fn kind(&self) -> WordKind {
        self.element.word_kind()
    }

    /// The axes whose bits are set in `mask`, the last first; `None` if a bit is set that is none.
    pub(super) fn axes(&self, mask: u8) -> Option<Vec<Axis>> {
        if mask >> MAX_AXES != 0 {
            return None;
        }
        let mut stride = self.n_per_element;
        let mut axes = Vec::new();
        for (k, n) in self.lengths.into_iter().enumerate() {
            if mask >> k & 1 == 1 {
                axes.push(Axis { n, stride });
            }
            stride *= n;
        }
        Some(axes)
    }

    /// The masks worth a try: those of axes longer than 1.
    pub(super) fn masks(&self) -> impl Iterator<Item = u8> {
        let long: u8 = self.lengths.iter().enumerate().map(|(k, n)| u8::from(*n > 1) << k).sum();
        (1..1_u8 << MAX_AXES).filter(move |mask| mask & !long == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_words() {
        let layout = SliceLayout::new(ElementType::Complex64, 0, &[2, 3, 4, 5]).unwrap();
        assert_eq!((layout.n_word_bytes, layout.n_words, layout.n_bytes()), (4, 240, 960));
        assert_eq!(layout.axes(0b101).unwrap(), [Axis { n: 5, stride: 2 }, Axis { n: 3, stride: 40 }]);
        assert_eq!(layout.axes(8), None);
        let odd = SliceLayout::new(ElementType::Opaque, 24, &[5]).unwrap();
        assert_eq!((odd.n_word_bytes, odd.n_bytes(), odd.axes(1).unwrap()[0].stride), (1, 15, 3));
        let row = SliceLayout::new(ElementType::U8, 0, &[1, 9, 1]).unwrap();
        assert_eq!(row.masks().collect::<Vec<_>>(), [0b010]);
        let packed = SliceLayout::new(ElementType::Opaque, 4, &[7]).unwrap();
        assert_eq!((packed.n_word_bytes, packed.n_bytes()), (1, 7));
        assert!(SliceLayout::new(ElementType::U8, 0, &[0, 3]).is_err());
        assert!(SliceLayout::new(ElementType::U64, 0, &[1 << 40, 1 << 40]).is_err());
    }
}
