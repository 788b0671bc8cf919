"""Tensors in archives: `TensorWriter`, `write_tensors`, `open_tensors`, `Tensor`."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from holotype import _holotype
from holotype._errors import ArgumentError, NotFoundError, TruncatedError, UnsupportedError
from holotype._info import MetadataEntry
from holotype._sources import as_bytes, is_path, opened, path_of, paths_of, secret_bytes
from holotype._write import thread_limit
from holotype._writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from holotype._fields import MetadataFields, ParentFields, TensorOptionsFields
    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Source

TensorCodec: TypeAlias = Literal["auto", "raw", "planes", "shuffle-zstd", "lorenzo", "pco"]
Noise: TypeAlias = Mapping[str, "str | int"]
#: How far stored values may be off: a number, or `("relative", part of the range)`.
MaxError: TypeAlias = "float | tuple[str, float] | None"
#: What a tensor is stored against: see `Writer.add_tensor`.
TensorParent: TypeAlias = "str | tuple[str, object] | Literal[False] | None"
Attributes: TypeAlias = Mapping[str, "str | bytes"]
#: What `tensor[...]` takes: integers, slices of step 1, one ellipsis.
Index: TypeAlias = Any

#: Before the payload of a block: `docs/format.md` §4.
_FRAME_HEADER_BYTES = 32


class TensorWriter(Writer):
    """A `Writer` for an archive of tensors; it replaces what is at `dst`.

    Parameters
    ----------
    dst : path or binary file object
        Where the archive goes. A file appears whole when the writer is closed, or not at all.
    threads : int, optional
        At most so many; by default what the machine offers. They do not change the bytes.
    overwrite : bool
        False raises `FileExistsError` if `dst` exists.
    password : str or bytes, optional
        Encrypt the archive, names and tables included. The same input then gives another archive every time.
    parent : path or sequence of paths, optional
        Archives: tensors are stored against those of the same name in them, where that is smaller, and
        reading needs them.

    Examples
    --------
    >>> import holotype, io, numpy
    >>> file = io.BytesIO()
    >>> with holotype.TensorWriter(file) as writer:
    ...     _ = writer.add_tensor("up.weight", numpy.ones((4, 3), "f2"), attributes={"layer": "up"})
    >>> tensors = holotype.open_tensors(file.getvalue())
    >>> tensors["up.weight"].shape, tensors["up.weight"].attributes
    ((4, 3), {'layer': 'up'})
    >>> tensors["up.weight"][1, :2].tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        dst: Destination,
        *,
        threads: int | None = None,
        overwrite: bool = True,
        password: str | bytes | None = None,
        parent: Path | Sequence[Path] = (),
    ) -> None:
        super().__init__(dst, num_workers=threads, overwrite=overwrite, password=password, parent=parent)

    def close(self) -> None:
        """Seal the archive and put it where it belongs."""
        self.finalize()


def write_tensors(
    dst: Destination,
    tensors: Mapping[str, object],
    codec: TensorCodec = "auto",
    *,
    threads: int | None = None,
    overwrite: bool = True,
    password: str | bytes | None = None,
    parent: Path | Sequence[Path] = (),
) -> None:
    """Seal named tensors, such as a `state_dict`, in an archive. Parameters are those of `TensorWriter`."""
    options: dict[str, Any] = {"threads": threads, "overwrite": overwrite, "password": password}
    with TensorWriter(dst, parent=parent, **options) as writer:
        for name, tensor in tensors.items():
            writer.add_tensor(name, tensor, codec)


class Tensor:
    """A tensor of an archive; nothing of it is read before it is asked for.

    Attributes
    ----------
    name : str
        Its name.
    shape : tuple of int
        Elements along each axis.
    dtype : str
        Name of its NumPy or `ml_dtypes` dtype, such as `bfloat16`, or of an opaque type.
    is_fortran : bool
        True if the first axis is the fastest.
    stored_bytes : int
        Bytes it takes in the archive.
    n_slices : int
        Parts that are read and decoded alone.
    """

    def __init__(
        self,
        archive: _holotype.Archive,
        name: str,
        path: str | None = None,
        found_by: Callable[[str], Tensor] | None = None,
    ) -> None:
        self._archive, self._path, self._found_by = archive, path, found_by
        self._fields, self.stored_bytes, self.n_slices, self._metadata = _holotype.tensor_fields(
            archive, name
        )
        self.name = name
        self.shape = tuple(self._fields["shape"])
        self.is_fortran = self._fields["is_fortran"]

    def __reduce__(self) -> tuple[Any, ...]:
        if self._found_by is None:
            raise TypeError(f"`{self.name}` does not pickle; tensors of `open` and `open_tensors` do")
        return self._found_by, (self.name,)

    @property
    def dtype(self) -> str:
        """Name of its dtype."""
        opaque = self._fields["opaque"]
        if opaque is not None:
            return opaque[0]
        from holotype import _elements

        return _elements.dtype_name(self._fields)

    @property
    def ndim(self) -> int:
        """Number of its axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of its elements."""
        n = 1
        for axis in self.shape:
            n *= axis
        return n

    @property
    def attributes(self) -> dict[str, str | bytes]:
        """What was stored with it."""
        return {
            entry["key"]: entry["data"].decode() if entry["kind"] == "text" else entry["data"]
            for entry in self._metadata
            if entry["kind"] in ("text", "user")
        }

    @property
    def noise(self) -> dict[str, str | int] | None:
        """The recipe it is stored as: `generator`, `seed`, `offset`, `threads` of CUDA if they were given.

        None if its elements are stored. Values that the recipe makes nearly are corrected: `stored_bytes` is
        what that takes, 0 if it makes every bit.
        """
        noise = _holotype.tensor_noise(self._archive, self.name)
        if noise is None:
            return None
        recipe: dict[str, str | int] = {"generator": noise[0], "seed": noise[1], "offset": noise[2]}
        return recipe | {"threads": noise[3]} if noise[3] else recipe

    @property
    def parent(self) -> dict[str, str | None] | None:
        """What it is stored against: `name`, and `seal` of its archive if that is another; None if alone."""
        parent = _holotype.tensor_parent(self._archive, self.name)
        return None if parent is None else {"name": parent[0], "seal": parent[1]}

    @property
    def max_error(self) -> float | None:
        """How far its values may be from those that were given; None if every bit was kept."""
        return _holotype.tensor_max_error(self._archive, self.name)

    @property
    def metadata(self) -> tuple[MetadataEntry, ...]:
        """All its metadata."""
        return tuple(MetadataEntry(**entry) for entry in self._metadata)

    def read(
        self, region: Index | None = None, out: Any = None, *, threads: int | None = None
    ) -> NDArray[Any]:
        """The elements, or those of a region, as an array; every byte used is checked first.

        Parameters
        ----------
        region : int, slice, ellipsis or tuple of them, optional
            As in `array[region]`, with slices of step 1. Only the slices of the tensor it touches are read.
        out : numpy.ndarray, optional
            Read into this array; its shape and dtype must be the result's.
        threads : int, optional
            At most so many; by default what the machine offers.

        Raises
        ------
        UnsupportedError
            No dtype at hand holds the elements; `bits` gives them as integers.
        IntegrityError
            The archive was changed; `out` then holds unspecified elements.
        """
        from holotype import _elements

        dtype = _elements.dtype_of(self._fields)
        return self._read(dtype, region, out, thread_limit(threads))

    def bits(self, region: Index | None = None, *, threads: int | None = None) -> NDArray[Any]:
        """The elements' bit patterns as unsigned integers, or flat bytes if no integer has their width."""
        from holotype import _elements

        dtype = _elements.bits_dtype(self._fields)
        if dtype is not None:
            return self._read(dtype, region, None, thread_limit(threads))
        if region is not None:
            raise ArgumentError("elements of this width are read whole")
        return self._flat([(0, n) for n in self.shape], thread_limit(threads))

    def torch(self, region: Index | None = None, *, threads: int | None = None) -> Any:
        """The elements as a PyTorch tensor."""
        import torch

        from holotype import _elements

        dtype = getattr(torch, _elements.dtype_name(self._fields), None)
        if dtype is None:
            raise UnsupportedError(f"PyTorch has no dtype {self.dtype}", self.name)
        if self._fields["element"] in _elements.PLAIN and self._fields["element"] not in (
            "u16",
            "u32",
            "u64",
        ):
            return torch.from_numpy(self.read(region, threads=threads))
        signed = {1: "i1", 2: "i2", 4: "i4", 8: "i8"}
        bits = self.bits(region, threads=threads)
        return torch.from_numpy(bits.view(signed[bits.dtype.itemsize])).view(dtype)

    def map(self) -> NDArray[Any]:
        """The elements where they lie in the file: a read-only array, no copy.

        What was mapped is checked now. Later it is the file's: where another program cuts the file off while
        the array lives, the system ends the process that reads past the end. What Holotype writes does not
        do that: a new archive takes the old one's name, and revisions are appended. `read` has no such
        condition.

        Raises
        ------
        IntegrityError
            It was changed, or the file at this path is not the archive that was opened.
        UnsupportedError
            The tensor was not stored with `codec="raw"`, or the archive is not a file on disk.
        """
        import numpy as np

        from holotype import _elements

        place = _holotype.raw_frame(self._archive, self.name)
        if place is None or self._path is None:
            raise UnsupportedError(f"`{self.name}` does not lie in a file as it is in memory", self.name)
        dtype = _elements.dtype_of(self._fields)
        shape = self.shape[::-1] if self.is_fortran else self.shape
        try:
            array = np.memmap(self._path, np.uint8, "r", place[0], place[1])
        except ValueError as error:
            raise TruncatedError(f"`{self.name}`: the file is shorter than it was", self.name) from error
        _holotype.check_raw_frame(self._archive, self.name, array)
        elements = np.asarray(array)[_FRAME_HEADER_BYTES:]
        if dtype.kind == "b" and elements.max() > 1:
            raise UnsupportedError(
                f"`{self.name}` has booleans that are neither 0 nor 1: use `read`", self.name
            )
        mapped: NDArray[Any] = elements.view(dtype).reshape(shape)
        return mapped.T if self.is_fortran else mapped

    def __getitem__(self, region: Index) -> NDArray[Any]:
        return self.read(region)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a stored tensor is always copied; `map` needs no copy")
        array = self.read()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __dlpack__(self, **options: Any) -> Any:
        """The elements for `from_dlpack` of another library, read now.

        bfloat16 and 8-bit floats go through PyTorch: NumPy's arrays cannot be given away with them.
        """
        from holotype import _elements

        is_plain = self._fields["element"] in _elements.PLAIN
        return (self.read() if is_plain else self.torch()).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the memory of the CPU

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor of no axes has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        bound = self.max_error
        lossy = "" if bound is None else f", lossy ±{bound}"
        return f"<holotype.Tensor {self.name!r} {self.dtype}{list(self.shape)}{lossy}>"

    def _read(self, dtype: np.dtype[Any], region: Index | None, out: Any, threads: int) -> NDArray[Any]:
        import numpy as np

        from holotype import _elements

        ranges, kept = _ranges(region, self.shape)
        shape = tuple(end - start for start, end in ranges)
        if out is None:
            flat = self._flat(ranges, threads)
            if dtype.kind == "b":
                flat = _elements.truth(flat)
            array: NDArray[Any] = flat.view(dtype).reshape(shape[::-1] if self.is_fortran else shape)
            array = array.T if self.is_fortran else array
            return array.reshape([shape[k] for k in kept]) if len(kept) < len(shape) else array
        expected = tuple(shape[k] for k in kept)
        if not isinstance(out, np.ndarray):
            raise ArgumentError(f"out is an array of NumPy, not {type(out).__name__}")
        if out.shape != expected or out.dtype.newbyteorder("=") != dtype.newbyteorder("="):
            raise ArgumentError(f"out is {out.dtype}{out.shape}, the elements are {dtype}{expected}")
        if not out.flags.writeable:
            raise ArgumentError("out is read-only")
        target = out.T if self.is_fortran else out
        if target.flags.c_contiguous and out.dtype == dtype and dtype.kind != "b":
            _holotype.tensor_region_bytes(self._archive, self.name, ranges)
            _holotype.read_tensor_into(
                self._archive, self.name, ranges, target.reshape(-1).view(np.uint8), threads
            )
        else:
            out[...] = self._read(dtype, region, None, threads)
        return out

    def _flat(self, ranges: list[tuple[int, int]], threads: int) -> NDArray[Any]:
        import numpy as np

        n_bytes = _holotype.tensor_region_bytes(self._archive, self.name, ranges)
        flat = np.empty(n_bytes, np.uint8)
        _holotype.read_tensor_into(self._archive, self.name, ranges, flat, threads)
        return flat


class Tensors(Mapping[str, Tensor]):
    """The tensors of an archive by name; see `open_tensors`."""

    def __init__(
        self,
        src: Source,
        *,
        password: str | bytes | None = None,
        parents: Path | Sequence[Path] = (),
        remote: Remote | None = None,
    ) -> None:
        self._source = path_of(src) if is_path(src) else as_bytes(src)
        self._password = secret_bytes(password)
        self._parents = paths_of(parents)
        self._remote = remote
        self._archive, self._path = opened(self._source, remote, self._password, self._parents)
        self._names = [name for name, kind in self._archive.names() if kind == "tensor"]
        self._known = frozenset(self._names)

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._known:
            raise NotFoundError(f"no tensor named `{name}`", name)
        return Tensor(self._archive, name, self._path, self.__getitem__)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self._source, self._password, self._parents, self._remote)


def _opened(
    source: str | bytes, password: bytes | None, parents: list[str], remote: Remote | None
) -> Tensors:
    return Tensors(source, password=password, parents=parents, remote=remote)


def open_tensors(
    src: Source,
    *,
    password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    remote: Remote | None = None,
) -> Tensors:
    """Open an archive to read its tensors by name, in the order they were added.

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive. Of a path or an address (`https://`, `s3://`) only what is needed is read; the rest of a
        file object is read now.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it. What is pickled holds it.
    parents : path or sequence of paths, optional
        Where the parents of the archive are, if not where it says.
    remote : Remote, optional
        How an address is reached.

    Returns
    -------
    Tensors
        A mapping of names to `Tensor`. It, and each tensor of it, may be pickled and used after `fork`.
    """
    return Tensors(src, password=password, parents=parents, remote=remote)


def tensor_options(
    codec: str,
    attributes: Attributes | None,
    slice_shape: tuple[int, ...] | None,
    threads: int,
    noise: Noise | None = None,
    max_error: MaxError = None,
) -> TensorOptionsFields:
    """The options of one tensor, checked."""
    entries: list[MetadataFields] = []
    for key, value in (attributes or {}).items():
        if not isinstance(key, str):
            raise ArgumentError(f"names of attributes are str, not {key!r}")
        if isinstance(value, str):
            entries.append({"kind": "text", "key": key, "data": value.encode(), "text": None})
        elif isinstance(value, bytes):
            entries.append({"kind": "user", "key": key, "data": value, "text": None})
        else:
            raise ArgumentError(f"attribute {key!r} is a str or bytes, not {type(value).__name__}")
    return {
        "codec": codec,
        "slice_shape": None if slice_shape is None else _slice_shape(slice_shape),
        "threads": threads,
        "metadata": entries,
        "noise": None if noise is None else _recipe(noise),
        "max_error": None if max_error is None else _bound(max_error),
    }


def _slice_shape(slice_shape: object) -> list[int]:
    """Elements of a slice along each axis, checked as far as the tensor need not be known."""
    is_several = isinstance(slice_shape, (tuple, list))
    lengths = [whole_number(n) for n in slice_shape] if is_several else [None]  # type: ignore[attr-defined]
    if not all(n is not None and 0 <= n < 2**64 for n in lengths):
        raise ArgumentError(f"slice_shape is a length along each axis, not {slice_shape!r}")
    return [n for n in lengths if n is not None]


def whole_number(value: Any) -> int | None:
    """What is an integer, NumPy's too, as one; None for anything else and for booleans."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def parent_fields(parent: TensorParent, name: str, codec: str) -> ParentFields | None:
    """How the parent of the tensor `name` is found."""
    from holotype import _elements

    if parent is False or (parent is None and codec != "auto"):
        return None
    if parent is None:
        return {"how": "same", "name": name, "data": None, "first": 0}
    if isinstance(parent, str):
        return {"how": "named", "name": parent, "data": None, "first": 0}
    if not isinstance(parent, tuple) or len(parent) != 2 or not isinstance(parent[0], str):
        raise ArgumentError(f"parent is a name, a name and an array, or False, not {parent!r}")
    return {"how": "added", "name": parent[0], "data": _elements.take(parent[1]).data, "first": 0}


def _bound(max_error: float | tuple[str, float]) -> tuple[str, float]:
    """Whether the error is absolute or relative, and how large."""
    kind, bound = max_error if isinstance(max_error, tuple) else ("absolute", max_error)
    if kind not in ("absolute", "relative") or isinstance(bound, bool):
        raise ArgumentError(f"max_error is a number or ('relative', number), not {max_error!r}")
    try:
        return kind, float(bound)
    except (TypeError, ValueError):
        raise ArgumentError(f"max_error is a number, not {bound!r}") from None


def _recipe(noise: Noise) -> tuple[str, int, int, int]:
    """Generator, seed, offset and threads, checked."""
    known = dict(noise) if isinstance(noise, Mapping) else {}
    generator = known.pop("generator", None)
    seed, offset, threads = (
        whole_number(known.pop(key, default))
        for key, default in (("seed", None), ("offset", 0), ("threads", 0))
    )
    if (
        not isinstance(generator, str)
        or seed is None
        or offset is None
        or threads is None
        or known
        or not 0 <= min(offset, threads) <= max(offset, threads) < 2**64
    ):
        keys = "a generator, a seed and perhaps an offset, and threads of CUDA"
        raise ArgumentError(f"noise has {keys}, not {noise!r}")
    # PyTorch takes negative seeds for what they are modulo 2⁶⁴.
    return generator, seed % 2**64, offset, threads


def _ranges(region: Index | None, shape: tuple[int, ...]) -> tuple[list[tuple[int, int]], list[int]]:
    """Start and end along each axis, and the axes that stay."""
    parts = () if region is None else region if isinstance(region, tuple) else (region,)
    n_given = sum(part is not Ellipsis for part in parts)
    if n_given > len(shape) or len(parts) - n_given > 1:
        raise ArgumentError(f"region {region!r} does not fit a tensor of {len(shape)} axes")
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    fill = (slice(None),) * (len(shape) - n_given)
    ranges, kept = [], []
    for k, (part, n) in enumerate(zip((*parts[:at], *fill, *parts[at + 1 :]), shape, strict=True)):
        if isinstance(part, slice):
            start, stop, step = part.indices(n)
            if step != 1:
                raise ArgumentError(f"slices of step 1 are read, not {part!r}")
            ranges.append((start, max(start, stop)))
            kept.append(k)
            continue
        i = whole_number(part)
        if i is None:
            raise ArgumentError(f"a region is made of integers, slices and one ellipsis, not {part!r}")
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of bounds for axis {k} of {n} elements")
        ranges.append((i % n, i % n + 1))
    return ranges, kept


def is_tensor(source: Any) -> bool:
    """False for what `dumps` stores as images: two or three axes of plain numbers, at least one sample."""
    import numpy as np

    from holotype import _arrays

    if not isinstance(source, np.ndarray) and (hasattr(source, "__dlpack__") or isinstance(source, Tensor)):
        return True
    array = np.asarray(source)
    return not (
        array.ndim in (2, 3)
        and array.size > 0
        and array.dtype.newbyteorder("=") in _arrays.SAMPLES
        and array.shape[2:] <= (_arrays.MAX_CHANNELS,)
    )


def dump(source: object, threads: int, password: str | bytes | None = None) -> bytes:
    """An archive in memory of one tensor named `tensor`."""
    from holotype import _elements

    elements = _elements.take(source)
    writer = _holotype.Writer(None, True, "generic", None, None, threads, secret_bytes(password))
    options = tensor_options("auto", None, None, threads)
    writer.add_tensor("tensor", elements.fields, elements.data, options)
    data = writer.finish()[0]
    assert data is not None
    return data
