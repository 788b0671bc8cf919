use crate::{Error, Result};
use holotype_codec::tensor::ElementType;

/// Most axes of a tensor.
pub(crate) const MAX_RANK: usize = 32;
/// Most bits of an opaque element.
pub(crate) const MAX_OPAQUE_BITS: u32 = 4096;
/// Longest name of an opaque element type, in bytes.
pub(crate) const MAX_OPAQUE_NAME_BYTES: usize = 255;

/// Which axis of a tensor's content is the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ElementOrder {
    /// The last, as in C.
    #[default]
    C,
    /// The first, as in Fortran.
    Fortran,
}

/// An element type that only its name tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpaqueElement {
    /// Such as `float4_e2m1fn`; 1 to 255 bytes.
    pub name: String,
    /// Bits of one element, 1 to 4096. Elements that do not fill bytes are packed, the first in the lowest bits.
    pub n_bits: u32,
}

/// What a tensor is.
///
/// ```
/// use holotype::{ElementType, TensorDescriptor};
/// let latent = TensorDescriptor::new(ElementType::Bf16, &[1, 4, 64, 64]);
/// assert_eq!(latent.raw_bytes(), Some(32768));
/// assert_eq!(TensorDescriptor::new(ElementType::F32, &[]).raw_bytes(), Some(4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TensorDescriptor {
    /// Type of the elements.
    pub element: ElementType,
    /// Name and width of the elements; present exactly if they are opaque.
    pub opaque: Option<OpaqueElement>,
    /// Elements along each axis; at most 32 axes, each may have none.
    pub shape: Vec<u64>,
    /// Order of the content.
    pub order: ElementOrder,
}

impl TensorDescriptor {
    /// A tensor in C order.
    #[must_use]
    pub fn new(element: ElementType, shape: &[u64]) -> Self {
        Self { element, opaque: None, shape: shape.to_vec(), order: ElementOrder::C }
    }

    /// A tensor of elements that only `name` tells, in C order.
    #[must_use]
    pub fn opaque(name: &str, n_bits: u32, shape: &[u64]) -> Self {
        let opaque = Some(OpaqueElement { name: name.to_owned(), n_bits });
        Self { opaque, ..Self::new(ElementType::Opaque, shape) }
    }

    /// Sets [`Self::order`].
    #[must_use]
    pub fn with_order(mut self, order: ElementOrder) -> Self {
        self.order = order;
        self
    }

    /// Bits of one element.
    #[must_use]
    pub fn n_bits(&self) -> u32 {
        self.element.n_bits().or(self.opaque.as_ref().map(|opaque| opaque.n_bits)).unwrap_or(8)
    }

    /// Number of elements; `None` on overflow.
    #[must_use]
    pub fn n_elements(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(1_u64, |n, axis| n.checked_mul(*axis))
    }

    /// Bytes of the content; `None` on overflow.
    #[must_use]
    pub fn raw_bytes(&self) -> Option<u64> {
        Some(self.n_elements()?.checked_mul(u64::from(self.n_bits()))?.div_ceil(8))
    }

    /// Checks the rules of the format.
    ///
    /// # Errors
    /// `InvalidArgument` names the rule.
    pub fn validate(&self) -> Result<()> {
        let Self { element, opaque, shape, order } = self;
        if shape.len() > MAX_RANK {
            return Err(Error::invalid(format!(
                "a tensor has at most {MAX_RANK} axes, this has {}",
                shape.len()
            )));
        }
        if (*element == ElementType::Opaque) != opaque.is_some() {
            return Err(Error::invalid("exactly elements that are opaque have a name and a width"));
        }
        if let Some(OpaqueElement { name, n_bits }) = opaque
            && (name.is_empty()
                || name.len() > MAX_OPAQUE_NAME_BYTES
                || !(1..=MAX_OPAQUE_BITS).contains(n_bits))
        {
            return Err(Error::invalid(format!("`{name}` of {n_bits} bits is no element type")));
        }
        if *order == ElementOrder::Fortran && shape.len() < 2 {
            return Err(Error::invalid("a tensor of fewer than two axes has one order"));
        }
        if self.raw_bytes().is_none_or(|n| n > i64::MAX as u64) {
            return Err(Error::invalid("the tensor's size overflows"));
        }
        Ok(())
    }

    /// Bytes of one unit of [`Self::stored_shape`].
    pub(crate) fn unit_bytes(&self) -> u64 {
        if self.is_packed() { 1 } else { u64::from(self.n_bits() / 8) }
    }

    /// True if elements do not fill bytes: such a tensor is stored as a row of bytes.
    pub(crate) fn is_packed(&self) -> bool {
        !self.n_bits().is_multiple_of(8)
    }

    /// The content as an array in C order: axes turned round for Fortran order, a row of bytes if packed.
    pub(crate) fn stored_shape(&self) -> Vec<u64> {
        if self.is_packed() {
            return vec![self.raw_bytes().unwrap_or(0)];
        }
        match self.order {
            ElementOrder::C => self.shape.clone(),
            ElementOrder::Fortran => self.shape.iter().rev().copied().collect(),
        }
    }
}
