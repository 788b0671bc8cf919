"""`AsyncReader`: archives read by coroutines."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, overload

from holotype._reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from numpy.typing import NDArray
    from typing_extensions import Buffer, Self

    from holotype._reader import ItemReader
    from holotype._sources import Source
    from holotype._summary import AnalysisReport, Metadata
    from holotype._tensors import Index


class _AsyncStream:
    """A stream of bytes whose reads run on the event loop's threads, so that the loop goes on meanwhile."""

    def __init__(self) -> None:
        self._stream: Reader | ItemReader | None = None
        self._turn = asyncio.Lock()

    def _opened(self) -> Reader | ItemReader:
        if self._stream is None:
            raise ValueError("the reader is not open: use `async with`")
        return self._stream

    @property
    def size(self) -> int:
        """Bytes of the stream."""
        return self._opened().size

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True

    def tell(self) -> int:
        """Where the next read starts."""
        return self._opened().tell()

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to `offset` from the start (0), the position (1) or the end (2); returns the position."""
        async with self._turn:
            return self._opened().seek(offset, whence)

    @overload
    async def read(self, size: int | None = -1, offset: int | None = None, buffer: None = None) -> bytes: ...
    @overload
    async def read(self, size: int | None = -1, offset: int | None = None, *, buffer: Buffer) -> int: ...
    async def read(
        self, size: int | None = -1, offset: int | None = None, buffer: Buffer | None = None
    ) -> bytes | int:
        """Read bytes, or fill a buffer, as `Reader.read` does.

        Reads by `offset` run side by side. Those from the position take turns, and one that is cancelled
        leaves the position where it was.
        """
        stream = self._opened()
        if offset is not None:
            return await asyncio.to_thread(_read, stream, size, offset, buffer)
        async with self._turn:
            start = stream.tell()
            data = await asyncio.to_thread(_read, stream, size, start, buffer)
            stream.seek(start + (data if isinstance(data, int) else len(data)))
            return data

    async def readinto(self, buffer: Buffer) -> int:
        """Fills `buffer` from the position on; returns how many bytes there were."""
        return await self.read(buffer=buffer)

    async def readall(self) -> bytes:
        """All bytes from the position on."""
        return await self.read()

    def readable(self) -> bool:
        """True: it can be read."""
        return True

    def seekable(self) -> bool:
        """True: it has a position."""
        return True

    def writable(self) -> bool:
        """False: nothing can be written."""
        return False

    @property
    def closed(self) -> bool:
        """True before `async with` and after `close`."""
        return self._stream is None

    async def readline(self, size: int | None = -1) -> bytes:
        """The bytes from the position up to the end of the line, at most `size`; nothing at the end."""
        async with self._turn:
            stream = self._opened()
            start = stream.tell()
            line = await asyncio.to_thread(stream._line_at, start, size)
            stream.seek(start + len(line))
            return line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Lines from the position on, which is after each as it is given, as of a `Reader`."""
        at = end = self.tell()
        parts: list[bytes] = []
        while part := await self.read(_PART_BYTES, end):
            first, *others = part.split(b"\n")
            end += len(part)
            parts.append(first)
            for other in others:
                line = b"".join(parts) + b"\n"
                parts = [other]
                at = await self.seek(at + len(line))
                yield line
                if self.tell() != at:
                    break
            if self.tell() != at:
                # Someone moved it meanwhile: on from there.
                at = end = self.tell()
                parts = []
        line = b"".join(parts)
        await self.seek(end)
        if line:
            yield line

    async def slice(self, key: int | slice) -> bytes | int:
        """The bytes `key`, as `reader[key]` of a `Reader`."""
        return await asyncio.to_thread(self._opened().__getitem__, key)


#: Bytes read at once for lines.
_PART_BYTES = 1 << 20


def _read(stream: Reader | ItemReader, size: int | None, offset: int, buffer: Buffer | None) -> bytes | int:
    if buffer is None:
        return stream.read(size, offset)
    return stream.read(size, offset, buffer=buffer)


class AsyncItemReader(_AsyncStream):
    """One file of an archive: what `AsyncReader.item` gives."""

    def __init__(self, stream: ItemReader) -> None:
        super().__init__()
        self._stream = stream
        #: The item's name.
        self.name = stream.name


class AsyncReader(_AsyncStream):
    """A `Reader` for coroutines, with the same options and calls; opened by `async with`.

    Examples
    --------
    >>> import asyncio, holotype
    >>> with holotype.Writer(None) as writer:
    ...     _ = writer.add(b"Dear reader", name="letter")
    >>> async def main():
    ...     async with holotype.AsyncReader(writer.data) as reader:
    ...         return await asyncio.gather(reader.read(4, offset=0), reader.read(6, offset=5))
    >>> asyncio.run(main())
    [b'Dear', b'reader']
    """

    _stream: Reader | None

    def __init__(self, src: Source, **options: Any) -> None:
        super().__init__()
        self._source, self._options = src, options

    def _opened(self) -> Reader:
        stream = super()._opened()
        assert isinstance(stream, Reader)
        return stream

    async def __aenter__(self) -> Self:
        reader = await asyncio.to_thread(Reader, self._source, **self._options)
        # Where each byte is: found here, so that `size` and `tell` need not wait.
        await asyncio.to_thread(len, reader)
        self._stream = reader
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Lets go of the archive."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    async def names(self) -> list[str]:
        """Names of all items, in the order they were added."""
        return await asyncio.to_thread(self._opened().names)

    async def item(self, name: str) -> AsyncItemReader:
        """The file of that name."""
        return AsyncItemReader(await asyncio.to_thread(self._opened().item, name))

    async def array(self, name: str) -> NDArray[Any]:
        """The array of that name, as `Reader.array`."""
        return await asyncio.to_thread(self._opened().array, name)

    async def tensor(self, name: str, region: Index | None = None) -> NDArray[Any]:
        """The elements of the tensor of that name, or those of a region."""
        stream = self._opened()
        return await asyncio.to_thread(lambda: stream.tensor(name).read(region))

    @property
    def seal(self) -> str:
        """The seal in hexadecimal."""
        return self._opened().seal

    @property
    def parents(self) -> list[dict[str, Any]]:
        """The archives it needs, as `Reader.parents`."""
        return self._opened().parents

    @property
    def revisions(self) -> list[dict[str, Any]]:
        """The revisions up to this one, as `Reader.revisions`."""
        return self._opened().revisions

    async def metadata(self) -> Metadata:
        """What is known of the archive as a whole."""
        stream = self._opened()
        return await asyncio.to_thread(lambda: stream.metadata)

    async def analyze(self) -> AnalysisReport:
        """What deduplication and compression made of the content."""
        return await asyncio.to_thread(self._opened().analyze)
