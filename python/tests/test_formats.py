"""Files of many formats as Pillow, tifffile, imagecodecs and OpenEXR write them, and read ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import holotype
from samples import Array, noise, same, smooth

RGB = noise((37, 53, 3), "uint8")
RGBA = noise((37, 53, 4), "uint8", seed=3).copy()
RGBA[::2, :, 3] = 0
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pillow_array(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image)


def there_and_back(tmp_path: Path, name: str) -> tuple[Array, Path]:
    """What is stored of a file, and the file made of it."""
    holotype.encode(tmp_path / name, tmp_path / "a.holo", mode="fast")
    holotype.verify(tmp_path / "a.holo")
    back = tmp_path / f"back-{name}"
    holotype.decode_to_file(tmp_path / "a.holo", back)
    return holotype.read(tmp_path / "a.holo"), back


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(RGB)
    (picture.quantize(13) if mode == "P" else picture.convert(mode)).save(tmp_path / "a.bmp", dpi=(300, 150))
    stored, back = there_and_back(tmp_path, "a.bmp")
    with Image.open(tmp_path / "a.bmp") as want, Image.open(back) as got:
        # Pillow's bilevel arrays have bytes of 255.
        assert stored.dtype == np.asarray(want).dtype
        assert np.array_equal(stored, np.asarray(want))
        assert got.convert("RGB").tobytes() == want.convert("RGB").tobytes()
        decoded = holotype.decode(tmp_path / "a.holo")
        assert got.info["dpi"] == want.info["dpi"] == pytest.approx(decoded.info["dpi"])


def test_bmp_keeps_alpha(tmp_path: Path) -> None:
    Image.fromarray(RGBA).save(tmp_path / "a.bmp")
    stored, back = there_and_back(tmp_path, "a.bmp")
    assert same(stored, RGBA)
    assert same(pillow_array(back), RGBA)


@pytest.mark.parametrize("n_colours", [2, 7, 256])
@pytest.mark.parametrize("extra", [{}, {"transparency": 1}, {"comment": b"c" * 600}, {"interlace": 0}])
def test_gif(tmp_path: Path, n_colours: int, extra: dict[str, Any]) -> None:
    Image.fromarray(RGB).quantize(n_colours).save(tmp_path / "a.gif", optimize=False, **extra)
    stored, back = there_and_back(tmp_path, "a.gif")
    with Image.open(tmp_path / "a.gif") as want, Image.open(back) as got:
        assert same(stored, np.asarray(want))
        assert same(np.asarray(got), np.asarray(want))
        assert got.getpalette() == want.getpalette()
        for key in ("transparency", "comment"):
            assert got.info.get(key) == want.info.get(key)


@pytest.mark.parametrize("array", [RGB, RGBA], ids=["rgb", "rgba"])
def test_lossless_webp(tmp_path: Path, array: Array) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    extra: dict[str, Any] = {
        "icc_profile": PROFILE,
        "exif": exif.tobytes().removeprefix(b"Exif\0\0"),
        "xmp": b"<x/>",
    }
    Image.fromarray(array).save(tmp_path / "a.webp", lossless=True, exact=True, **extra)
    stored, back = there_and_back(tmp_path, "a.webp")
    assert same(stored, array)
    with Image.open(back) as got:
        assert same(np.asarray(got), array)
        for key, value in extra.items():
            assert got.info[key] == value


def test_lossy_webp_and_animations_are_kept(tmp_path: Path) -> None:
    picture = Image.fromarray(smooth(300, 400))
    picture.save(tmp_path / "lossy.webp", quality=80)
    for name in ("anim.webp", "anim.gif", "anim.png"):
        other = Image.fromarray(smooth(300, 400)[::-1])
        picture.save(tmp_path / name, save_all=True, append_images=[other], duration=90)
    for name in ("lossy.webp", "anim.webp", "anim.gif", "anim.png"):
        done = holotype.encode(tmp_path / name, tmp_path / "a.holo", preview=True)
        assert done.kept_as_file
        holotype.decode_to_file(tmp_path / "a.holo", tmp_path / f"back-{name}")
        assert (tmp_path / f"back-{name}").read_bytes() == (tmp_path / name).read_bytes()
        assert holotype.extract_thumbnail(tmp_path / "a.holo").size == (128, 96)
    holotype.encode(tmp_path / "lossy.webp", tmp_path / "a.holo", pixels=True)
    assert same(holotype.read(tmp_path / "a.holo"), pillow_array(tmp_path / "lossy.webp"))


@pytest.mark.parametrize("array", [RGB, RGBA, smooth(60, 70)], ids=["rgb", "rgba", "smooth"])
def test_qoi(tmp_path: Path, array: Array) -> None:
    (tmp_path / "a.qoi").write_bytes(imagecodecs.qoi_encode(array))
    stored, back = there_and_back(tmp_path, "a.qoi")
    assert same(stored, array)
    assert back.read_bytes() == (tmp_path / "a.qoi").read_bytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint32"])
@pytest.mark.parametrize("names", ["RGB", "RGBA", "Y", "XZ"])
def test_exr(tmp_path: Path, dtype: str, names: str) -> None:
    openexr = pytest.importorskip("OpenEXR")
    array = noise((20, 30, len(names)), dtype)
    channels = {name: np.ascontiguousarray(array[..., i]) for i, name in enumerate(names)}
    header = {"compression": openexr.PIZ_COMPRESSION, "type": openexr.scanlineimage, "owner": "someone"}
    openexr.File(header, dict(channels)).write(str(tmp_path / "a.exr"))
    stored, back = there_and_back(tmp_path, "a.exr")
    assert same(stored.reshape(array.shape), array)
    got = openexr.File(str(back), separate_channels=True)
    assert {name: channel.pixels.tobytes() for name, channel in got.channels().items()} == {
        name: pixels.tobytes() for name, pixels in channels.items()
    }
    assert got.header()["owner"] == "someone"


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("extra", [{}, {"progressive": True}])
def test_jpeg_pixels_on_request(tmp_path: Path, mode: str, extra: dict[str, Any]) -> None:
    picture = Image.fromarray(smooth(70, 90)).convert(mode)
    picture.save(tmp_path / "a.jpg", quality=95, subsampling=0, icc_profile=PROFILE, dpi=(90, 90), **extra)
    holotype.encode(tmp_path / "a.jpg", tmp_path / "a.holo", pixels=True)
    stored = holotype.read(tmp_path / "a.holo").astype(int)
    # Decoders may round differently; inks count from no ink, as in Pillow.
    assert np.abs(stored - pillow_array(tmp_path / "a.jpg")).max() <= 3
    info = holotype.decode(tmp_path / "a.holo").info
    assert (info["icc_profile"], info["dpi"]) == (PROFILE, (90, 90))


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (7, 9, 1)])
def test_npy_in_fortran_order(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.asfortranarray(noise(shape, "float32"))
    np.save(tmp_path / "a.npy", array)
    _, back = there_and_back(tmp_path, "a.npy")
    assert back.read_bytes() == (tmp_path / "a.npy").read_bytes()
    assert holotype.read(tmp_path / "a.holo").tobytes() == array.tobytes()


@pytest.mark.parametrize("photometric", ["ycbcr", "cielab", "icclab", "linear_raw", "rgb"])
def test_tiff_samples_are_not_interpreted(tmp_path: Path, photometric: str) -> None:
    subsampling = {"subsampling": (1, 1)} if photometric == "ycbcr" else {}
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric=photometric, compression="zlib", **subsampling)
    stored, back = there_and_back(tmp_path, "a.tif")
    assert same(stored, RGB)
    with tifffile.TiffFile(back) as file:
        assert file.pages[0].photometric.name.lower() == photometric
        assert same(file.asarray(), RGB)
