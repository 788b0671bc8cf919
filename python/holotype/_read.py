"""Reading archives: `info`, `read`, `loads`, `decode`, `decode_to_file`, `extract_thumbnail`, `verify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from holotype._errors import ArgumentError, IntegrityError, NotFoundError, UnsupportedError
from holotype._info import (
    ArchiveInfo,
    Finding,
    ImageInfo,
    ItemInfo,
    MetadataEntry,
    Palette,
    VerifyReport,
)
from holotype._signing import side_file, signer_paths
from holotype._sources import as_bytes, is_path, open_archive, path_of, put
from holotype._write import thread_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from holotype import _holotype
    from holotype._fields import ImageFields, MetadataFields
    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Source
    from holotype._write import Order

Region = tuple[int, int, int, int]

#: Longest side of a thumbnail, in pixels.
THUMBNAIL_EDGE = 128


def info(src: Source, *, remote: Remote | None = None, password: str | bytes | None = None) -> ArchiveInfo:
    """What an archive holds: items, image descriptions, metadata, hashes. No pixel is read.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive. A `str` that starts with `http://`, `https://` or `s3://` is an address. A seekable file
        object is read only where needed.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.

    Raises
    ------
    FormatError, IntegrityError, TruncatedError
        `src` is no archive, or its description was changed or cut.
    DecryptionError
        It is encrypted and the password is missing or wrong.
    """
    with open_archive(src, remote, password) as archive:
        items = tuple(
            ItemInfo(
                name=item["name"],
                kind=item["kind"],
                raw_bytes=item["raw_bytes"],
                stored_bytes=item["stored_bytes"],
                sha256=item["sha256"],
                metadata=_metadata(item["metadata"]),
                image=None if item["image"] is None else _image_info(item["image"]),
            )
            for item in archive.items()
        )
        return ArchiveInfo(
            n_bytes=archive.n_bytes,
            format_version=archive.format_version,
            revision=archive.revision,
            seal=archive.seal,
            items=items,
            is_encrypted=archive.is_encrypted,
        )


def read(
    src: Source,
    *,
    region: Region | None = None,
    out: Any = None,
    order: Order | None = "rgb",
    threads: int | None = None,
    item: str | None = None,
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> NDArray[Any]:
    """Read an image, or a part of it, as an array; every byte used is checked first.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive.
    region : (x, y, width, height), optional
        Only these pixels; only the tiles they touch are read.
    out : numpy.ndarray or writable buffer, optional
        Decode into this memory. Its shape and dtype must be the image's.
    order : {"rgb", "bgr"} or None
        Order of the colours to return, whatever order they are stored in; None leaves them as stored.
    threads : int, optional
        At most so many; by default what the machine offers.
    item : str, optional
        Name of the image; by default the first.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.

    Returns
    -------
    numpy.ndarray
        `(height, width)` for a single channel, otherwise `(height, width, channels)`; `out` if it was given.
        Palette images come as indices; `info` has the palette.

    Raises
    ------
    IntegrityError
        The archive was changed; `out` then holds unspecified samples.
    """
    with open_archive(src, remote, password) as archive:
        return read_image(archive, item, region, out, order, threads)


def read_image(
    archive: _holotype.Archive,
    item: str | None,
    region: Region | None,
    out: Any,
    order: Order | None,
    threads: int | None,
) -> NDArray[Any]:
    """`read` of an open archive."""
    from holotype import _arrays

    if order not in ("rgb", "bgr", None):
        raise ArgumentError(f"order is 'rgb', 'bgr' or None, not {order!r}")
    if region is not None and not (len(region) == 4 and all(0 <= v < 2**32 for v in region)):
        raise ArgumentError(f"region is (x, y, width, height), not {region!r}")
    n_threads = thread_limit(threads)
    name = image_name(archive, item)
    archive.region_bytes(name, region)  # refused before memory is asked for
    image = _image_info(archive.image(name))
    width, height = (image.width, image.height) if region is None else region[2:]
    result = _arrays.empty((height, width, *image.shape[2:]), image, out)
    flat = _arrays.flat_bytes(result)
    if flat is not None:
        archive.read_into(name, region, flat, n_threads)
    else:
        fresh = _arrays.from_bytes(archive.read_bytes(name, region, n_threads), image, result.shape)
        result[...] = fresh
    if order is not None and order != image.order and image.colour == "rgb":
        _arrays.reverse_colours(result)
    return out if out is not None and hasattr(out, "shape") else result


def loads(
    data: Source,
    *,
    threads: int | None = None,
    out: Any = None,
    order: Order | None = "rgb",
    region: Region | None = None,
    password: str | bytes | None = None,
) -> NDArray[Any]:
    """The array in an archive in memory; inverse of `dumps`. Parameters are those of `read`.

    Of an archive without images it is the first tensor; `region` is then what `Tensor.read` takes.
    """
    if is_path(data):
        raise TypeError("loads takes an archive's bytes; read takes a path")
    if not isinstance(data, bytes):
        data = as_bytes(data)
    with open_archive(data, password=password) as archive:
        kinds = [kind for _, kind in archive.names()]
        if "image" in kinds or "tensor" not in kinds:
            return read_image(archive, None, region, out, order, threads)
        from holotype import _tensors

        name = archive.names()[kinds.index("tensor")][0]
        return _tensors.Tensor(archive, name).read(region, out, threads=threads)


def decode(
    src: Source,
    *,
    threads: int | None = None,
    item: str | None = None,
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> Image.Image:
    """Decode an image as a Pillow image, with its ICC profile, EXIF, XMP, resolution and text in `info`.

    Values are what Pillow itself gives for the source: 1, 2 and 4-bit grays are spread to 8 bit. A lossy
    source kept as its file is opened by Pillow.

    Raises
    ------
    UnsupportedError
        Pillow has no mode that holds the samples exactly (16-bit RGB, for one); `read` gives an array.
    IntegrityError
        The archive was changed.
    """
    from holotype import _modes

    n_threads = thread_limit(threads)
    with open_archive(src, remote, password) as archive:
        name = _picture_name(archive, item)
        if dict(archive.names())[name] == "file":
            return _modes.open_file(archive.read_file(name))
        image = _image_info(archive.image(name))
        layout = _modes.layout_of(image)
        samples = archive.read_bytes(name, None, n_threads)
        return _modes.to_pillow(image, layout, samples, _metadata(archive.metadata(name)))


def decode_to_file(
    src: Source,
    dst: Destination,
    *,
    format: str | None = None,
    region: Region | None = None,
    lossy_metadata: bool = False,
    threads: int | None = None,
    item: str | None = None,
    overwrite: bool = True,
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> None:
    """Write an archive's images back as an image file, values exact and metadata included.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive.
    dst : path or binary file object
        Where the file goes. A file appears whole or not at all.
    format : str, optional
        Such as `png` or `tiff`; by default as the extension of `dst` says, else the source's own.
    region : (x, y, width, height), optional
        Only these pixels.
    lossy_metadata : bool
        Write even if the format cannot hold some metadata. Samples are never changed.
    item : str, optional
        Only this item; by default all images, or the only file.
    overwrite : bool
        False raises `FileExistsError` if `dst` exists.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.

    Raises
    ------
    LossError
        The format cannot hold everything; the message names what would be lost.
    """
    n_threads = thread_limit(threads)
    path = path_of(dst) if is_path(dst) else None
    if format is None and path is not None:
        format = os.path.splitext(path)[1].lstrip(".") or None
    with open_archive(src, remote, password) as archive:
        kinds = dict(archive.names())
        if item is not None and item not in kinds:
            raise NotFoundError(f"no item named `{item}`", item)
        names = [item] if item is not None else [n for n, kind in kinds.items() if kind == "image"]
        names = names or [n for n, kind in kinds.items() if kind == "file"][:1]
        data = archive.export(names, format or "", path, overwrite, lossy_metadata, region, n_threads)
    if data is not None:
        put(dst, data)


def extract_thumbnail(
    src: Source,
    *,
    item: str | None = None,
    remote: Remote | None = None,
    password: str | bytes | None = None,
) -> Image.Image:
    """A small picture, longest side 128, covered by the seal.

    The stored preview is read and nothing else of the pixels. Items without one (small images, files that
    could not be decoded when they were kept, `preview=False`) are decoded and reduced.
    """
    from holotype import _modes

    with open_archive(src, remote, password) as archive:
        name = _picture_name(archive, item)
        is_image = dict(archive.names())[name] == "image"
        preview = archive.preview(name)
        if preview is not None:
            return _modes.from_preview(preview)
        if not is_image:
            return _modes.reduced(_modes.open_file(archive.read_file(name)), THUMBNAIL_EDGE)
        image = _image_info(archive.image(name))
        layout = _modes.layout_of(image)
        samples = archive.read_bytes(name, None, 0)
        return _modes.reduced(_modes.to_pillow(image, layout, samples, ()), THUMBNAIL_EDGE)


def verify(
    src: Source,
    *,
    checksum: bool = True,
    structure: bool = True,
    public_key: Path | Sequence[Path] | None = None,
    signature: Path | bytes | None = None,
    threads: int | None = None,
    remote: Remote | None = None,
    password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    revision: int | Literal["whole"] | None = None,
) -> VerifyReport:
    """Check every byte of an archive: structure, every block, the SHA-256 of every item's content.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive.
    checksum : bool, default True
        Read every block and hash every item's content. Otherwise only the seal and, with `structure`, what
        it vouches for directly is checked: tables, records, metadata.
    structure : bool, default True
        Check tables, records and metadata; with `checksum` they are checked in any case, since blocks are
        found through them.
    public_key : path or sequence of paths, optional
        Public keys, `NAME.pub`, that must all have signed. Without one, signatures are not looked at.
    signature : path or bytes, optional
        The signature file, or its bytes; by default the one beside the archive, named with `.sig` appended.
    threads : int, optional
        At most so many; by default what the machine offers.
    remote : Remote, optional
        How an archive at an address is read.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.
    parents : path or sequence of paths, optional
        Where the parents of a thin archive are, if not where it says.
    revision : int or "whole", optional
        An earlier revision, as of `Reader`.

    Returns
    -------
    VerifyReport
        What was checked.

    Raises
    ------
    SignatureError
        There is no signature file, a signature in it does not hold, or one of the keys did not sign.
    IntegrityError
        Something was changed, or a parent that is needed is missing or was replaced. Its `report` names
        items, tiles and byte ranges.
    FormatError, TruncatedError
        `src` is no archive, or its end is missing.
    """
    n_threads = thread_limit(threads)
    keys = signer_paths(public_key)
    if signature is not None and not keys:
        raise ArgumentError("a signature is checked against a `public_key`")
    data = side_file(signature) if signature is not None else None
    if keys and data is None and not is_path(src):
        raise ArgumentError("an archive without a path has no signature file beside it: pass `signature`")
    with open_archive(src, remote, password, parents, revision) as archive:
        signers = tuple(archive.check_signatures(keys, data)) if keys else ()
        if not (checksum or structure):
            return VerifyReport(n_items=0, n_blocks=0, n_bytes=archive.n_bytes, findings=(), signers=signers)
        fields = archive.verify(n_threads, checksum)
    report = VerifyReport(
        n_items=fields["n_items"],
        n_blocks=fields["n_blocks"],
        n_bytes=fields["n_bytes"],
        findings=tuple(Finding(**finding) for finding in fields["findings"]),
        signers=signers,
    )
    if report:
        return report
    first = report.findings[0]
    more = f" (and {len(report.findings) - 1} more)" if len(report.findings) > 1 else ""
    error = IntegrityError(f"{first.message}{more}", first.item)
    error.report = report
    raise error


def image_name(archive: _holotype.Archive, item: str | None) -> str:
    """The image asked for, or the first."""
    names = archive.names()
    if item is None:
        item = next((name for name, kind in names if kind == "image"), None)
    if item is None:
        files = [name for name, kind in names if kind == "file"]
        if files:
            raise UnsupportedError(
                f"`{files[0]}` was kept as its untouched file; `decode` gives a Pillow image", files[0]
            )
        raise NotFoundError("the archive holds no image")
    return item


def _picture_name(archive: _holotype.Archive, item: str | None) -> str:
    """The item asked for, or the first image, or the first file."""
    names = archive.names()
    if item is not None:
        if item not in dict(names):
            raise NotFoundError(f"no item named `{item}`", item)
        return item
    for wanted in ("image", "file"):
        for name, kind in names:
            if kind == wanted:
                return name
    raise NotFoundError("the archive holds no image")


def _metadata(entries: list[MetadataFields]) -> tuple[MetadataEntry, ...]:
    return tuple(MetadataEntry(**entry) for entry in entries)


def _image_info(fields: ImageFields) -> ImageInfo:
    d = fields["descriptor"]
    palette = d["palette"]
    return ImageInfo(
        width=d["width"],
        height=d["height"],
        channels=d["channels"],
        sample=d["sample"],
        bits_per_sample=d["bits_per_sample"],
        colour=d["colour"],
        alpha=d["alpha"],
        order=d["order"],
        palette=None
        if palette is None
        else Palette(palette["bits"], tuple(palette["rgb"]), palette["alpha"]),
        channel_names=tuple(d["channel_names"]),
        tile_edge=fields["tile_edge"],
        n_tiles=fields["n_tiles"],
        has_preview=fields["has_preview"],
    )
