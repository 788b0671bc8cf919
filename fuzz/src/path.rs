use std::env;
use std::sync::LazyLock;

/// The coders of plane tiles by their ids.
const PLANES: [&str; 5] = ["rice", "adaptive", "wavefront", "archival", "lanes"];
/// The coders of whole pixels by their ids.
const INDEXED: [&str; 5] = ["runs", "copies", "palette", "mixing", "bulk"];

/// The path `HOLOTYPE_FUZZ_PATH` names, to which a run keeps.
static ASKED: LazyLock<Option<String>> = LazyLock::new(|| {
    let asked = env::var("HOLOTYPE_FUZZ_PATH").ok()?;
    let others = ["direct", "folded", "digits", "holes"];
    let is_known = others.iter().chain(&PLANES).chain(&INDEXED).any(|name| *name == asked);
    assert!(is_known, "no path of tiles is named {asked}");
    Some(asked)
});

/// True if this tile is to be decoded in this run: its path is the one asked for, or none is.
pub fn is_asked(coded: &[u8]) -> bool {
    ASKED.as_deref().is_none_or(|asked| path_of(coded) == Some(asked))
}

/// The path or coder of a tile (`docs/codecs.md` §1, §2).
fn path_of(coded: &[u8]) -> Option<&'static str> {
    let (path, rest) = coded.split_first()?;
    match path {
        1 => Some("direct"),
        2 => {
            let (size, rest) = rest.split_first_chunk::<3>()?;
            let n_header = u32::from_le_bytes([size[0], size[1], size[2], 0]) as usize;
            PLANES.get(usize::from(*rest.get(n_header)?)).copied()
        }
        3 => INDEXED.get(usize::from(*rest.first()?)).copied(),
        4 => Some("folded"),
        6 => Some("digits"),
        7 => Some("holes"),
        _ => None,
    }
}
