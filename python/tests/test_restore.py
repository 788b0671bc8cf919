"""Image files of a folder that are stored as images and come back to the byte."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype


def png(pixels: np.ndarray[Any, Any], level: int, memory: int, strategy: int) -> bytes:
    """A PNG file as libpng writes it, rows filtered by the byte to the left."""
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, -1).astype(np.int16)
    left = np.pad(rows, ((0, 0), (channels, 0)))[:, : rows.shape[1]]
    filtered = np.pad((rows - left).astype(np.uint8), ((0, 0), (1, 0)), constant_values=1)
    coder = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
    stream = coder.compress(filtered.tobytes()) + coder.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colour = {1: 0, 3: 2, 4: 6}[channels]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    data = b"".join(chunk(b"IDAT", stream[at : at + 8192]) for at in range(0, len(stream), 8192))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", b"Title\0test") + data + chunk(b"IEND", b"")


def smooth(height: int, width: int, channels: int) -> np.ndarray[Any, Any]:
    """Something like a picture."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    noise = np.random.default_rng(3).integers(0, 4, y.shape)
    return ((np.sin(x / 9 + c) + np.cos(y / 7)) * 60 + 120 + noise).astype(np.uint8)


@pytest.mark.parametrize("images", [True, "standard", "archival"])
def test_a_folder_of_images_comes_back(tmp_path: Path, images: Any) -> None:
    folder = tmp_path / "set"
    pixels = {}
    is_zlib = "zlib-ng" not in zlib.ZLIB_RUNTIME_VERSION
    for name, (level, memory, strategy) in {
        "cat/a.png": (6, 8, 1),
        "cat/b.png": (9, 9, 0),
        "dog/c.png": (1, 8, 1),
        "dog/d.png": (3, 9, 1),
    }.items():
        pixels[name] = smooth(90, 120, 3 if "cat" in name else 1)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(pixels[name], level, memory, strategy))
    (folder / "dog" / "raw.ppm").write_bytes(b"P6 5 4 255\n" + random.Random(1).randbytes(60))
    (folder / "notes.txt").write_bytes(b"cats and dogs")

    archive = tmp_path / "set.holo"
    with holotype.Writer(archive, profile="ml", images=images) as writer:
        writer.add(folder)
    assert holotype.verify(archive)
    holotype.unpack(archive, tmp_path / "out")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 6
    with holotype.open(archive) as reader:
        for path in files:
            name = f"set/{path.relative_to(folder).as_posix()}"
            assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()
            assert reader[name].read() == path.read_bytes()
    for name, expected in pixels.items() if is_zlib else ():
        image = np.squeeze(holotype.read(archive, item=f"set/{name}"))
        assert np.array_equal(image, np.squeeze(expected))


def test_unknown_modes_are_refused(tmp_path: Path) -> None:
    mode: Any = "best"
    with pytest.raises(holotype.ArgumentError):
        holotype.Writer(tmp_path / "a.holo", images=mode)
