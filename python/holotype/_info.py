"""What `holotype.info` and `holotype.verify` return."""

from __future__ import annotations

from dataclasses import dataclass

#: NumPy dtype name of each sample type.
DTYPES = {
    "bool": "bool",
    "u8": "uint8",
    "i8": "int8",
    "u16": "uint16",
    "i16": "int16",
    "u32": "uint32",
    "i32": "int32",
    "u64": "uint64",
    "i64": "int64",
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
}


@dataclass(frozen=True)
class MetadataEntry:
    """One piece of metadata, byte for byte as it came.

    Attributes
    ----------
    kind : str
        `icc`, `exif`, `xmp`, `iptc`, `text`, `png-chunk`, `tiff-tag`, `exr-attribute`, `comment`,
        `source-format` or `user`.
    key : str
        Its name within the kind, such as the PNG chunk type or the TIFF tag number.
    data : bytes
        Its bytes.
    text : str or None
        A readable view, where there is one.
    """

    kind: str
    key: str
    data: bytes
    text: str | None = None


@dataclass(frozen=True)
class Palette:
    """A colour table of `bits` (8 or 16) per component; `alpha` covers the first entries."""

    bits: int
    rgb: tuple[tuple[int, int, int], ...]
    alpha: bytes = b""


@dataclass(frozen=True)
class ImageInfo:
    """What an image is, apart from its samples."""

    width: int
    height: int
    channels: int
    sample: str
    bits_per_sample: int
    colour: str
    alpha: str
    order: str
    palette: Palette | None
    channel_names: tuple[str, ...]
    tile_edge: int
    n_tiles: int
    has_preview: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that `read` returns."""
        if self.channels == 1 and self.colour != "channels":
            return (self.height, self.width)
        return (self.height, self.width, self.channels)

    @property
    def dtype(self) -> str:
        """Name of the NumPy dtype that `read` returns."""
        return DTYPES[self.sample]


@dataclass(frozen=True)
class ItemInfo:
    """One item of an archive; `image` is set for images.

    `sha256` is the hash of the raw content: of the samples, row-major and little-endian, or of the file.
    """

    name: str
    kind: str
    raw_bytes: int
    stored_bytes: int
    sha256: str
    metadata: tuple[MetadataEntry, ...]
    image: ImageInfo | None


@dataclass(frozen=True)
class ArchiveInfo:
    """What an archive holds."""

    n_bytes: int
    format_version: int
    revision: int
    seal: str
    items: tuple[ItemInfo, ...]
    is_encrypted: bool = False

    @property
    def image(self) -> ImageInfo | None:
        """The first image, which is what `read` and `decode` return."""
        return next((item.image for item in self.items if item.image is not None), None)


@dataclass(frozen=True)
class Encoded:
    """What `encode` did.

    Attributes
    ----------
    format : str
        The source's format.
    items : tuple of str
        Names of the items made.
    raw_bytes, stored_bytes : int
        Size of the content, and of the archive.
    kept_as_file : bool
        The source is lossy or animated and its file was stored untouched.
    seal : str
        The archive's seal, in hexadecimal.
    """

    format: str
    items: tuple[str, ...]
    raw_bytes: int
    stored_bytes: int
    kept_as_file: bool
    seal: str


@dataclass(frozen=True)
class Finding:
    """One damaged place: the item, its tile `(x, y, width, height)`, and the bytes of the archive.

    `in_parent`: a parent of a thin archive is missing, or is another one now; the archive itself has no wrong
    byte there.
    """

    item: str | None
    tile: tuple[int, int, int, int] | None
    offset_bytes: int | None
    n_bytes: int | None
    message: str
    in_parent: bool = False


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` checked; true if nothing is wrong.

    `signers` are the public keys of the signatures, in hexadecimal, if signatures were asked for.
    """

    n_items: int
    n_blocks: int
    n_bytes: int
    findings: tuple[Finding, ...]
    signers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.findings
