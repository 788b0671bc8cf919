"""Arrays go in and come out with every bit: dtypes, shapes, strides, byte orders, channel orders, `out`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
from samples import DTYPES, Array, noise, same, smooth

SHAPES = [(1, 1), (1, 7), (33, 1), (19, 21), (5, 6, 1), (5, 6, 2), (17, 9, 3), (8, 8, 4), (3, 4, 7)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape(dtype: str, mode: Any) -> None:
    for shape in SHAPES:
        array = noise(shape, dtype)
        assert same(holotype.loads(holotype.dumps(array, mode=mode)), array), shape


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_special_floats(dtype: str, mode: Any) -> None:
    bits = np.dtype(dtype).itemsize * 8
    patterns = [0, 1 << (bits - 1), 1, (1 << bits) - 1, (1 << (bits - 1)) - 1]
    array = np.array(patterns * 3, f"u{bits // 8}").view(dtype).reshape(3, 5)
    assert same(holotype.loads(holotype.dumps(array, mode=mode)), array)


def test_flat_ramp_and_extremes(mode: Any) -> None:
    for array in (
        np.zeros((70, 65), "u1"),
        np.full((40, 40, 3), 65535, "u2"),
        np.arange(64 * 64, dtype="u2").reshape(64, 64),
        np.eye(50, dtype=bool),
        np.linspace(-1, 1, 900, dtype="f4").reshape(30, 30),
    ):
        assert same(holotype.loads(holotype.dumps(array, mode=mode)), array)


def test_strides() -> None:
    base = smooth(64, 80, 4, "uint16")
    views: list[Array] = [
        base[::2, 1::3],
        base[::-1, ::-1],
        base[..., ::-1],
        base[..., 2],
        base.transpose(1, 0, 2),
        np.asfortranarray(base),
        np.broadcast_to(base[:1], (9, 80, 4)),
    ]
    for view in views:
        assert same(holotype.loads(holotype.dumps(view, mode="fast")), np.ascontiguousarray(view))


@pytest.mark.parametrize("dtype", [">u2", ">i4", ">f8", "<u4"])
def test_byte_orders(dtype: str) -> None:
    array = np.arange(600).astype(dtype).reshape(20, 30)
    back = holotype.loads(holotype.dumps(array, mode="fast"))
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert (back == array).all()


def test_odd_bools_count_as_true() -> None:
    array = np.array([[0, 1, 2, 255]], "u1").view(bool)
    assert holotype.loads(holotype.dumps(array)).tolist() == [[False, True, True, True]]


def test_lists_are_arrays() -> None:
    assert holotype.loads(holotype.dumps([[1, 2], [3, 4]])).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("shape", [(), (5,), (2, 2, 2, 2)])
def test_other_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2 or 3 dimensions"):
        holotype.write(io.BytesIO(), np.zeros(shape, "u1"))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 3, 0)])
def test_empty_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(holotype.ArgumentError, match="at least one pixel"):
        holotype.write(io.BytesIO(), np.zeros(shape, "u1"))


@pytest.mark.parametrize("dtype", ["complex64", "M8[s]", "U3", "O", "longdouble", "i4,f4"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(holotype.UnsupportedError, match="cannot be stored exactly"):
        holotype.write(io.BytesIO(), np.zeros((2, 2), dtype))


def test_order_is_recorded(tmp_path: Path) -> None:
    rgb = smooth(20, 30)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    data = holotype.dumps(bgr, order="bgr")
    image = holotype.info(data).image
    assert image is not None
    assert image.order == "bgr"
    assert same(holotype.loads(data), rgb)
    assert same(holotype.loads(data, order="bgr"), bgr)
    assert same(holotype.loads(data, order=None), bgr)
    assert same(holotype.loads(holotype.dumps(rgb), order="bgr"), bgr)
    rgba = smooth(20, 30, 4)
    back = holotype.loads(holotype.dumps(rgba), order="bgr")
    assert same(back, np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]))
    gray = smooth(20, 30)[..., 0]
    assert same(holotype.loads(holotype.dumps(gray, order="bgr"), order="bgr"), np.ascontiguousarray(gray))


def test_opencv_and_pillow_get_each_others_images_right(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    rgb = smooth(20, 30)
    cv2.imwrite(str(tmp_path / "a.png"), rgb[..., ::-1])
    holotype.write(tmp_path / "a.holo", cv2.imread(str(tmp_path / "a.png")), order="bgr")
    assert np.asarray(holotype.decode(tmp_path / "a.holo")).tobytes() == rgb.tobytes()


def test_out() -> None:
    array = smooth(40, 50, 3, "uint16")
    data = holotype.dumps(array)
    out = np.empty_like(array)
    assert holotype.loads(data, out=out) is out
    assert same(out, array)
    big = np.empty(array.shape, ">u2")
    assert holotype.loads(data, out=big) is big
    assert (big == array).all()
    wide = np.zeros((40, 100, 3), "u2")
    holotype.loads(data, out=wide[:, ::2])
    assert (wide[:, ::2] == array).all()
    assert not wide[:, 1::2].any()
    memory = bytearray(array.nbytes)
    holotype.loads(data, out=memory)
    assert bytes(memory) == array.tobytes()
    part = np.empty((3, 4, 3), "u2")
    holotype.loads(data, out=part, region=(5, 6, 4, 3))
    assert same(part, np.ascontiguousarray(array[6:9, 5:9]))


def test_unfit_out_is_refused() -> None:
    data = holotype.dumps(smooth(4, 5))
    locked = np.empty((4, 5, 3), "u1")
    locked.flags.writeable = False
    for out in (np.empty((5, 4, 3), "u1"), np.empty((4, 5, 3), "i1"), locked, bytearray(7), bytes(60)):
        with pytest.raises(ValueError, match=r"out|reshape|read-only"):
            holotype.loads(data, out=out)


def test_regions_are_cut_from_the_whole(tmp_path: Path) -> None:
    array = smooth(150, 170, 3, "uint16")
    holotype.write(tmp_path / "a.holo", array, tile_edge=64, mode="fast")
    rng = np.random.default_rng(3)
    for _ in range(40):
        x, y = int(rng.integers(170)), int(rng.integers(150))
        width, height = int(rng.integers(1, 171 - x)), int(rng.integers(1, 151 - y))
        part = holotype.read(tmp_path / "a.holo", region=(x, y, width, height))
        assert same(part, np.ascontiguousarray(array[y : y + height, x : x + width]))


@pytest.mark.parametrize(
    "region",
    [
        (0, 0, 0, 1),
        (0, 0, 9, 1),
        (8, 0, 1, 1),
        (0, 2**32 - 1, 1, 1),
        (-1, 0, 2, 2),
        (0, 0, 2**32 - 1, 2**32 - 1),
        (0, 0, 2**40, 1),
        (0, 0, 1),
    ],
)
def test_regions_outside_are_refused(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(holotype.ArgumentError, match="region"):
        holotype.loads(holotype.dumps(smooth(8, 8)), region=region)


def test_threads_and_tiles_do_not_change_samples() -> None:
    array = smooth(130, 90, 3, "uint16")
    whole = holotype.dumps(array, tile_edge=32, threads=1)
    assert holotype.dumps(array, tile_edge=32, threads=7) == whole
    for threads in (1, 2, 9, None):
        assert same(holotype.loads(whole, threads=threads), array)


def test_output_is_deterministic(mode: Any) -> None:
    array = smooth(60, 60)
    assert holotype.dumps(array, mode=mode) == holotype.dumps(array.copy(), mode=mode)


@pytest.mark.parametrize(
    "options",
    [{"mode": "best"}, {"order": "gbr"}, {"tile_edge": 7}, {"threads": -1}, {"colour": "pink"}],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(holotype.ArgumentError):
        holotype.dumps(smooth(4, 4), **options)


def test_small_archives_are_small() -> None:
    assert len(holotype.dumps(np.zeros((1, 1), "u1"))) <= 400
