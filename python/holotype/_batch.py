"""`read_many`: images of one size into one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from holotype import _holotype
from holotype._errors import ArgumentError, HolotypeError
from holotype._info import DTYPES
from holotype._read import image_name
from holotype._remote import DEFAULT
from holotype._sources import as_bytes, is_path, open_archive, path_of, secret_bytes
from holotype._write import thread_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from holotype._fields import Descriptor
    from holotype._read import Region
    from holotype._remote import Remote
    from holotype._sources import Source

Layout = Literal["nhwc", "nchw"]


def read_many(
    sources: Sequence[Any],
    *,
    archive: Source | _holotype.Archive | None = None,
    out: NDArray[Any] | None = None,
    layout: Layout = "nhwc",
    region: Region | None = None,
    stride: int = 1,
    threads: int | None = None,
    errors: Literal["raise", "return"] = "raise",
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> Any:
    """Decode many images, or the same region of each, into one array; the interpreter lock is released.

    Parameters
    ----------
    sources : sequence
        Paths, addresses and buffers, each an archive whose first image is meant; with `archive`, names of
        its images.
    archive : path, buffer or binary file object, optional
        The archive whose images are named.
    out : numpy.ndarray, optional
        Decode into this: `(n, height, width[, channels])` for "nhwc", `(n, channels, height, width)` for
        "nchw".
        Without it the first image that can be opened tells size and dtype.
    layout : {"nhwc", "nchw"}
        Order of the axes.
    region : (x, y, width, height), optional
        Only these pixels; only the tiles they touch are decoded.
    stride : int
        Every so many pixels along both sides.
    threads : int, optional
        At most so many; by default what the machine offers. Each decodes one image at a time.
    errors : {"raise", "return"}
        Whether an image that cannot be read raises, once all others are read, or is told of in the result.
    remote : Remote, optional
        How archives at addresses are read.
    password : str or bytes, optional
        Of encrypted archives.

    Returns
    -------
    numpy.ndarray, or (numpy.ndarray, list)
        The array; with `errors="return"` also, for each image, None or its exception. The part of an image
        that could not be read is zeros, or what was in `out`. Colours are as stored.

    Raises
    ------
    HolotypeError
        The first that went wrong, with the numbers of all in its notes.

    Examples
    --------
    >>> import holotype, numpy
    >>> made = [holotype.dumps(numpy.full((4, 6, 3), i, numpy.uint8), "fast") for i in range(3)]
    >>> holotype.read_many(made, layout="nchw").shape
    (3, 3, 4, 6)
    """
    if layout not in ("nhwc", "nchw"):
        raise ArgumentError(f"layout is 'nhwc' or 'nchw', not {layout!r}")
    if stride < 1:
        raise ArgumentError(f"stride is 1 or more, not {stride}")
    if errors not in ("raise", "return"):
        raise ArgumentError(f"errors is 'raise' or 'return', not {errors!r}")
    how = _How(out, layout, region, stride, thread_limit(threads), errors, remote or DEFAULT, password)
    if archive is None:
        return _read([(_place(source), None) for source in sources], how)
    if isinstance(archive, _holotype.Archive):
        return _read([(archive, str(name)) for name in sources], how)
    with open_archive(archive, remote, password) as opened:
        return _read([(opened, str(name)) for name in sources], how)


class _How(NamedTuple):
    """What is asked of all images."""

    out: NDArray[Any] | None
    layout: str
    region: Region | None
    stride: int
    threads: int
    errors: str
    remote: Remote
    password: str | bytes | None


def _place(source: Any) -> Any:
    return path_of(source) if is_path(source) else as_bytes(source)


def _read(asked: list[tuple[Any, str | None]], how: _How) -> Any:
    import numpy as np

    from holotype import _arrays

    out, layout, region, stride, threads, errors, remote, password = how
    n = len(asked)
    if n == 0:
        result = np.empty((0,), np.uint8) if out is None else out
        return (result, []) if errors == "return" else result
    expected = _expected(asked, how)
    height, width, channels = expected["height"], expected["width"], expected["channels"]
    dtype = np.dtype(DTYPES[expected["sample"]])
    shape: tuple[int, ...] = (n, height, width) if channels == 1 else (n, height, width, channels)
    is_direct = stride == 1 and (layout == "nhwc" or channels == 1) and out is not None
    target = out.reshape(shape) if is_direct and out is not None and out.flags.c_contiguous else None
    flat = None if target is None else _arrays.flat_bytes(target)
    if flat is None:
        target = np.zeros(shape, dtype)
        flat = target.reshape(-1).view(np.uint8)
    secret = secret_bytes(password)
    failed = _holotype.read_many_into(asked, expected, region, flat, threads, remote, secret)
    if not (is_direct and flat is not None and target is not None and np.shares_memory(target, out)):
        assert target is not None
        view = target[:, ::stride, ::stride]
        if layout == "nchw":
            view = view[:, None] if channels == 1 else view.transpose(0, 3, 1, 2)
        if out is None:
            out = np.ascontiguousarray(view)
        else:
            good = [i for i, error in enumerate(failed) if error is None]
            out[good] = view[good].reshape(len(good), *out.shape[1:])
    if errors == "return":
        return out, failed
    bad = [i for i, error in enumerate(failed) if error is not None]
    if bad:
        error = failed[bad[0]]
        assert error is not None
        if hasattr(error, "add_note"):
            error.add_note(f"images that could not be read: {', '.join(map(str, bad))}")
        raise error
    return out


def _expected(asked: list[tuple[Any, str | None]], how: _How) -> Descriptor:
    """What each image is, before `stride`: as `out` says, or as the first that can be opened."""
    out, layout, region, stride = how.out, how.layout, how.region, how.stride
    first: Descriptor | None = None
    problem: Exception | None = None
    for place, name in asked:
        try:
            if isinstance(place, _holotype.Archive):
                found = place.image(image_name(place, name))
            else:
                with open_archive(place, how.remote, how.password) as opened:
                    found = opened.image(image_name(opened, name))
        except (HolotypeError, OSError) as error:
            problem = problem or error
            continue
        first = dict(found["descriptor"])  # type: ignore[assignment]
        break
    if first is None:
        assert problem is not None
        raise problem
    if region is not None:
        first["width"], first["height"] = region[2], region[3]
    if out is not None:
        n_rows, n_columns = -(-first["height"] // stride), -(-first["width"] // stride)
        channels = first["channels"]
        plain = (len(asked), n_rows, n_columns)
        if layout == "nhwc":
            shapes = [(*plain, channels)] + [plain] * (channels == 1)
        else:
            shapes = [(plain[0], channels, *plain[1:])] + [plain] * (channels == 1)
        dtype = DTYPES[first["sample"]]
        if out.shape not in shapes or out.dtype.newbyteorder("=") != dtype:
            raise ArgumentError(f"out is {out.dtype}{out.shape}, these images need {dtype}{shapes[0]}")
        if not out.flags.writeable:
            raise ArgumentError("out is read-only")
    return first
