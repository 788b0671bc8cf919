//! Files of tensors into an archive.

use super::parts::{Part, descriptor, encode_parts};
use super::safetensors::{self, Entry, LENGTH_BYTES};
use crate::pack::{FoundFile, attributes};
use crate::tensor::TensorParent;
use crate::{Error, Result, TensorDescriptor, TensorOptions, Writer, memory};
use holotype_container::ItemRecord;
use sha2::{Digest, Sha256};
use std::io::{BufReader, Read, Write};
use std::path::Path;

/// What a file is made of before anything of it is added.
struct Plan {
    /// Length and JSON.
    header: Vec<u8>,
    entries: Vec<Entry>,
}

impl Plan {
    /// Reads the header; nothing if the file is none of tensors.
    fn read(input: &mut dyn Read, file_bytes: u64, path: &Path) -> Result<Option<Self>> {
        if file_bytes < LENGTH_BYTES as u64 {
            return Ok(None);
        }
        let failed = |e| Error::io(path, e);
        let mut length = [0; LENGTH_BYTES];
        input.read_exact(&mut length).map_err(failed)?;
        let Some(n) = safetensors::json_bytes(length, file_bytes) else { return Ok(None) };
        let mut header = memory::zeroed("a header", LENGTH_BYTES as u64 + n)?;
        let (start, json) = header.split_at_mut(LENGTH_BYTES);
        start.copy_from_slice(&length);
        input.read_exact(json).map_err(failed)?;
        let entries = safetensors::parse(json, file_bytes - LENGTH_BYTES as u64 - n);
        Ok(entries.map(|entries| Self { header, entries }))
    }
}

impl<W: Write> Writer<W> {
    /// Adds a safetensors file as its tensors, and as a file `record` that is made of them; false, and
    /// nothing added, if it is none. `is_taken` says which names other items will have.
    ///
    /// Memory: the largest tensor, and its parent.
    ///
    /// # Errors
    /// `Io`; `InvalidArgument` if the file changes while it is read.
    pub(crate) fn pack_checkpoint(
        &mut self,
        record: ItemRecord,
        file: &FoundFile,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> Result<bool> {
        let path = file.path();
        let failed = |e| Error::io(path, e);
        let (file, known) = file.open()?;
        let mut input = BufReader::with_capacity(1 << 16, &file);
        let Some(Plan { header, entries }) = Plan::read(&mut input, known.len(), path)? else {
            return Ok(false);
        };
        let mut names = Vec::with_capacity(entries.len());
        for entry in &entries {
            match self.tensor_name(&record.name, &entry.name, is_taken) {
                Some(name) => names.push(name),
                None => return Ok(false),
            }
        }
        let mut record = record;
        let mut content = Sha256::new_with_prefix(&header);
        let mut elements = Vec::new();
        let options = TensorOptions::default().with_n_threads(self.n_threads());
        for (entry, name) in entries.iter().zip(&names) {
            elements.clear();
            memory::resize(&mut elements, "a tensor", entry.n_bytes)?;
            input.read_exact(&mut elements).map_err(|e| match e.kind() {
                std::io::ErrorKind::UnexpectedEof => attributes::changed(path),
                _ => failed(e),
            })?;
            content.update(&elements);
            let parent = match self.parent_named(name, &entry.name, &entry.descriptor)? {
                None => self.equal_tensor(&entry.descriptor, &elements)?,
                found => found,
            };
            match parent {
                Some(parent) => self.add_tensor_by(name, &entry.descriptor, &elements, &parent, &options)?,
                None => self.add_tensor(name, &entry.descriptor, &elements, &options)?,
            }
        }
        drop(input);
        attributes::check_unchanged(&file, &known, known.len(), path)?;
        record.content_sha256 = content.finalize().into();
        record.raw_bytes = known.len();
        record.descriptor = descriptor();
        attributes::put(&mut record, attributes::of(path, &known)?);
        let parts = [Part::Bytes(header)].into_iter().chain(names.into_iter().map(Part::Tensor)).collect();
        let block = self.add_packed(&encode_parts(parts))?;
        crate::writer::extend(&mut record.content, block);
        self.add_item(record)?;
        Ok(true)
    }

    /// The tensor's own name, or one with the file's if that is taken.
    fn tensor_name(&self, file: &str, tensor: &str, is_taken: &dyn Fn(&str) -> bool) -> Option<String> {
        let is_free = |name: &str| self.is_free(name) && !is_taken(name) && name != file;
        let names = [tensor.to_owned(), format!("{file}:{tensor}")];
        names.into_iter().find(|name| name.len() <= 4096 && is_free(name))
    }

    /// A parent that has the name of the item or of the tensor in its file.
    fn parent_named(
        &self,
        item: &str,
        tensor: &str,
        descriptor: &TensorDescriptor,
    ) -> Result<Option<TensorParent<'static>>> {
        match self.parent_tensor(item, descriptor)? {
            None if item != tensor => self.parent_tensor(tensor, descriptor),
            found => Ok(found),
        }
    }
}
