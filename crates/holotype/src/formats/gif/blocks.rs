use super::{AFTER_TRAILER, APPLICATION, ICC_ID, NAME, XMP_ID, xmp_trailer};
use crate::formats::Input;
use crate::formats::held::{limit, read_bytes};
use crate::{Error, Limits, Metadata, MetadataKind, Result};
use std::io::{Read as _, SeekFrom};

/// About what is kept of a frame beside its data.
const FRAME_BYTES: u64 = 128;

/// A frame, still packed.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) left: u16,
    pub(super) top: u16,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) is_interlaced: bool,
    pub(super) palette: Option<Vec<u8>>,
    /// Flags, delay (two bytes), transparent index of the graphic control extension before it.
    pub(super) control: Option<[u8; 4]>,
    pub(super) code_bits: u8,
    pub(super) data: Vec<u8>,
}

/// A file taken apart.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) screen: (u16, u16),
    pub(super) background: u8,
    pub(super) aspect: u8,
    pub(super) palette: Option<Vec<u8>>,
    /// Those that are kept.
    pub(super) frames: Vec<Frame>,
    pub(super) n_frames: u64,
    pub(super) metadata: Metadata,
}

/// True if the file has more than one frame. The position is restored.
pub(in crate::formats) fn is_animated(input: &mut dyn Input) -> Result<bool> {
    let start = |e| Error::source_format(NAME, e);
    let blocks =
        Walker { input, limits: &Limits::default(), keeps: false, max_kept: 0, n_kept: 0, n_coded: 0 }
            .walk(2)?;
    input.seek(SeekFrom::Start(0)).map_err(start)?;
    Ok(blocks.n_frames > 1)
}

/// Takes a file apart; of its frames the first is kept, and after `max_frames` the rest is not looked at.
pub(super) fn read(input: &mut dyn Input, limits: &Limits, max_frames: u64) -> Result<Blocks> {
    Walker { input, limits, keeps: true, max_kept: 1, n_kept: 0, n_coded: 0 }.walk(max_frames)
}

/// Takes a file apart and keeps all frames.
pub(super) fn read_all(input: &mut dyn Input, limits: &Limits) -> Result<Blocks> {
    Walker { input, limits, keeps: true, max_kept: usize::MAX, n_kept: 0, n_coded: 0 }.walk(u64::MAX)
}

struct Walker<'a> {
    input: &'a mut dyn Input,
    limits: &'a Limits,
    /// False to only count frames.
    keeps: bool,
    /// Frames that are kept, the first ones.
    max_kept: usize,
    /// Bytes of metadata so far.
    n_kept: u64,
    /// Bytes of kept frames so far.
    n_coded: u64,
}

impl Walker<'_> {
    fn walk(mut self, max_frames: u64) -> Result<Blocks> {
        self.input.seek(SeekFrom::Start(6)).map_err(damaged)?;
        let screen = self.bytes(7)?;
        let mut blocks = Blocks {
            screen: (u16_at(&screen, 0), u16_at(&screen, 2)),
            background: screen[5],
            aspect: screen[6],
            palette: self.palette(screen[4])?,
            ..Blocks::default()
        };
        let mut control = None;
        while blocks.n_frames < max_frames {
            match self.bytes(1)?[0] {
                0x2c => {
                    let keeps = blocks.frames.len() < self.max_kept;
                    let frame = self.frame(control.take(), keeps)?;
                    blocks.n_frames += 1;
                    self.n_coded += frame.data.len() as u64 + FRAME_BYTES;
                    if keeps {
                        limit("the size of the GIF frames", self.n_coded, self.limits.max_decoded_bytes)?;
                        blocks.frames.push(frame);
                    }
                }
                0x21 => {
                    let label = self.bytes(1)?[0];
                    let (raw, data) = self.sub_blocks(self.keeps)?;
                    self.extension(label, &raw, data, &mut control, &mut blocks.metadata)?;
                }
                // A stray end of sub-blocks.
                0 => {}
                0x3b => {
                    self.after_trailer(&mut blocks.metadata)?;
                    break;
                }
                other => return Err(Error::source_format(NAME, format!("{other:#x} starts no block"))),
            }
        }
        Ok(blocks)
    }

    fn bytes(&mut self, n: u64) -> Result<Vec<u8>> {
        read_bytes(NAME, self.input, n)
    }

    fn palette(&mut self, flags: u8) -> Result<Option<Vec<u8>>> {
        if flags & 0x80 == 0 {
            return Ok(None);
        }
        self.bytes(3 << ((flags & 7) + 1)).map(Some)
    }

    fn frame(&mut self, control: Option<[u8; 4]>, keeps: bool) -> Result<Frame> {
        let head = self.bytes(9)?;
        let palette = self.palette(head[8])?;
        let code_bits = self.bytes(1)?[0];
        let (_, data) = self.sub_blocks(self.keeps && keeps)?;
        Ok(Frame {
            left: u16_at(&head, 0),
            top: u16_at(&head, 2),
            width: u16_at(&head, 4),
            height: u16_at(&head, 6),
            is_interlaced: head[8] & 0x40 != 0,
            palette,
            control,
            code_bits,
            data,
        })
    }

    /// A chain of sub-blocks: as it lies in the file without its end, and its data.
    fn sub_blocks(&mut self, keeps: bool) -> Result<(Vec<u8>, Vec<u8>)> {
        let (mut raw, mut data) = (Vec::new(), Vec::new());
        loop {
            let n = self.bytes(1)?[0];
            if n == 0 {
                return Ok((raw, data));
            }
            let part = self.bytes(u64::from(n))?;
            if keeps {
                limit("the size of a GIF block", data.len() as u64, self.limits.max_decoded_bytes)?;
                raw.push(n);
                raw.extend_from_slice(&part);
                data.extend_from_slice(&part);
            }
        }
    }

    fn extension(
        &mut self,
        label: u8,
        raw: &[u8],
        data: Vec<u8>,
        control: &mut Option<[u8; 4]>,
        metadata: &mut Metadata,
    ) -> Result<()> {
        if !self.keeps {
            return Ok(());
        }
        self.n_kept += raw.len() as u64;
        limit("the size of the metadata", self.n_kept, self.limits.max_metadata_bytes)?;
        match label {
            0xf9 => {
                let fields = <[u8; 4]>::try_from(data);
                *control =
                    Some(fields.map_err(|_| Error::source_format(NAME, "a control block is malformed"))?);
            }
            0xfe => metadata.push(MetadataKind::Comment, "", data),
            0xff if raw.first() == Some(&11) => {
                let (id, rest) = data.split_at(11);
                // Read as sub-blocks, the packet ends within what stands behind it or one byte before its end.
                let trailer = xmp_trailer();
                let packet = raw[12..].strip_suffix(trailer.as_slice());
                let packet = packet.or_else(|| raw[12..].strip_suffix(&trailer[..trailer.len() - 1]));
                match packet {
                    Some(packet) if id == XMP_ID => metadata.push(MetadataKind::Xmp, "", packet),
                    _ if id == ICC_ID => metadata.push(MetadataKind::Icc, "", rest),
                    _ => {
                        let name: String = id.iter().map(|&b| char::from(b)).collect();
                        metadata.push(MetadataKind::User, format!("{APPLICATION}{name}"), &raw[12..]);
                    }
                }
            }
            other => return Err(Error::unsupported(format!("GIF with the extension {other:#x}"))),
        }
        Ok(())
    }

    fn after_trailer(&mut self, metadata: &mut Metadata) -> Result<()> {
        let mut after = Vec::new();
        let n = self.limits.max_metadata_bytes.saturating_add(1);
        (&mut *self.input).take(n).read_to_end(&mut after).map_err(damaged)?;
        limit("the size of what follows the GIF", after.len() as u64, self.limits.max_metadata_bytes)?;
        if self.keeps && !after.is_empty() {
            metadata.push(MetadataKind::User, AFTER_TRAILER, after);
        }
        Ok(())
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn damaged(error: std::io::Error) -> Error {
    Error::source_format(NAME, error)
}
