"""`Writer`, `build` and `unpack`: files, bytes and arrays into archives, and out again."""

from __future__ import annotations

import json
import os
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from holotype import _holotype
from holotype._errors import ArgumentError, UnsupportedError
from holotype._reader import ARRAY_KEY, Reader
from holotype._remote import remote_of
from holotype._sources import as_bytes, is_path, open_archive, path_of, paths_of, put, secret_bytes
from holotype._summary import Metadata, size_of
from holotype._write import thread_limit

if TYPE_CHECKING:
    import tempfile
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from numpy.typing import ArrayLike
    from typing_extensions import Buffer, Self

    from holotype._fields import MetadataFields, UnpackFields
    from holotype._remote import Remote
    from holotype._sources import Destination, Path, Readable, Source
    from holotype._tensors import Attributes, MaxError, Noise, TensorCodec, TensorParent
    from holotype._write import Mode, Order

Profile = Literal["ml", "eda", "embedded", "generic", "archival"]

#: What each profile sets: compression, raw bytes of a block, bytes of chunks on average.
PROFILES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "ml": MappingProxyType({"compression": "lz4", "block_size": 128 << 10, "chunks": 64 << 10}),
        "eda": MappingProxyType({"compression": "zstd:1", "block_size": 128 << 10, "chunks": 32 << 10}),
        "embedded": MappingProxyType({"compression": "zstd:9", "block_size": 64 << 10, "chunks": 16 << 10}),
        "generic": MappingProxyType({"compression": "zstd:3", "block_size": 160 << 10, "chunks": 64 << 10}),
        "archival": MappingProxyType({"compression": "zstd:19", "block_size": 8 << 20, "chunks": 64 << 10}),
    }
)

#: Levels of `packing`.
_LEVELS = {"fast": 1, "balanced": 3, "tight": 9}
#: Bytes given to `write` that are held in memory; more go to a temporary file.
_HELD_BYTES = 32 << 20


class Writer:
    """Makes an archive of files, bytes, arrays and tensors; file content that repeats is stored once.

    As a context manager it finishes the archive at the end, and discards it if there was an exception: the
    destination then is as it was.

    Parameters
    ----------
    dst : path, `s3` address, binary file object or None
        The archive, which appears when it is finished; None keeps it in memory, as `data`. To an address it
        is sent in parts as it is written.
    profile : {"generic", "ml", "eda", "embedded", "archival"}
        Sets compression and block size; see `PROFILES`.
    compression : str, optional
        Another compression: `store`, `lz4`, `zstd` or `zstd:LEVEL`.
    block_size : int or str, optional
        Other raw bytes of a block, 4096 to `16M`.
    packing : {"fast", "balanced", "tight"}, optional
        Zstandard 1, 3 or 9, for `compression="zstd"` or none given.
    chunks : int, str or sequence of three, optional
        Other bytes of the chunks that content is cut into to find what repeats: least, average and most, such
        as `("16K", "64K", "256K")`; 64 bytes to 256M, the average a power of two from 256 to `16M`. One value
        is the average: a quarter of it is the least then, four times it the most. Smaller chunks find more
        that repeats and take more memory, 60 bytes each.
    dedup : bool, default True
        Store what is there several times once.
    num_workers : int, optional
        Threads; by default what the machine offers. The archive is the same for any number.
    overwrite : bool, default False
        Replace an archive at `dst`, once the new one is finished.
    password : str or bytes, optional
        Encrypt the archive, names and tables included. The same input then gives another archive every time.
    s3_region, endpoint_url, allow_restricted, deadline
        How an address is reached, as in `Remote`; they go before those of `remote`.
    remote : Remote, optional
        The same in one value.

    parent : path or sequence of paths, optional
        Archives: what they have is named, not stored again, wherever it moved. Reading then needs them, where
        they are now as seen from this archive; `flatten` makes an archive that needs none.
    checkpoints : {"tensors", "files"}
        Safetensors files that are added by their paths: as their tensors, each of which is read by its name,
        and a file that is made of them; or as files like any other.
    parent_password : str or bytes, optional
        Of encrypted parents, by default `password`. The child of an encrypted archive is encrypted too.
    images : bool or {"fast", "standard", "archival"}, default False
        Store image files of folders as images, where the files come back of them to the byte: they read as
        images, region by region, and unpack as the files they were. True takes the mode of the profile.
    append : bool, default False
        Add a revision to the archive that is at `dst`, a file. Items of the same names are replaced in it,
        content that is there is not stored again; old revisions stay, byte for byte. `password` opens the
        archive.

    Raises
    ------
    FileExistsError
        There is something at `dst` and `overwrite` is false.
    RemoteError
        The address cannot be written, or is restricted.
    ArgumentError
        An option is unknown.
    """

    def __init__(
        self,
        dst: Destination | None,
        *,
        profile: Profile = "generic",
        compression: str | None = None,
        block_size: int | str | None = None,
        packing: Literal["fast", "balanced", "tight"] | None = None,
        chunks: int | str | Sequence[int | str] | None = None,
        dedup: bool = True,
        num_workers: int | None = None,
        overwrite: bool = False,
        s3_region: str | None = None,
        endpoint_url: str | None = None,
        allow_restricted: bool | None = None,
        deadline: float | None = None,
        remote: Remote | None = None,
        password: str | bytes | None = None,
        parent: Path | Sequence[Path] = (),
        parent_password: str | bytes | None = None,
        checkpoints: Literal["tensors", "files"] = "tensors",
        images: bool | Mode = False,
        append: bool = False,
    ) -> None:
        if checkpoints not in ("tensors", "files"):
            raise ArgumentError(f"checkpoints is 'tensors' or 'files', not {checkpoints!r}")
        block_bytes = None if block_size is None else size_of(block_size)
        if block_bytes is not None and not 4096 <= block_bytes <= 16 << 20:
            raise ArgumentError(f"block_size is 4096 to 16M, not {block_size!r}")
        if packing is not None:
            if packing not in _LEVELS or compression not in (None, "zstd"):
                raise ArgumentError(f"packing is 'fast', 'balanced' or 'tight' of zstd, not {packing!r}")
            compression = f"zstd:{_LEVELS[packing]}"
        path = path_of(dst) if is_path(dst) else None
        if path is None and dst is not None and not callable(getattr(dst, "write", None)):
            raise TypeError(f"a path, a binary file object or None is needed, not {type(dst).__name__}")
        how = None
        if isinstance(dst, str) and _holotype.is_address(dst):
            how = remote_of(
                remote,
                s3_region=s3_region,
                endpoint_url=endpoint_url,
                allow_restricted=allow_restricted,
                deadline=deadline,
            )
        self._dst = dst
        self._threads = thread_limit(num_workers)
        secret = secret_bytes(password)
        opens = secret_bytes(parent_password) or secret
        parents = [(name, opens) for name in paths_of(parent)]
        split = checkpoints == "tensors"
        self._inner = _holotype.Writer(
            path,
            overwrite,
            profile,
            compression,
            block_bytes,
            self._threads,
            secret,
            dedup,
            how,
            parents,
            split,
            None if images is False else "" if images is True else images,
            append,
            None if chunks is None else _chunk_bytes(chunks),
        )
        self._is_append = append
        self._is_discarded = False
        self._position = 0
        self._n_unnamed: dict[str, int] = {}
        self._user: dict[str, Any] = {}
        self._secret = secret
        self._held: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._archive_bytes: int | None = None
        #: The finished archive, if it was made in memory.
        self.data: bytes = b""
        #: The seal of the finished archive, in hexadecimal.
        self.seal: str = ""

    def add(self, source: Path | Buffer | Readable | ArrayLike, *, name: str | None = None) -> Self:
        """Add a file or folder by its path, bytes, an array, or what a binary file object reads.

        Parameters
        ----------
        source : path, buffer, numpy.ndarray, torch.Tensor or binary file object
            A folder is added with all that is in it; arrays and tensors as `add_array` does.
        name : str, optional
            Name of the item; by default the path's last part, or one like `data-0`.
        """
        if is_path(source):
            return self.add_file(cast("Path", source), name=name)
        if hasattr(source, "__array_interface__") or hasattr(source, "__dlpack__"):
            return self.add_array(cast("ArrayLike", source), name=name)
        if callable(getattr(source, "read", None)):
            self._flush()
            self._position += self._inner.pack_file_object(self._name(name, "data"), source, [])
            return self
        return self.add_bytes(cast("Buffer", source), name=name)

    def add_file(self, path: Path, *, name: str | None = None, exclude: Iterable[str] = ()) -> Self:
        """Add a file with its mode and times, or a folder with all that is in it and `exclude` does not name.

        A pattern of `exclude` with a `/` is compared with whole paths in the archive, such as `tree/build`,
        others with each name; `*`, `?` and `**` match. An archive that is written into the folder is left out
        of itself.

        Raises
        ------
        OSError
            Something cannot be read.
        ArgumentError
            A name is taken, a file changed while it was read, or a pattern can match nothing.
        UnsupportedError
            Something is a device, pipe or socket.
        """
        self._flush()
        text = path_of(path)
        if name is None:
            self._position += self._inner.pack_tree([text], list(exclude))[3]
        elif os.path.isdir(text):
            raise ArgumentError("a folder is added under its own name")
        else:
            self._position += self._inner.pack_file(name, text, [])
        return self

    def add_bytes(self, data: Buffer, *, name: str | None = None) -> Self:
        """Add bytes as a file."""
        self._flush()
        self._position += self._inner.pack_bytes(self._name(name, "data"), as_bytes(data), [])
        return self

    def add_array(self, array: ArrayLike, *, name: str | None = None) -> Self:
        """Add an array as a tensor; `Reader.array` gives it back, shape and dtype as they were.

        In the stream it is its bytes row by row. Arrays whose dtype no tensor has (text, big-endian numbers)
        are stored as files that remember it.

        Raises
        ------
        ArgumentError
            It holds Python objects or fields.
        """
        import numpy as np

        from holotype import _arrays, _elements, _tensors

        if hasattr(array, "__dlpack__") and not isinstance(array, np.ndarray):
            return self.add_tensor(self._name(name, "array"), array)
        values = _arrays.as_array(array)
        if values.dtype.hasobject or values.dtype.names is not None:
            raise ArgumentError(f"arrays of {values.dtype} have no bytes of their own")
        shape = values.shape
        values = np.ascontiguousarray(values)
        entry = _user_entry(ARRAY_KEY, json.dumps({"dtype": values.dtype.str, "shape": shape}).encode())
        self._flush()
        name = self._name(name, "array")
        try:
            if not values.dtype.isnative:
                raise UnsupportedError("tensors are little-endian")
            elements = _elements.take(values.reshape(shape))
        except UnsupportedError:
            self._position += self._inner.pack_bytes(name, values.tobytes(), [entry])
            return self
        options = _tensors.tensor_options("auto", None, None, self._threads)
        against = _tensors.parent_fields(None, name, "auto")
        self._position += self._inner.add_tensor(name, elements.fields, elements.data, options, against)
        return self

    def add_image(
        self,
        name: str,
        image: Any,
        *,
        mode: Mode = "standard",
        order: Order = "rgb",
        tile_edge: int | None = None,
        preview: bool | None = False,
    ) -> Self:
        """Add an image as its samples; `read(src, item=name)` and `holotype.torch` give it back.

        It is no part of the stream of files and tensors.

        Parameters
        ----------
        name : str
            Name of the item.
        image : array_like, PIL.Image.Image, path or buffer
            `(height, width)` or `(height, width, channels)` of any dtype that `write` takes; or an image
            file, with its metadata.
        mode, order, tile_edge
            As for `write`.
        preview : bool, optional
            Store a small picture too; None stores one of larger images, as `write` does.

        Raises
        ------
        ArgumentError
            The name is taken, or the array is no image.
        UnsupportedError
            The file cannot be read exactly, or is lossy.
        """
        from holotype import _arrays
        from holotype._write import _options, is_pillow

        options = _options(mode, False, tile_edge, preview, self._threads, None)
        if is_pillow(image):
            from holotype._modes import from_pillow

            descriptor, metadata, samples = from_pillow(image)
            _holotype.add_image(self._inner, name, descriptor, metadata, samples, options)
        elif is_path(image) or isinstance(image, (bytes, bytearray, memoryview)):
            source = path_of(image) if is_path(image) else as_bytes(image)
            _holotype.add_image_file(self._inner, name, source, False, options)
        else:
            array = _arrays.as_array(image)
            described = _arrays.describe(array, order=order, colour=None, alpha=None)
            _holotype.add_image(self._inner, name, described, [], _arrays.samples(array), options)
        return self

    def add_tensor(
        self,
        name: str,
        array: object,
        codec: TensorCodec = "auto",
        *,
        parent: TensorParent = None,
        noise: Noise | None = None,
        max_error: MaxError = None,
        attributes: Attributes | None = None,
        slice_shape: tuple[int, ...] | None = None,
    ) -> Self:
        """Add a tensor; `reader[name]` gives it back.

        Parameters
        ----------
        name : str
            Name of the item.
        array : array_like, torch.Tensor or anything with `__dlpack__`
            Any rank up to 32 and any shape; bool, 8 to 64-bit integers, 16 to 64-bit floats, bfloat16, 8-bit
            floats, complex numbers, dates, dtypes of `ml_dtypes`. Every bit is kept, NaN payloads and −0
            included; C and Fortran order too.
        codec : {"auto", "raw", "planes", "shuffle-zstd", "lorenzo", "pco"}
            `auto` looks at each slice and takes what is smallest, or nothing if that saves less than 3 %;
            `raw` stores the elements aligned, so that `Tensor.map` needs no copy.
        parent : str, (str, array_like) or False, optional
            What it is stored against, where that is smaller; it reads back as itself. A name is that of a
            tensor of a parent archive; a name and an array those of a tensor that was added to this archive
            before. By default the tensor of the same name in a parent archive, if there is one; False for
            none. It must have the same dtype, shape and order.
        noise : mapping, optional
            How the elements were drawn: `generator` (`torch.cpu`, `torch.cuda`, `numpy.default_rng`,
            `numpy.RandomState`, or more of the names in `docs/codecs/noise.md`), `seed`, and `offset`: the
            draws before the first, the numbers before it for normal ones of NumPy, or Philox's offset on
            CUDA, which goes with `threads` if the tensor is larger than the GPU's grid. If that makes them
            again, bit for bit, they are stored as this recipe of some bytes and their SHA-256; if it makes
            most of them, with corrections of the others; else as data. `Tensor.noise` tells. Known are
            `torch.rand` and `torch.randn` (of at least 16 elements on the CPU; rounded later too),
            `Generator.random` and `standard_normal`, `RandomState.random_sample` and `randn`. What CUDA
            draws is made by its public algorithm, which was not tried on a GPU.
        max_error : float or ("relative", float), optional
            Store values that are at most so far from these, or at most so much of the range of the finite
            ones, instead of them. Each is checked when written; what cannot be rounded within the bound, NaN
            and infinities stay as they are. The tensor is marked as lossy for ever: `Tensor.max_error` tells.
            For floats of 16 bits or more and complex numbers, codec `auto`, no parent. By default every bit
            is kept.
        attributes : mapping of str to str or bytes, optional
            Stored with the tensor.
        slice_shape : tuple of int, optional
            Elements along each axis of what is coded and read together; by default consecutive parts of at
            most 1 MiB.

        Raises
        ------
        UnsupportedError
            The dtype cannot be stored exactly.
        ArgumentError
            The name is taken, or arguments do not fit.
        """
        from holotype import _elements, _tensors

        elements = _elements.take(array)
        options = _tensors.tensor_options(codec, attributes, slice_shape, self._threads, noise, max_error)
        against = None
        if parent is not None or max_error is None:
            against = _tensors.parent_fields(parent, name, codec)
        self._flush()
        self._position += self._inner.add_tensor(name, elements.fields, elements.data, options, against)
        return self

    def merge_overlay(
        self,
        *,
        base: Path,
        overlay: Path,
        thin: bool = False,
        name: str | None = None,
        password: str | bytes | None = None,
    ) -> Self:
        """Add an archive's stream with what was written over it since, as one file.

        Parameters
        ----------
        base : path
            The archive.
        overlay : path
            A sparse file whose blocks of 4096 bytes take the place of the stream's. Which of them count says
            the map beside it, the same name with `.meta` appended: their numbers, ascending, 8 bytes each,
            little-endian.
        thin : bool, default False
            Make `base` a parent: what did not change is named there. Before any file was packed.
        name : str, optional
            Name of the item; by default one like `merged-0`.
        password : str or bytes, optional
            Of an encrypted base.

        Raises
        ------
        FileNotFoundError
            There is no map: without one no one knows what was written.
        ArgumentError
            The map is malformed, or names a block past the overlay's end.
        """
        self._flush()
        child = path_of(self._dst) if is_path(self._dst) else ""
        base_path, overlay_path = path_of(base), path_of(overlay)
        secret = secret_bytes(password)
        self._position += self._inner.merge_overlay(
            self._name(name, "merged"), child, (base_path, secret), overlay_path, thin
        )
        return self

    def write(self, data: Buffer) -> int:
        """Write bytes; those of calls that follow each other make up one file, `stream-0`, `stream-1`, ….

        Returns
        -------
        int
            How many there were.
        """
        import tempfile

        self._check_unfinished()
        if self._held is None:
            self._held = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115
        n_bytes = self._held.write(as_bytes(data))
        self._position += n_bytes
        return n_bytes

    def add_metadata(self, metadata: Mapping[str, Any]) -> Self:
        """Add values for `Reader.metadata.user`; JSON must hold them. Keys replace those before."""
        self._check_unfinished()
        self._user.update(json.loads(json.dumps(dict(metadata), allow_nan=False)))
        return self

    @property
    def bytes_written(self) -> int:
        """Bytes of the archive so far; blocks are written some time after what is in them was added."""
        if self._archive_bytes is not None:
            return self._archive_bytes
        return self._inner.written_bytes() or 0

    def tell(self) -> int:
        """Bytes of content added so far: where the next ones will be in the stream."""
        return self._position

    def finalize(self) -> None:
        """End and seal the archive; it appears under its name. A second call does nothing."""
        if self._archive_bytes is not None:
            return
        self._flush()
        if self._user and self._is_append:
            with Reader(cast("str", self._dst), password=self._secret, revision="whole") as before:
                self._user = dict(before.metadata.user) | self._user
        if self._user:
            entries = [_user_entry(key, json.dumps(value).encode()) for key, value in self._user.items()]
            self._inner.set_metadata(entries)
        dst = self._dst
        into = None if dst is None or is_path(dst) else partial(put, dst)
        data, self._archive_bytes, self.seal = self._inner.finish(into)
        if data is not None:
            self.data = data

    def remove(self, name: str) -> Self:
        """Leave an item of the revision before out of the one that is appended; it stays in the old one.

        Raises
        ------
        NotFoundError
            There is none.
        ArgumentError
            This writer does not append, or the item was replaced already.
        """
        self._inner.remove_item(name)
        return self

    def remove_all(self) -> Self:
        """Leave all items of the revision before out of the one that is appended.

        It holds what is added next.

        Raises
        ------
        ArgumentError
            This writer does not append, or something was added already.
        """
        self._inner.remove_all_items()
        return self

    def discard(self) -> None:
        """Give up: nothing appears, also where a `with` block ends well after it."""
        self._is_discarded = True
        self._held = None
        self._inner.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
        elif not self._is_discarded:
            self.finalize()

    def _check_unfinished(self) -> None:
        if self._archive_bytes is not None or self._is_discarded:
            raise ArgumentError("the writer is finished: nothing more goes into the archive")

    def _name(self, name: str | None, kind: str) -> str:
        if name is not None:
            return name
        number = self._n_unnamed.get(kind, 0)
        while self._is_append and self._inner.has_item(f"{kind}-{number}"):
            number += 1
        self._n_unnamed[kind] = number + 1
        return f"{kind}-{number}"

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with held:
                held.seek(0)
                self._inner.pack_file_object(self._name(None, "stream"), held, [])


def _chunk_bytes(chunks: int | str | Sequence[int | str]) -> tuple[int, int, int]:
    """Least, average and most bytes of a chunk; Rust checks them against each other."""
    if isinstance(chunks, (int, str)):
        average = size_of(chunks)
        sizes = [average // 4, average, average * 4]
    else:
        sizes = [size_of(size) for size in chunks]
    if len(sizes) != 3 or max(sizes) >= 1 << 32:
        raise ArgumentError(f"chunks are their average or (least, average, most) bytes, not {chunks!r}")
    return (sizes[0], sizes[1], sizes[2])


def _user_entry(key: str, data: bytes) -> MetadataFields:
    return {"kind": "user", "key": key, "data": data, "text": None}


#: Options of `Writer` that are needed again to read what it wrote.
READ_OPTIONS = ("password", "remote", "s3_region", "endpoint_url", "allow_restricted", "deadline")


def build(
    source: Path,
    output: Path,
    *,
    profile: Profile = "generic",
    exclude: Iterable[str] = (),
    **overrides: Any,
) -> Metadata:
    """Make an archive of a file, or of all files in a folder, named from that folder on.

    Parameters
    ----------
    source : path
        What to archive.
    output : path
        The archive.
    profile : {"generic", "ml", "eda", "embedded", "archival"}
        See `PROFILES`.
    exclude : iterable of str
        What of a folder is left out, as for `Writer.add_file`; nothing by default.
    **overrides
        Options of `Writer` that go before the profile's.

    Returns
    -------
    Metadata
        What is known of the archive.
    """
    text = path_of(source)
    inside = os.path.join(text, ".") if os.path.isdir(text) else text
    with Writer(output, profile=profile, **overrides) as writer:
        writer.add_file(inside, exclude=exclude)
    with Reader(output, **{key: overrides[key] for key in READ_OPTIONS if key in overrides}) as reader:
        return reader.metadata


def unpack(
    src: Source,
    directory: Path,
    *,
    special_modes: bool = False,
    xattrs: bool = True,
    sparse: bool = False,
    max_bytes: int | str | None = None,
    threads: int | None = None,
    password: str | bytes | None = None,
    remote: Remote | None = None,
    parents: Path | Sequence[Path] = (),
    revision: int | Literal["whole"] | None = None,
) -> int:
    """Write all files, folders and links of an archive into a new folder, which they cannot leave.

    Parameters
    ----------
    src : path, address, bytes, buffer or binary file object
        The archive.
    directory : path
        The folder; it must not exist, or be empty, and appears when everything is in it.
    special_modes : bool
        Restore the set-user-ID, set-group-ID and sticky bits.
    xattrs : bool
        Restore extended attributes.
    sparse : bool
        Leave holes in files where they have zeros for whole blocks of 4096 bytes: they read the same and take
        less room.
    max_bytes : int or str, optional
        Refuse more bytes of files; by default 1 TiB.
    threads : int, optional
        At most so many; by default what the machine offers.
    password : str or bytes, optional
        Of an encrypted archive; others do not look at it.
    remote : Remote, optional
        How an archive at an address is read.
    parents : path or sequence of paths, optional
        Where the parents of a thin archive are, if not where it says.
    revision : int or "whole", optional
        An earlier revision, as of `Reader`.

    Returns
    -------
    int
        Bytes of the files.

    Raises
    ------
    ArgumentError
        A path leads out of the folder or through a link, or is given twice; nothing was written.
    ParentError
        A parent is missing or was replaced; nothing appears.
    IntegrityError
        A file was changed; nothing appears.
    """
    options: UnpackFields = {
        "special_modes": special_modes,
        "xattrs": xattrs,
        "sparse": sparse,
        "max_bytes": None if max_bytes is None else size_of(max_bytes),
        "threads": thread_limit(threads),
    }
    with open_archive(src, remote, password, parents, revision) as archive:
        return archive.unpack(path_of(directory), options)[1]


def flatten(
    src: Source,
    dst: Path,
    *,
    password: str | bytes | None = None,
    new_password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    overwrite: bool = False,
) -> None:
    """Copy a thin archive, with all it names of its parents, into one that needs none.

    Blocks are copied as they are coded, and checked. It serves too to encrypt an archive or to decrypt one.

    Parameters
    ----------
    src : path or bytes
        The thin archive.
    dst : path
        The new archive.
    password : str or bytes, optional
        Of an encrypted archive.
    new_password : str or bytes, optional
        Encrypt the new archive; without, it is not.
    parents : path or sequence of paths, optional
        Where the parents are, if not where the archive says.
    overwrite : bool, default False
        Replace an archive at `dst`.

    Raises
    ------
    ParentError
        A parent is missing or was replaced.
    """
    with Reader(src, password=password, parents=parents) as reader:
        reader._open().flatten(path_of(dst), overwrite, secret_bytes(new_password))
