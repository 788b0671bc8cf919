use holotype::{Archive, Error, FileMap, ItemKind};
use serde_json::json;
use std::io;
use std::sync::{Arc, OnceLock};

/// Items in one answer about items.
const MAX_LISTED: usize = 1000;

/// An archive, and where its bytes are once someone asked.
pub(super) struct Served {
    archive: Arc<Archive>,
    stream: OnceLock<FileMap>,
}

/// Bytes that are served: of the archive as it lies, or of what is in it.
pub(super) struct Content {
    archive: Arc<Archive>,
    /// None for the archive itself.
    map: Option<FileMap>,
}

/// What lies under a path.
pub(super) enum Found {
    Content(Content),
    /// JSON.
    Text(String),
    Nothing,
    /// It is there, in a form that is not served.
    Unserved(String),
}

impl Served {
    pub(super) fn new(archive: Archive) -> Self {
        Self { archive: Arc::new(archive), stream: OnceLock::new() }
    }

    /// The entity tag of everything in the archive.
    pub(super) fn etag(&self) -> String {
        format!("\"{}\"", self.archive.seal_hex())
    }

    /// What lies under the decoded `path`; names are looked up in the archive and nowhere else.
    pub(super) fn find(&self, path: &str, query: &str) -> Result<Found, Error> {
        let archive = &self.archive;
        let content = |map| Ok(Found::Content(Content { archive: Arc::clone(archive), map }));
        match path {
            "/" => Ok(Found::Text(self.summary().to_string())),
            "/archive" => content(None),
            "/stream" => {
                let map = match self.stream.get() {
                    Some(map) => map,
                    None => {
                        let map = archive.stream_map()?;
                        self.stream.get_or_init(|| map)
                    }
                };
                content(Some(map.clone()))
            }
            "/items" | "/items/" => self.items(query).map(Found::Text),
            path => {
                let Some(name) = path.strip_prefix("/items/") else { return Ok(Found::Nothing) };
                match archive.kind(name) {
                    Err(Error::NotFound { .. }) => Ok(Found::Nothing),
                    Err(error) => Err(error),
                    Ok(ItemKind::File | ItemKind::Tensor) => content(Some(archive.content_map(name)?)),
                    Ok(_) if archive.item(name)?.file().is_some() => {
                        content(Some(archive.content_map(name)?))
                    }
                    Ok(kind) => {
                        let kind = kind.name();
                        Ok(Found::Unserved(format!(
                            "`{name}` is of the kind {kind}; read it through /archive"
                        )))
                    }
                }
            }
        }
    }

    fn summary(&self) -> serde_json::Value {
        let archive = &self.archive;
        json!({
            "seal": archive.seal_hex(), "revision": archive.revision(), "n_items": archive.n_items(),
            "archive_bytes": archive.n_bytes(), "archive": "/archive", "stream": "/stream", "items": "/items",
        })
    }

    /// Items by name, a thousand at most, from `after=NAME` on.
    fn items(&self, query: &str) -> Result<String, Error> {
        let after = query.split('&').find_map(|part| part.strip_prefix("after="));
        let after = after.and_then(super::respond::decoded).unwrap_or_default();
        // One more, since `after` itself is the first.
        let mut items = self.archive.items_from(&after, MAX_LISTED + 1)?;
        items.retain(|item| item.name() != after);
        items.truncate(MAX_LISTED);
        let values: Vec<_> = items
            .iter()
            .map(|item| {
                json!({
                    "name": item.name(), "kind": item.kind().name(), "raw_bytes": item.raw_bytes(),
                    "sha256": item.content_sha256_hex(), "path": format!("/items/{}", super::respond::encoded(item.name())),
                })
            })
            .collect();
        Ok(json!({ "items": values }).to_string())
    }
}

impl Content {
    pub(super) fn n_bytes(&self) -> u64 {
        self.map.as_ref().map_or_else(|| self.archive.n_bytes(), FileMap::n_bytes)
    }

    /// Fills `out`; bytes of items are checked first, those of the archive as it lies by whoever reads them.
    pub(super) fn read_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let read = match &self.map {
            Some(map) => self.archive.read_at(map, offset_bytes, out),
            None => self.archive.read_stored(offset_bytes, out).map(|()| out.len()),
        };
        match read {
            Ok(n) if n == out.len() => Ok(()),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}
