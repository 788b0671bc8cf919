//! The part of a frame that differs from the one before.

use super::canvas::Place;
use crate::{Frame, ImageDescriptor};

/// The smallest rectangle that holds all pixels of `frame` that `before` has not; one pixel if there are none; all of
/// the frame if nothing is before it.
pub(super) fn changed(before: Option<&[u8]>, frame: &Frame) -> Place {
    let ImageDescriptor { width, height, .. } = frame.descriptor;
    let whole = Place { x: 0, y: 0, width, height };
    let (Some(before), Some(row_bytes)) = (before, frame.descriptor.row_bytes()) else { return whole };
    let pixel_bytes = frame.descriptor.pixel_bytes();
    let mut found: Option<(u32, u32, u32, u32)> = None;
    let rows = before.chunks_exact(row_bytes).zip(frame.samples.chunks_exact(row_bytes));
    for (y, (old, new)) in (0..).zip(rows) {
        if old == new {
            continue;
        }
        let differs = |(a, b): (&u8, &u8)| a != b;
        let first = old.iter().zip(new).position(differs).unwrap_or(0) / pixel_bytes;
        let last = old.iter().zip(new).rposition(differs).unwrap_or(0) / pixel_bytes;
        let (left, top, right, _) = found.unwrap_or((first as u32, y, last as u32, y));
        found = Some((left.min(first as u32), top, right.max(last as u32), y));
    }
    found.map_or(Place { width: 1, height: 1, ..whole }, |(left, top, right, bottom)| Place {
        x: left,
        y: top,
        width: right - left + 1,
        height: bottom - top + 1,
    })
}

/// The samples of a place in a frame, row after row.
pub(super) fn cut(frame: &Frame, place: Place) -> Vec<u8> {
    let pixel_bytes = frame.descriptor.pixel_bytes();
    let row_bytes = frame.descriptor.row_bytes().unwrap_or(usize::MAX);
    let (start, n) = (place.x as usize * pixel_bytes, place.width as usize * pixel_bytes);
    let rows = frame.samples.chunks_exact(row_bytes).skip(place.y as usize).take(place.height as usize);
    rows.flat_map(|row| &row[start..start + n]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleType;

    #[test]
    fn what_changed_is_found() {
        let mut frame = Frame::new(ImageDescriptor::new(4, 3, 1, SampleType::U8), (0..12).collect(), 0);
        let before = frame.samples.clone();
        let all = Place { x: 0, y: 0, width: 4, height: 3 };
        assert_eq!(changed(None, &frame), all);
        assert_eq!(changed(Some(&before), &frame), Place { width: 1, height: 1, ..all });
        frame.samples[6] = 99;
        frame.samples[9] = 98;
        let place = changed(Some(&before), &frame);
        assert_eq!(place, Place { x: 1, y: 1, width: 2, height: 2 });
        assert_eq!(cut(&frame, place), [5, 99, 98, 10]);
    }
}
