#!/usr/bin/env python3
"""Compress a TIFF file of 100 MB and 16-bit RGB with the program, in every mode, on one thread and on two.

    python bench/big_tiff.py --photos DIR [--holo PROGRAM] [--edge N] [--markdown OUT.md]

The file is a mosaic: the 16-bit RGB photos of DIR (PNG, TIFF) and their mirror images are laid in rows until
it is full, each cut where the next begins; nothing is scaled. It is written without compression. Each figure
is of one whole process, file to file, pages in the cache: its wall and CPU seconds, best of two, and the
greatest memory it held. Every archive is turned back into a TIFF, whose samples are compared with the input.

Needs: numpy, tifffile, imagecodecs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

Array = npt.NDArray[Any]
MODES = ("fast", "standard", "archival")
N_THREADS = (1, 2)


def photos_of(folder: Path) -> list[Array]:
    """The 16-bit RGB images of a folder, in the order of their names."""
    import imagecodecs

    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".tif", ".tiff"):
            image = np.asarray(tifffile.imread(path))
        elif path.suffix.lower() == ".png":
            image = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        else:
            continue
        if image.dtype == np.uint16 and image.ndim == 3 and image.shape[2] == 3:
            found.append(image)
    if not found:
        raise SystemExit(f"{folder} holds no 16-bit RGB photo")
    return found


def mosaic(photos: list[Array], edge: int) -> Array:
    """A square of `edge` pixels laid with the photos and their three mirror images."""
    variants = [image[:: -1 if v & 1 else 1, :: -1 if v & 2 else 1] for v in range(4) for image in photos]
    whole = np.empty((edge, edge, 3), np.uint16)
    y = n = 0
    while y < edge:
        x, height = 0, edge - y
        row = []
        while x < edge:
            image = variants[n % len(variants)]
            row.append((x, image))
            x, n = x + image.shape[1], n + 1
            height = min(height, image.shape[0])
        for x, image in row:
            part = image[:height, : edge - x]
            whole[y : y + height, x : x + part.shape[1]] = part
        y += height
    return whole


def measured(command: list[str | Path]) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and the most bytes of memory of a process."""
    # A small process between: what a child has before it starts its program is counted as its own.
    code = (
        "import os,sys,time;t=time.perf_counter();p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ);"
        "_,s,u=os.wait4(p,0);print(time.perf_counter()-t,u.ru_utime+u.ru_stime,u.ru_maxrss*1024,s)"
    )
    said = subprocess.run(
        ["python3", "-S", "-E", "-c", code, *map(str, command)], check=True, capture_output=True, text=True
    )
    wall, cpu, rss, status = said.stdout.split()
    if status != "0":
        raise SystemExit(f"{command} failed: {said.stderr}")
    return float(wall), float(cpu), int(rss)


def best(command: list[str | Path], made: Path) -> tuple[float, float, int]:
    """The best times and the greatest memory of two runs."""
    runs = []
    for _ in range(2):
        made.unlink(missing_ok=True)
        runs.append(measured(command))
    return min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder with 16-bit RGB photos")
    parser.add_argument("--holo", default="target/release/holo", help="the program")
    parser.add_argument("--edge", type=int, default=4082, help="width and height in pixels")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    args = parser.parse_args()
    holo = os.path.abspath(args.holo)
    image = mosaic(photos_of(args.photos), args.edge)
    wanted = hashlib.sha256(image.tobytes()).digest()
    lines = [
        "| mode | threads | ratio | compress s | CPU s | MB held | to TIFF s | CPU s | MB held | to PPM s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, archive, back, plain = (Path(folder, name) for name in ("a.tif", "a.holo", "b.tif", "b.ppm"))
        tifffile.imwrite(source, image, photometric="rgb", rowsperstrip=16)
        n_bytes = source.stat().st_size
        print(f"{n_bytes} bytes, {args.edge} x {args.edge} x 3, SHA-256 of samples {wanted.hex()[:16]}")
        for mode in MODES:
            for n in N_THREADS:
                one = ["--threads", str(n), "--force"]
                made = best([holo, "compress", source, archive, "--mode", mode, *one], archive)
                read = best([holo, "decompress", archive, back, *one], back)
                flat = best([holo, "decompress", archive, plain, "--lossy-metadata", *one], plain)
                samples = np.asarray(tifffile.imread(back))
                if hashlib.sha256(samples.tobytes()).digest() != wanted:
                    raise SystemExit(f"{mode}: other samples came back")
                ratio = n_bytes / archive.stat().st_size
                lines.append(
                    f"| {mode} | {n} | {ratio:.3f} | {made[0]:.2f} | {made[1]:.2f} | {made[2] / 1e6:.0f} "
                    f"| {read[0]:.2f} | {read[1]:.2f} | {read[2] / 1e6:.0f} | {flat[0]:.2f} |"
                )
                print(lines[-1], flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
