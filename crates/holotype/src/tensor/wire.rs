//! A tensor's descriptor as the record of `docs/format.md` §13.

use super::slices::Slices;
use super::{ElementOrder, ElementType, OpaqueElement, ParentName, TensorDescriptor};
use holotype_codec::noise::{NoiseGenerator, NoiseRecipe};
use holotype_codec::tensor::may_be_rounded;
use holotype_container::cbor::{Map, Value};

mod key {
    pub(super) const ELEMENT: u64 = 0;
    pub(super) const SHAPE: u64 = 1;
    pub(super) const ORDER: u64 = 2;
    pub(super) const OPAQUE: u64 = 3;
    pub(super) const SLICE_SHAPE: u64 = 4;
    pub(super) const NOISE: u64 = 5;
    pub(super) const PARENT: u64 = 6;
    pub(super) const MAX_ERROR: u64 = 7;
}

/// The descriptor's map. Keys whose value is the usual one are left out.
pub(crate) fn encode_descriptor(
    descriptor: &TensorDescriptor,
    slices: &Slices,
    noise: Option<&NoiseRecipe>,
    parent: Option<&ParentName>,
    max_error: Option<f64>,
) -> Map {
    let TensorDescriptor { element, opaque, shape, order } = descriptor;
    let numbers = |numbers: &[u64]| Value::Array(numbers.iter().copied().map(Value::Unsigned).collect());
    let mut map = Map::new();
    map.insert(key::ELEMENT, Value::Unsigned(u64::from(element.code())));
    map.insert(key::SHAPE, numbers(shape));
    if *order == ElementOrder::Fortran {
        map.insert(key::ORDER, Value::Unsigned(1));
    }
    if let Some(OpaqueElement { name, n_bits }) = opaque {
        let parts = vec![Value::Text(name.clone()), Value::Unsigned(u64::from(*n_bits))];
        map.insert(key::OPAQUE, Value::Array(parts));
    }
    if !slices.is_whole() {
        map.insert(key::SLICE_SHAPE, numbers(slices.slice_shape()));
    }
    if let Some(noise) = noise {
        let parts = [noise.generator as u64, noise.seed, noise.offset, noise.n_threads];
        map.insert(key::NOISE, numbers(if noise.n_threads > 0 { &parts } else { &parts[..3] }));
    }
    if let Some(parent) = parent {
        map.insert(key::PARENT, parent.encode());
    }
    if let Some(max_error) = max_error {
        map.insert(key::MAX_ERROR, Value::Bytes(max_error.to_le_bytes().to_vec()));
    }
    map
}

/// How a tensor is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Described {
    pub(crate) descriptor: TensorDescriptor,
    /// How the content is cut.
    pub(crate) slices: Slices,
    /// How to make it, if it is noise.
    pub(crate) noise: Option<NoiseRecipe>,
    /// What it is stored against.
    pub(crate) parent: Option<ParentName>,
    /// How far values may be from those that were given.
    pub(crate) max_error: Option<f64>,
}

/// Inverse of [`encode_descriptor`]; nothing if it breaks a rule of the format.
pub(crate) fn decode_descriptor(map: &Map) -> Option<Described> {
    let numbers =
        |value: &Value| -> Option<Vec<u64>> { value.as_array()?.iter().map(Value::as_unsigned).collect() };
    if map.keys().any(|key| *key > key::MAX_ERROR) {
        return None;
    }
    let element = u8::try_from(map.get(&key::ELEMENT)?.as_unsigned()?).ok()?;
    let opaque = match map.get(&key::OPAQUE) {
        None => None,
        Some(value) => match value.as_array()? {
            [Value::Text(name), Value::Unsigned(n_bits)] => {
                Some(OpaqueElement { name: name.clone(), n_bits: u32::try_from(*n_bits).ok()? })
            }
            _ => return None,
        },
    };
    let order = match map.get(&key::ORDER) {
        None => ElementOrder::C,
        Some(Value::Unsigned(1)) => ElementOrder::Fortran,
        Some(_) => return None,
    };
    let shape = numbers(map.get(&key::SHAPE)?)?;
    let descriptor = TensorDescriptor { element: ElementType::from_code(element)?, opaque, shape, order };
    descriptor.validate().ok()?;
    let slices = match map.get(&key::SLICE_SHAPE) {
        None => Slices::whole(&descriptor),
        Some(value) => Slices::of(&descriptor, numbers(value)?).filter(|slices| !slices.is_whole())?,
    };
    let noise = match map.get(&key::NOISE) {
        None => None,
        Some(value) => match numbers(value)?.as_slice() {
            [generator, seed, offset, n_threads @ ..]
                if descriptor.order == ElementOrder::C
                    && slices.is_whole()
                    && matches!(
                        descriptor.element,
                        ElementType::F16 | ElementType::Bf16 | ElementType::F32 | ElementType::F64
                    ) =>
            {
                let generator = NoiseGenerator::from_code(*generator)?;
                let n_threads = match n_threads {
                    [] => 0,
                    [n_threads] if generator.is_cuda() && *n_threads > 0 => *n_threads,
                    _ => return None,
                };
                Some(NoiseRecipe::new(generator, *seed, *offset).with_n_threads(n_threads))
            }
            _ => return None,
        },
    };
    let parent = match map.get(&key::PARENT) {
        None => None,
        Some(_) if noise.is_some() => return None,
        Some(value) => {
            let parent = ParentName::decode(value)?;
            if parent.first.is_some() && !slices.are_consecutive() {
                return None;
            }
            Some(parent)
        }
    };
    let max_error = match map.get(&key::MAX_ERROR) {
        None => None,
        Some(Value::Bytes(bytes)) if noise.is_none() && parent.is_none() => {
            let max_error = f64::from_le_bytes(bytes.as_slice().try_into().ok()?);
            let is_good = max_error > 0.0 && max_error.is_finite() && may_be_rounded(descriptor.element);
            Some(is_good.then_some(max_error)?)
        }
        Some(_) => return None,
    };
    Some(Described { descriptor, slices, noise, parent, max_error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_come_back() {
        for descriptor in [
            TensorDescriptor::new(ElementType::F32, &[]),
            TensorDescriptor::new(ElementType::Bf16, &[0, 5]),
            TensorDescriptor::new(ElementType::U8, &[3000, 5000]).with_order(ElementOrder::Fortran),
            TensorDescriptor::opaque("int4", 4, &[3, 5]),
            TensorDescriptor::opaque("datetime64[ns]", 64, &[1 << 20]),
        ] {
            let slices = Slices::usual(&descriptor);
            let map = encode_descriptor(&descriptor, &slices, None, None, None);
            let described = Described { descriptor, slices, noise: None, parent: None, max_error: None };
            assert_eq!(decode_descriptor(&map), Some(described));
        }
        let noise = NoiseRecipe::new(NoiseGenerator::TorchCpuNormal, u64::MAX, 5);
        let latent = TensorDescriptor::new(ElementType::F32, &[1, 4, 64, 64]);
        let map = encode_descriptor(&latent, &Slices::whole(&latent), Some(&noise), None, None);
        let described = decode_descriptor(&map).unwrap();
        assert_eq!((&described.descriptor, &described.noise), (&latent, &Some(noise)));
        assert_eq!((described.slices, described.parent), (Slices::whole(&latent), None));
        let cuda = NoiseRecipe::new(NoiseGenerator::TorchCudaNormal, 1, 4).with_n_threads(1 << 18);
        let mut map = encode_descriptor(&latent, &Slices::whole(&latent), Some(&cuda), None, None);
        assert_eq!(decode_descriptor(&map).unwrap().noise, Some(cuda));
        let n = |values: &[u64]| Value::Array(values.iter().copied().map(Value::Unsigned).collect());
        for bad in [&[1, 2][..], &[1, 2, 3, 256], &[10, 2, 4, 0], &[10, 2, 4, 256, 1], &[11, 2, 3]] {
            map.insert(5, n(bad));
            assert_eq!(decode_descriptor(&map), None, "{bad:?}");
        }
        let mut map = encode_descriptor(&latent, &Slices::whole(&latent), None, None, Some(0.25));
        assert_eq!(decode_descriptor(&map).unwrap().max_error, Some(0.25));
        for bad in [0.0, -0.5, f64::NAN, f64::INFINITY] {
            map.insert(7, Value::Bytes(bad.to_le_bytes().to_vec()));
            assert_eq!(decode_descriptor(&map), None);
        }
        for (seal, first) in [(None, None), (Some([9; 32]), None), (None, Some(7)), (Some([1; 32]), Some(0))]
        {
            let parent = ParentName { seal, name: "base".into(), sha256: [3; 32], first };
            let map = encode_descriptor(&latent, &Slices::whole(&latent), None, Some(&parent), None);
            assert_eq!(decode_descriptor(&map).unwrap().parent, Some(parent));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let good = TensorDescriptor::new(ElementType::U8, &[9, 4]);
        let good = encode_descriptor(&good, &Slices::of(&good, vec![2, 4]).unwrap(), None, None, None);
        let n = |values: &[u64]| Value::Array(values.iter().copied().map(Value::Unsigned).collect());
        for (key, value) in [
            (0, Value::Unsigned(20)),
            (0, Value::Unsigned(255)),
            (1, n(&[1; 33])),
            (1, n(&[u64::MAX, 2])),
            (1, Value::Unsigned(9)),
            (2, Value::Unsigned(0)),
            (3, Value::Array(vec![Value::Text("int4".into()), Value::Unsigned(4)])),
            (4, n(&[9, 4])),
            (4, n(&[0, 4])),
            (4, n(&[2])),
            (5, n(&[1, 2, 3])),
            (5, n(&[11, 2, 3])),
            (5, n(&[0, 2, 3])),
            (
                6,
                Value::Array(vec![
                    Value::Bytes(vec![1; 31]),
                    Value::Text("a".into()),
                    Value::Bytes(vec![0; 32]),
                ]),
            ),
            (6, Value::Array(vec![Value::Bytes(vec![]), Value::Text("a".into()), Value::Bytes(vec![0; 33])])),
            (6, Value::Array(vec![Value::Bytes(vec![]), Value::Text("a".into())])),
            (7, Value::Bytes(0.5_f64.to_le_bytes().to_vec())),
            (8, Value::Unsigned(0)),
        ] {
            let mut bad = good.clone();
            bad.insert(key, value);
            assert_eq!(decode_descriptor(&bad), None, "{bad:?}");
        }
    }
}
