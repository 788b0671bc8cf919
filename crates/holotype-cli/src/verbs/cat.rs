use super::open::open;
use crate::args::Cat;
use crate::exit::{Exit, Failure};
use holotype::{Error, FrameCache, ItemKind, Region};
use std::io::Write as _;

/// Bytes of a range written at a time.
const RANGE_BYTES: usize = 1 << 20;

pub(crate) fn run(args: &Cat) -> Result<Exit, Failure> {
    let archive = open(&args.input, &args.access)?;
    let name = match &args.item {
        Some(name) => name.clone(),
        None => {
            let names: Vec<String> = archive.items()?.iter().map(|item| item.name().to_owned()).collect();
            let [name] = names.as_slice() else {
                return Err(Failure::usage(format!("the archive holds {} items", names.len()))
                    .with_hint("name one; `holo list` names them"));
            };
            name.clone()
        }
    };
    let mut out = std::io::stdout().lock();
    let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(|e| Error::io("-", e));
    let mut kind = archive.kind(&name)?;
    if kind == ItemKind::Image && args.region.is_none() && archive.item(&name)?.file().is_some() {
        kind = ItemKind::File;
    }
    match kind {
        ItemKind::Image if args.range.is_some() => {
            return Err(Failure::usage("an image has regions, no ranges"));
        }
        ItemKind::Image => {
            let image = archive.image(&name)?;
            image.read_bands(args.region.unwrap_or(Region::whole(image.descriptor())), 0, &mut write)?;
        }
        ItemKind::File | ItemKind::Tensor if args.range.is_some() => {
            let (start, end) = args.range.unwrap_or_default();
            let map = archive.content_map(&name)?;
            let end = end.unwrap_or(u64::MAX).min(map.n_bytes());
            let mut at = start.min(end);
            let mut part = vec![0; RANGE_BYTES];
            while at < end {
                let n = usize::try_from(end - at).map_or(RANGE_BYTES, |n| n.min(RANGE_BYTES));
                let n = archive.read_at(&map, at, &mut part[..n])?;
                write(&part[..n])?;
                at += n as u64;
            }
        }
        ItemKind::File if args.region.is_none() => archive.read_file(&name, &mut write)?,
        ItemKind::File => return Err(Failure::usage("a file has no region")),
        ItemKind::Generation if args.region.is_none() && args.range.is_none() => {
            write(archive.generation(&name)?.record().to_json().as_bytes())?;
        }
        ItemKind::Tensor if args.region.is_none() => write(&archive.tensor(&name)?.read()?)?,
        ItemKind::Tensor => return Err(Failure::usage("a region is of an image")),
        ItemKind::Audio if args.region.is_none() && args.range.is_none() => {
            write(&archive.audio(&name)?.read()?)?;
        }
        ItemKind::Animation if args.region.is_none() && args.range.is_none() => {
            let animation = archive.animation(&name)?;
            let mut cache = FrameCache::default();
            for frame in 0..animation.description().n_frames {
                let mut samples =
                    vec![0; usize::try_from(animation.frame_bytes(frame)?).unwrap_or(usize::MAX)];
                animation.read_frame_into(frame, &mut samples, &mut cache, 0)?;
                write(&samples)?;
            }
        }
        kind => {
            return Err(Failure::new(
                Exit::Error,
                format!("`{name}` is of a kind not written here: {kind:?}"),
            ));
        }
    }
    out.flush().map_err(|e| Error::io("-", e))?;
    Ok(Exit::Good)
}
