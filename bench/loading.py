#!/usr/bin/env python3
"""Load images as training does and compare with PNG, WebP, QOI and a tar of PNG files in one run.

    python bench/loading.py [--photos DIR] [--n N] [--repeat N] [--markdown OUT.md]

Each set is written once in every format; then all of it is read into NumPy arrays on one thread, from files
in the page cache, and every image is compared with its input. Times are process CPU time of the best of some
runs. Sets: label maps of 640 × 480 (regions of a photo, a random colour each, three channels), crops of
256 × 256, photos of a megapixel, 16-bit depth maps. Photos are those of `--photos`, or drawn.

Needs: holotype, numpy, pillow, imagecodecs, opencv-python; webdataset for its row.
"""

from __future__ import annotations

import argparse
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt
import sequences
from PIL import Image

import holotype

Array = npt.NDArray[Any]
#: Name, number of images, bytes on disk, images a second to write and to read.
Row = tuple[str, int, int, float, float]


def cpu(job: Callable[[], Any], repeat: int) -> float:
    """Seconds of CPU of the best of some runs."""
    best = float("inf")
    for _ in range(repeat):
        before = time.process_time()
        job()
        best = min(best, time.process_time() - before)
    return best


def photos_at(folder: Path | None) -> list[Array]:
    """Photos of a folder, or pictures that are drawn."""
    if folder is None:
        return [np.asarray(sequences.drawn(1280, 832)), np.asarray(sequences.drawn(1024, 1024))]
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".tif"))
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def labels(photo: Array, seed: int) -> Array:
    """A map of regions of a photo: where it is about as bright, a colour each."""
    random = np.random.default_rng(seed)
    gray = cv2.GaussianBlur(cv2.cvtColor(cv2.resize(photo, (640, 480)), cv2.COLOR_RGB2GRAY), (0, 0), 4)
    number = np.zeros(gray.shape, np.int64)
    n = 1
    for level in range(int(random.integers(4, 9))):
        step = (gray // 32 == level).astype(np.uint8)
        found, parts = cv2.connectedComponents(step)
        number[parts > 0] = n + parts[parts > 0]
        n += found
    colours = random.integers(0, 256, (n + 1, 3), np.uint8)
    return np.ascontiguousarray(colours[number])


def depth(photo: Array, seed: int) -> Array:
    """A depth map in millimetres: soft shapes, noise that grows with distance, holes of no answer."""
    random = np.random.default_rng(seed)
    gray = cv2.GaussianBlur(cv2.cvtColor(cv2.resize(photo, (640, 480)), cv2.COLOR_RGB2GRAY), (0, 0), 6)
    y, x = np.mgrid[:480, :640]
    clean = 900 + 3 * y + 0.7 * x + 6.0 * gray
    noisy = clean + random.normal(0, 1, clean.shape) * clean / 800
    noisy[random.random(clean.shape) < 0.004] = 0
    return np.rint(noisy).astype(np.uint16)


def sets(photos: list[Array], n: int) -> Iterator[tuple[str, list[Array]]]:
    """What is measured."""
    many = [photos[i % len(photos)] for i in range(n)]
    yield "label maps 640 × 480 × 3", [labels(photo, i) for i, photo in enumerate(many)]
    random = np.random.default_rng(7)
    crops = []
    for photo in many * 4:
        y, x = (int(random.integers(0, side - 255)) for side in photo.shape[:2])
        crops.append(np.ascontiguousarray(photo[y : y + 256, x : x + 256]))
    yield "crops 256 × 256 × 3", crops
    large = [
        cv2.resize(photo, (1216, 832), interpolation=cv2.INTER_AREA) for photo in photos[: max(4, n // 3)]
    ]
    yield "photos 1216 × 832 × 3", large
    yield "depth maps 640 × 480, 16 bits", [depth(photo, i) for i, photo in enumerate(many)]


def files(
    name: str,
    folder: Path,
    images: list[Array],
    encode: Callable[[Array], bytes],
    decode: Callable[[Path], Array],
    repeat: int,
) -> Row:
    """One file an image."""
    folder = folder / name.replace(" ", "-")
    folder.mkdir()
    paths = [folder / f"{i:05}" for i in range(len(images))]
    start = time.process_time()
    coded = [encode(image) for image in images]
    written = time.process_time() - start
    for path, data in zip(paths, coded, strict=True):
        path.write_bytes(data)
    for path, image in zip(paths, images, strict=True):
        assert (decode(path) == image).all(), f"{name} is not lossless"

    def read() -> None:
        for path in paths:
            decode(path)

    n = len(images)
    return name, n, sum(map(len, coded)), n / written, n / cpu(read, repeat)


def holo_set(mode: str, folder: Path, images: list[Array], repeat: int) -> Row:
    """All in one archive, read in batches."""
    path = folder / f"{mode}.holo"

    def write() -> None:
        with holotype.Writer(path) as writer:
            for i, image in enumerate(images):
                writer.add_image(f"{i:05}", image, mode=mode)  # type: ignore[arg-type]

    written = cpu(write, 1)
    names = [f"{i:05}" for i in range(len(images))]
    out = np.empty((16, *images[0].shape), images[0].dtype)
    found = holotype.read_many(names, archive=path, threads=1)
    assert (found == np.stack(images)).all()

    def read() -> None:
        for start in range(0, len(names), 16):
            batch = names[start : start + 16]
            holotype.read_many(batch, archive=path, out=out[: len(batch)], threads=1)

    n = len(images)
    return f"Holotype {mode}, one archive", n, path.stat().st_size, n / written, n / cpu(read, repeat)


def tar_set(folder: Path, images: list[Array], repeat: int) -> Row | None:
    """PNG files in a tar, read by webdataset."""
    try:
        import webdataset
    except ImportError:
        return None
    path = folder / "set.tar"
    start = time.process_time()
    with tarfile.open(path, "w") as tar:
        for i, image in enumerate(images):
            data = cv2.imencode(".png", image)[1].tobytes()
            info = tarfile.TarInfo(f"{i:05}.png")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    written = time.process_time() - start

    def decode(data: bytes) -> Array:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)

    def read() -> list[Array]:
        data = webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False)
        return [decode(sample["png"]) for sample in data]

    assert all((a == b).all() for a, b in zip(read(), images, strict=True))
    n = len(images)
    return "webdataset, PNG by OpenCV", n, path.stat().st_size, n / written, n / cpu(read, repeat)


def rows(images: list[Array], folder: Path, repeat: int) -> Iterator[Row]:
    """Every format on one set."""
    out = np.empty_like(images[0])
    for mode in ("fast", "standard"):

        def encode(image: Array, mode: str = mode) -> bytes:
            data = holotype.dumps(image, mode)  # type: ignore[arg-type]
            assert data is not None
            return data

        yield files(
            f"Holotype {mode}",
            folder,
            images,
            encode,
            lambda path: holotype.read(path, out=out, threads=1),
            repeat,
        )
        yield holo_set(mode, folder, images, repeat)

    def of_cv2(path: Path) -> Array:
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    def png(level: int) -> Callable[[Array], bytes]:
        options = [] if level < 0 else [cv2.IMWRITE_PNG_COMPRESSION, level]
        return lambda image: cv2.imencode(".png", image, options)[1].tobytes()

    yield files("PNG by OpenCV", folder, images, png(-1), of_cv2, repeat)
    yield files("PNG by OpenCV, level 9", folder, images, png(9), of_cv2, repeat)
    if images[0].dtype == np.uint16:
        encode = lambda image: imagecodecs.jpegxl_encode(image, lossless=True, effort=3)  # noqa: E731
        yield files(
            "JPEG XL e3", folder, images, encode, lambda p: imagecodecs.jpegxl_decode(p.read_bytes()), repeat
        )
    else:
        encode = lambda image: imagecodecs.webp_encode(image, lossless=True)  # noqa: E731
        yield files("WebP", folder, images, encode, lambda p: imagecodecs.webp_decode(p.read_bytes()), repeat)
        encode = imagecodecs.qoi_encode
        yield files("QOI", folder, images, encode, lambda p: imagecodecs.qoi_decode(p.read_bytes()), repeat)
    tar = tar_set(folder, images, repeat)
    if tar is not None:
        yield tar


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--n", type=int, default=24, help="images of a set, about")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lines = ["| set | format | kB an image | write, images/s | read, images/s |", "|---|---|---|---|---|"]
    for kind, images in sets(photos_at(args.photos), args.n):
        with tempfile.TemporaryDirectory() as folder:
            for name, n, n_bytes, written, read in rows(images, Path(folder), args.repeat):
                lines.append(f"| {kind} | {name} | {n_bytes / n / 1e3:.1f} | {written:.0f} | {read:.0f} |")
                print(lines[-1], flush=True)
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
