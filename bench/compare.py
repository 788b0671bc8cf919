#!/usr/bin/env python3
"""Compare Holotype's image modes with their peers on the same files in one run.

    python bench/compare.py [--corpus DIR] [--markdown OUT.md] [--plots DIR] [--json OUT.json]
    python bench/compare.py --from-json OUT.json [--markdown OUT.md] [--plots DIR]

DIR holds one folder a class of PNG and TIFF files; without it the images that scikit-image ships are used.
Every decode is compared with its input. Speeds are MB (1e6 bytes) of raw samples per second of process CPU
time on one thread, best of `--repeat`: on a shared machine they hold only as ratios within one run.

Needs: holotype, numpy, pillow, tifffile, imagecodecs; matplotlib for the plots, scikit-image
without `--corpus`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

import holotype

Array = npt.NDArray[Any]
Images = list[tuple[str, Array]]


class NotTaken(Exception):
    """The codec does not take this type of image."""


@dataclass
class Codec:
    """One encoder and its decoder."""

    name: str
    encode: Callable[[Array], bytes]
    decode: Callable[[bytes], Any]


def only(
    dtypes: tuple[type, ...], channels: tuple[int, ...], encode: Callable[[Array], bytes]
) -> Callable[[Array], bytes]:
    """`encode` restricted to some sample types and channel counts (1 stands for no channel axis)."""

    def checked(a: Array) -> bytes:
        n_channels = a.shape[2] if a.ndim == 3 else 1
        if a.dtype not in dtypes or a.ndim not in (2, 3) or n_channels not in channels:
            raise NotTaken
        return encode(a)

    return checked


def holo(mode: str) -> Codec:
    return Codec(
        f"holotype {mode}",
        lambda a: holotype.dumps(a, mode=mode, threads=1),
        lambda b: holotype.loads(b, threads=1),
    )


def jpeg_xl(effort: int) -> Codec:
    def encode(a: Array) -> bytes:
        return imagecodecs.jpegxl_encode(a, lossless=True, effort=effort, numthreads=1)

    taken = only((np.uint8, np.uint16), (1, 3, 4), encode)
    return Codec(f"JPEG XL e{effort}", taken, lambda b: imagecodecs.jpegxl_decode(b, numthreads=1))


def codecs() -> list[Codec]:
    u8, u16 = np.uint8, np.uint16
    return [
        holo("fast"),
        holo("standard"),
        holo("archival"),
        jpeg_xl(1),
        jpeg_xl(3),
        jpeg_xl(7),
        Codec(
            "WebP m4",
            only((u8,), (3, 4), lambda a: imagecodecs.webp_encode(a, lossless=True, method=4)),
            imagecodecs.webp_decode,
        ),
        Codec("QOI", only((u8,), (3, 4), imagecodecs.qoi_encode), imagecodecs.qoi_decode),
        Codec(
            "PNG 6",
            only((u8, u16), (1, 2, 3, 4), lambda a: imagecodecs.png_encode(a, level=6)),
            imagecodecs.png_decode,
        ),
    ]


@dataclass
class Row:
    """Totals of one codec."""

    raw_bytes: int = 0
    coded_bytes: int = 0
    encode_s: float = 0.0
    decode_s: float = 0.0
    n_files: int = 0
    n_refused: int = 0

    def add(self, other: Row) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def line(self, name: str) -> str:
        encode, decode = (self.raw_bytes / max(s, 1e-9) / 1e6 for s in (self.encode_s, self.decode_s))
        ratio = self.raw_bytes / self.coded_bytes
        return f"| {name} | {ratio:.3f} | {encode:.0f} | {decode:.0f} | {self.n_refused or ''} |"


def best(work: Callable[[], Any], repeat: int) -> tuple[Any, float]:
    times = []
    for _ in range(repeat):
        start = time.process_time()
        result = work()
        times.append(time.process_time() - start)
    return result, min(times)


def load(path: Path) -> Array:
    if path.suffix == ".tif":
        import tifffile

        return np.asarray(tifffile.imread(path))
    from PIL import Image

    with Image.open(path) as image:
        if image.mode == "P":
            return np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def classes(corpus: Path | None, wanted: set[str] | None) -> Iterator[tuple[str, Images]]:
    """Class name and images, one class at a time."""
    if corpus is None:
        from skimage import data

        names = ["astronaut", "camera", "cat", "coffee", "coins", "moon", "page", "rocket", "text"]
        yield "scikit-image", [(n, np.asarray(getattr(data, n)())) for n in names]
        return
    for folder in sorted(p for p in corpus.iterdir() if p.is_dir()):
        files = sorted([*folder.glob("*.png"), *folder.glob("*.tif")])
        if files and (wanted is None or folder.name in wanted):
            yield folder.name, [(f.name, load(f)) for f in files]


def one(codec: Codec, name: str, array: Array, repeat: int) -> Row:
    ours = codec.name.startswith("holotype")
    try:
        coded, encode_s = best(lambda: codec.encode(array), repeat)
    except Exception:
        if ours:
            raise
        return Row(n_refused=1)
    decoded, decode_s = best(lambda: codec.decode(coded), repeat)
    back = np.asarray(decoded)
    back = back.reshape(array.shape) if back.size == array.size else back
    if back.dtype != array.dtype or back.tobytes() != array.tobytes():
        if ours:
            sys.exit(f"{codec.name} did not return {name}")
        return Row(n_refused=1)
    return Row(array.nbytes, len(coded), encode_s, decode_s, 1)


def table(title: str, rows: dict[str, Row]) -> str:
    head = [f"**{title}** ({max(r.n_files for r in rows.values())} files)", ""]
    head += ["| codec | ratio | encode MB/s | decode MB/s | refused |", "|---|---|---|---|---|"]
    return "\n".join(head + [r.line(name) for name, r in rows.items() if r.n_files]) + "\n"


def speed(rows: dict[str, Row], what: str, out: Path) -> None:
    """Ratio against encode or decode speed of the codecs that took every file."""
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6.6, 4.2))
    n_files = max(r.n_files for r in rows.values())
    for name, row in rows.items():
        if row.n_files < n_files:
            continue
        at = (row.raw_bytes / max(getattr(row, f"{what}_s"), 1e-9) / 1e6, row.raw_bytes / row.coded_bytes)
        ours = name.startswith("holotype")
        axis.scatter(*at, s=60, marker="D" if ours else "o", color="#b5432e" if ours else "#5b6770")
        axis.annotate(name, at, xytext=(6, 4), textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel(f"{what} speed, MB/s of CPU time on one core")
    axis.set_ylabel("compression ratio")
    axis.grid(alpha=0.25)
    axis.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})
    pyplot.close(figure)


def by_class(results: dict[str, dict[str, Row]], out: Path) -> None:
    """Bytes of each codec in each class, against Holotype's standard mode on the files the codec took."""
    from matplotlib import pyplot

    names = [n for n in next(iter(results.values())) if n not in ("holotype standard", "QOI", "PNG 6")]
    figure, axis = pyplot.subplots(figsize=(max(6.6, 0.95 * len(results)), 4.2))
    for place, rows in enumerate(results.values()):
        n_files = max(r.n_files for r in rows.values())
        standard = rows["holotype standard"].coded_bytes
        for name in names:
            if rows[name].n_files == n_files:
                ours = name.startswith("holotype")
                share = rows[name].coded_bytes / standard
                colour = {"fast": "#e0a08f", "archival": "#7a2415"}.get(name.split()[-1], "#5b6770")
                axis.plot(place, min(share, 3), "D" if ours else "o", color=colour, ms=7 if ours else 5)
                if not ours:
                    at = (place, min(share, 3))
                    axis.annotate(
                        name.replace("JPEG XL ", ""), at, (7, -3), textcoords="offset points", fontsize=7
                    )
    axis.axhline(1, color="#b5432e", lw=1)
    axis.set_xticks(range(len(results)), list(results), rotation=20)
    axis.set_ylabel("bytes, standard = 1 (3: or more)")
    axis.grid(alpha=0.25, axis="y")
    axis.set_xlim(-0.5, len(results) - 0.3)
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})
    pyplot.close(figure)


def plots(results: dict[str, dict[str, Row]], folder: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "holotype"
    folder.mkdir(parents=True, exist_ok=True)
    everything: dict[str, Row] = {}
    for rows in results.values():
        for name, row in rows.items():
            everything.setdefault(name, Row()).add(row)
    speed(everything, "encode", folder / "compare-encode.svg")
    speed(everything, "decode", folder / "compare-decode.svg")
    by_class(results, folder / "compare-classes.svg")


def measure(options: argparse.Namespace) -> dict[str, dict[str, Row]]:
    wanted = set(options.classes.split(",")) if options.classes else None
    results = {}
    for title, images in classes(options.corpus, wanted):
        rows = {codec.name: Row() for codec in codecs()}
        for name, array in images:
            for codec in codecs():
                rows[codec.name].add(one(codec, name, np.ascontiguousarray(array), options.repeat))
        results[title] = rows
        print(table(title, rows), flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--classes", help="comma-separated folder names of the corpus; default all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path, help="keep the results")
    parser.add_argument("--from-json", type=Path, help="results kept before, instead of measuring")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--plots", type=Path, help="folder for compare-{encode,decode,classes}.svg")
    options = parser.parse_args()
    if options.from_json:
        kept = json.loads(options.from_json.read_text())
        results = {title: {n: Row(**row) for n, row in rows.items()} for title, rows in kept.items()}
    else:
        results = measure(options)
    if options.json:
        kept = {title: {n: vars(row) for n, row in rows.items()} for title, rows in results.items()}
        options.json.write_text(json.dumps(kept, indent=1))
    if options.markdown:
        options.markdown.write_text("\n".join(table(title, rows) for title, rows in results.items()))
    if options.plots:
        plots(results, options.plots)


if __name__ == "__main__":
    main()
