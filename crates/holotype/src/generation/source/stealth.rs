//! Texts hidden in the lowest bits of an alpha channel, column by column: a mark, a length in bits, and the text,
//! packed or not. NovelAI's pictures and some extensions of A1111 carry them.

use super::{Derivation, a1111, finished, has_c2pa, novelai, parse};
use crate::{Metadata, Result};
use std::io::Read as _;

const PLAIN: &[u8] = b"stealth_pnginfo";
const PACKED: &[u8] = b"stealth_pngcomp";
/// Most bytes a hidden text may have, and may unpack to.
const MAX_BYTES: usize = 4 << 20;
/// Key of a hidden text.
const KEY: &str = "alpha";

/// The lowest bits of an alpha channel, in columns from the top left.
pub trait AlphaBits {
    /// The first `n` bits, fewer if there are fewer.
    ///
    /// # Errors
    /// What reading the pixels gives.
    fn first(&mut self, n: usize) -> Result<Vec<bool>>;
}

/// The record hidden in an alpha channel.
pub(in crate::generation) fn from_pixels(
    bits: &mut dyn AlphaBits,
    metadata: &Metadata,
) -> Result<Option<Derivation>> {
    let Some(text) = text(bits)? else { return Ok(None) };
    let draft = parse(&text).as_ref().and_then(novelai::from_object).or_else(|| a1111::parse(&text, true));
    Ok(draft.and_then(|draft| finished(draft, &[KEY], has_c2pa(metadata))))
}

fn text(bits: &mut dyn AlphaBits) -> Result<Option<String>> {
    let n_head = PLAIN.len() + 4;
    let head = bytes(&bits.first(n_head * 8)?);
    let Some((mark, &[a, b, c, d])) = head.split_at_checked(PLAIN.len()) else { return Ok(None) };
    if mark != PLAIN && mark != PACKED {
        return Ok(None);
    }
    let n_bytes = u32::from_be_bytes([a, b, c, d]) as usize / 8;
    if n_bytes > MAX_BYTES {
        return Ok(None);
    }
    let is_packed = mark == PACKED;
    let all = bytes(&bits.first((n_head + n_bytes) * 8)?);
    let Some(hidden) = all.get(n_head..n_head + n_bytes) else { return Ok(None) };
    let mut text = Vec::new();
    let unpacked = if is_packed {
        flate2::read::GzDecoder::new(hidden).take(MAX_BYTES as u64 + 1).read_to_end(&mut text).is_ok()
    } else {
        text.extend_from_slice(hidden);
        true
    };
    Ok(if unpacked && text.len() <= MAX_BYTES { String::from_utf8(text).ok() } else { None })
}

/// Whole bytes, the highest bit first.
fn bytes(bits: &[bool]) -> Vec<u8> {
    let (bytes, _) = bits.as_chunks::<8>();
    bytes.iter().map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::novelai::tests::{COMMENT, EXPECTED};
    use super::*;
    use std::io::Write as _;

    struct Bits(Vec<bool>);

    impl AlphaBits for Bits {
        fn first(&mut self, n: usize) -> Result<Vec<bool>> {
            Ok(self.0[..n.min(self.0.len())].to_vec())
        }
    }

    fn hide(mark: &[u8], n_bits: u32, text: &[u8]) -> Bits {
        let bytes = [mark, &n_bits.to_be_bytes(), text, &[0xff; 9]].concat();
        Bits(bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect())
    }

    fn record(mut bits: Bits) -> Option<String> {
        Some(from_pixels(&mut bits, &Metadata::default()).unwrap()?.record.to_json())
    }

    #[test]
    fn hidden_texts_are_found() {
        let object = serde_json::json!({"Software": "NovelAI", "Source": "NovelAI Diffusion V4 37442FCA", "Comment": COMMENT}).to_string();
        let expected = EXPECTED.replace(r#"{"tool":"novelai"}"#, r#"{"tool":"novelai","texts":["alpha"]}"#);
        assert_eq!(record(hide(PLAIN, object.len() as u32 * 8, object.as_bytes())), Some(expected.clone()));
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(object.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(record(hide(PACKED, packed.len() as u32 * 8, &packed)), Some(expected));
        let text = b"a puppy\nSteps: 20, Seed: 1, Sampler: x";
        assert!(record(hide(PLAIN, text.len() as u32 * 8, text)).unwrap().contains(r#""steps":20"#));
    }

    #[test]
    fn forged_ones_are_none() {
        assert_eq!(record(Bits(Vec::new())), None);
        assert_eq!(record(Bits(vec![true; 1000])), None);
        assert_eq!(record(hide(PLAIN, u32::MAX, b"x")), None);
        assert_eq!(record(hide(PLAIN, 1 << 20, b"x")), None);
        assert_eq!(record(hide(PACKED, 80, b"no gzip at all")), None);
        assert_eq!(record(hide(PLAIN, 8, b"\xff")), None);
    }
}
