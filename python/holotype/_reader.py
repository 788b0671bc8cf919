"""`holotype.open` and `Reader`: archives of files, read like a file."""

from __future__ import annotations

import io
import json
import operator
import os
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast, overload

from holotype import _holotype
from holotype._errors import ArgumentError, IntegrityError, NotFoundError, UnsupportedError
from holotype._remote import remote_of
from holotype._sources import (
    absolute,
    as_bytes,
    is_path,
    path_of,
    paths_of,
    revision_number,
    secret_bytes,
)
from holotype._summary import AnalysisReport, Metadata, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer, Self

    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Source
    from holotype._tensors import Tensor
    from holotype._writer import Writer


#: Bytes read at once for lines, and for the first part of one.
_PART_BYTES = 1 << 18
_LINE_BYTES = 1 << 13


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
            data = self._open().read_at(self._map, min(start, self.size), len(target))
            target[: len(data)] = data
        else:
            asked = -1 if size is None else operator.index(size)
            n_bytes = self.size if asked < 0 else min(asked, self.size)
            data = self._open().read_at(self._map, min(start, self.size), n_bytes)
        if offset is None:
            self._position += len(data)
        return data if buffer is None else len(data)

    def readinto(self, buffer: Buffer, /) -> int:
        """Fills `buffer` from the position on; returns how many bytes there were."""
        return self.read(buffer=buffer)

    def readall(self) -> bytes:
        """All bytes from the position on."""
        return self.read()

    def write(self, data: Buffer, /) -> NoReturn:
        """Nothing can be written: an `io.UnsupportedOperation`."""
        raise io.UnsupportedOperation("write")

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

    def readline(self, size: int | None = -1, /) -> bytes:
        """The bytes from the position up to the end of the line, at most `size`; nothing at the end."""
        line = self._line_at(self._position, size)
        self._position += len(line)
        return line

    def _line_at(self, start: int, size: int | None) -> bytes:
        most = self.size if size is None or size < 0 else operator.index(size)
        parts: list[bytes] = []
        n_bytes = 0
        while n_bytes < most:
            step = min(max(_LINE_BYTES, n_bytes), _PART_BYTES, most - n_bytes)
            part = self.read(step, offset=start + n_bytes)
            if not part:
                break
            end = part.find(b"\n") + 1
            parts.append(part[:end] if end else part)
            n_bytes += len(parts[-1])
            if end:
                break
        return b"".join(parts)

    def __iter__(self) -> Iterator[bytes]:
        """Lines, as of any binary file, from the position on, which is after each as it is given."""
        at = end = self._position
        parts: list[bytes] = []
        while part := self.read(_PART_BYTES, offset=end):
            first, *others = part.split(b"\n")
            end += len(part)
            parts.append(first)
            for other in others:
                line = b"".join(parts) + b"\n"
                parts = [other]
                at += len(line)
                self._position = at
                yield line
                if self._position != at:
                    break
            if self._position != at:
                # Someone moved it meanwhile: on from there.
                at = end = self._position
                parts = []
        line = b"".join(parts)
        self._position = end
        if line:
            yield line


class ItemReader(_Positional):
    """One file of an archive, read like a file: `reader["dir/file"]`.

    It reads on when the reader is closed. It pickles as its reader does, while that is open.
    """

    def __init__(self, reader: Reader, name: str) -> None:
        archive = reader._open()
        self._reader = reader
        self._archive = archive
        self._map = archive.file_map(name)
        #: The item's name.
        self.name = name

    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]:
        self._open()
        return (_item_again, (self._reader, self.name, self._position))

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> bytes | int:
        return self._bytes_of(key)

    def close(self) -> None:
        self._archive = None
        super().close()


def _item_again(reader: Reader, name: str, position: int) -> ItemReader:
    item = ItemReader(reader, name)
    item._position = position
    return item


class Reader(_Positional):
    """An archive: its files and tensors as one stream in the order they were added, and each by its name.

    `reader[10:20]` are bytes of the stream, `reader["dir/file"]` is a file as an `ItemReader`,
    `reader["weights"]` a tensor as a `Tensor`. Many threads can read by `offset` at once, also after `fork`.
    It pickles: by its path or address, with options, position and seal.

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive; a file object is read to its end.
    cache_size : int or str, default "512M"
        Bytes of decoded blocks kept for further reads; nothing is taken before it is needed.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it. A pickled reader holds it.
    prefetch : bool, default True
        Of an archive far away: reads that follow each other fetch up to 16 MiB ahead, with the request that
        they need anyway.
    s3_region, endpoint_url, allow_restricted, anonymous, deadline
        How an archive at an address is read, as in `Remote`; they go before those of `remote`.
    remote : Remote, optional
        The same in one value.
    parents : path or sequence of paths, optional
        Where the parents of a thin archive are, files or folders they lie in; by default where it says, from
        its own folder on.
    revision : int or "whole", optional
        An earlier revision of an archive that was appended to; `whole` is the last one that is whole, where
        an append was not finished.

    Raises
    ------
    FormatError, IntegrityError, TruncatedError
        `src` is no sealed archive.
    DecryptionError
        It is encrypted and the password is missing or wrong.
    RemoteError
        It could not be fetched, or the address is restricted.

    Examples
    --------
    >>> import holotype, numpy
    >>> with holotype.Writer(None) as writer:
    ...     _ = writer.add(b"Dear reader", name="letter").add(b"!", name="end")
    ...     _ = writer.add_array(numpy.zeros((2, 3)), name="weights")
    >>> with holotype.open(writer.data) as reader:
    ...     reader.names(), reader[5:12], reader["letter"].read(4), reader["weights"].shape
    (['letter', 'end', 'weights'], b'reader!', b'Dear', (2, 3))
    """

    def __init__(
        self,
        src: Source,
        *,
        cache_size: int | str = "512M",
        prefetch: bool = True,
        s3_region: str | None = None,
        endpoint_url: str | None = None,
        allow_restricted: bool | None = None,
        anonymous: bool | None = None,
        deadline: float | None = None,
        remote: Remote | None = None,
        password: str | bytes | None = None,
        parents: Path | Sequence[Path] = (),
        revision: int | Literal["whole"] | None = None,
    ) -> None:
        number = revision_number(revision)
        self._archive = None
        self._source: str | bytes = path_of(src) if is_path(src) else as_bytes(src)
        how = remote_of(
            remote,
            s3_region=s3_region,
            endpoint_url=endpoint_url,
            allow_restricted=allow_restricted,
            anonymous=anonymous,
            deadline=deadline,
        )
        self._is_remote = isinstance(src, str) and _holotype.is_address(src)
        self._options: dict[str, Any] = {"cache_size": cache_size, "prefetch": prefetch, "remote": how}
        self._password = secret_bytes(password)
        self._parents = paths_of(parents)
        self._stream: _holotype.FileMap | None = None
        self._metadata: Metadata | None = None
        cache_bytes = size_of(cache_size)
        if self._is_remote:
            address = cast("str", self._source)
            self._archive = _holotype.Archive.open_remote(
                address, how, self._password, cache_bytes, prefetch, self._parents, number
            )
        elif isinstance(self._source, str):
            open_archive = _holotype.Archive.open
            self._archive = open_archive(self._source, self._password, cache_bytes, self._parents, number)
        else:
            from_bytes = _holotype.Archive.from_bytes
            self._archive = from_bytes(self._source, self._password, cache_bytes, self._parents, number)
        # What is opened again, by a pickle or to be mapped, is this archive in whichever folder that happens.
        if isinstance(self._source, str):
            self._source = absolute(self._source)
        self._parents = [absolute(parent) for parent in self._parents]

    @property
    def _map(self) -> _holotype.FileMap:  # type: ignore[override]
        if self._stream is None:
            self._stream = self._open().stream_map()
        return self._stream

    def __getstate__(self) -> dict[str, Any]:
        archive = self._open()
        return {
            "source": self._source,
            "options": self._options,
            "password": self._password,
            "parents": self._parents,
            "position": self._position,
            "seal": archive.seal,
            "revision": archive.revision,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = state["options"]
        options.update(password=state["password"], parents=state["parents"], revision=state["revision"])
        Reader.__init__(self, state["source"], **options)
        self._position = state["position"]
        if self._open().seal != state["seal"]:
            self.close()
            raise IntegrityError("the archive is another one than when the reader was pickled")

    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]:
        return (Reader.__new__, (type(self),), self.__getstate__())

    @overload
    def __getitem__(self, key: str) -> Any: ...
    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: str | int | slice) -> ItemReader | Tensor | bytes | int:
        if not isinstance(key, str):
            return self._bytes_of(key)
        archive = self._open()
        kind = archive.kind(key)
        if kind == "tensor":
            return self.tensor(key)
        if archive.holds_file(key):
            return ItemReader(self, key)
        raise UnsupportedError(
            f"`{key}` is of the kind {kind}; `holotype.read(src, item=…)` reads images", key
        )

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            self._open().kind(name)
        except NotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """Names of all items, in the order they were added."""
        return [name for name, _ in self._open().names()]

    def item(self, name: str) -> ItemReader:
        """The file of that name.

        Raises
        ------
        NotFoundError, ArgumentError
            There is none, or it is no file.
        """
        return ItemReader(self, name)

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name: shape, dtype and, when asked, its elements.

        Raises
        ------
        NotFoundError, ArgumentError
            There is none, or it is no tensor.
        """
        from holotype._tensors import Tensor

        is_file = isinstance(self._source, str) and not self._is_remote
        return Tensor(self._open(), name, cast("str", self._source) if is_file else None, self.tensor)

    def array(self, name: str) -> NDArray[Any]:
        """The array that `Writer.add_array` or `add_tensor` stored, shape and dtype as they were.

        Raises
        ------
        UnsupportedError
            The item was not added as an array.
        """
        import numpy as np

        archive = self._open()
        kind = archive.kind(name)
        if kind == "tensor":
            return self.tensor(name).read()
        known = _array_entry(archive, name) if kind == "file" else None
        if known is None:
            raise UnsupportedError(f"`{name}` was not added as an array", name)
        data = ItemReader(self, name).read()
        return np.frombuffer(data, dtype=known["dtype"]).reshape(known["shape"]).copy()

    @property
    def parents(self) -> list[dict[str, Any]]:
        """What a thin archive names blocks of: `seal`, `n_bytes`, `hints` (paths from its folder on)."""
        keys = ("seal", "n_bytes", "hints")
        return [dict(zip(keys, parent, strict=True)) for parent in self._open().parents()]

    @property
    def revisions(self) -> list[dict[str, Any]]:
        """The revisions up to this one: `number`, `n_bytes` of the archive up to its end, `seal`."""
        keys = ("number", "n_bytes", "seal")
        return [dict(zip(keys, one, strict=True)) for one in self._open().revisions()]

    @property
    def seal(self) -> str:
        """The archive's seal, in hexadecimal."""
        return self._open().seal

    @property
    def metadata(self) -> Metadata:
        """What is known of the archive as a whole."""
        if self._metadata is None:
            archive = self._open()
            entries = archive.archive_metadata()
            summary = archive.summary()
            is_file = isinstance(self._source, str) and not self._is_remote
            self._metadata = Metadata(
                format_version=archive.format_version,
                revision=archive.revision,
                seal=archive.seal,
                archive_bytes=archive.n_bytes,
                raw_bytes=summary["raw_bytes"],
                n_items=archive.n_items,
                n_blocks=summary["n_blocks"],
                block_bytes=summary["max_block_bytes"],
                compression=summary["codec"],
                is_encrypted=archive.is_encrypted,
                is_signed=is_file and os.path.exists(f"{self._source!s}.sig"),
                user={e["key"]: json.loads(e["data"]) for e in entries if e["kind"] == "user"},
            )
        return self._metadata

    def analyze(self) -> AnalysisReport:
        """What deduplication and compression made of the content."""
        summary = self._open().summary()
        return AnalysisReport(
            n_items=summary["n_items"],
            n_blocks=summary["n_blocks"],
            raw_bytes=summary["raw_bytes"],
            unique_bytes=summary["unique_bytes"],
            block_bytes=summary["block_bytes"],
            archive_bytes=summary["archive_bytes"],
        )

    def close(self) -> None:
        """Lets go of the archive; reading then is a `ValueError`."""
        self._archive = None
        super().close()

    def __enter__(self) -> Self:
        self._open()
        return self


#: Key of the metadata entry that says what array an item is, where its kind alone does not.
ARRAY_KEY = "holotype.array"


def _array_entry(archive: _holotype.Archive, name: str) -> dict[str, Any] | None:
    for entry in archive.metadata(name):
        if entry["kind"] == "user" and entry["key"] == ARRAY_KEY:
            known: dict[str, Any] = json.loads(entry["data"])
            return known
    return None


@overload
def open(src: Source, mode: Literal["r"] = "r", **options: Any) -> Reader: ...
@overload
def open(src: Destination | None, mode: Literal["w", "a"], **options: Any) -> Writer: ...
def open(
    src: Source | Destination | None, mode: Literal["r", "w", "a"] = "r", **options: Any
) -> Reader | Writer:
    """Open an archive to read it (`r`), make one (`w`) or add a revision to one (`a`).

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive; a path, a binary file object or None (memory) to write.
    mode : {"r", "w", "a"}
        What for.
    **options
        Those of `Reader` or `Writer`.
    """
    if mode == "r":
        return Reader(cast("Source", src), **options)
    if mode in ("w", "a"):
        from holotype._writer import Writer

        return Writer(cast("Destination | None", src), append=mode == "a", **options)
    raise ArgumentError(f"mode is 'r', 'w' or 'a', not {mode!r}")


def inspect(src: Source, **options: Any) -> Metadata:
    """What is known of an archive as a whole: no content is read.

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive.
    **options
        Those of `Reader`.

    Examples
    --------
    >>> import holotype
    >>> with holotype.Writer(None) as writer:
    ...     _ = writer.add(bytes(5000)).add_metadata({"found": 1887})
    >>> metadata = holotype.inspect(writer.data)
    >>> metadata.raw_bytes, metadata.n_items, metadata.compression, metadata.user
    (5000, 1, 'zstd', {'found': 1887})
    """
    with Reader(src, **options) as reader:
        return reader.metadata
