"""`AsyncReader`: the calls of `Reader`, by coroutines."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import numpy as np
import pytest

import holotype

CONTENT = random.Random(2).randbytes(400_000)
ARRAY = np.arange(50_000, dtype="<u2").reshape(100, 500)


@pytest.fixture(scope="module")
def archive() -> bytes:
    with holotype.Writer(None) as writer:
        writer.add(CONTENT, name="dir/file").add_array(ARRAY, name="a").add_metadata({"k": 1})
    return writer.data


STREAM = CONTENT + ARRAY.tobytes()


def test_reads_like_reader(archive: bytes) -> None:
    async def main() -> None:
        async with holotype.AsyncReader(archive, cache_size="1M") as reader:
            assert reader.size == len(reader) == len(STREAM)
            assert await reader.read(10) == STREAM[:10]
            assert reader.tell() == 10
            assert await reader.read(7, offset=90_000) == STREAM[90_000:90_007]
            assert reader.tell() == 10
            buffer = bytearray(20)
            assert await reader.readinto(buffer) == 20
            assert bytes(buffer) == STREAM[10:30]
            assert await reader.read(buffer=buffer, offset=len(STREAM) - 5) == 5
            assert await reader.slice(slice(-9, None, -70_001)) == STREAM[-9::-70_001]
            assert await reader.seek(-4, 2) == len(STREAM) - 4
            assert await reader.read() == STREAM[-4:]
            assert await reader.names() == ["dir/file", "a"]
            item = await reader.item("dir/file")
            assert (item.name, item.size) == ("dir/file", len(CONTENT))
            assert await item.read(5, offset=77) == CONTENT[77:82]
            assert np.array_equal(await reader.array("a"), ARRAY)
            assert np.array_equal(await reader.tensor("a", slice(3, 5)), ARRAY[3:5])
            assert (await reader.metadata()).user == {"k": 1}
            assert (await reader.analyze()).raw_bytes == len(STREAM)
            with pytest.raises(holotype.NotFoundError):
                await reader.item("other")
            assert await reader.read(6, 8) == STREAM[8:14]
            await reader.seek(3)
            with holotype.open(archive) as plain:
                plain.seek(3)
                assert [line async for line in reader] == list(plain)
                plain.seek(90)
                await reader.seek(90)
                assert await reader.readline() == plain.readline()
                assert await reader.readline(3) == plain.readline(3)
                async for line in reader:
                    assert (line, reader.tell()) == (plain.readline(), plain.tell())
                    if reader.tell() > 70_000:
                        break
                assert await reader.read(5) == plain.read(5)
            await reader.seek(-9, 2)
            assert await reader.readall() == STREAM[-9:]
            assert (reader.readable(), reader.seekable(), reader.writable()) == (True, True, False)
            with holotype.open(archive) as plain:
                assert (reader.seal, reader.parents) == (plain.seal, plain.parents)
                assert reader.revisions == plain.revisions
            before = reader.closed
        assert (before, reader.closed) == (False, True)
        with pytest.raises(ValueError, match="not open"):
            await reader.read(1)

    asyncio.run(main())


def test_no_call_is_missing() -> None:
    """What `Reader` says in public `AsyncReader` says too, but for what writes and what reads lines."""
    lines = {"readlines", "writelines", "write", "truncate", "flush", "fileno", "isatty"}
    public = {name for name in dir(holotype.Reader) if not name.startswith("_")} - lines
    assert public <= {name for name in dir(holotype.AsyncReader) if not name.startswith("_")}


def test_many_at_once(archive: bytes) -> None:
    async def main() -> None:
        async with holotype.AsyncReader(archive) as reader:
            starts = [random.Random(k).randrange(len(STREAM)) for k in range(50)]
            parts = await asyncio.gather(*(reader.read(9000, offset=start) for start in starts))
            assert parts == [STREAM[start : start + 9000] for start in starts]
            # Reads from the position take turns: together they are the stream.
            in_turn = await asyncio.gather(*(reader.read(50_000) for _ in range(11)))
            assert b"".join(in_turn) == STREAM

    asyncio.run(main())


def test_a_cancelled_read_leaves_the_position(archive: bytes) -> None:
    async def main() -> None:
        async with holotype.AsyncReader(archive) as reader:
            read = asyncio.ensure_future(reader.read(300_000))
            await asyncio.sleep(0)
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            assert reader.tell() == 0
            assert await reader.read(5) == STREAM[:5]

    asyncio.run(main())


def test_damage_is_noticed(archive: bytes) -> None:
    damaged = bytearray(archive)
    damaged[5000] ^= 1

    async def main() -> None:
        async with holotype.AsyncReader(bytes(damaged)) as reader:
            with pytest.raises(holotype.IntegrityError):
                await reader.read()

    asyncio.run(main())


def test_importing_the_package_imports_no_asyncio() -> None:
    code = "import sys, holotype; assert 'asyncio' not in sys.modules; holotype.AsyncReader"
    subprocess.run([sys.executable, "-c", code], check=True)
