//! Records → a block and their item.

use super::GenerationRecord;
use crate::writer::extend;
use crate::{Result, Writer};
use holotype_container::{ItemKind, ItemRecord};
use sha2::{Digest, Sha256};
use std::io::Write;

impl<W: Write> Writer<W> {
    /// Adds a generation record.
    ///
    /// # Errors
    /// `InvalidArgument` if the name does not fit; `Io`.
    ///
    /// # Examples
    /// ```
    /// use holotype::generation::{GenerationRecord, Part, PartRole};
    /// use holotype::{Archive, Writer, WriterOptions};
    /// let mut writer = Writer::new(Vec::new(), WriterOptions::default())?;
    /// writer.add_file("puppy.jpg", &mut &b"..."[..], None)?;
    /// let image = Part::new("puppy.jpg", PartRole::Image, writer.last_content_sha256());
    /// let record = GenerationRecord::from_json(br#"{"prompt": "a puppy", "settings": {"steps": 20}}"#)?;
    /// writer.add_generation("how", &record.with_parts(&[image])?)?;
    /// let archive = Archive::from_bytes(writer.finish()?.0)?;
    /// let generation = archive.generation("how")?;
    /// assert_eq!(generation.record().text("prompt"), Some("a puppy"));
    /// assert!(generation.check_parts()?.is_empty());
    /// # Ok::<(), holotype::Error>(())
    /// ```
    pub fn add_generation(&mut self, name: &str, record: &GenerationRecord) -> Result<()> {
        self.check_name(name)?;
        let text = record.to_json();
        let mut item = ItemRecord::new(name.to_owned(), ItemKind::Generation);
        item.content_sha256 = Sha256::digest(&text).into();
        item.raw_bytes = text.len() as u64;
        let id = self.add_packed(text.as_bytes())?;
        extend(&mut item.content, id);
        self.add_item(item)
    }
}
