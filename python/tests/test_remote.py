"""Archives at addresses: read, refused, and safe in processes that fork."""

from __future__ import annotations

import os
import pickle
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pytest

import holotype
from samples import smooth

HERE = holotype.Remote(allow_restricted=True, deadline=10)
IMAGE = smooth(150, 130, 3)


CONTENT = random.Random(4).randbytes(6 << 20)


def packed_files() -> bytes:
    """Files of 6 MiB that cannot be compressed, in blocks of 64 KiB."""
    with holotype.Writer(None, block_size="64K") as writer:
        for k in range(6):
            writer.add(CONTENT[k << 20 : (k + 1) << 20], name=f"part-{k}")
        writer.add_array(np.arange(1000), name="a")
    return writer.data


WEIGHTS = np.random.default_rng(6).standard_normal((64, 65_536), "f4")


def sealed_tensors() -> bytes:
    """A tensor of 16 slices of 1 MiB."""
    with holotype.Writer(None) as writer:
        writer.add_tensor("weights", WEIGHTS)
    return writer.data


class Ranges(BaseHTTPRequestHandler):
    """A plain server of one archive, with ranges."""

    protocol_version = "HTTP/1.1"
    data = holotype.dumps(IMAGE, tile_edge=32)
    files = packed_files()
    tensors = sealed_tensors()
    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        data = {"/a.holo": self.data, "/files.holo": self.files, "/t.holo": self.tensors}.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.requests.append(self.headers["Range"])
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        n = len(data)
        start = int(first) if first else max(0, n - int(last))
        end = min(n, int(last) + 1) if first else n
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{n}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(data[start:end])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a.holo"
        server.shutdown()


def test_everything_that_reads(address: str) -> None:
    assert holotype.info(address, remote=HERE).image == holotype.info(Ranges.data).image
    assert np.array_equal(holotype.read(address, remote=HERE), IMAGE)
    part = holotype.read(address, region=(3, 40, 20, 30), remote=HERE)
    assert np.array_equal(part, IMAGE[40:70, 3:23])
    assert holotype.verify(address, remote=HERE)
    assert holotype.decode(address, remote=HERE).size == (130, 150)


def test_a_part_of_a_tensor_is_read_by_its_slices(address: str) -> None:
    with holotype.Reader(address.replace("a.holo", "t.holo"), remote=HERE) as reader:
        tensor = reader["weights"]
        assert (tensor.shape, tensor.n_slices) == ((64, 65_536), 16)
        Ranges.requests.clear()
        assert np.array_equal(tensor[9:12, 1000:2000], WEIGHTS[9:12, 1000:2000])
        # Rows 8 to 11 are the third slice, and nothing else is asked for.
        [asked] = Ranges.requests
        first, last = (int(n) for n in asked.removeprefix("bytes=").split("-"))
        assert last - first < 1 << 20
        Ranges.requests.clear()
        assert np.array_equal(tensor[:], WEIGHTS)
        assert len(Ranges.requests) <= 16
    tensors = holotype.open_tensors(address.replace("a.holo", "t.holo"), remote=HERE)
    again = pickle.loads(pickle.dumps(tensors))
    assert np.array_equal(again["weights"][63, 65_000:], WEIGHTS[63, 65_000:])
    with pytest.raises(holotype.UnsupportedError):
        tensors["weights"].map()


def test_restricted_addresses_are_refused(address: str) -> None:
    for spelled in (
        address,
        address.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
        address.replace("127.0.0.1", "0.0.0.0"),
    ):
        with pytest.raises(holotype.RemoteError, match="allowed"):
            holotype.info(spelled)


def test_errors_are_os_errors_and_pickle(address: str) -> None:
    with pytest.raises(OSError, match="nothing there") as caught:
        holotype.info(address + "x?token=1", remote=HERE)
    assert isinstance(caught.value, holotype.RemoteError)
    assert "token" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(holotype.ArgumentError):
        holotype.info(address, remote=holotype.Remote(deadline=-1))
    with pytest.raises(holotype.RemoteError, match="object"):
        holotype.info("s3://bucket", remote=HERE)


def test_threads(address: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: holotype.read(address, remote=HERE), range(24)))
    assert all(np.array_equal(image, IMAGE) for image in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_one_open_archive_in_parent_and_children(address: str) -> None:
    archive = holotype._holotype.Archive.open_remote(address, HERE, None)
    want = IMAGE.tobytes()
    name = archive.names()[0][0]
    assert archive.read_bytes(name, None, 1) == want
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(archive.read_bytes, name, None, 1) for _ in range(20)]
        for _ in range(4):
            child = os.fork()
            if child == 0:
                os._exit(0 if archive.read_bytes(name, None, 1) == want else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert all(future.result() == want for future in running)


def files_of(address: str) -> str:
    return address.replace("a.holo", "files.holo")


def test_a_reader_of_an_address(address: str) -> None:
    with holotype.open(files_of(address), allow_restricted=True, deadline=10) as reader:
        assert reader.read(100, offset=3 << 20) == CONTENT[3 << 20 :][:100]
        assert reader["part-5"].read() == CONTENT[5 << 20 :]
        assert reader["a"][3:5].tolist() == [3, 4]
        reader.seek(77)
        with pickle.loads(pickle.dumps(reader)) as again:
            assert again.tell() == 77
            assert again.read(1000) == CONTENT[77:1077]
    with pytest.raises(holotype.RemoteError, match="allowed"):
        holotype.open(files_of(address))
    metadata = holotype.inspect(files_of(address), remote=HERE)
    assert metadata.raw_bytes == len(CONTENT) + 8000


def test_how_often_a_reader_asks(address: str) -> None:
    def asked() -> int:
        n = len(Ranges.requests)
        Ranges.requests.clear()
        return n

    asked()
    with holotype.open(files_of(address), remote=HERE) as reader:
        assert asked() <= 2, "open"
        reader.read(1 << 20, offset=(1 << 20) + 5)
        assert asked() == 1, "a read of 1 MiB"
        reader.read(1000, offset=100)
        assert asked() == 1, "a read of one block"
        reader.read(1000, offset=90)
        assert asked() == 0, "a block that is kept"
    # The array lies apart: it was written while the files before it were still being compressed.
    for prefetch, most in ((True, 6), (False, 100)):
        with holotype.open(files_of(address), remote=HERE, prefetch=prefetch) as reader:
            asked()
            parts = [reader.read(20_000) for _ in range(-(-len(CONTENT) // 20_000))]
            assert b"".join(parts)[: len(CONTENT)] == CONTENT
            assert asked() in range(1 if prefetch else 50, most + 1), "front to back"
