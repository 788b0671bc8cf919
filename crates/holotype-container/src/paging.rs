use crate::block::encode_blocks;
use crate::cbor::{self, Value};
use crate::page::build_frame;
use crate::{BlockRecord, FrameType, PageRef, Sealer, frame_hash};

/// A page of a table in the making. Spec §5.2.
#[derive(Debug)]
pub struct PageDraft<'a> {
    n_entries: usize,
    entries: Entries<'a>,
}

/// The entries of a page.
#[derive(Debug)]
enum Entries<'a> {
    /// Encoded item records.
    Items(Vec<&'a [u8]>),
    Blocks(&'a [BlockRecord]),
    /// Encoded chunk records, one after another.
    Chunks(&'a [u8]),
}

impl<'a> PageDraft<'a> {
    pub(crate) fn of_items(records: Vec<&'a [u8]>) -> Self {
        Self { n_entries: records.len(), entries: Entries::Items(records) }
    }

    pub(crate) fn of_blocks(blocks: &'a [BlockRecord]) -> Self {
        Self { n_entries: blocks.len(), entries: Entries::Blocks(blocks) }
    }

    pub(crate) fn of_chunks(n_entries: usize, records: &'a [u8]) -> Self {
        Self { n_entries, entries: Entries::Chunks(records) }
    }

    /// The frames of pages, one after the other.
    #[must_use]
    pub fn frames(pages: Vec<PageDraft<'_>>) -> Vec<Vec<u8>> {
        pages.iter().map(PageDraft::frame).collect()
    }

    /// The page's frame, compressed if that is smaller: what takes long about a page, and depends on no other.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        match &self.entries {
            Entries::Items(records) => build_frame(FrameType::Page, &array_of_encoded(records)),
            Entries::Blocks(blocks) => {
                let mut payload = Vec::new();
                encode_blocks(blocks, &mut payload);
                build_frame(FrameType::Page, &payload)
            }
            Entries::Chunks(records) => build_frame(FrameType::Page, records),
        }
    }
}

/// Makes the frames of pages, one for each, in their order: [`PageDraft::frames`], or the same on threads.
pub type FramePages<'f> = &'f dyn Fn(Vec<PageDraft<'_>>) -> Vec<Vec<u8>>;

/// Pages whose frames are made together: enough for many threads, little to hold beside all that were made.
const N_AT_ONCE: usize = 128;

/// A reference to a page, in the order of a table.
pub(crate) enum PageSlot {
    /// A page of an earlier revision.
    Kept(Value),
    /// First key, and the page's place among [`Pages`].
    New(Value, usize),
}

/// Pages in the making, in the order they will lie in.
#[derive(Default)]
pub(crate) struct Pages<'a>(Vec<PageDraft<'a>>);

impl<'a> Pages<'a> {
    /// Appends a page whose first entry has the key `first`.
    pub(crate) fn push(&mut self, first: Value, page: PageDraft<'a>) -> PageSlot {
        self.0.push(page);
        PageSlot::New(first, self.0.len() - 1)
    }

    /// Makes the frames, the first of which lies at `offset_bytes`.
    pub(crate) fn place(
        self,
        offset_bytes: u64,
        sealer: Option<&Sealer>,
        frame_pages: FramePages<'_>,
    ) -> PlacedPages {
        let mut placed = PlacedPages { frames: Vec::new(), refs: Vec::with_capacity(self.0.len()) };
        let mut pages = self.0.into_iter().peekable();
        while pages.peek().is_some() {
            let batch: Vec<PageDraft<'_>> = pages.by_ref().take(N_AT_ONCE).collect();
            let n_entries: Vec<usize> = batch.iter().map(|page| page.n_entries).collect();
            for (frame, n_entries) in frame_pages(batch).into_iter().zip(n_entries) {
                placed.push(frame, n_entries, offset_bytes, sealer);
            }
        }
        placed
    }
}

/// Pages whose places are known.
pub(crate) struct PlacedPages {
    /// All frames, one after another.
    pub(crate) frames: Vec<u8>,
    refs: Vec<PageRef<()>>,
}

impl PlacedPages {
    /// Appends a page's frame, sealed; the first of all lies at `first_bytes`.
    fn push(&mut self, mut frame: Vec<u8>, n_entries: usize, first_bytes: u64, sealer: Option<&Sealer>) {
        let offset_bytes = first_bytes + self.frames.len() as u64;
        if let Some(sealer) = sealer {
            frame = sealer.seal_frame(FrameType::Page, offset_bytes, &frame);
        }
        let (n_entries, frame_bytes) = (n_entries as u64, frame.len() as u64);
        self.refs.push(PageRef { first: (), n_entries, offset_bytes, frame_bytes, hash: frame_hash(&frame) });
        self.frames.extend_from_slice(&frame);
    }

    /// The references of a table, as stored.
    pub(crate) fn references(&self, slots: Vec<PageSlot>) -> Value {
        let stored = slots.into_iter().map(|slot| match slot {
            PageSlot::Kept(reference) => reference,
            PageSlot::New(first, place) => self.refs[place].to_value(first),
        });
        Value::Array(stored.collect())
    }
}

/// An array of records that are encoded already.
pub(crate) fn array_of_encoded(records: &[&[u8]]) -> Vec<u8> {
    let mut payload = Vec::new();
    cbor::put_array_head(&mut payload, records.len() as u64);
    records.iter().for_each(|record| payload.extend_from_slice(record));
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn pages_lie_one_after_another_however_many_are_made_together() {
        let records: Vec<u8> = (0..=255).cycle().take(2 * N_AT_ONCE + 50).collect();
        let n_pages = 2 * N_AT_ONCE + 1;
        let page = |i: usize| PageDraft::of_chunks(i + 1, &records[..i % 50 + 1]);
        let mut pages = Pages::default();
        let mut slots = vec![PageSlot::Kept(Value::Unsigned(7))];
        slots.extend((0..n_pages).map(|i| pages.push(Value::Unsigned(i as u64), page(i))));
        let batches = RefCell::new(Vec::new());
        let placed = pages.place(1000, None, &|pages| {
            batches.borrow_mut().push(pages.len());
            PageDraft::frames(pages)
        });
        assert_eq!(batches.into_inner(), [N_AT_ONCE, N_AT_ONCE, 1]);
        assert_eq!(
            placed.frames,
            (0..n_pages)
                .flat_map(|i| build_frame(FrameType::Page, &records[..i % 50 + 1]))
                .collect::<Vec<u8>>()
        );
        let mut at = 0;
        for (i, found) in placed.refs.iter().enumerate() {
            let frame = &placed.frames[at..][..found.frame_bytes as usize];
            assert_eq!((found.n_entries, found.offset_bytes), (i as u64 + 1, 1000 + at as u64));
            assert_eq!(found.hash, frame_hash(frame));
            at += frame.len();
        }
        assert_eq!(at, placed.frames.len());
        let Value::Array(stored) = placed.references(slots) else { panic!("it is an array") };
        assert_eq!((stored.len(), &stored[0]), (n_pages + 1, &Value::Unsigned(7)));
        assert_eq!(stored[n_pages], placed.refs[n_pages - 1].to_value(Value::Unsigned(n_pages as u64 - 1)));
    }
}
