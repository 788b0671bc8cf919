#!/usr/bin/env python3
"""Compare Holotype's animations with FFV1, x264, APNG and the layout of PZP on the same frames in one run.

    python bench/animation.py [--static PHOTO] [--pan PHOTO] [--markdown OUT.md] [--kinds KIND…]

Frames are those of `sequences.py`: made of the photos given, or of a drawn picture. Every decode is compared
with its input. Times are process CPU time on one thread, that of child processes included, best of three;
ffmpeg's rows include its start. `PZP` is a stand-in for its layout (as they are, left or frame
differences, both; Zstandard 1 and 19): sizes alone, the smallest of all.

Needs: holotype, numpy, pillow, imagecodecs; ffmpeg for FFV1 and x264.
"""

from __future__ import annotations

import argparse
import io
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import sequences
from PIL import Image
from sequences import Frames

import holotype

#: Frames read by themselves.
RANDOM = (7, 23, 41, 49)


def cpu(job: Callable[[], Any], repeat: int = 3) -> float:
    """Seconds of CPU of the best of some runs, child processes included."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    best = float("inf")
    for _ in range(repeat):
        before = used()
        job()
        best = min(best, used() - before)
    return best


def of_holotype(frames: Frames, mode: str, interval: int) -> tuple[str, int, float, float, float]:
    """Size, frames a second to write and to read, milliseconds for a frame by itself."""
    data = b""

    def write() -> None:
        nonlocal data
        made = holotype.write_animation(None, frames, mode=mode, key_interval=interval, threads=1)
        assert made is not None
        data = made

    encode = cpu(write, 1)
    out = np.empty_like(frames[0])

    def read() -> None:
        with holotype.open_animation(data) as animation:
            for i in range(len(frames)):
                animation.read(i, out=out, threads=1)

    def read_some() -> None:
        for i in RANDOM:
            with holotype.open_animation(data) as animation:
                animation.read(i, out=out, threads=1)

    with holotype.open_animation(data) as animation:
        assert all((animation[i] == frame).all() for i, frame in enumerate(frames))
    decode, some = cpu(read), cpu(read_some)
    return f"Holotype {mode}", len(data), len(frames) / encode, len(frames) / decode, some / len(RANDOM) * 1e3


def of_ffmpeg(
    frames: Frames, name: str, options: list[str], folder: Path
) -> tuple[str, int, float, float, float]:
    """The same of a codec of ffmpeg."""
    n, height, width = frames.shape[:3]
    raw, made = folder / "frames.raw", folder / "made.mkv"
    frames.tofile(raw)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", str(raw)]
    quiet = ["ffmpeg", "-v", "error", "-y", "-threads", "1"]
    encode = cpu(
        lambda: subprocess.run([*quiet, *source, *options, "-threads", "1", str(made)], check=True), 1
    )
    decoded = subprocess.run(
        [*quiet, "-i", str(made), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], check=True, capture_output=True
    ).stdout
    assert decoded == frames.tobytes(), f"{name} is not lossless"
    decode = cpu(lambda: subprocess.run([*quiet, "-i", str(made), "-f", "null", "-"], check=True))
    return name, made.stat().st_size, n / encode, n / decode, float("nan")


def of_apng(frames: Frames) -> tuple[str, int, float, float, float]:
    """The same of Pillow's APNG."""
    held = io.BytesIO()

    def write() -> None:
        held.seek(0)
        held.truncate()
        first, *rest = (Image.fromarray(frame) for frame in frames)
        first.save(held, "PNG", save_all=True, append_images=rest, duration=40)

    def read() -> None:
        image = Image.open(io.BytesIO(held.getvalue()))
        for i in range(image.n_frames):
            image.seek(i)
            image.convert("RGB").tobytes()

    encode = cpu(write, 1)
    return "APNG", len(held.getvalue()), len(frames) / encode, len(frames) / cpu(read, 1), float("nan")


def of_pzp(frames: Frames) -> tuple[str, int, float, float, float]:
    """The smallest of the flag sets of PZP's layout."""
    nan = float("nan")
    flat = frames.reshape(len(frames), -1, 3)
    left = np.diff(flat, axis=1, prepend=np.zeros_like(flat[:, :1]))
    delta = np.concatenate([flat[:1], np.diff(flat, axis=0)])
    both = np.diff(delta, axis=1, prepend=np.zeros_like(delta[:, :1]))
    sizes = []
    for planes in (flat, left, delta, both):
        for level in (1, 19):
            sizes.append(sum(len(imagecodecs.zstd_encode(frame.tobytes(), level)) + 64 for frame in planes))
    return "PZP, best flags", min(sizes), nan, nan, nan


def picture(path: Path) -> None:
    """The animation of docs/vision.md: a part of the terminal."""
    frames = sequences.screen()[:25, :180, :320]
    data = holotype.write_animation(None, frames, fps=10)
    assert data is not None
    holotype.export_animation(data, path)
    print(f"{path}: {path.stat().st_size} bytes, as an archive {len(data)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--static", type=Path)
    parser.add_argument("--pan", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--key-interval", type=int, default=24)
    parser.add_argument("--kinds", nargs="*", default=list(sequences.KINDS), choices=list(sequences.KINDS))
    parser.add_argument("--picture", type=Path, help="draw that of docs/vision.md instead")
    args = parser.parse_args()
    if args.picture:
        picture(args.picture)
        return
    lines = [
        "| frames | codec | MB | write, frames/s | read, frames/s | one frame, ms |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for kind in args.kinds:
            frames = sequences.KINDS[kind](
                sequences.photo_at({"static": args.static, "pan": args.pan}.get(kind))
            )
            rows = [of_holotype(frames, mode, args.key_interval) for mode in ("fast", "standard")]
            if shutil.which("ffmpeg"):
                ffv1 = ["-c:v", "ffv1", "-level", "3", "-g", "1", "-pix_fmt", "bgr0"]
                x264 = ["-c:v", "libx264rgb", "-qp", "0", "-preset", "veryfast"]
                rows.append(of_ffmpeg(frames, "FFV1", ffv1, Path(folder)))
                rows.append(of_ffmpeg(frames, "x264 RGB qp 0", x264, Path(folder)))
            rows += [of_pzp(frames), of_apng(frames)]
            for name, size, *rest in rows:
                cells = ["" if value != value else f"{value:.1f}" for value in rest]
                lines.append(f"| {kind} | {name} | {size / 1e6:.3f} | {' | '.join(cells)} |")
                print(lines[-1], flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
