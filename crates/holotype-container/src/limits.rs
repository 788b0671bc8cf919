/// What a reader accepts before it allocates; the defaults fit any archive this version writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the root record; default 64 MiB.
    pub max_root_bytes: u64,
    /// Bytes of one uncompressed manifest page; default 16 MiB.
    pub max_page_bytes: u64,
    /// Bytes of one block, stored or raw; default 4 GiB.
    pub max_block_bytes: u64,
    /// Bytes of an item's name; default 4096.
    pub max_name_bytes: u64,
    /// Extents of an item; default 2²⁴.
    pub max_extents: u64,
    /// Nesting of a CBOR value; default 16.
    pub max_cbor_depth: u32,
    /// Memory an archive may demand for a password, in KiB; default 1 GiB.
    pub max_kdf_memory_kib: u64,
    /// Passes an archive may demand for a password; default 64.
    pub max_kdf_passes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_root_bytes: 64 << 20,
            max_page_bytes: 16 << 20,
            max_block_bytes: 4 << 30,
            max_name_bytes: 4096,
            max_extents: 1 << 24,
            max_cbor_depth: 16,
            max_kdf_memory_kib: 1 << 20,
            max_kdf_passes: 64,
        }
    }
}
