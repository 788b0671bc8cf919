"""`Writer`, `Reader`, `build` and `unpack`: archives of files, bytes and arrays."""

from __future__ import annotations

import concurrent.futures
import io
import os
import pickle
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype

TEXT = b"".join(b"line %d of a text that goes on\n" % i for i in range(20_000))
NOISE = random.Random(5).randbytes(300_000)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.holo"
    with holotype.Writer(path) as writer:
        writer.add(TEXT, name="text").add(NOISE, name="dir/noise").add(b"", name="empty")
    return path


STREAM = TEXT + NOISE


def test_reads_like_a_file(archive: Path) -> None:
    with holotype.open(archive) as reader:
        assert reader.size == len(reader) == len(STREAM)
        assert reader.names() == ["text", "dir/noise", "empty"]
        assert reader.read(10) == STREAM[:10]
        assert reader.tell() == 10
        assert reader.read(7, offset=600_000) == STREAM[600_000:600_007]
        assert reader.tell() == 10, "a read by offset leaves the position"
        buffer = bytearray(20)
        assert reader.read(buffer=buffer) == 20
        assert bytes(buffer) == STREAM[10:30]
        assert reader.read(buffer=buffer, offset=len(STREAM) - 5) == 5
        assert reader.seek(-4, os.SEEK_END) == len(STREAM) - 4
        assert reader.read() == STREAM[-4:]
        assert reader.read(5) == b""
        assert reader.read(5, offset=1 << 60) == b""
        assert reader.seek(0) == 0
        assert reader.read() == STREAM
        into: Any = np.zeros(100, "u2")
        reader.seek(1)
        assert reader.readinto(into) == 200
        assert into.tobytes() == STREAM[1:201]


@pytest.mark.parametrize(
    "key",
    [
        slice(3, 9),
        slice(-10, None),
        slice(None, None, 1000),
        slice(100, 0, -7),
        slice(None, None, -90_001),
        slice(5, 5),
        slice(9, 3),
        slice(-3, 10**9),
        slice(400_000, 100, -3),
    ],
)
def test_slices_as_bytes_do(archive: Path, key: slice) -> None:
    with holotype.open(archive) as reader:
        assert reader[key] == STREAM[key]
        assert reader["text"][key] == TEXT[key]


def test_single_bytes(archive: Path) -> None:
    with holotype.open(archive) as reader:
        assert reader[0] == STREAM[0]
        assert reader[-1] == STREAM[-1]
        for index in (len(STREAM), -len(STREAM) - 1):
            with pytest.raises(IndexError):
                reader[index]


def test_items_by_name(archive: Path) -> None:
    with holotype.open(archive) as reader:
        item = reader["dir/noise"]
        assert item.size == len(NOISE)
        assert item.read(5, offset=77) == NOISE[77:82]
        assert io.BufferedReader(item).read() == NOISE
        assert reader["empty"].read() == b""
        assert "text" in reader
        assert "other" not in reader
        with pytest.raises(holotype.NotFoundError):
            reader["other"]


def test_buffered_lines_and_iteration(archive: Path) -> None:
    with holotype.open(archive) as reader:
        assert list(reader["text"]) == TEXT.splitlines(keepends=True)
        assert io.BufferedReader(reader["text"]).readlines() == TEXT.splitlines(keepends=True)


def test_lines_of_every_length_leave_the_position_after_them() -> None:
    pieces = [b"", b"a" * 300_000, b"b" * 262_143, b"c" * 262_144, b"", b"d", b"e" * 9000]
    for content in (b"\n".join(pieces), b"\n".join(pieces) + b"\n", b"\n", b""):
        expected = io.BytesIO(content)
        with holotype.Writer(None) as writer:
            writer.add(content, name="text")
        with holotype.open(writer.data) as reader:
            for line in reader:
                assert (line, reader.tell()) == (expected.readline(), expected.tell())
            assert reader.tell() == len(content)
            expected.seek(reader.seek(0))
            while line := reader.readline(100_000):
                assert (line, reader.tell()) == (expected.readline(100_000), expected.tell())
            assert reader.readline() == b""
            assert reader.seek(0) == 0
            assert reader.readlines() == content.splitlines(keepends=True)


def test_lines_go_on_where_the_reader_was_moved_to(archive: Path) -> None:
    with holotype.open(archive) as reader:
        item = reader["text"]
        lines = iter(item)
        assert next(lines) == b"line 0 of a text that goes on\n"
        item.seek(TEXT.index(b"line 700 "))
        assert next(lines).startswith(b"line 700 ")
        assert item.read(9) == b"line 701 "


def test_content_without_lines_is_copied_a_few_times_alone() -> None:
    """Copying what came so far for each part would be 32 GB."""
    content = bytes(128 << 20)
    with holotype.Writer(None, compression="zstd:1", dedup=False) as writer:
        writer.add(content)
    with holotype.open(writer.data) as reader:
        start = time.process_time()
        assert len(reader.read(offset=0)) == len(content)
        once = time.process_time()
        assert [len(line) for line in reader] == [len(content)]
        assert time.process_time() - once < 1 + 5 * (once - start)


def test_chunks_can_be_chosen() -> None:
    part = NOISE[:40_000]
    content = part + b"x" + part
    sizes = {}
    for chunks in (None, "1K", 1024, (256, 1024, 4096), ("4K", "16K", "1M")):
        with holotype.Writer(None, compression="store", chunks=chunks) as writer:
            writer.add(content)
        assert holotype.open(writer.data).read() == content
        sizes[chunks] = len(writer.data)
    assert sizes["1K"] == sizes[1024] == sizes[256, 1024, 4096]
    # What repeats is shorter than the average chunk of the default, and much longer than one of 1 KiB.
    assert sizes["1K"] < 60_000 < 80_000 < sizes[None]


def test_wrong_calls_are_refused(archive: Path) -> None:
    with holotype.open(archive) as reader:
        with pytest.raises(holotype.ArgumentError):
            reader.read(5, offset=-1)
        with pytest.raises(holotype.ArgumentError):
            reader.seek(-1)
        with pytest.raises(holotype.ArgumentError):
            reader.read(buffer=b"read-only")
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)
    with pytest.raises(holotype.ArgumentError, match="mode"):
        holotype.open(archive, "rw")  # type: ignore[call-overload]
    wrong: Any
    for wrong in ("12Q", "", "-1M", -1, None, 1.5, 1 << 63):
        with pytest.raises(holotype.ArgumentError):
            holotype.open(archive, cache_size=wrong)
    assert holotype.open(archive, cache_size=np.int64(1 << 20)).read() == STREAM
    for wrong in (0, -1, "last", 1 << 64):
        with pytest.raises(holotype.ArgumentError, match="revision"):
            holotype.open(archive, revision=wrong)
    with pytest.raises(holotype.NotFoundError, match="no revision 2: the archive has 1"):
        holotype.open(archive, revision=2)
    with pytest.raises(TypeError, match="password"):
        holotype.open(archive, password=5)


def test_positions_of_any_size(archive: Path) -> None:
    with holotype.open(archive) as reader:
        assert reader.read(9, offset=1 << 70) == b""
        assert reader.read(1 << 70, offset=len(STREAM) - 3) == STREAM[-3:]
        assert reader.read(buffer=bytearray(3), offset=1 << 70) == 0
        assert reader.seek(1 << 70) == reader.tell() == 1 << 70
        assert reader.read() == reader.readline() == b""
        with pytest.raises(io.UnsupportedOperation):
            reader.write(b"x")


def test_files_of_archives_pickle_with_their_reader(archive: Path) -> None:
    with holotype.open(archive, cache_size="1M") as reader:
        item = reader["dir/noise"]
        item.seek(7)
        state = pickle.dumps([item, reader.item("text")])
    noise, text = pickle.loads(state)
    assert (noise.name, noise.tell(), noise.read(5)) == ("dir/noise", 7, NOISE[7:12])
    assert text.read(9) == TEXT[:9]
    # The reader is closed: what was taken from it reads on.
    assert item.read(5) == NOISE[7:12]
    with pytest.raises(ValueError, match="closed"):
        pickle.dumps(item)


def test_pickles_find_the_archive_from_any_folder(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archive.parent)
    with holotype.open(archive.name, parents="elsewhere") as reader:
        (archive.parent / "other").mkdir()
        monkeypatch.chdir("other")
        with pickle.loads(pickle.dumps(reader)) as again:
            assert again.read() == STREAM


def test_paths_of_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"raw\xff")
    try:
        (tmp_path / name).write_bytes(NOISE)
    except OSError:
        pytest.skip("this file system takes no such names")
    path = tmp_path / (name + ".holo")
    with holotype.Writer(path) as writer:
        writer.add(tmp_path / name).add_file(tmp_path / name, name="text")
    with holotype.open(path) as reader:
        assert reader.names() == ["raw\ufffdff", "text"]
        assert reader["text"].read() == reader["raw\ufffdff"].read() == NOISE
    holotype.unpack(path, tmp_path / (name + ".out"))
    assert sorted(os.listdir(os.fsencode(tmp_path / (name + ".out")))) == [b"raw\xff", b"text"]


def test_nothing_waits_for_a_pipe(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in folders")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        holotype.open(tmp_path / "pipe")
    for name in (None, "pipe"):
        with pytest.raises(holotype.UnsupportedError):
            holotype.Writer(None).add_file(tmp_path / "pipe", name=name)


def test_an_archive_is_no_part_of_itself(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "noise").write_bytes(NOISE * 9)
    path = tmp_path / "tree" / "own.holo"
    for mode, options in (("w", {}), ("w", {"overwrite": True}), ("a", {})):
        with holotype.open(path, mode, **options) as writer:  # type: ignore[call-overload]
            writer.add(tmp_path / "tree", name=None)
        assert holotype.open(path).names() == ["tree", "tree/noise"]


def test_patterns_that_match_nothing_are_refused(tmp_path: Path) -> None:
    with holotype.Writer(None) as writer:
        for pattern in ("", "/a", "./a"):
            with pytest.raises(holotype.ArgumentError, match="matches nothing"):
                writer.add_file(tmp_path, exclude=[pattern])


def test_pickles_with_options_and_position(archive: Path) -> None:
    with holotype.open(archive, cache_size="1M") as reader:
        reader.seek(123)
        state = pickle.dumps(reader)
    with pickle.loads(state) as again:
        assert again.tell() == 123
        assert again._options["cache_size"] == "1M"
        assert again.read(9) == STREAM[123:132]
    archive.unlink()
    with holotype.Writer(archive) as writer:
        writer.add(b"something else")
    with pytest.raises(holotype.IntegrityError, match="another"):
        pickle.loads(state)
    data = Path(archive).read_bytes()
    with pickle.loads(pickle.dumps(holotype.open(data))) as from_bytes:
        assert from_bytes.read() == b"something else"


def test_many_threads_read_one_archive(archive: Path) -> None:
    with holotype.open(archive, cache_size="256K") as reader:

        def check(seed: int) -> bool:
            start = random.Random(seed).randrange(len(STREAM))
            return reader.read(70_000, offset=start) == STREAM[start : start + 70_000]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert all(pool.map(check, range(200)))


def test_the_same_content_is_stored_once(tmp_path: Path) -> None:
    paths = []
    for name in ("one", "two", "three"):
        (tmp_path / name).write_bytes(NOISE)
        paths.append(tmp_path / name)
    with holotype.Writer(None) as writer:
        for path in paths:
            writer.add(path)
        writer.add(NOISE).add(b"first" + NOISE)
        assert writer.tell() == 5 * len(NOISE) + 5
    assert writer.bytes_written == len(writer.data) < 1.3 * len(NOISE)
    report = holotype.open(writer.data).analyze()
    assert report.raw_bytes == 5 * len(NOISE) + 5
    assert report.dedup_ratio > 3.5
    assert report.savings_percent == pytest.approx(100 * (1 - len(writer.data) / report.raw_bytes))
    assert holotype.verify(writer.data)


def test_everything_can_be_added(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_bytes(b"in a folder")
    with holotype.Writer(None) as writer:
        writer.add(bytearray(b"ab")).add(memoryview(b"cd")).add(io.BytesIO(b"ef"))
        assert writer.write(b"gh") == 2
        assert writer.write(b"ij") == 2
        writer.add(str(tmp_path / "d"))
        writer.write(b"kl")
    with holotype.open(writer.data) as reader:
        assert reader.names() == [
            "data-0", "data-1", "data-2", "stream-0", "d", "d/e", "d/e/f", "stream-1",
        ]  # fmt: skip
        assert reader.read() == b"abcdefghijin a folderkl"


@pytest.mark.parametrize("dtype", ["f4", "<i2", ">u8", "bool", "c16", "M8[ns]", "S3"])
def test_arrays_come_back(dtype: str) -> None:
    array = np.arange(24).astype("i8").astype(dtype).reshape(2, 3, 4)
    with holotype.Writer(None) as writer:
        writer.add_array(array, name="a").add(array.T).add_array(np.float32(7), name="scalar")
    with holotype.open(writer.data) as reader:
        expectations: list[tuple[str, Any]] = [("a", array), ("array-0", array.T), ("scalar", np.float32(7))]
        for name, expected in expectations:
            found = reader.array(name)
            assert found.dtype == expected.dtype
            assert found.shape == expected.shape
            assert found.tobytes() == expected.tobytes()
        with pytest.raises(holotype.UnsupportedError):
            holotype.open(build_one(b"x")).array("data-0")
    with pytest.raises(holotype.ArgumentError):
        holotype.Writer(None).add_array(np.array([object()]))


def test_arrays_are_tensors_and_part_of_the_stream() -> None:
    array = np.arange(600_000, dtype="<i4").reshape(3, 400, 500)
    with holotype.Writer(None) as writer:
        writer.add(b"before").add_array(array, name="a")
        writer.add_tensor("t", array[:, :, :7], slice_shape=(2, 64, 7), attributes={"unit": "m"})
        writer.add(b"after", name="z").add_array(array.astype(">i4"), name="big")
        writer.add_array(np.asfortranarray(array[0]), name="turned")
        assert writer.tell() == 11 + 2 * array.nbytes + 3 * 400 * 7 * 4 + array[0].nbytes
    whole = b"before" + array.tobytes() + array[:, :, :7].tobytes() + b"after"
    whole += array.astype(">i4").tobytes() + array[0].tobytes()
    with holotype.open(writer.data) as reader:
        assert reader.read() == whole
        assert reader[::-99_991] == whole[::-99_991]
        for start in (0, 5, 6, 7, 2_400_005, 2_400_007, 1_500_001, len(whole) - 3):
            assert reader.read(1_300_000, offset=start) == whole[start : start + 1_300_000]
        tensor = reader["a"]
        assert (tensor.shape, tensor.dtype, tensor.attributes) == ((3, 400, 500), "int32", {})
        assert tensor.stored_bytes < array.nbytes / 10
        assert np.array_equal(tensor[1, 5:7], array[1, 5:7])
        into = np.zeros((400, 500), "<i4")
        assert tensor.read(2, into) is into
        assert np.array_equal(into, array[2])
        assert reader["t"].attributes == {"unit": "m"}
        assert reader.array("big").dtype == np.dtype(">i4")
        assert np.array_equal(reader.array("turned"), array[0])
        with pytest.raises(holotype.ArgumentError, match="no file"):
            reader.item("a")
        with pytest.raises(holotype.ArgumentError, match="no tensor"):
            reader.tensor("z")


def test_noise_is_in_the_stream() -> None:
    array = np.random.default_rng(3).random(300_000)
    with holotype.Writer(None) as writer:
        writer.add_tensor("n", array, noise={"generator": "numpy.default_rng", "seed": 3}).add(b"end")
    assert len(writer.data) < 3000
    with holotype.open(writer.data) as reader:
        assert reader.read() == array.tobytes() + b"end"


def test_arrays_stored_as_files_by_earlier_versions() -> None:
    array = np.arange(12, dtype=">u2").reshape(3, 4)
    known = b'{"dtype": ">u2", "shape": [3, 4]}'
    writer = holotype._holotype.Writer(None, False, "generic", None, None, 1, None)
    writer.pack_bytes(
        "a", array.tobytes(), [{"kind": "user", "key": "holotype.array", "data": known, "text": None}]
    )
    data = writer.finish()[0]
    assert data is not None
    with holotype.open(data) as reader:
        found = reader.array("a")
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert np.array_equal(found, array)
        assert reader["a"].read() == array.tobytes()


def test_packing_and_dedup() -> None:
    sizes = {}
    for options in ({"packing": "fast"}, {"packing": "tight"}, {"compression": "zstd:9"}, {"dedup": False}):
        with holotype.Writer(None, **options) as writer:
            writer.add(TEXT).add(NOISE).add(NOISE)
        assert holotype.open(writer.data).read() == TEXT + NOISE + NOISE
        sizes[next(iter(options.values()))] = len(writer.data)
    assert sizes["tight"] == sizes["zstd:9"] != sizes["fast"]
    assert sizes[False] > sizes["fast"] + 250_000
    assert holotype.verify(writer.data)


def test_an_archive_goes_to_a_file_object() -> None:
    file = io.BytesIO()
    with holotype.Writer(file) as writer:
        writer.add(b"content")
    assert holotype.open(file.getvalue()).read() == b"content"
    assert writer.data == b""
    failing = io.BytesIO()
    with pytest.raises(KeyError), holotype.Writer(failing):
        raise KeyError
    assert failing.getvalue() == b""


def build_one(data: bytes) -> bytes:
    with holotype.Writer(None) as writer:
        writer.add(data)
    return writer.data


def test_user_metadata_has_its_own_place() -> None:
    with holotype.Writer(None) as writer:
        writer.add(b"x").add_metadata({"version": 99, "seal": "mine", "tags": ["a", {"b": None}]})
    metadata = holotype.open(writer.data).metadata
    assert metadata.user == {"version": 99, "seal": "mine", "tags": ["a", {"b": None}]}
    assert (metadata.format_version, metadata.n_items, metadata.seal) == (1, 1, writer.seal)
    assert (metadata.raw_bytes, metadata.n_blocks, metadata.block_bytes) == (1, 1, 1)
    assert (metadata.archive_bytes, metadata.compression) == (len(writer.data), "store")
    with pytest.raises(TypeError):
        holotype.Writer(None).add_metadata({"a": object()})
    with pytest.raises(ValueError, match="JSON"):
        holotype.Writer(None).add_metadata({"a": float("nan")})
    with pytest.raises(TypeError, match="path"):
        holotype.Writer(5)  # type: ignore[arg-type]
    with holotype.Writer(None) as writer:
        writer.add_metadata({"a\n  signed": "\x1b[2Jyes"})
    assert "\\n  signed: \\x1b[2Jyes" in str(holotype.inspect(writer.data))


def test_nothing_is_added_to_a_finished_archive() -> None:
    finished, given_up = holotype.Writer(None), holotype.Writer(None)
    finished.finalize()
    given_up.discard()
    for writer in (finished, given_up):
        adds: list[tuple[Any, Any]] = [(writer.write, b"lost"), (writer.add_metadata, {"lost": 1})]
        adds += [(writer.add, b"lost"), (writer.add_array, np.zeros(3))]
        for add, what in adds:
            with pytest.raises(holotype.ArgumentError, match="finished"):
                add(what)
        assert writer.tell() == 0


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.holo"
    with pytest.raises(KeyError), holotype.Writer(path) as writer:  # noqa: PT012
        writer.add(NOISE)
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        holotype.Writer(path)
    with pytest.raises(KeyError), holotype.Writer(path, overwrite=True):
        raise KeyError
    assert path.read_bytes() == b"old"
    with holotype.open(path, "w", overwrite=True) as writer:
        writer.add(b"new")
    assert holotype.open(path).read() == b"new"


class Failing(io.RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        raise ZeroDivisionError


class Generous(io.RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        return bytes(size + 1)


def test_what_a_source_raises_comes_through(tmp_path: Path) -> None:
    writer = holotype.Writer(tmp_path / "a.holo")
    with pytest.raises(ZeroDivisionError):
        writer.add(Failing())
    with pytest.raises(holotype.ArgumentError):
        writer.finalize()
    with pytest.raises(FileNotFoundError) as caught:
        holotype.Writer(None).add(tmp_path / "missing")
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{tmp_path / 'missing'}'"
    with pytest.raises(ValueError, match="more than it was asked for"):
        holotype.Writer(None).add(Generous())


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "generik"},
        {"compression": "gzip"},
        {"compression": "zstd:99"},
        {"block_size": 0},
        {"block_size": "1G"},
        {"num_workers": -1},
        {"packing": "tite"},
        {"packing": "tight", "compression": "lz4"},
        {"chunks": 60_000},
        {"chunks": 1 << 25},
        {"chunks": 64},
        {"chunks": (1, 2)},
        {"chunks": (4096, 1024, 8192)},
        {"chunks": (4096, 65536, "8G")},
        {"chunks": "many"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        holotype.Writer(None, **options)


@pytest.mark.parametrize("profile", list(holotype.PROFILES))
def test_builds_and_unpacks(tmp_path: Path, profile: Any) -> None:
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    (source / "dir" / "text").write_bytes(TEXT)
    (source / "noise").write_bytes(NOISE)
    metadata = holotype.build(source, tmp_path / "a.holo", profile=profile, num_workers=1)
    assert metadata.n_items == 3
    with holotype.open(tmp_path / "a.holo") as reader:
        assert sorted(reader.names()) == ["dir", "dir/text", "noise"]
        assert reader["dir/text"].read() == TEXT
    assert holotype.unpack(tmp_path / "a.holo", tmp_path / "out") == len(TEXT) + len(NOISE)
    assert (tmp_path / "out" / "dir" / "text").read_bytes() == TEXT
    assert holotype.unpack(tmp_path / "a.holo", tmp_path / "holes", sparse=True) == len(TEXT) + len(NOISE)
    assert (tmp_path / "holes" / "noise").read_bytes() == NOISE
    with pytest.raises(FileExistsError):
        holotype.unpack(tmp_path / "a.holo", tmp_path / "out")
    with pytest.raises(holotype.LimitError):
        holotype.unpack(tmp_path / "a.holo", tmp_path / "more", max_bytes="100K")


def test_profiles_are_what_they_say(tmp_path: Path) -> None:
    for profile, settings in holotype.PROFILES.items():
        data = []
        for options in ({"profile": profile}, dict(settings)):
            with holotype.Writer(None, **options) as writer:
                writer.add(TEXT[:60_000])
            data.append(writer.data)
        assert data[0] == data[1], profile


def test_damage_is_noticed(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[5000] ^= 1
    with holotype.open(bytes(data)) as reader, pytest.raises(holotype.IntegrityError):
        reader.read()
    with pytest.raises(holotype.IntegrityError):
        holotype.unpack(bytes(data), archive.with_name("out"))
    assert not archive.with_name("out").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_reads_after_fork(archive: Path) -> None:
    with holotype.open(archive) as reader:
        assert reader.read(10, offset=0) == STREAM[:10]
        child = os.fork()
        if child == 0:
            os._exit(0 if reader.read(1000, offset=500_000) == STREAM[500_000:501_000] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert reader.read(1000, offset=500_000) == STREAM[500_000:501_000]


def test_inspect_tells_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.holo"
    with holotype.Writer(path, compression="lz4", block_size="64K") as writer:
        writer.add(TEXT).add(NOISE).add_metadata({"found": 1887})
    metadata = holotype.inspect(path)
    assert metadata.raw_bytes == len(TEXT) + len(NOISE)
    assert metadata.archive_bytes == path.stat().st_size == writer.bytes_written
    assert metadata.compression_ratio == metadata.raw_bytes / metadata.archive_bytes
    # At most a chunk more than asked for, since chunks are not split.
    assert metadata.n_blocks > 10
    assert metadata.compression == "lz4"
    assert not metadata.is_signed
    metadata.print()
    printed = capsys.readouterr().out
    assert all(text in printed for text in (metadata.seal, "lz4", "found: 1887", f"{metadata.raw_bytes:,}"))
    holotype.keygen(str(tmp_path / "me"))
    holotype.sign(path, key=tmp_path / "me.key")
    assert holotype.inspect(path).is_signed


def test_verify_in_parts(tmp_path: Path) -> None:
    with holotype.Writer(None) as writer:
        writer.add(TEXT)
    damaged = bytearray(writer.data)
    damaged[100] ^= 1
    assert holotype.verify(writer.data).n_blocks > 0
    quick = holotype.verify(bytes(damaged), checksum=False)
    assert (quick.n_items, quick.n_blocks) == (1, 0)
    assert holotype.verify(bytes(damaged), checksum=False, structure=False).n_items == 0
    for structure in (True, False):
        with pytest.raises(holotype.IntegrityError):
            holotype.verify(bytes(damaged), structure=structure)
    damaged[-200] ^= 1
    with pytest.raises(holotype.IntegrityError):
        holotype.verify(bytes(damaged), checksum=False, structure=False)
