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
from holotype._batch import _How
from holotype._batch import _read as _read_many
from holotype._errors import ArgumentError
from holotype._remote import DEFAULT
from holotype._sources import is_path, open_archive, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from holotype._read import Region
    from holotype._remote import Remote

try:
    from torch.utils.data import Dataset as _Dataset
    from torch.utils.data import IterableDataset as _IterableDataset
except ImportError:
    _Dataset = _IterableDataset = object

#: Archives of several images that a process keeps open.
MAX_OPEN = 64

__all__ = ["ImageDataset", "ImageStream", "thread_cleanup", "thread_init"]


def thread_init(_worker: int = 0) -> None:
    """Nothing: there is no state a thread. For scripts that have a `worker_init_fn`; it pickles."""


def thread_cleanup() -> None:
    """Nothing; see `thread_init`."""


class _Images:
    """Images of archives: of each its first, or all that it has."""

    def __init__(
        self,
        source: Any,
        *,
        names: Sequence[str] | None = None,
        shards: bool = False,
        region: Region | None = None,
        transform: Callable[[Any], Any] | None = None,
        tensors: bool = True,
        targets: bool = False,
        threads: int = 1,
        remote: Remote | None = None,
        password: str | bytes | None = None,
    ) -> None:
        self._region, self._transform, self._tensors, self._threads = region, transform, tensors, threads
        self._remote, self._password = remote, password
        self._opened: tuple[int, dict[int, _holotype.Archive]] = (0, {})
        is_list = isinstance(source, (list, tuple))
        self._archives = [_held(item) for item in (source if is_list else [source])]
        if names is not None and is_list:
            raise ArgumentError("names are of the images of one archive")
        #: Of each image the number of its archive and its name, or None for the first of an archive.
        self._images: list[tuple[int, str | None]] = []
        if names is not None:
            self._images = [(0, name) for name in names]
        elif is_list and not shards:
            self._images = [(number, None) for number in range(len(self._archives))]
        else:
            for number in range(len(self._archives)):
                kinds = self._open(number).names()
                self._images += [(number, name) for name, kind in kinds if kind == "image"]
            self._opened = (0, {})
        self._classes: list[str] = []
        self._targets: list[int] | None = None
        if targets:
            folders = [self._folder(number, name) for number, name in self._images]
            self._classes = sorted(set(folders))
            number_of = {folder: number for number, folder in enumerate(self._classes)}
            self._targets = [number_of[folder] for folder in folders]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": (0, {})}

    def __len__(self) -> int:
        return len(self._images)

    @property
    def names(self) -> list[Any]:
        """Names of the images, or the archives of which the first is meant."""
        return [self._archives[number] if name is None else name for number, name in self._images]

    @property
    def classes(self) -> list[str]:
        """Names of the folders that images lie in, sorted, with `targets=True`; targets are their numbers."""
        return list(self._classes)

    @property
    def targets(self) -> list[int]:
        """Of each image the number of its class, with `targets=True`."""
        return list(self._targets or ())

    def _folder(self, number: int, name: str | None) -> str:
        """The folder that an image lies in: in its archive, or on disk if it is the first of an archive."""
        archive = self._archives[number]
        path = name if name is not None else archive.replace(os.sep, "/") if isinstance(archive, str) else ""
        folder = path.rpartition("/")[0].rpartition("/")[2]
        if not folder:
            raise ArgumentError(f"{path or 'an image'!r} lies in no folder, which would be its class")
        return folder

    def _open(self, number: int) -> _holotype.Archive:
        """An archive of several images, opened once a process; the last few are kept."""
        if self._opened[0] != os.getpid():
            self._opened = (os.getpid(), {})
        held = self._opened[1]
        archive = held.pop(number, None)
        if archive is None:
            with open_archive(self._archives[number], self._remote, self._password) as archive:
                pass
        held[number] = archive
        while len(held) > MAX_OPEN:
            del held[next(iter(held))]
        return archive

    def _asked(self, index: int) -> tuple[Any, str | None]:
        number, name = self._images[index]
        return (self._archives[number] if name is None else self._open(number), name)

    def _read(self, indices: Sequence[int]) -> list[Any]:
        """Images of these numbers; those of one size are decoded together."""
        asked = [self._asked(index) for index in indices]
        images: list[Any]
        try:
            images = list(self._read_alike(asked))
        except ArgumentError:
            if len(asked) < 2:
                raise
            images = [self._read_alike([item])[0] for item in asked]
        if self._tensors:
            import torch

            images = [torch.from_numpy(image) for image in images]
        if self._transform is not None:
            images = [self._transform(image) for image in images]
        if self._targets is None:
            return images
        return [(image, self._targets[index]) for image, index in zip(images, indices, strict=True)]

    def _read_alike(self, asked: list[tuple[Any, str | None]]) -> Any:
        remote = self._remote or DEFAULT
        how = _How(None, "nhwc", self._region, 1, self._threads, "raise", remote, self._password)
        return _read_many(asked, how)


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
    shards : bool, default False
        The archives of a list hold many images: all of each are meant. What they hold is read once, here, and
        goes along to workers.
    region : (x, y, width, height), optional
        Only these pixels of each.
    transform : callable, optional
        What is done with each image.
    tensors : bool, default True
        Tensors `(height, width[, channels])` that share the memory they were decoded into; else arrays.
    targets : bool, default False
        Give `(image, target)`: the number in `classes` of the folder that the image lies in.
    threads : int, default 1
        Threads in each process.
    remote : Remote, optional
        How archives at addresses are read.
    password : str or bytes, optional
        Of encrypted archives. It travels to workers with the data set, and so into whatever it is pickled to.
    """

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
    source, names, shards, region, transform, tensors, targets, threads, remote, password
        As for `ImageDataset`.
    """

    def __init__(
        self,
        source: Any,
        *,
        names: Sequence[str] | None = None,
        shards: bool = False,
        region: Region | None = None,
        transform: Callable[[Any], Any] | None = None,
        tensors: bool = True,
        targets: bool = False,
        threads: int = 1,
        remote: Remote | None = None,
        password: str | bytes | None = None,
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
            source,
            names=names,
            shards=shards,
            region=region,
            transform=transform,
            tensors=tensors,
            targets=targets,
            threads=threads,
            remote=remote,
            password=password,
        )
        self._block, self._seed = block, seed
        self._epoch = _shared_number()
        self._share = None if rank is None or world_size is None else (rank, world_size)

    def set_epoch(self, epoch: int) -> None:
        """Another order for each time round; the same everywhere for the same seed and epoch.

        Workers that live on (`persistent_workers=True`) see it too.
        """
        self._epoch[0] = epoch

    def indices(self, share: int = 0, n_shares: int = 1) -> list[list[int]]:
        """The blocks of image numbers that one of `n_shares` reads, in order."""
        blocks = [
            list(range(start, min(start + self._block, len(self))))
            for start in range(0, len(self), self._block)
        ]
        if self._seed is not None:
            chance = random.Random(f"{self._seed}/{int(self._epoch[0])}")
            chance.shuffle(blocks)
            for block in blocks:
                chance.shuffle(block)
        return blocks[share::n_shares]

    def __iter__(self) -> Iterator[Any]:
        rank, world = self._share if self._share is not None else _distributed()
        worker, workers = _worker()
        for block in self.indices(rank * workers + worker, world * workers):
            yield from self._read(block)


def _shared_number() -> Any:
    """A number that workers share with who started them, where PyTorch is there."""
    try:
        import torch
    except ImportError:
        return [0]
    return torch.zeros(1, dtype=torch.int64).share_memory_()


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
