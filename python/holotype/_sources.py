"""Where archives and files come from and go to: paths, bytes, buffers, file objects."""

from __future__ import annotations

import io
import operator
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from holotype import _holotype
from holotype._errors import ArgumentError
from holotype._remote import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import SupportsIndex

    from typing_extensions import Buffer

    from holotype._fields import SeekableFile
    from holotype._remote import Remote


class Readable(Protocol):
    """A binary file object to read from; it is read by position if it can seek."""

    def read(self, n: int = -1, /) -> bytes: ...


class Writable(Protocol):
    """A binary file object to write to."""

    def write(self, data: bytes, /) -> object: ...


Path: TypeAlias = "str | os.PathLike[str]"
Source: TypeAlias = "Path | Buffer | Readable"
Destination: TypeAlias = "Path | Writable"


def is_path(source: object) -> bool:
    return isinstance(source, (str, os.PathLike))


def path_of(source: object) -> str:
    """The path as `str`, `bytes` paths decoded as the file system does."""
    return os.fsdecode(cast("Path", source))


def as_bytes(source: object) -> bytes:
    """The bytes of a buffer or of the rest of a file object.

    Buffers that someone else may change are copied, so that what was checked is what is decoded.
    """
    if isinstance(source, bytes):
        return source
    read = getattr(source, "read", None)
    if callable(read):
        data = read()
        if not isinstance(data, bytes):
            raise TypeError(f"a binary file object is needed, this one reads {type(data).__name__}")
        return data
    try:
        return memoryview(cast("Buffer", source)).tobytes()
    except TypeError:
        raise TypeError(
            f"a path, bytes, a buffer or a binary file object is needed, not {type(source).__name__}"
        ) from None


def absolute(path: str) -> str:
    """The same place whatever the working folder is; an address as it is."""
    return path if _holotype.is_address(path) else os.path.abspath(path)


def paths_of(paths: Path | Sequence[Path]) -> list[str]:
    """One path or several."""
    if isinstance(paths, (str, os.PathLike)):
        return [path_of(paths)]
    return [path_of(path) for path in paths]


def secret_bytes(password: str | bytes | None) -> bytes | None:
    """A password's bytes: of text its UTF-8, as it is."""
    if password is None or isinstance(password, bytes):
        return password
    if not isinstance(password, str):
        raise TypeError(f"a password is str or bytes, not {type(password).__name__}")
    return password.encode()


def revision_number(revision: object) -> int | None:
    """The revision asked for, as the library counts: None is the last, 0 the last whole one."""
    if revision is None:
        return None
    if revision == "whole":
        return 0
    number = -1 if isinstance(revision, str) else operator.index(cast("SupportsIndex", revision))
    if not 1 <= number < 1 << 64:
        raise ArgumentError(f"revision is a number from 1, or 'whole', not {revision!r}")
    return number


@contextmanager
def open_archive(
    source: Source,
    remote: Remote | None = None,
    password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    revision: int | Literal["whole"] | None = None,
) -> Iterator[_holotype.Archive]:
    """Opens an archive for one call; a `str` that is an address is asked for as `remote` says.

    A seekable file object is read by position, only where needed, and gets its position back; the archive
    goes from that position to the file's end.
    """
    secret, places, number = secret_bytes(password), paths_of(parents), revision_number(revision)
    if isinstance(source, io.TextIOBase):
        raise TypeError("a binary file object is needed, this one reads text")
    if isinstance(source, str) and _holotype.is_address(source):
        how = remote or DEFAULT
        yield _holotype.Archive.open_remote(source, how, secret, parents=places, revision=number)
        return
    if is_path(source):
        yield _holotype.Archive.open(path_of(source), secret, None, places, number)
        return
    seekable = getattr(source, "seekable", None)
    if not (callable(seekable) and seekable()):
        yield _holotype.Archive.from_bytes(as_bytes(source), secret, None, places, number)
        return
    file = cast("SeekableFile", source)
    start = file.tell()
    try:
        end = file.seek(0, os.SEEK_END)
        yield _holotype.Archive.from_file_object(file, start, end, secret, places, number)
    finally:
        file.seek(start)


def opened(
    source: Source,
    remote: Remote | None,
    secret: bytes | None,
    parents: Sequence[str] = (),
) -> tuple[_holotype.Archive, str | None]:
    """An archive that stays open, and its path if it is a file; a file object is read to its end."""
    if isinstance(source, str) and _holotype.is_address(source):
        return _holotype.Archive.open_remote(source, remote or DEFAULT, secret, parents=parents), None
    if is_path(source):
        path = path_of(source)
        return _holotype.Archive.open(path, secret, None, parents), path
    return _holotype.Archive.from_bytes(as_bytes(source), secret, None, parents), None


def put(destination: Destination, data: bytes) -> None:
    """Writes `data` to a file object."""
    write = getattr(destination, "write", None)
    if not callable(write):
        raise TypeError(f"a path or a binary file object is needed, not {type(destination).__name__}")
    view = memoryview(data)
    while view:
        n = write(view)
        # Raw files may take less than they are given; others return the whole length or nothing.
        view = view[n if isinstance(n, int) else len(view) :]
