"""Archives from paths, bytes, buffers and file objects, and what a read touches."""

from __future__ import annotations

import io
import mmap
import os
from pathlib import Path

import numpy as np
import pytest

import holotype
from samples import same, smooth

ARRAY = smooth(90, 110)


class Recorded(io.BytesIO):
    """A file object that writes down what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[tuple[int, int]] = []

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.reads.append((start, start + len(data)))
        return data


class Pipe(io.RawIOBase):
    """A file object that cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._data.readinto(buffer)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.holo"
    holotype.write(path, ARRAY)
    return path


def test_every_source(path: Path) -> None:
    data = path.read_bytes()
    for source in (str(path), path, data, bytearray(data), memoryview(data), io.BytesIO(data), Pipe(data)):
        assert same(holotype.read(source), ARRAY), type(source)
    with path.open("rb") as file:
        assert same(holotype.read(file), ARRAY)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert same(holotype.read(mapped), ARRAY)
    assert same(holotype.loads(np.frombuffer(data, "u1")), ARRAY)  # type: ignore[arg-type]


def test_file_objects_keep_their_position(path: Path) -> None:
    file = io.BytesIO(b"before" + path.read_bytes())
    file.seek(6)
    assert holotype.info(file).n_bytes == path.stat().st_size
    assert file.tell() == 6
    assert same(holotype.read(file, threads=4), ARRAY)


def test_a_file_object_that_shrinks_is_truncation(path: Path) -> None:
    whole = Recorded(path.read_bytes())
    holotype.read(whole, threads=1)

    class Shrinking(Recorded):
        def read(self, size: int | None = -1, /) -> bytes:
            if len(self.reads) == len(whole.reads) - 1:
                self.truncate(self.tell() + 10)
            return super().read(size)

    with pytest.raises(holotype.TruncatedError, match=r"\d+ bytes expected at offset \d+, 10 found"):
        holotype.read(Shrinking(path.read_bytes()), threads=1)


def test_a_file_object_that_gives_too_much_is_refused() -> None:
    class Generous(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) + (b"more" if size and size > 0 else b"")

    with pytest.raises(OSError, match="more bytes than were asked for"):
        holotype.read(Generous(holotype.dumps(ARRAY)))


def test_bytes_paths(path: Path) -> None:
    class BytesPath:
        def __fspath__(self) -> bytes:
            return os.fsencode(path)

    assert same(holotype.read(BytesPath()), ARRAY)  # type: ignore[arg-type]


def test_every_destination(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    memory = io.BytesIO()
    holotype.write(memory, ARRAY)
    assert memory.getvalue() == data
    with (tmp_path / "b.holo").open("wb", buffering=0) as raw:
        holotype.write(raw, ARRAY)
    assert (tmp_path / "b.holo").read_bytes() == data
    assert holotype.dumps(ARRAY) == data


@pytest.mark.parametrize("source", [None, 7, 1.5, ["a.holo"], io.StringIO("x")])
def test_other_sources_are_refused(source: object) -> None:
    with pytest.raises(TypeError):
        holotype.read(source)  # type: ignore[arg-type]


def test_loads_takes_no_path(path: Path) -> None:
    with pytest.raises(TypeError, match="read takes a path"):
        holotype.loads(str(path))


def test_missing_files_are_os_errors(tmp_path: Path) -> None:
    missing = tmp_path / "none.holo"
    with pytest.raises(FileNotFoundError) as caught:
        holotype.read(missing)
    assert caught.value.filename == str(missing)
    with pytest.raises(FileNotFoundError):
        holotype.write(tmp_path / "no" / "folder.holo", ARRAY)
    with pytest.raises(OSError, match="regular file"):
        holotype.info(tmp_path)


def test_overwrite_is_chosen(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        holotype.write(path, ARRAY + 1, overwrite=False)
    assert path.read_bytes() == before
    holotype.write(path, ARRAY + 1)
    assert same(holotype.read(path), ARRAY + 1)
    assert [p.name for p in path.parent.iterdir()] == ["a.holo"]


def test_errors_of_file_objects_pass_through(path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise PermissionError("not today")

    with pytest.raises(PermissionError, match="not today"):
        holotype.info(Broken(path.read_bytes()))


def test_metadata_and_preview_touch_no_pixel() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (2048, 2048, 3), dtype="u1")
    data = holotype.dumps(pixels, mode="fast", tile_edge=256, preview=True)
    assert len(data) > 12_000_000
    tail = len(data) - 200_000
    for work in (holotype.info, holotype.extract_thumbnail):
        file = Recorded(data)
        work(file)
        assert sum(end - start for start, end in file.reads) < 200_000
        assert all(end <= 64 or start >= tail for start, end in file.reads), file.reads
    file = Recorded(data)
    holotype.read(file, region=(300, 300, 10, 10))
    assert sum(end - start for start, end in file.reads) < 2 * 256 * 256 * 3 + 200_000
