"""The calls of PZP: `read`, `write`, `info`, those of containers, and its constants.

Move a script with `import holotype.compat.pzp as pzp` (or `as PZP`). The files are Holotype archives. Flags
are recorded and given back; how the image is coded is up to Holotype. As in OpenCV, colours are blue first:
arrays from `cv2.imread` come back as they went in, and other readers get red and blue right.

Without NumPy, `read` returns a dictionary of bytes; 16-bit samples are then big-endian, as in PNM files and
as `write` takes them.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import holotype
from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._read import image_name
from holotype._sources import is_path, open_archive, path_of, put
from holotype._write import DEFAULT_NAME, _options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holotype._fields import Descriptor, MetadataFields
    from holotype._sources import Destination, Source
    from holotype._write import Mode

USE_COMPRESSION = 1
USE_RLE = 2
USE_PALETTE = 4
USE_INTER_DELTA = 8
USE_LZ4 = 16

AUDIO_WAVE = 0x57415645
AUDIO_MPEG = 0x4D504547
AUDIO_OGG = 0x4F474758
AUDIO_FLAC = 0x464C4143

#: Key under which the flags are recorded.
_FLAGS_KEY = "pzp.configuration"
#: Key of the metadata of a container.
_METADATA_KEY = "pzp.metadata"
_AUDIO_FORMATS = ("WAVE", "MPEG", "OGG", "FLAC")
_SAMPLES = {8: "u8", 16: "u16"}


def read(path: Source, *, return_flags: bool = False) -> Any:
    """Read an image.

    Parameters
    ----------
    path : path, bytes or file object
        The archive.
    return_flags : bool
        Also return the flags it was written with.

    Returns
    -------
    numpy.ndarray, shape (height, width, channels), or (height, width) for a single channel
        Blue first if it has colours. Without NumPy a dictionary with `data`, `width`, `height`, `channels`,
        `bpp` and `configuration`.
    """
    with open_archive(path) as archive:
        name = image_name(archive, None)
        description = archive.image(name)["descriptor"]
        flags = _flags(archive.metadata(name))
        if not _has_numpy():
            result: Any = _plain(description, archive.read_bytes(name, None, 0), flags)
            return (result, flags) if return_flags else result
    array = holotype.read(path, order="bgr", item=name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return (array, flags) if return_flags else array


def write(
    path: Destination,
    image: Any,
    *,
    width: int | None = None,
    height: int | None = None,
    bpp: int | None = None,
    channels: int | None = None,
    configuration: int = USE_COMPRESSION,
    use_rle: bool = False,
    use_palette: bool = False,
    use_lz4: bool = False,
) -> None:
    """Write an image; an existing file is replaced.

    Parameters
    ----------
    path : path or file object
        Where the archive goes.
    image : numpy.ndarray or bytes
        `(height, width)` or `(height, width, channels)`, of any dtype that Holotype stores; or raw samples,
        for which `width`, `height`, `bpp` (8 or 16) and `channels` are needed.
    configuration : int
        Flags; the convenience flags are added to it.
    use_rle, use_palette, use_lz4 : bool
        Recorded. `use_palette` asks for a small file, everything else for a fast one.
    """
    flags = configuration | USE_COMPRESSION
    flags |= USE_RLE * use_rle | USE_PALETTE * use_palette | USE_LZ4 * use_lz4
    if flags & USE_INTER_DELTA:
        raise ArgumentError("USE_INTER_DELTA is for containers")
    mode: Mode = "standard" if flags & USE_PALETTE else "fast"
    if not isinstance(image, (bytes, bytearray, memoryview)):
        entry = holotype.MetadataEntry("user", _FLAGS_KEY, str(flags).encode())
        holotype.write(path, image, mode=mode, order="bgr", metadata=[entry])
        return
    if width is None or height is None or bpp is None or channels is None:
        raise ArgumentError("raw bytes need width, height, bpp and channels")
    description = _describe(width, height, bpp, channels)
    samples = bytes(image)
    if len(samples) != width * height * channels * bpp // 8:
        raise ArgumentError(f"{len(samples)} bytes are not {width} × {height} × {channels} of {bpp} bit")
    metadata: list[MetadataFields] = [
        {"kind": "user", "key": _FLAGS_KEY, "data": str(flags).encode(), "text": None}
    ]
    written = _holotype.encode_image(
        path_of(path) if is_path(path) else None,
        True,
        DEFAULT_NAME,
        description,
        metadata,
        _swapped(samples) if bpp == 16 else samples,
        _options(mode, False, None, None, None),
    )
    if written["data"] is not None:
        put(path, written["data"])


def info(path: Source) -> dict[str, int]:
    """Width, height, bpp, channels and flags, without reading a pixel."""
    with open_archive(path) as archive:
        name = image_name(archive, None)
        description = archive.image(name)["descriptor"]
        flags = _flags(archive.metadata(name))
    bpp = _bpp(description)
    return {
        "width": description["width"],
        "height": description["height"],
        "bpp": bpp,
        "channels": description["channels"],
        "bpp_internal": 8,
        "ch_internal": description["channels"] * max(1, bpp // 8),
        "configuration": flags,
    }


def thread_init() -> None:
    """Nothing: Holotype keeps no state per thread."""


def thread_cleanup() -> None:
    """Nothing: Holotype keeps no state per thread."""


def write_container(
    path: Destination,
    frames: Sequence[Any],
    *,
    delays: Sequence[int] | None = None,
    loop_count: int = 0,
    use_rle: bool = False,
    use_palette: bool = False,
    use_inter_delta: bool = False,
    use_lz4: bool = False,
    configuration: int = USE_COMPRESSION,
    metadata: bytes | str | None = None,
    audio: bytes | None = None,
    audio_format: str = "WAVE",
) -> None:
    """Write an animation; an existing file is replaced.

    Parameters
    ----------
    path : path or file object
        Where the archive goes.
    frames : sequence of numpy.ndarray
        As for `write`; sizes and dtypes may differ.
    delays : sequence of int, optional
        Milliseconds that each frame is shown; by default 0.
    loop_count : int
        How often it is shown; 0 for ever.
    use_rle, use_palette, use_inter_delta, use_lz4 : bool
        Recorded. Frames are coded against earlier ones where that is smaller, whatever is asked for.
    metadata : bytes or str, optional
        Kept byte for byte.
    audio : bytes, optional
        Kept byte for byte.
    audio_format : {"WAVE", "MPEG", "OGG", "FLAC"}
        What `audio` is; another name raises.
    """
    flags = configuration | USE_COMPRESSION
    flags |= USE_RLE * use_rle | USE_PALETTE * use_palette | USE_LZ4 * use_lz4
    flags |= USE_INTER_DELTA * use_inter_delta
    if audio is not None and audio_format not in _AUDIO_FORMATS:
        raise ArgumentError(f"audio_format is one of {', '.join(_AUDIO_FORMATS)}, not {audio_format!r}")
    entries = [holotype.MetadataEntry("user", _FLAGS_KEY, str(flags).encode())]
    if metadata is not None:
        data = metadata.encode() if isinstance(metadata, str) else bytes(metadata)
        entries.append(holotype.MetadataEntry("user", _METADATA_KEY, data))
    holotype.write_animation(
        path,
        frames,
        delays=0 if delays is None else delays,
        loop_count=loop_count,
        order="bgr",
        mode="standard" if flags & (USE_PALETTE | USE_INTER_DELTA) else "fast",
        metadata=entries,
        audio=None if audio is None else (audio, audio_format),
    )


def frame_count(path: Source) -> int:
    """Number of frames; 1 of a single image."""
    return holotype.frame_count(path)


def get_loop_count(path: Source) -> int:
    """How often it is shown; 0 for ever."""
    return holotype.get_loop_count(path)


def get_delays(path: Source) -> list[int]:
    """Milliseconds that each frame is shown."""
    return holotype.get_delays(path)


def read_frame(path: Source, index: int) -> Any:
    """Frame `index` as an array, blue first if it has colours; frame 0 of a single image is the image."""
    if index == 0 and holotype.frame_count(path) == 1 and not _is_animation(path):
        return read(path)
    return holotype.read_frame(path, index, order="bgr")


def read_frames(path: Source) -> list[Any]:
    """All frames."""
    with holotype.open_animation(path, order="bgr") as animation:
        return list(animation)


def get_audio(path: Source) -> tuple[bytes, str] | tuple[None, None]:
    """Sound and its format, `OGGX` for OGG as its constant says; `(None, None)` if there is none."""
    data, kind = holotype.get_audio(path)
    if data is None or kind is None:
        return None, None
    return data, "OGGX" if kind == "OGG" else kind


def get_metadata(path: Source) -> bytes | None:
    """What `write_container` was given as metadata, or None."""
    for entry in holotype.get_metadata(path):
        if entry.kind == "user" and entry.key == _METADATA_KEY:
            return entry.data
    return None


def _is_animation(path: Source) -> bool:
    with open_archive(path) as archive:
        return any(kind == "animation" for _, kind in archive.names())


def _has_numpy() -> bool:
    return importlib.util.find_spec("numpy") is not None


def _flags(metadata: list[MetadataFields]) -> int:
    for entry in metadata:
        if entry["kind"] == "user" and entry["key"] == _FLAGS_KEY and entry["data"].isdigit():
            return int(entry["data"])
    return USE_COMPRESSION


def _bpp(description: Descriptor) -> int:
    return 8 if description["sample"] == "bool" else int(description["sample"][1:])


def _describe(width: int, height: int, bpp: int, channels: int) -> Descriptor:
    if bpp not in _SAMPLES:
        raise ArgumentError(f"bpp is 8 or 16, not {bpp}")
    if not (0 < width < 2**32 and 0 < height < 2**32 and 0 < channels < 2**16):
        raise ArgumentError(f"{width} × {height} × {channels} is no image")
    colour = {1: "gray", 3: "rgb", 4: "rgb"}.get(channels, "channels")
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "sample": _SAMPLES[bpp],
        "bits_per_sample": bpp,
        "colour": colour,
        "alpha": "straight" if channels == 4 else "none",
        "order": "bgr" if colour == "rgb" else "rgb",
        "palette": None,
        "channel_names": [],
    }


def _plain(description: Descriptor, samples: bytes, flags: int) -> dict[str, Any]:
    bpp = _bpp(description)
    if description["colour"] == "rgb" and description["order"] == "rgb":
        samples = _reversed_colours(samples, description["channels"], max(1, bpp // 8))
    return {
        "data": _swapped(samples) if bpp == 16 else samples,
        "width": description["width"],
        "height": description["height"],
        "channels": description["channels"],
        "bpp": bpp,
        "configuration": flags,
    }


def _swapped(samples: bytes) -> bytes:
    """16-bit samples with their bytes the other way round."""
    swapped = bytearray(samples)
    swapped[0::2], swapped[1::2] = samples[1::2], samples[0::2]
    return bytes(swapped)


def _reversed_colours(samples: bytes, channels: int, sample_bytes: int) -> bytes:
    turned = bytearray(samples)
    pixel = channels * sample_bytes
    for byte in range(sample_bytes):
        red, blue = byte, 2 * sample_bytes + byte
        turned[red::pixel], turned[blue::pixel] = samples[blue::pixel], samples[red::pixel]
    return bytes(turned)
