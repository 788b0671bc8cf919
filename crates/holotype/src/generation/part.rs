use crate::{Error, ItemKind, Result};
use holotype_container::hex;
use serde_json::{Map, Value};

/// What an item is to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartRole {
    /// A picture that was made, or went in.
    Image,
    /// A mask.
    Mask,
    /// A tensor: noise, a latent, an embedding.
    Latent,
    /// Any other file.
    Attachment,
}

impl PartRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Image, Self::Mask, Self::Latent, Self::Attachment];

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Mask => "mask",
            Self::Latent => "latent",
            Self::Attachment => "attachment",
        }
    }

    /// Inverse of [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// True if an item of this kind can be such a part.
    #[must_use]
    pub fn fits(self, kind: ItemKind) -> bool {
        match self {
            Self::Image | Self::Mask => matches!(kind, ItemKind::Image | ItemKind::File),
            Self::Latent => kind == ItemKind::Tensor,
            Self::Attachment => kind == ItemKind::File,
        }
    }
}

/// An item that belongs to a record, named and known by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Name of the item in the archive.
    pub item: String,
    /// What it is to the record.
    pub role: PartRole,
    /// What it is called in the record.
    pub name: String,
    /// SHA-256 of the item's content, in hexadecimal.
    pub sha256: String,
}

impl Part {
    /// The part that an item is, called by the item's name.
    #[must_use]
    pub fn new(item: &str, role: PartRole, content_sha256: [u8; 32]) -> Self {
        Self { item: item.to_owned(), role, name: item.to_owned(), sha256: hex(&content_sha256) }
    }

    /// Sets [`Self::name`].
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(super) fn to_value(&self) -> Value {
        let Self { item, role, name, sha256 } = self;
        let mut map = Map::new();
        map.insert("item".into(), item.clone().into());
        map.insert("role".into(), role.name().into());
        if name != item {
            map.insert("name".into(), name.clone().into());
        }
        map.insert("sha256".into(), sha256.clone().into());
        Value::Object(map)
    }

    /// A part of a record that satisfies the schema.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let item = text("item")?;
        let name = text("name").unwrap_or_else(|| item.clone());
        Some(Self { role: PartRole::from_name(&text("role")?)?, sha256: text("sha256")?, item, name })
    }

    /// Checks that this is the item that was meant.
    ///
    /// # Errors
    /// `NotFound` if the item is not there; `Corrupt` if it has another content or is of another kind.
    pub(crate) fn check(&self, archive: &crate::Archive) -> Result<()> {
        let item = archive.item(&self.item)?;
        if !self.role.fits(item.kind()) {
            return Err(item.broken("it is of another kind than the generation record says"));
        }
        let found = item.content_sha256_hex();
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::ContentHash { item: self.item.clone(), expected: self.sha256.clone(), found })
    }
}
