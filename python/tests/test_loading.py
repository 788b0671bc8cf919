"""Data sets for training; with real PyTorch where it is installed."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
