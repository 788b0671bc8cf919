//! Records from the texts that image generators leave in their files. `docs/generation.md` says what is read.
//!
//! All of it comes from strangers: texts are bounded, and what does not parse is left alone. The texts themselves stay
//! with the image, byte for byte.

mod a1111;
mod comfyui;
mod draft;
mod exif;
mod fooocus;
mod invokeai;
mod novelai;
mod stealth;
mod swarmui;
mod texts;

pub use stealth::AlphaBits;
pub(super) use stealth::from_pixels;
pub(super) use texts::holds_texts;
pub use texts::{SourceText, has_c2pa, source_texts};

use super::GenerationRecord;
use super::json;
use crate::Metadata;
use draft::Draft;
use serde_json::Value;

/// Longest text that is looked into.
const MAX_TEXT_BYTES: usize = 4 << 20;
/// Deepest nesting of a text that is looked into.
const MAX_DEPTH: u32 = 64;

/// A record that was made from the texts of another program.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Derivation {
    /// The program, as in `comfyui`.
    pub tool: &'static str,
    /// The record: `source` names the texts it is from.
    pub record: GenerationRecord,
}

/// A reader of one program's texts: nothing if they are not its own.
type Reader = fn(&Texts<'_>) -> Option<Draft>;

/// Who is asked, the most particular first: many programs also write what A1111 reads.
const READERS: [Reader; 6] =
    [swarmui::read, fooocus::read, invokeai::read, novelai::read, comfyui::read, a1111::read];

/// The texts of one image.
struct Texts<'a>(&'a [SourceText]);

impl Texts<'_> {
    /// The first text under one of these keys.
    fn get(&self, keys: &[&str]) -> Option<&str> {
        let found = keys.iter().find_map(|key| self.0.iter().find(|text| text.key == *key));
        found.map(|text| text.text.as_str()).filter(|text| text.len() <= MAX_TEXT_BYTES)
    }

    /// The first text under one of these keys that is JSON.
    fn json(&self, keys: &[&str]) -> Option<Value> {
        keys.iter().find_map(|key| parse(self.get(&[*key])?))
    }
}

/// A JSON text as generators write it: `NaN` is nothing.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let read = |text: &str| json::parse(text.as_bytes(), MAX_TEXT_BYTES, MAX_DEPTH).ok();
    read(text).or_else(|| read(&json::without_nan(text)))
}

/// The record of an image, from its metadata; nothing if no known program left a text there.
///
/// # Examples
/// ```
/// use holotype::{Metadata, MetadataKind, generation::derive};
/// let mut metadata = Metadata::default();
/// let text = "parameters\0a puppy\nNegative prompt: cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768";
/// metadata.push(MetadataKind::PngChunk, "tEXt", text);
/// let found = derive(&metadata).unwrap();
/// assert_eq!((found.tool, found.record.text("negative_prompt")), ("a1111", Some("cat")));
/// assert_eq!(found.record.document()["settings"]["height"], 768);
/// ```
#[must_use]
pub fn derive(metadata: &Metadata) -> Option<Derivation> {
    from_texts(&source_texts(metadata), has_c2pa(metadata))
}

/// The record that texts make.
fn from_texts(texts: &[SourceText], has_c2pa: bool) -> Option<Derivation> {
    let keys: Vec<&str> = texts.iter().map(|text| text.key.as_str()).collect();
    READERS.iter().find_map(|read| finished(read(&Texts(texts))?, &keys, has_c2pa))
}

/// What a reader found as a record; nothing if it is beyond what records may hold.
fn finished(draft: Draft, keys: &[&str], has_c2pa: bool) -> Option<Derivation> {
    let tool = draft.tool;
    Some(Derivation { tool, record: draft.finish(keys, has_c2pa).ok()? })
}
