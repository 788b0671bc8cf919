"""Making archives: `encode`, `write`, `dumps`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard

from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._info import Encoded, MetadataEntry
from holotype._sources import as_bytes, is_path, path_of, put, secret_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike
    from PIL import Image

    from holotype._fields import MetadataFields, Options, Written
    from holotype._sources import Destination, Source

Mode: TypeAlias = Literal["fast", "standard", "archival"]
Order: TypeAlias = Literal["rgb", "bgr"]

#: Name of an item whose source has none.
DEFAULT_NAME = "image"


def encode(
    src: Source | Image.Image,
    dst: Destination,
    *,
    mode: Mode = "standard",
    max_effort: bool = False,
    tile_edge: int | None = None,
    preview: bool | None = None,
    threads: int | None = None,
    pixels: bool = False,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> Encoded:
    """Seal an image file, with all its metadata, in an archive.

    Parameters
    ----------
    src : path, bytes, buffer, binary file object or PIL.Image.Image
        PNG, TIFF, PNM, BMP, WebP, GIF, EXR, NPY, QOI or JPEG; recognised by content.
    dst : path or binary file object
        Where the archive goes. A file appears whole or not at all.
    mode : {"fast", "standard", "archival"}
        Time against size.
    max_effort : bool
        The strongest setting of `archival`.
    tile_edge : int, optional
        Edge of the tiles in pixels, 16 to 16384; default 1024, or 512 for very wide images.
    preview : bool, optional
        Store a preview; by default for images of 512 × 512 pixels and more.
    threads : int, optional
        At most so many; by default what the machine offers.
    pixels : bool
        Store the decoded samples of lossy sources (JPEG, lossy WebP) instead of their untouched file.
    password : str or bytes, optional
        Encrypt the archive, names and tables included. The same input then gives another archive every time.
    overwrite : bool
        False raises `FileExistsError` if `dst` exists.

    Returns
    -------
    Encoded
        What was done.

    Raises
    ------
    UnsupportedError
        The format is unknown, or something in the source cannot be kept exactly.
    FormatError
        The source is damaged.
    """
    options = _options(mode, max_effort, tile_edge, preview, threads, password)
    if is_pillow(src):
        from holotype import _modes

        return _encode_pillow(_modes.from_pillow(src), dst, options, overwrite)
    name = _name_of(src)
    imported = _holotype.import_file(
        path_of(src) if is_path(src) else as_bytes(src),
        path_of(dst) if is_path(dst) else None,
        overwrite,
        name,
        pixels,
        options,
    )
    return Encoded(
        format=imported["format"],
        items=tuple(imported["items"]),
        raw_bytes=imported["raw_bytes"],
        stored_bytes=imported["written"]["n_bytes"],
        kept_as_file=imported["kept_as_file"],
        seal=_deliver(imported["written"], dst)["seal"],
    )


def write(
    dst: Destination,
    array: ArrayLike,
    *,
    mode: Mode = "standard",
    order: Order = "rgb",
    colour: str | None = None,
    alpha: str | None = None,
    metadata: Iterable[MetadataEntry] = (),
    name: str = DEFAULT_NAME,
    max_effort: bool = False,
    tile_edge: int | None = None,
    preview: bool | None = None,
    threads: int | None = None,
    overwrite: bool = True,
    password: str | bytes | None = None,
) -> None:
    """Seal an array in an archive.

    Parameters
    ----------
    dst : path or binary file object
        Where the archive goes. A file appears whole or not at all.
    array : array_like, shape (height, width) or (height, width, channels)
        bool, 8 to 64-bit integers, or 16 to 64-bit floats; any strides, any byte order. Every bit is kept,
        NaN payloads and −0 included.
    order : {"rgb", "bgr"}
        What the first of 3 or 4 channels is; recorded, so that Pillow and OpenCV users get each other's
        images right.
    colour : str, optional
        `gray`, `gray-inverted`, `rgb`, `cmyk`, `ycbcr`, `lab` or `channels` (no colour meaning). By default
        3 channels are RGB, 4 RGBA, 2 of 8 or 16 bit gray + alpha, others `channels`.
    alpha : {"none", "straight", "premultiplied"}, optional
        Whether a channel after the colours is alpha.
    metadata : iterable of MetadataEntry
        Stored byte for byte.
    name : str
        Name of the item.
    mode, max_effort, tile_edge, preview, threads, overwrite, password
        As for `encode`.

    Raises
    ------
    UnsupportedError
        The dtype cannot be stored exactly.
    ArgumentError
        The shape is none of an image.
    """
    options = _options(mode, max_effort, tile_edge, preview, threads, password)
    written = _encode_array(dst, array, order, colour, alpha, metadata, name, options, overwrite)
    _deliver(written, dst)


def dumps(
    array: ArrayLike | Any,
    mode: Mode = "standard",
    *,
    order: Order = "rgb",
    colour: str | None = None,
    alpha: str | None = None,
    metadata: Iterable[MetadataEntry] = (),
    max_effort: bool = False,
    tile_edge: int | None = None,
    preview: bool | None = False,
    threads: int | None = None,
    password: str | bytes | None = None,
) -> bytes:
    """Seal an array in an archive in memory; `loads` is its inverse.

    Parameters are those of `write`; a preview is stored only if asked for (otherwise `extract_thumbnail`
    makes one from the pixels). What is no image (another rank, no elements, complex numbers, bfloat16, a
    PyTorch tensor, anything with `__dlpack__`) is stored as a tensor, as `Writer.add_tensor` does.

    Examples
    --------
    >>> import holotype, numpy
    >>> depth = numpy.arange(12, dtype=">u2").reshape(3, 4)
    >>> data = holotype.dumps(depth, mode="fast")
    >>> bool((holotype.loads(data) == depth).all())
    True
    """
    from holotype import _tensors

    options = _options(mode, max_effort, tile_edge, preview, threads, password)
    metadata = tuple(metadata)
    if not (colour or alpha or metadata) and _tensors.is_tensor(array):
        return _tensors.dump(array, options["threads"], password)
    written = _encode_array(None, array, order, colour, alpha, metadata, DEFAULT_NAME, options, True)
    data = written["data"]
    assert data is not None
    return data


def _encode_array(
    dst: Destination | None,
    array: ArrayLike,
    order: str,
    colour: str | None,
    alpha: str | None,
    metadata: Iterable[MetadataEntry],
    name: str,
    options: Options,
    overwrite: bool,
) -> Written:
    from holotype import _arrays

    asked = _arrays.as_array(array)
    descriptor = _arrays.describe(asked, order=order, colour=colour, alpha=alpha)
    entries = [_metadata_fields(entry) for entry in metadata]
    path = path_of(dst) if dst is not None and is_path(dst) else None
    return _holotype.encode_image(path, overwrite, name, descriptor, entries, _arrays.samples(asked), options)


def _encode_pillow(
    image: tuple[Any, list[MetadataFields], bytes], dst: Destination, options: Options, overwrite: bool
) -> Encoded:
    descriptor, metadata, samples = image
    path = path_of(dst) if is_path(dst) else None
    written = _holotype.encode_image(path, overwrite, DEFAULT_NAME, descriptor, metadata, samples, options)
    return Encoded(
        format="pillow",
        items=(DEFAULT_NAME,),
        raw_bytes=len(samples),
        stored_bytes=written["n_bytes"],
        kept_as_file=False,
        seal=_deliver(written, dst)["seal"],
    )


def is_pillow(source: object) -> TypeGuard[Image.Image]:
    """True for a Pillow image, without importing Pillow for anything else."""
    return any(cls.__module__ == "PIL.Image" and cls.__name__ == "Image" for cls in type(source).__mro__)


def _name_of(src: object) -> str:
    """The file name of a path or of a file object that has one."""
    named = src if is_path(src) else getattr(src, "name", None)
    if not is_path(named):
        return DEFAULT_NAME
    return os.path.basename(path_of(named)) or DEFAULT_NAME


def _deliver(written: Written, dst: Destination) -> Written:
    if written["data"] is not None:
        put(dst, written["data"])
    return written


def _metadata_fields(entry: MetadataEntry) -> MetadataFields:
    return {"kind": entry.kind, "key": entry.key, "data": entry.data, "text": None}


def _options(
    mode: str,
    max_effort: bool,
    tile_edge: int | None,
    preview: bool | None,
    threads: int | None,
    password: str | bytes | None = None,
) -> Options:
    return {
        "mode": mode,
        "max_effort": max_effort,
        "tile_edge": 0 if tile_edge is None else _count("tile_edge", tile_edge),
        "threads": thread_limit(threads),
        "preview": "auto" if preview is None else "on" if preview else "off",
        "password": secret_bytes(password),
    }


def image_options(mode: str = "standard", threads: int | None = None) -> Options:
    """How images are stored beside other things: without previews."""
    return _options(mode, False, None, False, threads, None)


def thread_limit(threads: int | None) -> int:
    """0 for what the machine offers."""
    return 0 if threads is None else _count("threads", threads)


def _count(what: str, value: int) -> int:
    if not 0 <= value < 2**32:
        raise ArgumentError(f"{what} is a number from 0 to {2**32 - 1}, not {value!r}")
    return value
