"""Arrays to test with."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DTYPES = (
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "float16", "float32", "float64",
)  # fmt: skip


def noise(shape: tuple[int, ...], dtype: str, seed: int = 1) -> Array:
    """Every bit pattern of the dtype: NaN payloads, −0, infinities and subnormals among floats."""
    kind = np.dtype(dtype)
    data = np.random.default_rng(seed).bytes(int(np.prod(shape)) * kind.itemsize)
    if kind == np.bool_:
        return (np.frombuffer(data, np.uint8) & 1).astype(bool).reshape(shape)
    return np.frombuffer(data, kind).reshape(shape)


def smooth(height: int, width: int, channels: int = 3, dtype: str = "uint8") -> Array:
    """A gradient with a little noise: compresses, and has structure to get wrong."""
    y, x, c = np.ogrid[:height, :width, :channels]
    grain = np.random.default_rng(2).integers(0, 5, (height, width, channels))
    top = np.iinfo(dtype).max
    values: Array = (x * 3 + y * 2 + c * 40 + grain) % (top + 1)
    return values.astype(dtype)


def same(a: Array, b: Array) -> bool:
    """Same type, shape and bits."""
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
