"""Image files in and out through Python, checked by third-party readers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import holotype
from samples import same, smooth

SAMPLE = Path(__file__).parents[2] / "assets" / "sample.png"


def test_the_sample_comes_back_with_all_its_metadata(tmp_path: Path, mode: Any) -> None:
    done = holotype.encode(SAMPLE, tmp_path / "a.holo", mode=mode)
    assert (done.format, done.items, done.kept_as_file) == ("png", ("sample.png",), False)
    assert done.stored_bytes == (tmp_path / "a.holo").stat().st_size
    assert done.seal == holotype.info(tmp_path / "a.holo").seal
    holotype.decode_to_file(tmp_path / "a.holo", tmp_path / "b.png")
    with Image.open(SAMPLE) as want, Image.open(tmp_path / "b.png") as exported:
        back = holotype.decode(tmp_path / "a.holo")
        for got in (back, exported):
            assert (got.mode, got.tobytes()) == (want.mode, want.tobytes())
            for key in ("icc_profile", "exif", "Title", "Description", "Software"):
                assert got.info[key] == want.info[key], key
            assert got.info["dpi"] == pytest.approx(want.info["dpi"])
            assert b"CC0-1.0" in got.info["xmp"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int16", "uint32"])
def test_tiffs(tmp_path: Path, dtype: str) -> None:
    array = smooth(120, 90, 3, "uint16").astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 32), resolution=(72, 36), photometric="rgb")
    holotype.encode(tmp_path / "a.tif", tmp_path / "a.holo", mode="fast")
    assert same(holotype.read(tmp_path / "a.holo"), array)
    holotype.decode_to_file(tmp_path / "a.holo", tmp_path / "b.tif")
    assert same(tifffile.imread(tmp_path / "b.tif"), array)


def test_pages_become_items(tmp_path: Path) -> None:
    pages = [smooth(20 + i, 30) for i in range(3)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        for page in pages:
            out.write(page, photometric="rgb")
    done = holotype.encode(tmp_path / "a.tif", tmp_path / "a.holo")
    assert len(done.items) == 3
    for name, page in zip(done.items, pages, strict=True):
        assert same(holotype.read(tmp_path / "a.holo", item=name), page)
    with pytest.raises(holotype.NotFoundError):
        holotype.read(tmp_path / "a.holo", item="none")
    with pytest.raises(holotype.LossError):
        holotype.decode_to_file(tmp_path / "a.holo", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_sixteen_bit_png_from_memory_to_memory() -> None:
    array = smooth(40, 50, 1, "uint16")[..., 0]
    png = io.BytesIO()
    Image.fromarray(array).save(png, "PNG")
    png.seek(0)
    archive = io.BytesIO()
    holotype.encode(png, archive)
    assert same(holotype.read(archive.getvalue()), np.ascontiguousarray(array))
    out = io.BytesIO()
    holotype.decode_to_file(archive.getvalue(), out)
    with Image.open(io.BytesIO(out.getvalue())) as back:
        assert (back.format, back.mode) == ("PNG", "I;16")
        assert np.asarray(back).tobytes() == array.tobytes()


def test_low_bit_grays_and_palettes_look_as_pillow_shows_them(tmp_path: Path) -> None:
    gray = Image.fromarray((smooth(17, 23, 1)[..., 0] // 64 * 85).astype("u1"))
    gray.save(tmp_path / "gray.png", bits=2)
    Image.fromarray(smooth(17, 23)).quantize(13).save(tmp_path / "palette.png", transparency=2)
    for name in ("gray.png", "palette.png"):
        holotype.encode(tmp_path / name, tmp_path / "a.holo")
        with Image.open(tmp_path / name) as want:
            got = holotype.decode(tmp_path / "a.holo")
            assert got.mode == want.mode
            assert got.convert("RGBA").tobytes() == want.convert("RGBA").tobytes()


def test_lossy_files_are_kept_untouched(tmp_path: Path) -> None:
    Image.fromarray(smooth(300, 400)).save(tmp_path / "a.jpg", quality=80)
    done = holotype.encode(tmp_path / "a.jpg", tmp_path / "a.holo")
    assert done.kept_as_file
    holotype.decode_to_file(tmp_path / "a.holo", tmp_path / "b.jpg")
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    with Image.open(tmp_path / "a.jpg") as want:
        assert holotype.decode(tmp_path / "a.holo").tobytes() == want.tobytes()
    assert max(holotype.extract_thumbnail(tmp_path / "a.holo").size) == 128
    with pytest.raises(holotype.UnsupportedError, match="untouched file"):
        holotype.read(tmp_path / "a.holo")
    with pytest.raises(holotype.UnsupportedError, match="untouched jpeg file"):
        holotype.decode_to_file(tmp_path / "a.holo", tmp_path / "b.png")


def test_sources_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(holotype.UnsupportedError, match="no image format"):
        holotype.encode(b"plain words, and quite a few of them", tmp_path / "a.holo")
    with pytest.raises(holotype.FormatError):
        holotype.encode(SAMPLE.read_bytes()[:5000], tmp_path / "a.holo")
    holotype.encode(SAMPLE, tmp_path / "b.holo", mode="fast")
    with pytest.raises(holotype.ArgumentError, match="no image format is named"):
        holotype.decode_to_file(tmp_path / "b.holo", tmp_path / "b.xyz")
    assert [p.name for p in tmp_path.iterdir()] == ["b.holo"]


@pytest.mark.parametrize("n_bytes", [1, 15_000, 16_384, 40_000, 1 << 20, (1 << 20) + 1, 4_500_000])
def test_archives_in_memory_are_those_in_files(n_bytes: int, tmp_path: Path) -> None:
    """They are held in pieces, of which there are one or several."""
    content = np.random.default_rng(n_bytes).integers(0, 256, (1, n_bytes), "u1")
    holotype.write(tmp_path / "a.holo", content, preview=False)
    written = (tmp_path / "a.holo").read_bytes()
    assert len(written) > n_bytes
    assert holotype.dumps(content) == written
    into = io.BytesIO()
    holotype.write(into, content, preview=False)
    assert into.getvalue() == written
    tensor = holotype.dumps(content[0])
    assert same(holotype.loads(tensor), content[0])
    with holotype.Writer(into := io.BytesIO()) as writer:
        writer.add_bytes(content.tobytes(), name="noise")
    with holotype.Writer(tmp_path / "b.holo") as writer:
        writer.add_bytes(content.tobytes(), name="noise")
    assert into.getvalue() == (tmp_path / "b.holo").read_bytes()
