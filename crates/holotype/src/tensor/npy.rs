//! The header of an NPY file that holds a tensor's elements.

use super::{ElementOrder, TensorDescriptor};
use crate::{Error, Result};
use holotype_codec::tensor::ElementType;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
/// What comes before the elements is a multiple of so many bytes.
const ALIGNMENT: usize = 64;

impl TensorDescriptor {
    /// What an NPY file (version 1) has before the elements: as NumPy writes it.
    ///
    /// # Errors
    /// `Unsupported` if NPY has no type for the elements.
    pub fn npy_header(&self) -> Result<Vec<u8>> {
        let Some(code) = code_of(self.element) else {
            let name = self.opaque.as_ref().map_or(self.element.name(), |opaque| opaque.name.as_str());
            return Err(Error::unsupported(format!("NPY has no type for elements of {name}")));
        };
        let is_fortran = if self.order == ElementOrder::Fortran { "True" } else { "False" };
        let shape: Vec<String> = self.shape.iter().map(u64::to_string).collect();
        let shape = match shape.as_slice() {
            [one] => format!("({one},)"),
            all => format!("({})", all.join(", ")),
        };
        let mut text = format!("{{'descr': '{code}', 'fortran_order': {is_fortran}, 'shape': {shape}, }}");
        let n_unpadded = MAGIC.len() + 2 + text.len() + 1;
        text.push_str(&" ".repeat(n_unpadded.next_multiple_of(ALIGNMENT) - n_unpadded));
        text.push('\n');
        // 32 axes of 20 digits are far below 2¹⁶ bytes.
        Ok([MAGIC, &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat())
    }
}

fn code_of(element: ElementType) -> Option<&'static str> {
    Some(match element {
        ElementType::Bool => "|b1",
        ElementType::U8 => "|u1",
        ElementType::I8 => "|i1",
        ElementType::U16 => "<u2",
        ElementType::I16 => "<i2",
        ElementType::U32 => "<u4",
        ElementType::I32 => "<i4",
        ElementType::U64 => "<u8",
        ElementType::I64 => "<i8",
        ElementType::F16 => "<f2",
        ElementType::F32 => "<f4",
        ElementType::F64 => "<f8",
        ElementType::Complex64 => "<c8",
        ElementType::Complex128 => "<c16",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(element: ElementType, shape: &[u64]) -> String {
        let bytes = TensorDescriptor::new(element, shape).npy_header().unwrap();
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        assert_eq!(bytes[..8], *MAGIC);
        assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), bytes.len() - 10);
        String::from_utf8(bytes[10..].to_vec()).unwrap()
    }

    #[test]
    fn headers_are_those_numpy_writes() {
        let text = header(ElementType::F32, &[1, 4, 64]);
        assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4, 64), }");
        assert!(text.ends_with('\n'));
        assert!(header(ElementType::Bool, &[]).contains("'|b1', 'fortran_order': False, 'shape': ()"));
        assert!(
            header(ElementType::Complex64, &[7]).contains("'<c8', 'fortran_order': False, 'shape': (7,)")
        );
        let turned = TensorDescriptor::new(ElementType::I16, &[2, 3]).with_order(ElementOrder::Fortran);
        assert!(String::from_utf8_lossy(&turned.npy_header().unwrap()).contains("True, 'shape': (2, 3)"));
        assert!(TensorDescriptor::new(ElementType::Bf16, &[2]).npy_header().is_err());
        assert!(TensorDescriptor::opaque("F4", 4, &[2]).npy_header().is_err());
    }
}
