"""Data sets for `torch.utils.data.DataLoader`: the images of archives, decoded in batches without the lock.

`ImageDataset` is read by index, `ImageStream` in order, shared out between ranks and workers. Both pickle,
and work under `fork`, `spawn` and `forkserver`: an archive is opened in the process that reads it. Without
PyTorch `tensors=False` gives arrays.

>>> import holotype, numpy
>>> from holotype.torch import ImageDataset
>>> images = [holotype.dumps(numpy.full((4, 6, 3), i, numpy.uint8), "fast") for i in range(5)]
>>> data = ImageDataset(images, tensors=False)
>>> len(data), int(data[3].max()), len(data.__getitems__([0, 4]))
(5, 3, 2)
"""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any

from holotype import _holotype
from holotype._batch import read_many
from holotype._errors import ArgumentError
from holotype._sources import is_path, open_archive, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from holotype._read import Region

try:
    from torch.utils.data import Dataset as _Dataset
    from torch.utils.data import IterableDataset as _IterableDataset
except ImportError:
    _Dataset = _IterableDataset = object

__all__ = ["ImageDataset", "ImageStream", "thread_cleanup", "thread_init"]


def thread_init(_worker: int = 0) -> None:
    """Nothing: there is no state a thread. For scripts that have a `worker_init_fn`; it pickles."""


def thread_cleanup() -> None:
    """Nothing; see `thread_init`."""


class _Images:
    """Images of one archive, or of many of one image each."""

    def __init__(
        self,
        source: Any,
        *,
        names: Sequence[str] | None,
        region: Region | None,
        transform: Callable[[Any], Any] | None,
        tensors: bool,
        threads: int,
    ) -> None:
        self._region, self._transform, self._tensors, self._threads = region, transform, tensors, threads
        self._opened: tuple[int, _holotype.Archive] | None = None
        self._archive: Any = None
        if isinstance(source, (list, tuple)):
            if names is not None:
                raise ArgumentError("names are of the images of one archive")
            self._names: list[Any] = [_held(item) for item in source]
            return
        self._archive = _held(source)
        if names is None:
            with open_archive(self._archive) as archive:
                names = [name for name, kind in archive.names() if kind == "image"]
        self._names = list(names)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> list[Any]:
        """Names of the images, or the archives they are in."""
        return self._names

    def _open(self) -> _holotype.Archive:
        """The archive, opened once a process."""
        if self._opened is None or self._opened[0] != os.getpid():
            with open_archive(self._archive) as archive:
                self._opened = (os.getpid(), archive)
        return self._opened[1]

    def _asked(self, indices: Sequence[int]) -> list[Any]:
        return [self._names[index] for index in indices]

    def _read(self, indices: Sequence[int]) -> list[Any]:
        """Images of these numbers; those of one size are decoded together."""
        asked = self._asked(indices)
        images: list[Any]
        try:
            if len(asked) < 2:
                raise ArgumentError("one image is read alone")
            images = list(self._read_alike(asked))
        except ArgumentError:
            images = [self._read_one(item) for item in asked]
        if self._tensors:
            import torch

            images = [torch.from_numpy(image) for image in images]
        return images if self._transform is None else [self._transform(image) for image in images]

    def _read_alike(self, asked: list[Any]) -> Any:
        archive = None if self._archive is None else self._open()
        return read_many(asked, archive=archive, region=self._region, threads=self._threads)

    def _read_one(self, item: Any) -> Any:
        return self._read_alike([item])[0]


def _held(source: Any) -> Any:
    """A source that pickles: a path, an address, or bytes."""
    if is_path(source):
        text = path_of(source)
        return text if _holotype.is_address(text) else os.path.abspath(text)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    raise TypeError(f"a path, an address or bytes are needed, not {type(source).__name__}")


class ImageDataset(_Images, _Dataset):  # type: ignore[misc]
    """Images by index: a map-style data set.

    Parameters
    ----------
    source : path, address or bytes, or a list of these
        One archive of many images, or archives of which the first image each is meant.
    names : sequence of str, optional
        Of one archive only these images, in this order.
    region : (x, y, width, height), optional
        Only these pixels of each.
    transform : callable, optional
        What is done with each image.
    tensors : bool, default True
        Tensors `(height, width[, channels])` that share the memory they were decoded into; else arrays.
    threads : int, default 1
        Threads in each process.
    """

    def __init__(
        self,
        source: Any,
        *,
        names: Sequence[str] | None = None,
        region: Region | None = None,
        transform: Callable[[Any], Any] | None = None,
        tensors: bool = True,
        threads: int = 1,
    ) -> None:
        super().__init__(
            source, names=names, region=region, transform=transform, tensors=tensors, threads=threads
        )

    def __getitem__(self, index: int) -> Any:
        return self._read([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several images at once, as `DataLoader` asks for a batch."""
        return self._read(indices)


class ImageStream(_Images, _IterableDataset):  # type: ignore[misc]
    """Images in order, or shuffled the same way everywhere, shared out in blocks: an iterable data set.

    Every rank and worker takes every so-many-th block of images that lie together: each image comes once.

    Parameters
    ----------
    block : int
        Images shared out, and decoded, together.
    seed : int, optional
        Shuffle blocks, and images within each; `set_epoch` gives another order each time round.
    rank, world_size : int, optional
        Which process of how many; by default as `torch.distributed` says, else the only one.
    source, names, region, transform, tensors, threads
        As for `ImageDataset`.
    """

    def __init__(
        self,
        source: Any,
        *,
        names: Sequence[str] | None = None,
        region: Region | None = None,
        transform: Callable[[Any], Any] | None = None,
        tensors: bool = True,
        threads: int = 1,
        block: int = 64,
        seed: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        if block < 1:
            raise ArgumentError(f"block is 1 or more, not {block}")
        if (rank is None) != (world_size is None):
            raise ArgumentError("rank and world_size go together")
        super().__init__(
            source, names=names, region=region, transform=transform, tensors=tensors, threads=threads
        )
        self._block, self._seed, self._epoch = block, seed, 0
        self._share = None if rank is None or world_size is None else (rank, world_size)

    def set_epoch(self, epoch: int) -> None:
        """Another order for each time round; the same everywhere for the same seed and epoch."""
        self._epoch = epoch

    def indices(self, share: int = 0, n_shares: int = 1) -> list[list[int]]:
        """The blocks of image numbers that one of `n_shares` reads, in order."""
        blocks = [
            list(range(start, min(start + self._block, len(self))))
            for start in range(0, len(self), self._block)
        ]
        if self._seed is not None:
            chance = random.Random(f"{self._seed}/{self._epoch}")
            chance.shuffle(blocks)
            for block in blocks:
                chance.shuffle(block)
        return blocks[share::n_shares]

    def __iter__(self) -> Iterator[Any]:
        rank, world = self._share if self._share is not None else _distributed()
        worker, workers = _worker()
        for block in self.indices(rank * workers + worker, world * workers):
            yield from self._read(block)


def _distributed() -> tuple[int, int]:
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def _worker() -> tuple[int, int]:
    if "torch" not in sys.modules:
        return 0, 1
    from torch.utils.data import get_worker_info

    known = get_worker_info()
    return (0, 1) if known is None else (known.id, known.num_workers)
