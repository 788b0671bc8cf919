"""What passes between Python and the glue: plain dictionaries, checked by the type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SeekableFile(Protocol):
    """A binary file object that can seek."""

    def read(self, n: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


class PaletteFields(TypedDict):
    """A colour table."""

    bits: int
    rgb: list[tuple[int, int, int]]
    alpha: bytes


class Descriptor(TypedDict):
    """What an image's samples are."""

    width: int
    height: int
    channels: int
    sample: str
    bits_per_sample: int
    colour: str
    alpha: str
    order: str
    palette: PaletteFields | None
    channel_names: list[str]


class MetadataFields(TypedDict):
    """One metadata entry; `text` is a readable view and ignored when writing."""

    kind: str
    key: str
    data: bytes
    text: str | None


class ImageFields(TypedDict):
    """An image of an archive."""

    descriptor: Descriptor
    tile_edge: int
    n_tiles: int
    has_preview: bool


class ItemFields(TypedDict):
    """An item of an archive."""

    name: str
    kind: str
    raw_bytes: int
    stored_bytes: int
    sha256: str
    metadata: list[MetadataFields]
    image: ImageFields | None


class TensorFields(TypedDict):
    """What a tensor's elements are; `opaque` is a name and a width in bits."""

    element: str
    opaque: tuple[str, int] | None
    shape: list[int]
    is_fortran: bool


class TensorOptionsFields(TypedDict):
    """How a tensor is stored."""

    codec: str
    slice_shape: list[int] | None
    threads: int
    metadata: list[MetadataFields]
    noise: tuple[str, int, int, int] | None
    max_error: tuple[str, float] | None


class ParentFields(TypedDict):
    """Which tensor another is stored against, and how it is found."""

    how: Literal["same", "named", "added", "stream", "content"]
    name: str
    data: bytes | NDArray[Any] | None
    first: int


class UnpackFields(TypedDict):
    """How files are written."""

    special_modes: bool
    xattrs: bool
    sparse: bool
    max_bytes: int | None
    threads: int


class PreviewFields(TypedDict):
    """A stored preview: gray, gray + alpha, RGB or RGBA, 8 bit."""

    width: int
    height: int
    channels: int
    pixels: bytes


class FindingFields(TypedDict):
    """One damaged place."""

    item: str | None
    tile: tuple[int, int, int, int] | None
    offset_bytes: int | None
    n_bytes: int | None
    message: str
    in_parent: bool


class ReportFields(TypedDict):
    """What a verification found."""

    n_items: int
    n_blocks: int
    n_bytes: int
    findings: list[FindingFields]


class Options(TypedDict):
    """How images are stored."""

    mode: str
    max_effort: bool
    tile_edge: int
    threads: int
    preview: str
    password: bytes | None


class Written(TypedDict):
    """An archive that was written: its bytes unless they went to a file, and its size and seal."""

    data: bytes | None
    n_bytes: int
    seal: str


class Imported(TypedDict):
    """What an import did."""

    written: Written
    format: str
    items: list[str]
    raw_bytes: int
    kept_as_file: bool


class FrameFields(TypedDict):
    """A frame to write; `samples` are flat bytes."""

    descriptor: Descriptor
    samples: NDArray[Any]
    delay: int
    metadata: list[MetadataFields]


class AudioFields(TypedDict):
    """A sound to write."""

    name: str
    format: str
    data: bytes


class AnimationOptions(TypedDict):
    """How an animation is stored."""

    image: Options
    loop_count: int
    time_base: tuple[int, int]
    key_interval: int
    poster: int
    metadata: list[MetadataFields]
    audio: list[AudioFields]


class AnimationAppendOptions(TypedDict):
    """How frames are added to an animation."""

    image: Options
    key_interval: int
    audio: list[AudioFields]
    password: bytes | None


class AnimationImportOptions(TypedDict):
    """How files become an animation."""

    image: Options
    loop_count: int | None
    timing: tuple[tuple[int, int], int] | None
    key_interval: int
    poster: int
    pixels: bool


class SummaryFields(TypedDict):
    """What an archive's tables add up to."""

    n_items: int
    n_blocks: int
    raw_bytes: int
    unique_bytes: int
    block_bytes: int
    archive_bytes: int
    max_block_bytes: int
    codec: str
