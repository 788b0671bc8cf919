//! What `ffprobe` knows of a video: its size, its pixel format and when each frame is shown.

use super::{NAME, program};
use crate::{Error, Result, TimeBase};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;

/// Bytes of what `ffprobe` may tell.
const MAX_PROBE_BYTES: u64 = 256 << 20;

/// The first video stream of a file.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel_format: String,
    pub(super) time_base: TimeBase,
    /// Ticks that each frame is shown.
    pub(super) delays: Vec<u64>,
    pub(super) has_sound: bool,
}

fn ask(path: &Path, stream: &str, entries: &str) -> Result<Value> {
    let path = program::plain(path);
    let arguments: Vec<&OsStr> =
        vec!["-select_streams".as_ref(), stream.as_ref(), "-show_entries".as_ref(), entries.as_ref()];
    let arguments = [arguments, vec!["-of".as_ref(), "json".as_ref(), &path]].concat();
    let text = program::output("ffprobe", &arguments, MAX_PROBE_BYTES)?;
    serde_json::from_slice(&text).map_err(|e| Error::source_format(NAME, e))
}

pub(super) fn probe(path: &Path) -> Result<Probe> {
    let entries = "stream=width,height,pix_fmt,time_base,avg_frame_rate,r_frame_rate:packet=pts,duration";
    let told = ask(path, "v:0", entries)?;
    let missing = |what: &str| Error::source_format(NAME, format!("there is no {what}"));
    let stream = told["streams"].get(0).ok_or_else(|| missing("video stream"))?;
    let side = |name: &str| stream[name].as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let (Some(width), Some(height)) = (side("width"), side("height")) else { return Err(missing("size")) };
    let base = fraction(&stream["time_base"], "/").ok_or_else(|| missing("time base"))?;
    let packets = told["packets"].as_array().ok_or_else(|| missing("frame"))?;
    let mut times: Vec<(i64, u64)> = packets
        .iter()
        .map(|packet| Some((packet["pts"].as_i64()?, packet["duration"].as_u64().unwrap_or(0))))
        .collect::<Option<_>>()
        .ok_or_else(|| missing("time of a frame"))?;
    times.sort_unstable();
    let rates = ["avg_frame_rate", "r_frame_rate"].map(|name| fraction(&stream[name], "/"));
    let (time_base, delays) = match rates {
        [Some(rate), Some(same)] if rate == same && is_steady(&times, base, rate) => {
            (TimeBase::new(rate.1, rate.0)?, vec![1; times.len()])
        }
        _ => (TimeBase::new(base.0, base.1)?, delays(&times)),
    };
    let has_sound = ask(path, "a", "stream=index")?["streams"].get(0).is_some();
    let pixel_format = stream["pix_fmt"].as_str().ok_or_else(|| missing("pixel format"))?.to_owned();
    Ok(Probe { width, height, pixel_format, time_base, delays, has_sound })
}

fn fraction(text: &Value, between: &str) -> Option<(u32, u32)> {
    let (numerator, denominator) = text.as_str()?.split_once(between)?;
    let (numerator, denominator) = (numerator.parse().ok()?, denominator.parse().ok()?);
    (numerator > 0 && denominator > 0).then_some((numerator, denominator))
}

/// True if frame i is shown at i / rate seconds, to a tick of the file's coarser clock.
fn is_steady(times: &[(i64, u64)], base: (u32, u32), rate: (u32, u32)) -> bool {
    let Some((first, _)) = times.first() else { return false };
    (0_i128..).zip(times).all(|(i, (time, _))| {
        let ticks = i128::from(time - first) * i128::from(base.0) * i128::from(rate.0);
        let expected = i * i128::from(base.1) * i128::from(rate.1);
        let tick = i128::from(base.0) * i128::from(rate.0);
        (ticks - expected).abs() <= tick
    })
}

/// From each frame to the next; the last as long as it says, or as the one before.
fn delays(times: &[(i64, u64)]) -> Vec<u64> {
    let mut delays: Vec<u64> = times.windows(2).map(|pair| pair[0].0.abs_diff(pair[1].0)).collect();
    let before = delays.last().copied().unwrap_or(1);
    delays.extend(times.last().map(|(_, duration)| if *duration > 0 { *duration } else { before }));
    delays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_too_coarse_are_seen_through() {
        // 30 frames a second in milliseconds.
        let times: Vec<(i64, u64)> = (0..100).map(|i| ((i * 1000 + 15) / 30, 33)).collect();
        assert!(is_steady(&times, (1, 1000), (30, 1)));
        assert!(!is_steady(&times, (1, 1000), (25, 1)));
        assert_eq!(delays(&[(0, 0), (40, 0), (100, 0)]), [40, 60, 60]);
        assert_eq!(delays(&[(0, 0), (40, 20)]), [40, 20]);
    }
}
