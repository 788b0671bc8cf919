"""Pillow images ↔ samples, descriptor and metadata. Every mode that holds the samples exactly, no other."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from holotype._errors import UnsupportedError
from holotype._info import ImageInfo, MetadataEntry, Palette

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holotype._fields import Descriptor, MetadataFields, PaletteFields, PreviewFields


class Layout(NamedTuple):
    """How samples become a Pillow image: its mode, and Pillow's name for the bytes."""

    mode: str
    raw_mode: str


#: (colour, alpha, sample) → layout.
LAYOUTS = {
    ("gray", "none", "bool"): Layout("1", "1;8"),
    ("gray", "none", "u8"): Layout("L", "L"),
    ("gray", "straight", "u8"): Layout("LA", "LA"),
    ("gray", "premultiplied", "u8"): Layout("La", "La"),
    ("gray", "none", "u16"): Layout("I;16", "I;16"),
    ("gray", "none", "i16"): Layout("I", "I;16S"),
    ("gray", "none", "i32"): Layout("I", "I;32S"),
    ("gray", "none", "f32"): Layout("F", "F;32F"),
    ("gray-inverted", "none", "bool"): Layout("1", "1;8"),
    ("gray-inverted", "none", "u8"): Layout("L", "L"),
    ("rgb", "none", "u8"): Layout("RGB", "RGB"),
    ("rgb", "straight", "u8"): Layout("RGBA", "RGBA"),
    ("rgb", "premultiplied", "u8"): Layout("RGBa", "RGBa"),
    ("cmyk", "none", "u8"): Layout("CMYK", "CMYK"),
    ("ycbcr", "none", "u8"): Layout("YCbCr", "YCbCr"),
    ("lab", "none", "u8"): Layout("LAB", "LAB"),
    ("palette", "none", "u8"): Layout("P", "P"),
}
BGR = {"RGB": "BGR", "RGBA": "BGRA"}

#: Pillow mode → (channels, sample, colour, alpha, Pillow's name for the bytes).
MODES = {
    "1": (1, "bool", "gray", "none", "L"),
    "L": (1, "u8", "gray", "none", "L"),
    "LA": (2, "u8", "gray", "straight", "LA"),
    "La": (2, "u8", "gray", "premultiplied", "La"),
    "I;16": (1, "u16", "gray", "none", "I;16"),
    "I;16L": (1, "u16", "gray", "none", "I;16L"),
    "I;16B": (1, "u16", "gray", "none", "I;16B"),
    "I": (1, "i32", "gray", "none", "I;32S"),
    "F": (1, "f32", "gray", "none", "F;32F"),
    "RGB": (3, "u8", "rgb", "none", "RGB"),
    "RGBA": (4, "u8", "rgb", "straight", "RGBA"),
    "RGBa": (4, "u8", "rgb", "premultiplied", "RGBa"),
    "CMYK": (4, "u8", "cmyk", "none", "CMYK"),
    "YCbCr": (3, "u8", "ycbcr", "none", "YCbCr"),
    "LAB": (3, "u8", "lab", "none", "LAB"),
    "P": (1, "u8", "palette", "none", "P"),
}
SAMPLE_BITS = {"bool": 1, "u8": 8, "u16": 16, "i32": 32, "f32": 32}

EXIF_PREFIX = b"Exif\0\0"
METRES_PER_INCH = 0.0254
#: TIFF 6.0, section 8.
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = "282", "283", "296"
#: `Image.info` entries that are kept under a kind of their own, or that describe the source's coding.
NOT_TEXT = frozenset(
    {"icc_profile", "exif", "xmp", "dpi", "gamma", "transparency", "compression", "interlace"}
)


def layout_of(image: ImageInfo) -> Layout:
    """The Pillow mode that holds the image's samples exactly."""
    layout = LAYOUTS.get((image.colour, image.alpha, image.sample))
    n_channels = None if layout is None else MODES[layout.mode][0]
    if layout is None or n_channels != image.channels:
        raise UnsupportedError(
            f"Pillow has no mode for {image.channels} channels of {image.sample} ({image.colour}, "
            f"alpha {image.alpha}); `holotype.read` gives an array, `holotype.decode_to_file` a file"
        )
    if image.palette is not None and (image.palette.bits != 8 or len(image.palette.rgb) > 256):
        raise UnsupportedError("Pillow has no mode for palettes of 16 bit; `holotype.read` gives the indices")
    return layout


def to_pillow(
    image: ImageInfo, layout: Layout, samples: bytes, metadata: Iterable[MetadataEntry]
) -> Image.Image:
    """The Pillow image of all samples of an image."""
    mode, raw_mode = layout
    size = (image.width, image.height)
    if image.sample == "bool":
        table = bytes(255 * ((v != 0) ^ (image.colour == "gray-inverted")) for v in range(256))
        picture = Image.frombytes("L", size, samples.translate(table)).convert("1", dither=Image.Dither.NONE)
    else:
        if image.sample == "u8" and image.colour in ("gray", "gray-inverted", "rgb"):
            samples = _spread(samples, image)
        if image.order == "bgr":
            raw_mode = BGR.get(raw_mode, raw_mode)
        picture = Image.frombytes(mode, size, samples, "raw", raw_mode)
    if image.palette is not None:
        _set_palette(picture, image.palette)
    picture.info.update(info_of(metadata))
    return picture


def _spread(samples: bytes, image: ImageInfo) -> bytes:
    """Samples of fewer than 8 bits spread over 0 to 255, and inverted grays the right way round."""
    top = (1 << image.bits_per_sample) - 1
    if top == 255 and image.colour != "gray-inverted":
        return samples
    table = bytearray(round(255 * min(v, top) / top) for v in range(256))
    if image.colour == "gray-inverted":
        table = bytearray(255 - v for v in table)
    return samples.translate(bytes(table))


def _set_palette(picture: Image.Image, palette: Palette) -> None:
    picture.putpalette(bytes(value for entry in palette.rgb for value in entry), "RGB")
    if palette.alpha:
        opaque_but_one = palette.alpha.count(255) == len(palette.alpha) - 1 and 0 in palette.alpha
        picture.info["transparency"] = palette.alpha.index(0) if opaque_but_one else palette.alpha


def from_preview(preview: PreviewFields) -> Image.Image:
    """The Pillow image of a stored preview."""
    mode = ("L", "LA", "RGB", "RGBA")[preview["channels"] - 1]
    return Image.frombytes(mode, (preview["width"], preview["height"]), preview["pixels"])


def open_file(data: bytes) -> Image.Image:
    """An image file that was kept untouched, opened and decoded by Pillow."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def reduced(picture: Image.Image, edge: int) -> Image.Image:
    """A copy for looking at, its longest side at most `edge`."""
    if picture.mode in ("1", "I;16", "I", "F", "P", "CMYK", "YCbCr", "LAB", "La", "RGBa"):
        picture = _viewable(picture)
    if max(picture.size) > edge:
        picture = picture.copy()
        picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    return picture


def _viewable(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I;16", "I", "F"):
        wide = picture.convert("F")
        low, high = (float(v) for v in wide.getextrema())  # type: ignore[arg-type]
        scale = 255 / (high - low) if high > low else 0.0
        return wide.point(lambda v: v * scale - low * scale).convert("L")
    if picture.mode == "LAB":
        return picture.getchannel(0)
    if picture.mode == "P":
        return picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture.convert({"1": "L", "La": "LA", "RGBa": "RGBA"}.get(picture.mode, "RGB"))


def from_pillow(
    picture: Image.Image, info: dict[Any, Any] | None = None
) -> tuple[Descriptor, list[MetadataFields], bytes]:
    """Descriptor, metadata and samples of a Pillow image; `info` instead of its own."""
    picture.load()
    if info is None:
        info = picture.info
    if picture.mode not in MODES:
        raise UnsupportedError(f"Pillow images of mode {picture.mode} cannot be stored exactly")
    channels, sample, colour, alpha, raw_mode = MODES[picture.mode]
    samples = picture.tobytes("raw", raw_mode)
    if sample == "bool":
        samples = samples.translate(bytes(int(v != 0) for v in range(256)))
    if raw_mode == "I;16B":
        samples = swap_16(samples)
    descriptor: Descriptor = {
        "width": picture.width,
        "height": picture.height,
        "channels": channels,
        "sample": sample,
        "bits_per_sample": SAMPLE_BITS[sample],
        "colour": colour,
        "alpha": alpha,
        "order": "rgb",
        "palette": _palette_fields(picture, info) if picture.mode == "P" else None,
        "channel_names": [],
    }
    return descriptor, _metadata_of(info), samples


def swap_16(samples: bytes) -> bytes:
    """16-bit samples with their bytes the other way round."""
    swapped = bytearray(samples)
    swapped[0::2], swapped[1::2] = samples[1::2], samples[0::2]
    return bytes(swapped)


def _palette_fields(picture: Image.Image, info: dict[Any, Any]) -> PaletteFields:
    assert picture.palette is not None
    has_alpha = picture.palette.mode == "RGBA"
    flat = picture.getpalette("RGBA" if has_alpha else "RGB") or []
    n = 4 if has_alpha else 3
    entries = [flat[i : i + n] for i in range(0, len(flat) - n + 1, n)]
    transparency = info.get("transparency")
    alpha = bytes(entry[3] for entry in entries) if has_alpha else b""
    if isinstance(transparency, bytes):
        alpha = transparency[: len(entries)]
    elif isinstance(transparency, int) and transparency < len(entries):
        alpha = b"\xff" * transparency + b"\0"
    return {"bits": 8, "rgb": [(e[0], e[1], e[2]) for e in entries], "alpha": alpha}


def _metadata_of(info: dict[Any, Any]) -> list[MetadataFields]:
    entries: list[tuple[str, str, bytes]] = []
    if isinstance(info.get("icc_profile"), bytes):
        entries.append(("icc", "", info["icc_profile"]))
    exif = info.get("exif")
    if isinstance(exif, Image.Exif):
        exif = exif.tobytes()
    if isinstance(exif, bytes) and exif:
        entries.append(("exif", "", exif.removeprefix(EXIF_PREFIX)))
    xmp = info.get("xmp")
    if isinstance(xmp, (bytes, str)) and xmp:
        entries.append(("xmp", "", xmp.encode() if isinstance(xmp, str) else xmp))
    if _is_resolution(info.get("dpi")):
        x, y = (round(v / METRES_PER_INCH) for v in info["dpi"])
        entries.append(("png-chunk", "pHYs", struct.pack(">IIB", x, y, 1)))
    if isinstance(info.get("gamma"), float):
        entries.append(("png-chunk", "gAMA", struct.pack(">I", round(info["gamma"] * 100_000))))
    entries += [
        ("text", key, value.encode())
        for key, value in info.items()
        if isinstance(key, str) and isinstance(value, str) and key not in NOT_TEXT
    ]
    return [{"kind": kind, "key": key, "data": data, "text": None} for kind, key, data in entries]


def _is_resolution(dpi: object) -> bool:
    return isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < v < 1e6 for v in dpi)


def info_of(metadata: Iterable[MetadataEntry]) -> dict[str, Any]:
    """What Pillow itself puts into `Image.info` for the same metadata."""
    info: dict[str, Any] = {}
    tags: dict[str, tuple[float, ...]] = {}
    for entry in metadata:
        if entry.kind == "icc":
            info["icc_profile"] = entry.data
        elif entry.kind == "exif":
            info["exif"] = EXIF_PREFIX + entry.data
        elif entry.kind == "xmp":
            info["xmp"] = entry.data
        elif entry.kind == "text":
            info[entry.key] = entry.data.decode(errors="replace")
        elif entry.kind == "comment":
            info["comment"] = entry.data
        elif entry.kind == "png-chunk":
            info.update(_png_chunk(entry.key, entry.data))
        elif entry.kind == "tiff-tag":
            tags[entry.key] = _tiff_numbers(entry.data)
        elif entry.kind == "user":
            info.update(_density(entry.key, entry.data))
    if tags.get(X_RESOLUTION) and tags.get(Y_RESOLUTION):
        per_inch = 2.54 if tags.get(RESOLUTION_UNIT) == (3,) else 1.0
        info.setdefault("dpi", (tags[X_RESOLUTION][0] * per_inch, tags[Y_RESOLUTION][0] * per_inch))
    return info


def _density(key: str, data: bytes) -> dict[str, Any]:
    """The resolution of BMP and JPEG files, as `docs/formats.md` says."""
    try:
        numbers = [int(word) for word in data.split()]
    except ValueError:
        return {}
    if key == "bmp:pixels-per-metre" and len(numbers) == 2:
        return {"dpi": (numbers[0] * METRES_PER_INCH, numbers[1] * METRES_PER_INCH)}
    if key == "jpeg:density" and len(numbers) == 3:
        per_inch = 2.54 if numbers[0] == 2 else 1.0
        return {"dpi": (numbers[1] * per_inch, numbers[2] * per_inch)}
    return {}


def _png_chunk(kind: str, data: bytes) -> dict[str, Any]:
    """PNG (Third Edition), section 11.3; a malformed chunk says nothing."""
    try:
        if kind == "pHYs":
            x, y, unit = struct.unpack(">IIB", data)
            return {"dpi": (x * METRES_PER_INCH, y * METRES_PER_INCH)} if unit == 1 else {"aspect": (x, y)}
        if kind == "gAMA":
            return {"gamma": struct.unpack(">I", data)[0] / 100_000}
        if kind == "tEXt":
            key, value = data.split(b"\0", 1)
            return {key.decode("latin-1"): value.decode("latin-1")}
        if kind == "zTXt":
            key, value = data.split(b"\0", 1)
            return {key.decode("latin-1"): _inflate(value[1:]).decode("latin-1")}
        if kind == "iTXt":
            key, rest = data.split(b"\0", 1)
            _language, _translated, value = rest[2:].split(b"\0", 2)
            text = _inflate(value) if rest[0] else value
            if key == b"XML:com.adobe.xmp":
                return {"xmp": text}
            return {key.decode("latin-1"): text.decode()}
    except (ValueError, IndexError, struct.error, zlib.error):
        pass
    return {}


#: Longest text that is unpacked, in bytes.
MAX_TEXT_BYTES = 1 << 20


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(data, MAX_TEXT_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("the text is too long to show")
    return text


#: TIFF field type → format of one value. TIFF 6.0, section 2.
TIFF_TYPES = {1: "B", 3: "H", 4: "I", 5: "II", 11: "f", 12: "d", 16: "Q"}


def _tiff_numbers(data: bytes) -> tuple[float, ...]:
    """The numbers of a tag, rationals divided; empty if it has none."""
    if len(data) < 2:
        return ()
    field_type = int.from_bytes(data[:2], "little")
    layout = TIFF_TYPES.get(field_type)
    if layout is None:
        return ()
    size = struct.calcsize("<" + layout)
    if len(data) < 2 + size:
        return ()
    values = struct.unpack_from("<" + layout, data, 2)
    if field_type == 5:
        return (values[0] / values[1],) if values[1] else ()
    return values
