"""The examples of the Hexz document, and each failure of Hexz that must not be ours."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
import holotype.compat.hexz as hexz

IMAGE = random.Random(1).randbytes(200_000) + bytes(300_000)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("input.img").write_bytes(IMAGE)
    Path("disk.img").write_bytes(IMAGE)


@pytest.fixture
def data() -> str:
    with hexz.open("data.hxz", mode="w") as writer:
        writer.add("input.img")
    return "data.hxz"


# The document's examples.


def test_open(data: str) -> None:
    with hexz.open(data) as reader:
        assert reader.read(4096) == IMAGE[:4096]
        assert reader.read(100, offset=0) == IMAGE[:100]
    with hexz.open(data, cache_size="2G", prefetch=False) as reader:
        assert reader.read(4096) == IMAGE[:4096]
    with hexz.open("out.hxz", mode="w", packing="tight") as writer:
        writer.add("input.img")
    with hexz.open("out.hxz") as reader:
        assert reader.read() == IMAGE


def test_reader(data: str) -> None:
    with hexz.Reader(data) as reader:
        assert reader.read(4096) == IMAGE[:4096]
        buf = bytearray(4096)
        assert reader.read(buffer=buf) == 4096
        assert bytes(buf) == IMAGE[4096:8192]
        assert reader.read(buffer=buf, offset=0) == 4096
        assert bytes(buf) == IMAGE[:4096]
        assert reader.read(100, offset=1000) == reader[1000:1100] == IMAGE[1000:1100]
        assert reader.size == len(IMAGE)
        assert reader.seek(-10, 2) == reader.tell() == len(IMAGE) - 10
        assert reader.read_range(5, 9) == IMAGE[5:9]
        assert b"".join(reader.iter_chunks(70_000)) == IMAGE


def test_analyze(data: str) -> None:
    with hexz.open(data) as reader:
        report = reader.analyze()
    size = os.path.getsize(data)
    assert report.savings_percent == pytest.approx(100 * (1 - size / len(IMAGE)))
    assert report.savings_percent > 55
    assert report.total_bytes == len(IMAGE)
    assert report.dedup_ratio == pytest.approx(len(IMAGE) / report.unique_bytes)


def test_async_reader(data: str) -> None:
    async def main() -> None:
        async with hexz.AsyncReader(data) as reader:
            assert await reader.read(4096) == IMAGE[:4096]
            assert await reader.read(100, offset=0) == IMAGE[:100]
            assert reader.size() == len(IMAGE)
            assert await reader.seek(7) == reader.tell() == 7
            assert await reader.read(None) == IMAGE[7:]

    asyncio.run(main())


def test_writer() -> None:
    with hexz.Writer("output.hxz", compression="zstd") as writer:
        writer.add("disk.img")
        writer.add_metadata({"created": "2026-02-09"})
    with hexz.open("output.hxz") as reader:
        assert reader.read() == IMAGE
        assert reader.metadata.user == {"created": "2026-02-09"}
        assert reader.metadata.compression == "zstd"


def test_writer_methods() -> None:
    array = np.arange(20_000, dtype="<f4").reshape(100, 200)
    writer = hexz.Writer("all.hxz", compression="lz4", block_size=65536, num_workers=2)
    writer.add("disk.img", kind="disk").add(b"bytes").add(array).add_file("input.img", kind="memory")
    writer.add_bytes(b"more", name="more").add_array(array, name="named", offset=writer.tell())
    assert writer.write(b"written", offset=writer.tell()) == 7
    assert writer.write(b" on") == 3
    expected = IMAGE + b"bytes" + array.tobytes() + IMAGE + b"more" + array.tobytes() + b"written on"
    assert writer.tell() == len(expected)
    writer.finalize()
    assert writer.bytes_written == os.path.getsize("all.hxz")
    with hexz.Reader("all.hxz") as reader:
        assert reader.read() == expected
        assert np.array_equal(reader.array("named"), array)
    with pytest.raises(holotype.ArgumentError, match="front to back"):
        hexz.Writer("x.hxz").write(b"x", offset=5)


def test_build(capsys: pytest.CaptureFixture[str]) -> None:
    os.makedirs("imagenet/train")
    for k in range(5):
        Path(f"imagenet/train/{k}.raw").write_bytes(IMAGE[k:])
    meta = hexz.build("imagenet/", "imagenet.hxz", profile="ml")
    print(f"Compressed to {meta.size_compressed / 1e9:.1f} GB")
    assert meta.size_compressed == os.path.getsize("imagenet.hxz")
    with hexz.open("imagenet.hxz") as reader:
        assert sorted(reader.names())[-1] == "train/4.raw"
        assert reader["train/3.raw"].read() == IMAGE[3:]
    for profile in hexz.PROFILES:
        assert hexz.build("disk.img", "one.hxz", profile=profile).primary_size == len(IMAGE)  # type: ignore[arg-type]
    assert hexz.build(b"data itself", "one.hxz", compression="zstd").primary_size == 11
    assert hexz.build("disk.img", "one.hxz", mode="fast", dedup=False).primary_size == len(IMAGE)


def test_inspect(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    meta = hexz.inspect(data)
    print(f"Version: {meta.version}")
    print(f"Compression: {meta.compression}")
    print(f"Size: {meta.primary_size:,} bytes")
    print(meta)
    shown = capsys.readouterr().out
    meta.print()
    assert capsys.readouterr().out in shown
    assert (meta.version, meta.compression, meta.primary_size) == (1, "lz4", len(IMAGE))


def test_verify(data: str) -> None:
    assert hexz.verify(data) is True
    holotype.keygen("key")
    assert hexz.verify(data, public_key="key.pub") is False
    holotype.sign(data, key="key.key")
    assert hexz.verify(data, public_key="key.pub") is True
    assert hexz.verify("missing.hxz") is False
    assert hexz.verify("disk.img") is False


def test_a_child_does_not_replace_its_parent(data: str) -> None:
    with pytest.raises(holotype.ArgumentError, match="own parent"):
        hexz.Writer(data, parent=data)
    assert hexz.open(data).read() == IMAGE
    assert sorted(os.listdir()) == ["data.hxz", "disk.img", "input.img"]


# Each failure of Hexz 0.7 and 0.8, in the order of `docs/compat-hexz.md`.


def test_other_modes_are_refused(data: str) -> None:
    for mode in ("rw", "a", ""):
        with pytest.raises(holotype.ArgumentError, match="mode"):
            hexz.open(data, mode=mode)  # type: ignore[call-overload]


def test_what_is_no_archive_is_named_so() -> None:
    with pytest.raises(holotype.FormatError, match="archive"):
        hexz.open("disk.img")
    with pytest.raises(FileNotFoundError):
        hexz.open("missing.hxz")


def test_odd_positions(data: str) -> None:
    with hexz.open(data) as reader:
        assert reader.read(-5) == IMAGE
        with pytest.raises(holotype.ArgumentError, match="before the start"):
            reader.read(1, offset=-1)
        assert reader.read(5, offset=len(IMAGE) + 7) == reader.read(5, offset=1 << 70) == b""


@pytest.mark.parametrize(
    "key", [slice(-10, None), slice(0, 100, 2), slice(None, None, -999), slice(499_990, 10**9)]
)
def test_slices(data: str, key: slice) -> None:
    with hexz.open(data) as reader:
        assert reader[key] == IMAGE[key]


def test_behaves_like_a_file(data: str) -> None:
    with hexz.open(data) as reader:
        assert reader[5] == IMAGE[5]
        assert len(reader) == len(IMAGE)
        assert b"".join(reader) == IMAGE
        reader.seek(0)
        assert io.BufferedReader(reader).read(70_000) == IMAGE[:70_000]


def test_close_closes(data: str) -> None:
    reader = hexz.open(data)
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_user_metadata_cannot_pose_as_the_archives() -> None:
    with hexz.Writer("a.hxz") as writer:
        writer.add(b"x").add_metadata({"version": 99, "encrypted": True, "num_blocks": 7})
    meta = hexz.inspect("a.hxz")
    assert (meta.version, meta.encrypted, meta.num_blocks) == (1, False, 1)
    assert meta.user == {"version": 99, "encrypted": True, "num_blocks": 7}


def test_signed_archives_say_so(data: str) -> None:
    holotype.keygen("key")
    holotype.sign(data, key="key.key")
    assert hexz.inspect(data).signed


def test_pickles_keep_options(data: str) -> None:
    with hexz.open(data, cache_size="1M", prefetch=False, allow_restricted=True) as reader:
        reader.seek(9)
        again = pickle.loads(pickle.dumps(reader))
    assert isinstance(again, hexz.Reader)
    assert again._options == {
        "cache_size": "1M",
        "prefetch": False,
        "remote": holotype.Remote(allow_restricted=True),
    }
    assert again.read(5) == IMAGE[9:14]


def test_the_cache_is_bytes_and_taken_when_needed(data: str) -> None:
    resource = pytest.importorskip("resource")
    code = (
        "import resource, holotype.compat.hexz as hexz;"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30));"
        f"reader = hexz.open({data!r}, cache_size='8G'); print(len(reader.read()))"
    )
    assert resource
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == str(len(IMAGE))


def test_no_compression_is_a_compression() -> None:
    noise = random.Random(2).randbytes(1_000_000)
    for compression in ("none", "lz4", "zstd"):
        with hexz.Writer("a.hxz", compression=compression) as writer:
            writer.add(noise)
        assert os.path.getsize("a.hxz") < 1.005 * len(noise), compression
        assert hexz.open("a.hxz").read() == noise


def test_block_sizes() -> None:
    with pytest.raises(holotype.ArgumentError):
        hexz.Writer("a.hxz", block_size=0)
    with hexz.Writer("a.hxz", block_size=1) as writer:
        writer.add("disk.img")
    assert os.path.getsize("a.hxz") < 230_000


def test_dedup_can_be_switched_off() -> None:
    for dedup, most in ((True, 210_000), (False, 450_000)):
        with hexz.Writer("a.hxz", dedup=dedup) as writer:
            writer.add(IMAGE[:200_000]).add(IMAGE[:200_000])
        assert most - 60_000 < os.path.getsize("a.hxz") < most


def test_nothing_is_written_in_clear_if_encryption_was_asked_for() -> None:
    with pytest.raises(holotype.ArgumentError, match="password"):
        hexz.Writer("a.hxz", encrypt=True)
    assert not os.path.exists("a.hxz")


def test_encryption() -> None:
    meta = hexz.build("disk.img", "e.hxz", profile="archival", encrypt=True, password="secret")
    assert meta.encrypted
    assert meta.primary_size == len(IMAGE)
    assert b"disk.img" not in Path("e.hxz").read_bytes()
    with hexz.open("e.hxz", password="secret") as reader:
        assert reader.read() == IMAGE
        again = pickle.loads(pickle.dumps(reader))
        assert again.read(10, offset=5) == IMAGE[5:15]
    for password in (None, "other"):
        with pytest.raises(holotype.DecryptionError):
            hexz.open("e.hxz", password=password)
    assert hexz.verify("e.hxz", password="secret") is True


def test_buffers_of_every_kind_are_added() -> None:
    with hexz.Writer("a.hxz") as writer:
        writer.add(bytearray(b"ab")).add(memoryview(b"cd")).add(np.frombuffer(b"ef", "u1"))
    assert hexz.open("a.hxz").read() == b"abcdef"


def test_memory_is_readable() -> None:
    with hexz.Writer("a.hxz") as writer:
        writer.add("disk.img", kind="memory")
    assert hexz.open("a.hxz").read() == IMAGE


def test_an_exception_leaves_the_old_archive(data: str) -> None:
    before = Path(data).read_bytes()
    with pytest.raises(KeyError), hexz.open(data, mode="w") as writer:  # noqa: PT012
        writer.add(b"new")
        raise KeyError
    assert Path(data).read_bytes() == before
    assert sorted(os.listdir()) == ["data.hxz", "disk.img", "input.img"]


def test_a_reader_outlives_the_archives_replacement(data: str) -> None:
    with hexz.open(data, cache_size=0) as reader:
        with hexz.open(data, mode="w") as writer:
            writer.add(b"other")
        assert reader.read() == IMAGE
    with hexz.open(data, mode="w") as writer:
        writer.add("disk.img")
    with hexz.open(data) as reader:
        os.truncate(data, 100)
        with pytest.raises((OSError, holotype.HolotypeError)):
            reader.read()


def test_dedup_spans_all_adds() -> None:
    noise = random.Random(3).randbytes(900_000)
    with hexz.Writer("a.hxz") as writer:
        writer.add(noise[:100]).add(noise).add(bytes(200_000) + noise).add(b"ab" + noise)
    assert os.path.getsize("a.hxz") < 1_150_000


def test_deltas_read_back_as_tensors() -> None:
    base: Any = np.random.default_rng(1).normal(size=10_000).astype("f4")
    child: Any = base * np.float32(1.001)
    with hexz.Writer("base.hxz") as writer:
        writer.add_bytes(b"before", name="header").add_array(base, name="base")
    with hexz.Writer("a.hxz", parent="base.hxz") as writer:
        writer.add_xor_delta(child, 6, child.nbytes, element_size=4)
        writer.add_xor_delta_from_buffers(child, base, element_size=4)
        for arguments in ((-1, child.nbytes, 4), (0, 7, 4), (0, child.nbytes, 7), (7, child.nbytes, 4)):
            with pytest.raises(holotype.ArgumentError):
                writer.add_xor_delta(child, *arguments)
        with pytest.raises(holotype.ArgumentError):
            writer.add_xor_delta_from_buffers(child, base[1:])
    assert hexz.open("a.hxz").read() == child.tobytes() * 2
    with hexz.Writer("b.hxz") as writer, pytest.raises(holotype.ArgumentError, match="no parent"):
        writer.add_xor_delta(child, 0, child.nbytes, element_size=4)


@pytest.mark.parametrize(("size", "dtype"), [(2, "f2"), (4, "f4"), (8, "f8"), (3, "u1")])
def test_deltas_are_small(size: int, dtype: str) -> None:
    rng = np.random.default_rng(2)
    base: Any = (
        rng.normal(size=30_000).astype(dtype) if size != 3 else rng.integers(0, 99, 30_000).astype("u1")
    )
    child: Any = base.copy()
    child[::50] += base.dtype.type(1)
    with hexz.Writer("base.hxz") as writer:
        writer.add_bytes(b"before").add_bytes(base.tobytes())
    with hexz.Writer("alone.hxz") as writer:
        writer.add_xor_delta_from_buffers(child, base, element_size=size)
    for add in ("offset", "buffers"):
        with hexz.Writer("child.hxz", parent="base.hxz") as writer:
            if add == "offset":
                writer.add_xor_delta(child, 6, child.nbytes, element_size=size)
            else:
                writer.add_xor_delta_from_buffers(child, base, element_size=size)
        assert os.path.getsize("child.hxz") * 4 < os.path.getsize("alone.hxz")
        assert hexz.open("child.hxz").read() == child.tobytes()
        assert hexz.verify("child.hxz")
    # A delta whose base is a delta: the base was added before.
    grandchild: Any = child.copy()
    grandchild[1::50] += base.dtype.type(1)
    with hexz.Writer("both.hxz", parent="base.hxz") as writer:
        writer.add_xor_delta(child, 6, child.nbytes, element_size=size)
        writer.add_xor_delta_from_buffers(grandchild, child, element_size=size)
    assert hexz.open("both.hxz").read() == child.tobytes() + grandchild.tobytes()
    assert os.path.getsize("both.hxz") * 2 < os.path.getsize("alone.hxz")


def test_build_checks_first() -> None:
    with pytest.raises(holotype.ArgumentError, match="profile"):
        hexz.build("disk.img", "a.hxz", profile="mll")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        hexz.build("missing", "a.hxz")
    assert not os.path.exists("a.hxz")


def test_verify_notices_any_byte(data: str) -> None:
    whole = Path(data).read_bytes()
    for at in [*range(0, 100, 3), *range(len(whole) - 400, len(whole), 3), 5000, 50_000]:
        changed = bytearray(whole)
        changed[at] ^= 1
        Path("changed.hxz").write_bytes(changed)
        assert hexz.verify("changed.hxz") is False, at


def test_signatures_cover_the_data(data: str) -> None:
    holotype.keygen("key")
    holotype.sign(data, key="key.key")
    changed = bytearray(Path(data).read_bytes())
    changed[5000] ^= 1
    Path(data).write_bytes(changed)
    assert hexz.verify(data, public_key="key.pub") is False


def test_arrays_come_back() -> None:
    array: Any = np.arange(24, dtype=">u2").reshape(2, 3, 4)
    with hexz.Writer("a.hxz") as writer:
        writer.add_array(array, name="x").add_array(array.astype("f8"), name="x")
    with hexz.open("a.hxz") as reader:
        found = reader.array("x")
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert reader.names() == ["x", "x-1"]
        assert reader.read() == array.tobytes() + array.astype("f8").tobytes()


def test_any_cut_is_noticed(data: str) -> None:
    whole = Path(data).read_bytes()
    for n in [*range(0, 200, 7), *range(len(whole) - 200, len(whole), 7)]:
        Path("cut.hxz").write_bytes(whole[:n])
        assert hexz.verify("cut.hxz") is False, n


def test_overlays_need_their_map(tmp_path: Path) -> None:
    base, overlay = tmp_path / "base.hxz", tmp_path / "overlay.img"
    content = random.Random(5).randbytes(600_000)
    with hexz.Writer(base) as writer:
        writer.add_bytes(content)
    written = bytearray(content)
    written[8192:12288] = b"x" * 4096
    written[598_016:] = b"y" * 4096  # the last block, which goes on past the base's end
    overlay.write_bytes(written)
    merged, thin = tmp_path / "merged.hxz", tmp_path / "thin.hxz"
    with pytest.raises(FileNotFoundError), hexz.Writer(merged) as writer:
        writer.merge_overlay(base=base, overlay=overlay)
    for wrong in (b"abc", bytes(16), (1 << 40).to_bytes(8, "little")):
        (tmp_path / "overlay.img.meta").write_bytes(wrong)
        with pytest.raises(holotype.ArgumentError), hexz.Writer(merged) as writer:
            writer.merge_overlay(base=base, overlay=overlay)
    blocks = b"".join(n.to_bytes(8, "little") for n in (2, 146))
    (tmp_path / "overlay.img.meta").write_bytes(blocks)
    with hexz.Writer(merged) as writer:
        writer.merge_overlay(base=base, overlay=overlay)
    with hexz.Writer(thin) as writer:
        writer.merge_overlay(base=base, overlay=overlay, thin=True)
    assert thin.stat().st_size < 300_000
    for path in (merged, thin):
        with hexz.open(path) as reader:
            assert reader.read() == bytes(written)
