"""`holotype.open` and `Reader`: archives of files, read like a file."""

from __future__ import annotations

import io
import json
import operator
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from holotype import _holotype
from holotype._errors import ArgumentError, IntegrityError, UnsupportedError
from holotype._sources import as_bytes, is_path, path_of, paths_of, secret_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer, Self

    from holotype._sources import Path, Source
    from holotype._writer import Writer

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size_of(text: str | int) -> int:
    """Bytes, as a number or as text such as `512M`: K, M, G, T are powers of 1024, `B`, `iB` may follow."""
    if isinstance(text, int):
        if text < 0:
            raise ArgumentError(f"a size is not negative, {text} is")
        return text
    unit = text.strip().upper().removesuffix("B").removesuffix("I")
    number = unit.rstrip("KMGT")
    try:
        n_bytes = float(number) * _UNITS[unit[len(number) :]]
    except (KeyError, ValueError):
        raise ArgumentError(f"a size is a number of bytes or text such as '512M', not {text!r}") from None
    if not 0 <= n_bytes < 1 << 63:
        raise ArgumentError(f"{text!r} is no size")
    return int(n_bytes)


@dataclass(frozen=True)
class AnalysisReport:
    """What deduplication and compression made of an archive's content.

    Attributes
    ----------
    n_items, n_blocks : int
        Items of every kind, and blocks.
    raw_bytes : int
        Bytes of all content.
    unique_bytes : int
        Of these, the bytes of all blocks before compression: what is there several times counts once.
    block_bytes, archive_bytes : int
        Bytes of the blocks as stored, and of the whole archive.
    """

    n_items: int
    n_blocks: int
    raw_bytes: int
    unique_bytes: int
    block_bytes: int
    archive_bytes: int

    @property
    def dedup_ratio(self) -> float:
        """Content over unique content: 2.0 if everything is there twice."""
        return self.raw_bytes / self.unique_bytes if self.unique_bytes else 1.0

    @property
    def compression_ratio(self) -> float:
        """Unique content over stored blocks."""
        return self.unique_bytes / self.block_bytes if self.block_bytes else 1.0

    @property
    def savings_percent(self) -> float:
        """How much smaller the archive is than its content; negative if it is larger."""
        return 100.0 * (1.0 - self.archive_bytes / self.raw_bytes) if self.raw_bytes else 0.0


@dataclass(frozen=True)
class Metadata:
    """What is known of an archive as a whole; `user` holds what its writer added, and nothing else does."""

    format_version: int
    revision: int
    seal: str
    archive_bytes: int
    n_items: int
    user: Mapping[str, Any] = field(default_factory=dict)


class _Positional(io.RawIOBase):
    """A stream over bytes that are read by position."""

    _archive: _holotype.Archive | None
    _map: _holotype.FileMap
    _position: int = 0

    def _open(self) -> _holotype.Archive:
        if self.closed or self._archive is None:
            raise ValueError("the reader is closed")
        return self._archive

    @property
    def size(self) -> int:
        """Bytes of the stream."""
        return self._map.n_bytes

    def __len__(self) -> int:
        return self._map.n_bytes

    def __bool__(self) -> bool:
        return True

    def readable(self) -> bool:
        self._open()
        return True

    def seekable(self) -> bool:
        self._open()
        return True

    def tell(self) -> int:
        """Where the next read starts."""
        self._open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Moves to `offset` from the start (0), the position (1) or the end (2); returns the position."""
        self._open()
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
        if whence not in starts:
            raise ArgumentError(f"whence is 0, 1 or 2, not {whence!r}")
        position = starts[whence] + operator.index(offset)
        if position < 0:
            raise ArgumentError(f"position {position} is before the start")
        self._position = position
        return position

    @overload
    def read(self, size: int | None = -1, offset: int | None = None, buffer: None = None) -> bytes: ...
    @overload
    def read(self, size: int | None = -1, offset: int | None = None, *, buffer: Buffer) -> int: ...
    def read(
        self, size: int | None = -1, offset: int | None = None, buffer: Buffer | None = None
    ) -> bytes | int:
        """Read bytes, or fill a buffer; every byte is checked first.

        Parameters
        ----------
        size : int
            At most so many bytes; -1 or None for all that are left. Ignored if there is a buffer.
        offset : int, optional
            Read from here and leave the position where it is.
        buffer : writable buffer, optional
            Fill this instead; only at the end fewer bytes than it has.

        Returns
        -------
        bytes or int
            The bytes, or how many went into `buffer`.

        Raises
        ------
        IntegrityError
            A block that is needed was changed.
        """
        start = self._position if offset is None else operator.index(offset)
        if start < 0:
            raise ArgumentError(f"offset {start} is before the start")
        if buffer is not None:
            view = memoryview(buffer)
            if view.readonly:
                raise ArgumentError("the buffer is read-only")
            target = view.cast("B")
            data = self._open().read_at(self._map, start, len(target))
            target[: len(data)] = data
        else:
            n_bytes = self.size if size is None or size < 0 else operator.index(size)
            data = self._open().read_at(self._map, start, n_bytes)
        if offset is None:
            self._position += len(data)
        return data if buffer is None else len(data)

    def readinto(self, buffer: Buffer, /) -> int:
        """Fills `buffer` from the position on; returns how many bytes there were."""
        return self.read(buffer=buffer)

    def readall(self) -> bytes:
        """All bytes from the position on."""
        return self.read()

    def _bytes_of(self, key: int | slice) -> bytes | int:
        if isinstance(key, slice):
            start, stop, step = key.indices(self.size)
            if step == 1:
                return self.read(max(stop - start, 0), offset=start)
            chosen = range(start, stop, step)
            if not chosen:
                return b""
            low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
            data = self.read(high - low + 1, offset=low)
            return data[:: abs(step)] if step > 0 else data[::step]
        index = operator.index(key)
        at = index + self.size if index < 0 else index
        if not 0 <= at < self.size:
            raise IndexError(f"byte {index} of {self.size}")
        return self.read(1, offset=at)[0]

    def __iter__(self) -> Iterator[bytes]:
        """Lines, as of any binary file, from the position on."""
        end = b"\n"
        rest = b""
        while part := self.read(1 << 18):
            *lines, rest = (rest + part).split(end)
            for line in lines:
                yield line + end
        if rest:
            yield rest


class ItemReader(_Positional):
    """One file of an archive, read like a file: `reader["dir/file"]`."""

    def __init__(self, archive: _holotype.Archive, name: str) -> None:
        self._archive = archive
        self._map = archive.file_map(name)
        #: The item's name.
        self.name = name

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> bytes | int:
        return self._bytes_of(key)

    def close(self) -> None:
        self._archive = None
        super().close()


class Reader(_Positional):
    """An archive of files: all of them as one stream in the order they were added, and each by its name.

    `reader[10:20]` are bytes of the stream, `reader["dir/file"]` is one file as an `ItemReader`. Many threads
    can read by `offset` at once, also after `fork`. It pickles: by its path, with options, position and seal.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive; a file object is read to its end.
    cache_size : int or str, default "512M"
        Bytes of decoded blocks kept for further reads; nothing is taken before it is needed.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it. A pickled reader holds it.
    parents : path or sequence of paths, optional
        Where the parents of a thin archive are, files or folders they lie in; by default where it says, from
        its own folder on.

    Raises
    ------
    FormatError, IntegrityError, TruncatedError
        `src` is no sealed archive.
    DecryptionError
        It is encrypted and the password is missing or wrong.

    Examples
    --------
    >>> import holotype
    >>> with holotype.Writer(None) as writer:
    ...     _ = writer.add(b"Dear reader", name="letter").add(b"!", name="end")
    >>> with holotype.open(writer.data) as reader:
    ...     reader.names(), reader[5:], reader["letter"].read(4)
    (['letter', 'end'], b'reader!', b'Dear')
    """

    def __init__(
        self,
        src: Source,
        *,
        cache_size: int | str = "512M",
        password: str | bytes | None = None,
        parents: Path | Sequence[Path] = (),
    ) -> None:
        self._archive = None
        self._source: str | bytes = path_of(src) if is_path(src) else as_bytes(src)
        self._cache_size = cache_size
        self._password = secret_bytes(password)
        self._parents = paths_of(parents)
        self._stream: _holotype.FileMap | None = None
        cache_bytes = size_of(cache_size)
        if isinstance(self._source, str):
            open_archive = _holotype.Archive.open
            self._archive = open_archive(self._source, self._password, cache_bytes, self._parents)
        else:
            from_bytes = _holotype.Archive.from_bytes
            self._archive = from_bytes(self._source, self._password, cache_bytes, self._parents)

    @property
    def _map(self) -> _holotype.FileMap:  # type: ignore[override]
        if self._stream is None:
            self._stream = self._open().stream_map()
        return self._stream

    def __getstate__(self) -> dict[str, Any]:
        archive = self._open()
        source = os.path.abspath(self._source) if isinstance(self._source, str) else self._source
        return {
            "source": source,
            "cache_size": self._cache_size,
            "password": self._password,
            "parents": [os.path.abspath(parent) for parent in self._parents],
            "position": self._position,
            "seal": archive.seal,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = {key: state[key] for key in ("cache_size", "password", "parents")}
        self.__init__(state["source"], **options)  # type: ignore[misc]
        self._position = state["position"]
        if self._open().seal != state["seal"]:
            self.close()
            raise IntegrityError("the archive is another one than when the reader was pickled")

    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]:
        return (Reader.__new__, (type(self),), self.__getstate__())

    @overload
    def __getitem__(self, key: str) -> ItemReader: ...
    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: str | int | slice) -> ItemReader | bytes | int:
        return ItemReader(self._open(), key) if isinstance(key, str) else self._bytes_of(key)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known, _ in self._open().names())

    def names(self) -> list[str]:
        """Names of all items, in the order they were added."""
        return [name for name, _ in self._open().names()]

    def array(self, name: str) -> NDArray[Any]:
        """The array that `Writer.add_array` stored under `name`, shape and dtype as they were.

        Raises
        ------
        UnsupportedError
            The item was not added as an array.
        """
        import numpy as np

        archive = self._open()
        for entry in archive.metadata(name):
            if entry["kind"] == "user" and entry["key"] == ARRAY_KEY:
                known = json.loads(entry["data"])
                data = ItemReader(archive, name).read()
                return np.frombuffer(data, dtype=known["dtype"]).reshape(known["shape"]).copy()
        raise UnsupportedError(f"`{name}` was not added as an array", name)

    @property
    def parents(self) -> list[dict[str, Any]]:
        """What a thin archive names blocks of: `seal`, `n_bytes`, `hints` (paths from its folder on)."""
        keys = ("seal", "n_bytes", "hints")
        return [dict(zip(keys, parent, strict=True)) for parent in self._open().parents()]

    @property
    def seal(self) -> str:
        """The archive's seal, in hexadecimal."""
        return self._open().seal

    @property
    def metadata(self) -> Metadata:
        """What is known of the archive as a whole."""
        archive = self._open()
        entries = archive.archive_metadata()
        user = {entry["key"]: json.loads(entry["data"]) for entry in entries if entry["kind"] == "user"}
        return Metadata(
            format_version=archive.format_version,
            revision=archive.revision,
            seal=archive.seal,
            archive_bytes=archive.n_bytes,
            n_items=len(archive.names()),
            user=user,
        )

    def analyze(self) -> AnalysisReport:
        """What deduplication and compression made of the content."""
        return AnalysisReport(*self._open().summary())

    def close(self) -> None:
        """Lets go of the archive; reading then is a `ValueError`."""
        self._archive = None
        super().close()

    def __enter__(self) -> Self:
        self._open()
        return self


#: Key of the metadata entry that says what array an item is.
ARRAY_KEY = "holotype.array"


@overload
def open(src: Source, mode: Literal["r"] = "r", **options: Any) -> Reader: ...
@overload
def open(src: Path | None, mode: Literal["w"], **options: Any) -> Writer: ...
def open(src: Source | None, mode: Literal["r", "w"] = "r", **options: Any) -> Reader | Writer:
    """Open an archive of files to read it (`r`) or make one (`w`).

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive; a path or None (memory) to write.
    mode : {"r", "w"}
        What for.
    **options
        Those of `Reader` or `Writer`.
    """
    if mode == "r":
        return Reader(cast("Source", src), **options)
    if mode == "w":
        from holotype._writer import Writer

        return Writer(cast("Path | None", src), **options)
    raise ArgumentError(f"mode is 'r' or 'w', not {mode!r}")
