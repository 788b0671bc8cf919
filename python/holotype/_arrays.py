"""NumPy arrays ↔ samples: row-major, interleaved, little-endian bytes and a descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from holotype._errors import ArgumentError, UnsupportedError
from holotype._info import DTYPES, ImageInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from holotype._fields import Descriptor

SAMPLES = {np.dtype(name): sample for sample, name in DTYPES.items()}
MAX_SIDE = 2**32 - 1
MAX_CHANNELS = 2**16 - 1


def describe(array: NDArray[Any], *, order: str, colour: str | None, alpha: str | None) -> Descriptor:
    """The descriptor of an array `(height, width)` or `(height, width, channels)`."""
    if array.ndim not in (2, 3):
        raise ArgumentError(
            f"an image has 2 or 3 dimensions (height, width[, channels]), this array has {array.ndim}"
        )
    sample = SAMPLES.get(array.dtype.newbyteorder("="))
    if sample is None:
        raise UnsupportedError(f"arrays of dtype {array.dtype} cannot be stored exactly")
    if array.size == 0:
        raise ArgumentError(f"an image has at least one pixel and one channel, this shape is {array.shape}")
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    if max(height, width) > MAX_SIDE or channels > MAX_CHANNELS:
        raise ArgumentError(
            f"shape {array.shape} is beyond {MAX_SIDE} pixels a side or {MAX_CHANNELS} channels"
        )
    if order not in ("rgb", "bgr"):
        raise ArgumentError(f"order is 'rgb' or 'bgr', not {order!r}")
    usual_colour, usual_alpha = usual_meaning(array.ndim, channels, array.dtype)
    if colour is None:
        colour = usual_colour
        alpha = usual_alpha if alpha is None else alpha
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "sample": sample,
        "bits_per_sample": 1 if sample == "bool" else 8 * array.dtype.itemsize,
        "colour": colour,
        "alpha": "none" if alpha is None else alpha,
        "order": order if colour == "rgb" else "rgb",
        "palette": None,
        "channel_names": [],
    }


def as_array(source: Any) -> NDArray[Any]:
    """`numpy.asarray`, but for arrays some of whose elements are masked out.

    Raises
    ------
    UnsupportedError
        It is one: what is masked would come back as if it were valid.
    """
    if isinstance(source, np.ma.MaskedArray) and np.ma.is_masked(source):
        raise UnsupportedError(
            "masks of arrays are not stored; pass `array.filled(value)`, and `array.mask` as one of its own"
        )
    return np.asarray(source)


def usual_meaning(n_dimensions: int, channels: int, dtype: np.dtype[Any]) -> tuple[str, str]:
    """What the channels of an array mean if nobody says: colour model and alpha."""
    if n_dimensions == 2:
        return "gray", "none"
    if channels == 2 and dtype.kind == "u" and dtype.itemsize <= 2:
        return "gray", "straight"
    return {3: ("rgb", "none"), 4: ("rgb", "straight")}.get(channels, ("channels", "none"))


def samples(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The array's samples as flat bytes; no copy if they lie that way already."""
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
    if array.dtype.kind == "b" and flat.max() > 1:
        # A foreign buffer seen as bool may hold other bytes than 0 and 1; NumPy counts them as true.
        flat = (flat != 0).view(np.uint8)
    return flat


def empty(shape: tuple[int, ...], image: ImageInfo, out: object) -> NDArray[Any]:
    """The array to return: `out` checked, or a new one."""
    dtype = np.dtype(image.dtype)
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        return np.frombuffer(out, dtype).reshape(shape)  # type: ignore[call-overload,no-any-return]
    if out.shape != shape or out.dtype.newbyteorder("=") != dtype:
        raise ArgumentError(f"out is {out.dtype}{out.shape}, the image is {dtype}{shape}")
    if not out.flags.writeable:
        raise ArgumentError("out is read-only")
    return out


def flat_bytes(array: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The array's memory as flat bytes if samples can be decoded straight into it."""
    is_little = array.dtype.itemsize == 1 or array.dtype.newbyteorder("<") == array.dtype
    if not (array.flags.c_contiguous and array.flags.writeable and is_little):
        return None
    return array.reshape(-1).view(np.uint8)


def from_bytes(data: bytes, image: ImageInfo, shape: tuple[int, ...]) -> NDArray[Any]:
    """Samples as an array, without a copy."""
    return np.frombuffer(data, np.dtype(image.dtype).newbyteorder("<")).reshape(shape)


def reverse_colours(array: NDArray[Any]) -> None:
    """Turns RGB into BGR or back, in place."""
    array[..., :3] = array[..., 2::-1].copy()
