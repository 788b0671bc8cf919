"""Pillow images in and out: every mode, metadata, the plugin."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

import holotype
import holotype.pillow
from samples import smooth

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode: str) -> Image.Image:
    """An image of the mode with many values in it."""
    rgb = Image.fromarray(smooth(37, 41))
    if mode in ("I;16", "I;16B", "I;16L"):
        data = smooth(37, 41, 1, "uint16").astype(">u2" if mode == "I;16B" else "<u2").tobytes()
        return Image.frombytes(mode, (41, 37), data)
    if mode == "I":
        return Image.fromarray(np.arange(37 * 41, dtype="i4").reshape(37, 41) * 999_983 - 700_000_000)
    if mode == "F":
        return Image.fromarray(np.linspace(-3, 7, 37 * 41, dtype="f4").reshape(37, 41))
    if mode == "P":
        return rgb.quantize(50)
    if mode == "RGBa":
        return picture("RGBA").convert("RGBa")
    if mode == "La":
        return picture("LA").convert("La")
    if mode == "LA":
        return Image.merge("LA", rgb.split()[:2])
    if mode == "RGBA":
        return Image.merge("RGBA", (*rgb.split(), rgb.getchannel(0)))
    if mode == "LAB":
        return Image.merge("LAB", rgb.split())
    return rgb.convert(mode)


MODES = [
    "1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I", "F",
    "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "P",
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode: str) -> None:
    source = picture(mode)
    file = io.BytesIO()
    holotype.encode(source, file, mode="fast")
    file.seek(0)
    back = holotype.decode(file)
    assert back.size == source.size
    if mode in ("I;16L", "I;16B"):
        assert back.mode == "I;16"
        assert np.asarray(back).tolist() == np.asarray(source).tolist()
        return
    assert back.mode == mode
    assert back.tobytes() == source.tobytes()
    assert back.getpalette() == source.getpalette()
    opened = Image.open(file)
    assert isinstance(opened, holotype.pillow.HoloImageFile)
    assert (opened.mode, opened.size) == (mode, source.size)
    assert opened.tobytes() == source.tobytes()
    assert opened.getpalette() == source.getpalette()


def test_modes_without_a_colour_model_are_refused() -> None:
    with pytest.raises(holotype.UnsupportedError, match="HSV"):
        holotype.encode(picture("HSV"), io.BytesIO())


@pytest.mark.parametrize("shape", [(4, 5, 7), (4, 5, 1)])
def test_samples_without_a_mode_are_refused(shape: tuple[int, ...]) -> None:
    for dtype in ("u2", "f8"):
        with pytest.raises(holotype.UnsupportedError, match="Pillow has no mode"):
            holotype.decode(holotype.dumps(np.ones(shape, dtype)))
    with pytest.raises(holotype.UnsupportedError):
        holotype.decode(holotype.dumps(np.ones((4, 5, 3), "u2")))


def test_open_reads_the_description_only(tmp_path: Path) -> None:
    array = smooth(90, 80)
    data = bytearray(holotype.dumps(array, preview=False))
    data[200] ^= 1
    (tmp_path / "a.holo").write_bytes(data)
    with Image.open(tmp_path / "a.holo") as image:
        assert (image.format, image.size, image.mode) == ("HOLO", (80, 90), "RGB")
        with pytest.raises(holotype.IntegrityError):
            image.load()


def test_save_takes_options_and_keeps_metadata(tmp_path: Path) -> None:
    source = picture("RGB")
    exif = Image.Exif()
    exif[0x010E] = "a title"
    source.info["Author"] = "someone"
    source.save(tmp_path / "a.holo", mode="archival", icc_profile=ICC, exif=exif, dpi=(300, 300))
    with Image.open(tmp_path / "a.holo") as back:
        assert back.tobytes() == source.tobytes()
        assert back.info["icc_profile"] == ICC
        assert back.getexif()[0x010E] == "a title"
        assert back.info["dpi"] == pytest.approx((300, 300), rel=1e-4)
        assert back.info["Author"] == "someone"
        back.save(tmp_path / "b.png", icc_profile=back.info["icc_profile"])
    with Image.open(tmp_path / "b.png") as png:
        assert png.info["icc_profile"] == ICC
    with pytest.raises(holotype.ArgumentError, match="mode"):
        source.save(tmp_path / "c.holo", mode="best")
    assert not (tmp_path / "c.holo").exists()


def test_copies_and_file_objects_close_cleanly() -> None:
    file = io.BytesIO()
    picture("RGBA").save(file, "HOLO")
    with Image.open(io.BytesIO(file.getvalue())) as image:
        copy = image.copy()
    assert copy.tobytes() == picture("RGBA").tobytes()


@pytest.mark.parametrize("data", [b"", b"\x8bHOLO\r\n\x1a", b"\x8bHOLO\r\n\x1a" + bytes(300)])
def test_damaged_files_are_unidentified(data: bytes) -> None:
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data))


def test_transparency_of_palettes() -> None:
    source = picture("P")
    for transparency in (3, bytes([0, 128, 255, 7])):
        source.info["transparency"] = transparency
        file = io.BytesIO()
        holotype.encode(source, file)
        back = holotype.decode(file.getvalue())
        assert back.info["transparency"] == transparency
        assert back.convert("RGBA").tobytes() == source.convert("RGBA").tobytes()


def test_thumbnails() -> None:
    array = smooth(700, 900)
    with_preview = holotype.extract_thumbnail(holotype.dumps(array, preview=True))
    assert (with_preview.mode, with_preview.size) == ("RGB", (128, 100))
    without = holotype.extract_thumbnail(holotype.dumps(array, preview=False))
    assert (without.mode, without.size) == ("RGB", (128, 100))
    difference = np.abs(np.asarray(with_preview).astype(int) - np.asarray(without).astype(int))
    assert difference.mean() < 12
    small = holotype.extract_thumbnail(holotype.dumps(smooth(20, 30)))
    assert small.size == (30, 20)
    for mode in MODES:
        file = io.BytesIO()
        holotype.encode(picture(mode), file, preview=False)
        assert holotype.extract_thumbnail(file.getvalue()).mode in ("L", "LA", "RGB", "RGBA"), mode


def test_png_text_of_every_kind_comes_back() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("plain", "one")
    text.add_text("packed", "two", zip=True)
    text.add_itxt("long", "drei ∞", zip=True)
    file = io.BytesIO()
    picture("RGB").save(file, "PNG", pnginfo=text)
    source = Image.open(io.BytesIO(file.getvalue()))
    archive = io.BytesIO()
    holotype.encode(source, archive)
    back = holotype.decode(archive.getvalue())
    assert {key: back.info[key] for key in ("plain", "packed", "long")} == {
        "plain": "one",
        "packed": "two",
        "long": "drei ∞",
    }


def test_the_plugin_is_only_there_when_asked_for() -> None:
    code = "import holotype; from PIL import Image; Image.init(); print('HOLO' in Image.OPEN)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
