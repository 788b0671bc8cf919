"""Data sets for training; with real PyTorch where it is installed."""

from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import holotype
from holotype.torch import ImageDataset, ImageStream, thread_cleanup, thread_init
from samples import same, smooth

N = 23


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for i in range(N):
        paths.append(tmp_path / f"{i}.holo")
        holotype.write(paths[-1], smooth(12, 16) + i, mode="fast")
    return paths


def first(image: Any) -> int:
    """What the first sample of an image tells of its number."""
    return (int(image[0, 0, 0]) - int(smooth(12, 16)[0, 0, 0])) % 256


def test_by_index(files: list[Path]) -> None:
    data = ImageDataset(files, tensors=False)
    assert len(data) == N
    assert same(data[7], smooth(12, 16) + 7)
    batch = data.__getitems__([3, 1, 22])
    assert [first(image) for image in batch] == [3, 1, 22]
    again = pickle.loads(pickle.dumps(data))
    assert same(again[4], data[4])
    part = ImageDataset(files, region=(1, 2, 5, 4), tensors=False)
    assert part[0].shape == (4, 5, 3)
    doubled = ImageDataset(files, transform=lambda image: image * 2, tensors=False)
    assert (doubled[1] == data[1] * 2).all()
    with pytest.raises(IndexError):
        data[N]


def test_images_of_different_sizes(files: list[Path]) -> None:
    data = ImageDataset([files[0], holotype.dumps(smooth(3, 4))], tensors=False)
    assert [image.shape for image in data.__getitems__([0, 1])] == [(12, 16, 3), (3, 4, 3)]


def test_in_order_and_shared_out(files: list[Path]) -> None:
    stream = ImageStream(files, tensors=False, block=4)
    assert [first(image) for image in stream] == list(range(N))
    shares = [ImageStream(files, tensors=False, block=4, rank=r, world_size=3) for r in range(3)]
    seen = [first(image) for share in shares for image in share]
    assert sorted(seen) == list(range(N))
    assert [first(image) for image in shares[1]][:4] == [4, 5, 6, 7]


def test_shuffled_alike_everywhere(files: list[Path]) -> None:
    def order(epoch: int) -> list[int]:
        stream = ImageStream(files, tensors=False, block=4, seed=5)
        stream.set_epoch(epoch)
        return [first(image) for image in pickle.loads(pickle.dumps(stream))]

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert sorted(order(1)) == list(range(N))


def test_calls_that_do_nothing() -> None:
    thread_init(3)
    thread_cleanup()
    assert pickle.loads(pickle.dumps(thread_init)) is thread_init
    with pytest.raises(holotype.ArgumentError):
        ImageStream([], block=0)


def shards(tmp_path: Path) -> list[Path]:
    """Three archives of 9, 9 and 5 images."""
    paths = []
    for k in range(0, N, 9):
        paths.append(tmp_path / f"shard-{k}.holo")
        with holotype.Writer(paths[-1]) as writer:
            for i in range(k, min(k + 9, N)):
                writer.add_image(f"{i:02}", smooth(12, 16) + i)
    return paths


class Ranges(BaseHTTPRequestHandler):
    """A plain server of files in memory, with ranges."""

    protocol_version = "HTTP/1.1"
    held: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        data = self.held.get(self.path)
        if data is None:
            self.send_error(404)
            return
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        n = len(data)
        start = int(first) if first else max(0, n - int(last))
        end = min(n, int(last) + 1) if first and last else n
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{n}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(data[start:end])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(held: dict[str, bytes]) -> Iterator[str]:
    Ranges.held = held
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_images_are_added_to_any_archive(tmp_path: Path) -> None:
    image = Image.fromarray(smooth(9, 7))
    image.save(tmp_path / "a.png")
    labels = np.arange(63, dtype=np.uint32).reshape(9, 7)
    path = tmp_path / "mixed.holo"
    with holotype.Writer(path) as writer:
        writer.add_bytes(b"text", name="notes.txt")
        writer.add_image("file", tmp_path / "a.png").add_image("pillow", image)
        writer.add_image("labels", labels, mode="fast")
    assert same(holotype.read(path, item="file"), smooth(9, 7))
    assert same(holotype.read(path, item="pillow"), smooth(9, 7))
    assert same(holotype.read(path, item="labels"), labels)
    with holotype.open(path) as reader:
        assert reader["notes.txt"].read() == b"text"
    with pytest.raises(holotype.ArgumentError), holotype.Writer(None) as writer:
        writer.add_image("a", labels).add_image("a", labels)


def test_archives_of_many_images(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    one = ImageDataset(paths[1], tensors=False)
    assert one.names == [f"{i:02}" for i in range(9, 18)]
    assert first(one[3]) == 12
    some = ImageDataset(paths[1], names=["11", "09"], tensors=False)
    assert [first(image) for image in some.__getitems__([0, 1])] == [11, 9]
    all_of_them = ImageDataset(paths, shards=True, tensors=False)
    assert len(all_of_them) == N
    again = pickle.loads(pickle.dumps(all_of_them))
    assert [first(image) for image in again.__getitems__([0, 8, 9, 22])] == [0, 8, 9, 22]
    stream = ImageStream(paths, shards=True, tensors=False, block=4)
    assert [first(image) for image in stream] == list(range(N))
    firsts = ImageDataset(paths, tensors=False)
    assert [first(firsts[i]) for i in range(3)] == [0, 9, 18]


def test_folders_are_classes(tmp_path: Path) -> None:
    tree = tmp_path / "animals"
    for i, name in enumerate(["cat/0.png", "dog/0.png", "cat/1.png", "ant/0.png"]):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(smooth(12, 16) + i).save(tree / name)
    with holotype.Writer(tmp_path / "set.holo", profile="ml", images=True) as writer:
        writer.add(tree)
    data = ImageDataset(tmp_path / "set.holo", targets=True, tensors=False)
    assert data.classes == ["ant", "cat", "dog"]
    given = {name: (first(image), target) for name, (image, target) in zip(data.names, data, strict=False)}
    assert given == {
        "animals/cat/0.png": (0, 1),
        "animals/dog/0.png": (1, 2),
        "animals/cat/1.png": (2, 1),
        "animals/ant/0.png": (3, 0),
    }
    again = pickle.loads(pickle.dumps(data))
    assert again.targets == data.targets
    stream = ImageStream(tmp_path / "set.holo", targets=True, tensors=False, seed=1, block=2)
    assert sorted((first(image), target) for image, target in stream) == [(0, 1), (1, 2), (2, 1), (3, 0)]
    assert ImageDataset(tmp_path / "set.holo", tensors=False).classes == []
    (tmp_path / "fox").mkdir()
    holotype.write(tmp_path / "fox" / "0.holo", smooth(3, 4))
    assert ImageDataset([tmp_path / "fox" / "0.holo"], targets=True, tensors=False).classes == ["fox"]
    with pytest.raises(holotype.ArgumentError, match="no folder"):
        ImageDataset(shards(tmp_path), shards=True, targets=True)


def test_archives_at_addresses(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    held = {f"/{path.name}": path.read_bytes() for path in paths}
    with serving(held) as address:
        remote = holotype.Remote(allow_restricted=True, deadline=10)
        urls = [f"{address}/{path.name}" for path in paths]
        data = ImageDataset(urls, shards=True, remote=remote, tensors=False)
        assert [first(image) for image in data.__getitems__([2, 21])] == [2, 21]
        firsts = holotype.read_many(urls, remote=remote)
        assert [first(image) for image in firsts] == [0, 9, 18]
        _, errors = holotype.read_many([*urls, f"{address}/none.holo"], remote=remote, errors="return")
        assert [isinstance(error, holotype.RemoteError) for error in errors] == [False] * 3 + [True]


def test_encrypted_archives(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.holo" for i in range(3)]
    for i, path in enumerate(paths):
        holotype.write(path, smooth(12, 16) + i, password="open sesame")
    data = ImageDataset(paths, password="open sesame", tensors=False)
    assert [first(image) for image in data.__getitems__([2, 0])] == [2, 0]
    with pytest.raises(holotype.DecryptionError):
        ImageDataset(paths, password="wrong", tensors=False)[0]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("workers", [0, 2, 4])
def test_with_pytorch(files: list[Path], method: str, workers: int) -> None:
    torch = pytest.importorskip("torch")
    how: dict[str, Any] = {"num_workers": workers}
    if workers:
        how |= {"multiprocessing_context": method, "worker_init_fn": thread_init}
    loader = torch.utils.data.DataLoader(ImageDataset([str(f) for f in files]), batch_size=5, **how)
    batches = list(loader)
    assert sum(len(batch) for batch in batches) == N
    assert (torch.cat(batches).numpy() == np.stack([smooth(12, 16) + i for i in range(N)])).all()
    stream = ImageStream([str(f) for f in files], block=3, seed=1)
    loader = torch.utils.data.DataLoader(stream, batch_size=None, **how)
    assert sorted(first(image) for image in loader) == list(range(N))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_that_live_on_see_the_epoch(files: list[Path], method: str) -> None:
    torch = pytest.importorskip("torch")
    stream = ImageStream([str(f) for f in files], block=4, seed=3)
    loader = torch.utils.data.DataLoader(
        stream, batch_size=None, num_workers=2, multiprocessing_context=method, persistent_workers=True
    )
    orders = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        orders.append([first(image) for image in loader])
        assert sorted(orders[-1]) == list(range(N))
    assert orders[0] == orders[2] != orders[1]


def test_tensors_share_the_batch(files: list[Path]) -> None:
    pytest.importorskip("torch")
    batch = ImageDataset(files).__getitems__(list(range(N)))
    places = [tensor.data_ptr() for tensor in batch]
    assert {b - a for a, b in itertools.pairwise(places)} == {batch[0].numel() * batch[0].element_size()}
