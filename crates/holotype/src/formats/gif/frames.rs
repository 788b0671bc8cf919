//! The frames of a GIF file as they are shown.

use super::blocks::{self, Blocks, Frame};
use super::reader::indices;
use super::{APPLICATION, NAME, SCREEN};
use crate::formats::Input;
use crate::formats::animated::{AnimationInfo, AnimationReader};
use crate::formats::canvas::{CanvasKind, Dispose, Drawing, Drawn, Pictures, Place};
use crate::formats::held::{check_size, whole_bytes};
use crate::{Error, ImageDescriptor, Limits, MetadataKind, Result, SampleType};

/// Identifiers of the extension that says how often to repeat.
pub(super) const LOOPS: [&str; 2] = ["NETSCAPE2.0", "ANIMEXTS1.0"];

/// Opens an animation. Its compressed frames are held in memory.
pub(in crate::formats) fn open_animation<'a>(
    mut input: Box<dyn Input + 'a>,
    limits: &Limits,
) -> Result<Box<dyn AnimationReader + 'a>> {
    let mut blocks = blocks::read_all(input.as_mut(), limits)?;
    let (width, height) = (u32::from(blocks.screen.0), u32::from(blocks.screen.1));
    let kind = CanvasKind { width, height, n_colours: 3, sample: SampleType::U8, bits: 8, has_alpha: false };
    let descriptor = kind.descriptor(true);
    check_size(NAME, &descriptor, limits)?;
    whole_bytes(&descriptor, limits)?;
    let mut info = AnimationInfo::new(descriptor);
    let mut metadata = std::mem::take(&mut blocks.metadata);
    // Without the extension once; with it so many times more.
    info.loop_count = 1;
    metadata.entries.retain(|entry| {
        let id = entry.key.strip_prefix(APPLICATION);
        let is_loop = entry.kind == MetadataKind::User && id.is_some_and(|id| LOOPS.contains(&id));
        match entry.data.as_slice() {
            [3, 1, low, high] if is_loop => {
                info.loop_count = match u64::from(u16::from_le_bytes([*low, *high])) {
                    0 => 0,
                    again => again + 1,
                };
                false
            }
            _ => true,
        }
    });
    if blocks.aspect != 0 {
        let screen = format!("{width} {height} 0 0 0 {}", blocks.aspect);
        metadata.push(MetadataKind::User, SCREEN, screen);
    }
    metadata.push(MetadataKind::SourceFormat, "", "gif");
    info.metadata = metadata;
    if let Some(control) = blocks.frames.iter().filter_map(|frame| frame.control).find(|c| c[0] >> 2 & 7 > 3)
    {
        return Err(Error::unsupported(format!("GIF with the disposal {}", control[0] >> 2 & 7)));
    }
    let waits = blocks.frames.iter().position(|frame| frame.control.is_some_and(|c| c[0] & 0xe2 != 0));
    if let Some(frame) = waits {
        return Err(Error::unsupported(format!(
            "GIF whose frame {frame} waits for the user, or has unknown flags"
        )));
    }
    Ok(Box::new(Drawn::new(NAME, &kind, Stored { blocks, limits: *limits }, info, false)?))
}

struct Stored {
    blocks: Blocks,
    limits: Limits,
}

impl Pictures for Stored {
    fn n_pictures(&self) -> usize {
        self.blocks.frames.len()
    }

    fn drawing(&self, i: usize) -> Drawing {
        let frame = &self.blocks.frames[i];
        let [flags, low, high, _] = frame.control.unwrap_or_default();
        Drawing {
            place: Place {
                x: u32::from(frame.left),
                y: u32::from(frame.top),
                width: u32::from(frame.width),
                height: u32::from(frame.height),
            },
            is_over: true,
            dispose: match flags >> 2 & 7 {
                2 => Dispose::Clear,
                3 => Dispose::Restore,
                _ => Dispose::Keep,
            },
            delay: u64::from(u16::from_le_bytes([low, high])) * 10,
        }
    }

    fn read(&mut self, i: usize) -> Result<Vec<u16>> {
        let frame: &Frame = &self.blocks.frames[i];
        let palette = frame.palette.as_ref().or(self.blocks.palette.as_ref());
        let palette = palette.ok_or_else(|| Error::unsupported("GIF without a palette"))?.as_chunks::<3>().0;
        let clear = frame.control.filter(|control| control[0] & 1 == 1).map(|control| control[3]);
        let plain = ImageDescriptor::new(frame.width.into(), frame.height.into(), 1, SampleType::U8);
        let indices = indices(frame, whole_bytes(&plain, &self.limits)?)?;
        let mut out = Vec::with_capacity(indices.len() * 4);
        for index in indices {
            if clear == Some(index) {
                out.extend_from_slice(&[0; 4]);
                continue;
            }
            let past = || Error::source_format(NAME, format!("frame {i} has an index past its palette"));
            let [r, g, b] = palette.get(usize::from(index)).ok_or_else(past)?.map(u16::from);
            out.extend_from_slice(&[r, g, b, 255]);
        }
        Ok(out)
    }
}
