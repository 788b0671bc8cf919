"""The calls of Hexz: `open`, `Reader`, `AsyncReader`, `Writer`, `build`, `inspect`, `verify`.

Move a script with `import holotype.compat.hexz as hexz`. The files are Holotype archives. What Hexz ignored,
lost or read back wrong is done here, or is an error: see `docs/compat-hexz.md`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

import holotype
from holotype import _async, _reader, _summary, _writer
from holotype._errors import ArgumentError, HolotypeError
from holotype._sources import as_bytes, is_path, path_of
from holotype._tensors import tensor_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike
    from typing_extensions import Buffer, Self

    from holotype._fields import ParentFields, TensorFields
    from holotype._sources import Path, Readable

__all__ = [
    "PROFILES",
    "AnalysisReport",
    "AsyncReader",
    "Metadata",
    "Reader",
    "Writer",
    "build",
    "inspect",
    "open",
    "verify",
    "version",
]

BuildProfile = Literal["ml", "eda", "embedded", "generic", "archival"]
Packing = Literal["fast", "balanced", "tight"]

#: The settings of each profile, under Hexz's names.
PROFILES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        name: MappingProxyType({"mode": mode, "dedup": True, **_writer.PROFILES[name]})
        for name, mode in (
            ("ml", "fast"),
            ("eda", "fast"),
            ("embedded", "tight"),
            ("generic", "balanced"),
            ("archival", "tight"),
        )
    }
)

#: What elements of a width are taken for, and their width.
_DELTA_ELEMENTS = {2: ("bf16", 2), 4: ("f32", 4), 8: ("f64", 8)}
_SMALLEST_BLOCK, _LARGEST_BLOCK = 4096, 16 << 20


@dataclass(frozen=True)
class AnalysisReport:
    """What deduplication and compression saved.

    Attributes
    ----------
    total_bytes, unique_bytes : int
        Bytes of the content, and of it without what repeats.
    dedup_ratio : float
        The first over the second.
    savings_percent : float
        How much smaller the archive is than its content.
    """

    total_bytes: int
    unique_bytes: int
    dedup_ratio: float
    savings_percent: float


@dataclass(frozen=True)
class Metadata:
    """What is known of an archive, under Hexz's names; `user` holds what `Writer.add_metadata` added."""

    version: int
    compression: str
    block_size: int
    primary_size: int
    num_blocks: int
    size_compressed: int
    signed: bool
    encrypted: bool = False
    secondary_size: int = 0
    user: Mapping[str, Any] = field(default_factory=dict)
    _full: _summary.Metadata | None = field(default=None, repr=False, compare=False)

    @property
    def compression_ratio(self) -> float:
        """Content over archive."""
        return self.primary_size / self.size_compressed

    @property
    def has_disk(self) -> bool:
        """True if there is content."""
        return self.primary_size > 0

    @property
    def has_memory(self) -> bool:
        """False: there is one stream, which holds everything that was added."""
        return False

    @property
    def is_compatible(self) -> bool:
        """True: an archive of another version is not opened."""
        return True

    def __str__(self) -> str:
        return str(self._full)

    def print(self) -> None:
        """Print it."""
        print(self)


def _metadata(known: _summary.Metadata) -> Metadata:
    return Metadata(
        version=known.format_version,
        compression=known.compression,
        block_size=known.block_bytes,
        primary_size=known.raw_bytes,
        num_blocks=known.n_blocks,
        size_compressed=known.archive_bytes,
        signed=known.is_signed,
        encrypted=known.is_encrypted,
        user=known.user,
        _full=known,
    )


def _report(known: _summary.AnalysisReport) -> AnalysisReport:
    return AnalysisReport(known.raw_bytes, known.unique_bytes, known.dedup_ratio, known.savings_percent)


class Reader(_reader.Reader):
    """`holotype.Reader` under Hexz's arguments; what it can do besides stays there.

    Parameters
    ----------
    path : path or address
        The archive.
    cache_size : str, optional
        Such as `512M`, which is the default.
    prefetch : bool
        Fetch ahead from an archive far away when reads follow each other.
    s3_region, endpoint_url, allow_restricted
        How an address is read.
    """

    def __init__(self, path: Path, *, cache_size: str | int | None = None, **options: Any) -> None:
        super().__init__(path, cache_size="512M" if cache_size is None else cache_size, **options)

    @property
    def metadata(self) -> Metadata:  # type: ignore[override]
        """What is known of the archive."""
        return _metadata(super().metadata)

    def analyze(self) -> AnalysisReport:  # type: ignore[override]
        """What deduplication and compression saved."""
        return _report(super().analyze())

    def read_range(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`."""
        return self[start:end]

    def iter_chunks(self, chunk_size: int = 1 << 20) -> Iterator[memoryview]:
        """The stream from its start in parts of `chunk_size` bytes; the last may be shorter."""
        if chunk_size < 1:
            raise ArgumentError(f"chunk_size is at least 1, not {chunk_size}")
        for start in range(0, self.size, chunk_size):
            yield memoryview(self.read(chunk_size, start))


class AsyncReader(_async.AsyncReader):
    """`holotype.AsyncReader` under Hexz's arguments; `size` is a call here."""

    def __init__(self, path: Path, *, cache_size: str | int | None = None, **options: Any) -> None:
        super().__init__(path, cache_size="512M" if cache_size is None else cache_size, **options)

    def size(self) -> int:  # type: ignore[override]
        """Bytes of the stream."""
        return self._opened().size

    def __len__(self) -> int:
        return self.size()


class Writer(_writer.Writer):
    """`holotype.Writer` under Hexz's arguments; it replaces what is at `path` when it is finished.

    Parameters
    ----------
    path : path
        The archive.
    compression : {"lz4", "zstd", "none"}
        How blocks are compressed.
    packing, mode : {"fast", "balanced", "tight"}, optional
        Zstandard 1, 3 or 9; LZ4 has no levels. `mode` is another name of it.
    block_size : int
        Raw bytes of a block; less than 4096 is taken for 4096, more than 16 MiB for that.
    dedup : bool
        Store what repeats once.
    cdc : bool
        Content is always cut by what is in it; this changes nothing.
    num_workers : int
        Threads; 0 for what the machine offers.
    **options
        Others of `holotype.Writer`.
    """

    def __init__(
        self,
        path: Path,
        *,
        compression: str = "lz4",
        mode: Packing | None = None,
        packing: Packing | None = None,
        block_size: int = 64 << 10,
        dedup: bool = True,
        encrypt: bool = False,
        password: str | None = None,
        parent: Path | list[Path] | None = None,
        cdc: bool = False,
        num_workers: int = 0,
        **options: Any,
    ) -> None:
        level = packing or mode
        if level not in (None, "fast", "balanced", "tight"):
            raise ArgumentError(f"packing is 'fast', 'balanced' or 'tight', not {level!r}")
        if block_size < 1:
            raise ArgumentError(f"block_size is at least 1, not {block_size}")
        if encrypt and password is None:
            raise ArgumentError("encrypt=True needs a password")
        for name, value in (("password", password), ("parent", parent)):
            if value is not None:
                options[name] = value
        #: How often each name was given.
        self._taken: dict[str, int] = {}
        super().__init__(
            path,
            compression="store" if compression == "none" else compression,
            packing=level if compression == "zstd" else None,
            block_size=min(max(block_size, _SMALLEST_BLOCK), _LARGEST_BLOCK),
            dedup=dedup,
            num_workers=num_workers or None,
            **{"overwrite": True, **options},
        )

    def add(
        self,
        source: Path | Buffer | Readable | ArrayLike,
        *,
        kind: str | None = None,
        name: str | None = None,
    ) -> Self:
        """Add a file or folder by its path, bytes, an array, or what a file object reads.

        `kind` ("disk", "memory", …) is a hint: everything that is added is in the one stream, in that order.
        """
        if is_path(source):
            return self.add_file(path_of(source), kind=kind, name=name)
        return super().add(source, name=None if name is None else self._free(name))

    def add_file(
        self, path: Path, *, kind: str | None = None, name: str | None = None, **options: Any
    ) -> Self:
        """Add a file, under its last name unless `name` is given; a name that is taken gets a number."""
        text = path_of(path)
        if os.path.isdir(text):
            return super().add_file(text, name=name, **options)
        last = os.path.basename(os.path.abspath(text))
        return super().add_file(text, name=self._free(name or last), **options)

    def add_bytes(self, data: Buffer, *, name: str | None = None, **options: Any) -> Self:
        """Add bytes."""
        return super().add_bytes(data, name=None if name is None else self._free(name), **options)

    def add_array(
        self, array: ArrayLike, *, offset: int | None = None, name: str | None = None, **options: Any
    ) -> Self:
        """Add an array, which comes back by its name, shape and dtype: `reader.array(name)`.

        Raises
        ------
        ArgumentError
            `offset` is not where the array goes: what was added before ends elsewhere.
        """
        self._check_offset(offset)
        return super().add_array(array, name=None if name is None else self._free(name), **options)

    def add_xor_delta(self, data: Buffer, base_offset: int, base_length: int, element_size: int = 1) -> Self:
        """Add a tensor against bytes of the parent's stream. It reads back as the tensor, not a difference.

        Elements of 2, 4 and 8 bytes are taken for bfloat16, float32 and float64, others for bytes.

        Raises
        ------
        ArgumentError
            The sizes do not fit, or there is no parent that has these bytes.
        """
        content = as_bytes(data)
        if base_offset < 0 or base_length != len(content):
            raise ArgumentError(f"{len(content)} bytes are no delta to {base_length} at {base_offset}")
        against: ParentFields = {"how": "stream", "name": "", "data": None, "first": base_offset}
        return self._add_delta(content, element_size, against)

    def add_xor_delta_from_buffers(self, data: Buffer, base_data: Buffer, element_size: int = 1) -> Self:
        """Add a tensor against `base_data`. It reads back as the tensor, not as a difference.

        What it is stored against must be at hand when it is read: `base_data` is all of a tensor that was
        added before, or of a file or tensor of a parent; else the tensor is stored alone.
        """
        content, base = as_bytes(data), as_bytes(base_data)
        if len(base) != len(content):
            raise ArgumentError(f"{len(content)} bytes are no delta to {len(base)}")
        against: ParentFields = {"how": "content", "name": "", "data": base, "first": 0}
        return self._add_delta(content, element_size, against)

    def write(self, data: Buffer, *, offset: int | None = None) -> int:
        """Write bytes at the end; `offset`, if given, must be there."""
        self._check_offset(offset)
        return super().write(data)

    def _add_delta(self, content: bytes, element_size: int, against: ParentFields) -> Self:
        if element_size < 1 or len(content) % element_size:
            raise ArgumentError(f"{len(content)} bytes are no elements of {element_size}")
        element, n_bytes = _DELTA_ELEMENTS.get(element_size, ("u8", 1))
        fields: TensorFields = {
            "element": element,
            "opaque": None,
            "shape": [len(content) // n_bytes],
            "is_fortran": False,
        }
        options = tensor_options("auto", None, None, self._threads)
        self._flush()
        name = self._name(None, "tensor")
        self._position += self._inner.add_tensor(name, fields, content, options, against)
        return self

    def _check_offset(self, offset: int | None) -> None:
        if offset is not None and offset != self.tell():
            raise ArgumentError(f"an archive is written front to back: {self.tell()} is next, not {offset}")

    def _free(self, name: str) -> str:
        n = self._taken.get(name, 0)
        self._taken[name] = n + 1
        return name if n == 0 else self._free(f"{name}-{n}")


@overload
def open(path: Path, *, mode: Literal["r"] = "r", **options: Any) -> Reader: ...
@overload
def open(path: Path, *, mode: Literal["w"], **options: Any) -> Writer: ...
def open(path: Path, *, mode: str = "r", **options: Any) -> Reader | Writer:
    """Open an archive to read it (`r`) or write one (`w`), with the options of `Reader` or `Writer`."""
    if mode not in ("r", "w"):
        raise ArgumentError(f"mode is 'r' or 'w', not {mode!r}")
    return Reader(path, **options) if mode == "r" else Writer(path, **options)


def build(
    source: Path | Buffer, output: Path, *, profile: BuildProfile = "generic", **overrides: Any
) -> Metadata:
    """Make an archive of a file, of all files in a folder with their names, or of bytes.

    Parameters
    ----------
    source : path or buffer
        What to archive.
    output : path
        The archive; it appears when it is finished.
    profile : {"ml", "eda", "embedded", "generic", "archival"}
        See `PROFILES`.
    **overrides
        Options of `Writer` that go before the profile's.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile is one of {', '.join(PROFILES)}, not {profile!r}")
    settings = {k: v for k, v in PROFILES[profile].items() if k != "mode"}
    if "mode" in overrides or "packing" in overrides:
        settings["compression"] = settings["compression"].partition(":")[0]
    with Writer(output, **{**settings, **overrides}) as writer:
        if is_path(source):
            text = path_of(source)
            writer.add_file(os.path.join(text, ".") if os.path.isdir(text) else text)
        else:
            writer.add(source)
    read = {key: overrides[key] for key in _writer.READ_OPTIONS if key in overrides}
    return inspect(output, **read)


def inspect(path: Path, **options: Any) -> Metadata:
    """What is known of an archive, local or at an address."""
    return _metadata(holotype.inspect(path, **options))


def verify(
    path: Path,
    *,
    checksum: bool = True,
    structure: bool = True,
    public_key: Path | None = None,
    **options: Any,
) -> bool:
    """True if every byte is as it was sealed and, with a key, signed; see `holotype.verify`."""
    try:
        return bool(
            holotype.verify(path, checksum=checksum, structure=structure, public_key=public_key, **options)
        )
    except (HolotypeError, FileNotFoundError):
        return False


def version() -> str:
    """Version of Holotype."""
    return holotype.__version__
