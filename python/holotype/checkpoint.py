"""Checkpoints of models: safetensors in and out, NPZ in and out, and states of PyTorch without pickle.

`holo pack model.safetensors -o model.holo` and `Writer.add_file` store a safetensors file as its tensors and
give it back byte for byte; here are the same steps in Python, and those for what has no file yet.

>>> import holotype, numpy
>>> from holotype import checkpoint
>>> data = checkpoint.dumps_state({"epoch": 3, "model": {"w": numpy.ones((2, 3), "f4")}})
>>> state = checkpoint.loads_state(data)
>>> state["epoch"], state["model"]["w"].shape
(3, (2, 3))
>>> holotype.open_tensors(data)["model.w"][1].tolist()
[1.0, 1.0, 1.0]
"""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any, Literal

from holotype import _holotype
from holotype._errors import ArgumentError, FormatError, HolotypeError, NotFoundError, UnsupportedError
from holotype._reader import Reader
from holotype._sources import path_of
from holotype._tensors import Tensor, Tensors
from holotype._writer import Writer, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from holotype._sources import Destination, Path, Source

__all__ = [
    "dumps_state",
    "export_npz",
    "export_safetensors",
    "import_npz",
    "import_safetensors",
    "load_state",
    "load_tensors",
    "loads_state",
    "save_state",
]

#: Item that says how the tensors of a state belong together.
STATE = "holotype.state.json"
_INDEX = ".safetensors.index.json"
#: Deepest nesting of a state.
_MAX_DEPTH = 64


def import_safetensors(
    src: Path,
    dst: Destination,
    *,
    parent: Path | Sequence[Path] = (),
    overwrite: bool = False,
    password: str | bytes | None = None,
    threads: int | None = None,
) -> list[str]:
    """Store a checkpoint: a safetensors file, an index and its shards, or a folder with all in it.

    Parameters
    ----------
    src : path
        `model.safetensors`, `model.safetensors.index.json`, or a folder.
    dst : path or binary file object
        The archive.
    parent : path or sequence of paths, optional
        Archives of other checkpoints: tensors are stored against those of the same name, where that is
        smaller.
    overwrite, password, threads
        As of `Writer`; `threads` is its `num_workers`.

    Returns
    -------
    list of str
        Names of the files, which `unpack` and `export_safetensors` give back byte for byte.

    Raises
    ------
    FormatError
        A shard that the index names is not there, or there is no safetensors file.
    FileNotFoundError
        There is nothing at `src`.
    """
    path = path_of(src)
    with Writer(dst, parent=parent, overwrite=overwrite, password=password, num_workers=threads) as writer:
        if os.path.isdir(path):
            files = sorted(
                os.path.relpath(os.path.join(folder, name), path)
                for folder, _, names in os.walk(path)
                for name in names
            )
            writer.add_file(os.path.join(path, "."))
        else:
            folder = os.path.dirname(path)
            files = [os.path.basename(path)]
            if path.endswith(_INDEX):
                files += shards_of(path)
            for name in files:
                if name != files[0] and not os.path.isfile(os.path.join(folder, name)):
                    raise FormatError(f"the index names {name!r}, which is not there", name)
                writer.add_file(os.path.join(folder, name), name=name)
        if not any(name.lower().endswith(".safetensors") for name in files):
            raise FormatError(f"{path} has no safetensors file", path)
    return [name.replace(os.sep, "/") for name in files]


def export_safetensors(
    src: Source, directory: Path, *, password: str | bytes | None = None, threads: int | None = None
) -> None:
    """Write the files of an archive that `import_safetensors` made into a new folder, byte for byte."""
    unpack(src, directory, password=password, threads=threads)


def shards_of(index: Path) -> list[str]:
    """The files that an index names, in order.

    Raises
    ------
    FormatError
        It is no index, or names files elsewhere.
    """
    path = path_of(index)
    with open(path, "rb") as file:
        try:
            known = json.load(file)
            names = sorted(set(known["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FormatError(f"{path} is no index of a checkpoint: {error}", path) from None
    for name in names:
        if not isinstance(name, str) or os.path.basename(name) != name or name in ("", ".", ".."):
            raise FormatError(f"{path} names {name!r}, which is no file beside it", path)
    return names


def load_tensors(
    src: Source,
    *,
    framework: Literal["numpy", "torch"] = "numpy",
    file: str | None = None,
    password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    threads: int | None = None,
) -> dict[str, Any]:
    """The tensors of a checkpoint by the names they have in it.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        An archive.
    framework : {"numpy", "torch"}
        What they become.
    file : str, optional
        One of several safetensors files in the archive; by default the tensors of all, and those of no file.
    password, parents, threads
        As of `open_tensors` and `Tensor.read`.

    Raises
    ------
    ArgumentError
        Two files have a tensor of the same name: name one of them.
    FormatError
        A safetensors file was stored as a file like any other: `unpack` gives it.
    NotFoundError
        There is no such file.
    """
    if framework not in ("numpy", "torch"):
        raise ArgumentError(f"framework is 'numpy' or 'torch', not {framework!r}")
    tensors = Tensors(src, password=password, parents=parents)
    with Reader(src, password=password, parents=parents) as reader:
        found = _names(reader, list(tensors), file)
    loaded = {}
    for name, item in found.items():
        tensor = tensors[item]
        loaded[name] = tensor.read(threads=threads) if framework == "numpy" else tensor.torch(threads=threads)
    return loaded


def _names(reader: Reader, tensors: list[str], file: str | None) -> dict[str, str]:
    """Items of the tensors by the names they have in the checkpoint."""
    files = [name for name in reader.names() if name.lower().endswith(".safetensors")]
    if file is not None and file not in files:
        raise NotFoundError(f"no safetensors file named `{file}`", file)
    archive = reader._open()
    items: dict[str, str] = {}
    owners: dict[str, str] = {}
    loose = dict.fromkeys(tensors)

    def add(tensor: str, item: str, owner: str) -> None:
        if tensor in items:
            raise ArgumentError(f"{owners[tensor]} and {owner} both have a tensor `{tensor}`: name one")
        items[tensor], owners[tensor] = item, owner

    for name in files:
        parts = _holotype.tensors_of_file(archive, name)
        if parts is None and file in (None, name):
            raise FormatError(f"`{name}` is stored as a file, not as its tensors: unpack it", name)
        for item in parts or ():
            loose.pop(item, None)
        if parts and file in (None, name):
            stream = reader.item(name)
            own = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            for item in parts:
                # A name that was taken has the file's before it.
                add(item if item in own else item.removeprefix(f"{name}:"), item, f"`{name}`")
    for item in loose if file is None else ():
        add(item, item, "the archive")
    return items


#: Attribute of a tensor whose numbers had another byte order than tensors have: its dtype in NumPy's words.
_DTYPE = "numpy.dtype"


def import_npz(src: Path, dst: Destination, *, overwrite: bool = False, threads: int | None = None) -> None:
    """Store the arrays of an NPY or NPZ file by their names; that of an NPY file is named `array`.

    Raises
    ------
    FormatError
        It is no such file, or holds Python objects.
    UnsupportedError
        It holds texts or records, which no tensor is.
    """
    import zipfile

    import numpy as np

    path = path_of(src)
    try:
        with open(path, "rb") as file, Writer(dst, overwrite=overwrite, num_workers=threads) as writer:
            # A mapped array is of the file by its name.
            is_npy = path.endswith(".npy")
            loaded = np.load(path if is_npy else file, allow_pickle=False, mmap_mode="r" if is_npy else None)
            if isinstance(loaded, np.ndarray):
                _add_array(writer, "array", loaded)
                return
            with loaded:
                for name in loaded.files:
                    _add_array(writer, name, loaded[name])
    except (ValueError, EOFError, KeyError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, (FileNotFoundError, FileExistsError)):
            raise
        raise FormatError(f"{path}: {error}", path) from error


def _add_array(writer: Writer, name: str, array: NDArray[Any]) -> None:
    is_plain = array.dtype.isnative and array.dtype.byteorder != ">"
    writer.add_tensor(name, array, attributes=None if is_plain else {_DTYPE: array.dtype.str})


def export_npz(src: Source, dst: Path, *, password: str | bytes | None = None) -> None:
    """Write the tensors of an archive into an NPZ file, uncompressed, or the only one into an NPY file.

    It replaces what is at `dst`, once all of it is written.

    Raises
    ------
    ArgumentError
        An NPY file holds one array.
    UnsupportedError
        NPY has no type for a tensor, such as one of bfloat16: nothing is written.
    """
    import tempfile
    import zipfile

    import numpy as np

    path = path_of(dst)
    tensors = Tensors(src, password=password)
    is_npy = path.endswith(".npy")
    if is_npy and len(tensors) != 1:
        raise ArgumentError(f"an NPY file holds one array, there are {len(tensors)}")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path) or ".", prefix=".holotype-") as folder:
        partial = os.path.join(folder, "partial")
        with open(partial, "wb") as file:
            if is_npy:
                np.lib.format.write_array(file, _array_of(*tensors.values()), allow_pickle=False)
            else:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                    for name, tensor in tensors.items():
                        array = _array_of(tensor)
                        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, array, allow_pickle=False)
        os.replace(partial, path)


def _array_of(tensor: Tensor) -> NDArray[Any]:
    """The elements in the byte order they came in."""
    import numpy as np

    array = tensor.read()
    if array.dtype.kind == "V" or np.dtype(array.dtype.str) != array.dtype:
        raise UnsupportedError(
            f"NPY has no type for `{tensor.name}`, whose elements are {tensor.dtype}", tensor.name
        )
    asked = tensor.attributes.get(_DTYPE)
    if isinstance(asked, str) and asked == array.dtype.newbyteorder(">").str:
        return array.astype(array.dtype.newbyteorder(">"))
    return array


def save_state(
    dst: Destination | None,
    state: Mapping[Any, Any],
    *,
    parent: Path | Sequence[Path] = (),
    overwrite: bool = False,
    password: str | bytes | None = None,
    threads: int | None = None,
) -> bytes:
    """Seal what `state_dict()` of a module or optimiser gives, or a mapping of several, without pickle.

    Parameters
    ----------
    dst : path, binary file object or None
        The archive; None returns it.
    state : mapping
        Mappings, lists and tuples of tensors, arrays, numbers, strings, booleans and None, up to 64 deep. A
        tensor that is there twice is stored once and is one tensor again; each is an item named by its way,
        such as `model.layer.weight`.
    parent : path or sequence of paths, optional
        Archives of other states: tensors are stored against those of the same name, where that is smaller.
    overwrite, password, threads
        As of `Writer`.

    Raises
    ------
    ArgumentError, UnsupportedError
        The state holds something else; the message says where.
    """
    with Writer(dst, parent=parent, overwrite=overwrite, password=password, num_workers=threads) as writer:
        tree = _Saving(writer).put(state, ())
        writer.add_bytes(json.dumps(tree, separators=(",", ":")).encode(), name=STATE)
    return writer.data


def dumps_state(state: Mapping[Any, Any], **options: Any) -> bytes:
    """`save_state` to bytes."""
    return save_state(None, state, **options)


class _Saving:
    """Puts tensors into an archive and says how they belong together."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._names: set[str] = {STATE}
        #: Item of each tensor that was put, by what it is.
        self._known: dict[Any, str] = {}
        self._held: list[Any] = []

    def put(self, value: Any, way: tuple[str, ...]) -> Any:
        where = ".".join(way) or "the state"
        if len(way) > _MAX_DEPTH:
            raise ArgumentError(f"{where} is nested too deep")
        if value is None or isinstance(value, (bool, str)) or type(value) is int:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, dict) or hasattr(value, "items"):
            return {"dict": [[self._key(k, where), self.put(v, (*way, str(k)))] for k, v in value.items()]}
        if isinstance(value, (list, tuple)):
            parts = [self.put(part, (*way, str(i))) for i, part in enumerate(value)]
            return {"list" if isinstance(value, list) else "tuple": parts}
        from holotype import _elements

        kind = "torch" if _elements.is_torch_tensor(value) else "numpy"
        if kind == "numpy" and not (hasattr(value, "__array_interface__") and hasattr(value, "dtype")):
            raise ArgumentError(f"{where} is a {type(value).__name__}, which is stored only by pickle")
        try:
            return {kind: self._tensor(value, kind, way)}
        except HolotypeError as error:
            raise type(error)(f"{where}: {error}", error.item) from error

    def _key(self, key: Any, where: str) -> Any:
        if isinstance(key, str) or type(key) is int:
            return key
        raise ArgumentError(f"{where} has the key {key!r}: keys are str or int")

    def _tensor(self, value: Any, kind: str, way: tuple[str, ...]) -> str:
        same: Any = id(value)
        if kind == "torch" and str(value.layout) == "torch.strided" and value.numel():
            same = (value.data_ptr(), str(value.device), value.dtype, tuple(value.shape), value.stride())
        if same in self._known:
            return self._known[same]
        name = ".".join(way) or "tensor"
        while name in self._names:
            name += "_"
        self._names.add(name)
        self._known[same] = name
        # What an id names must not go while the state is put.
        self._held.append(value)
        self._writer.add_tensor(name, value)
        return name


def load_state(
    src: Source,
    *,
    framework: Literal["as saved", "numpy", "torch"] = "as saved",
    password: str | bytes | None = None,
    parents: Path | Sequence[Path] = (),
    threads: int | None = None,
) -> Any:
    """What `save_state` stored, checked; no code in it is run.

    Parameters
    ----------
    src : path, bytes, buffer or binary file object
        The archive.
    framework : {"as saved", "numpy", "torch"}
        What tensors become; by default what they were. PyTorch tensors come on the CPU.

    Raises
    ------
    FormatError
        It holds no state.
    """
    if framework not in ("as saved", "numpy", "torch"):
        raise ArgumentError(f"framework is 'as saved', 'numpy' or 'torch', not {framework!r}")
    tensors = Tensors(src, password=password, parents=parents)
    with Reader(src, password=password, parents=parents) as reader:
        if STATE not in reader:
            raise FormatError("the archive holds no state", STATE)
        text = reader.item(STATE).read()
    loaded: dict[tuple[str, str], Any] = {}

    def tensor(kind: str, name: str) -> Any:
        kind = kind if framework == "as saved" else framework
        if (kind, name) not in loaded:
            stored = tensors[name]
            made = stored.torch(threads=threads) if kind == "torch" else stored.read(threads=threads)
            loaded[kind, name] = made
        return loaded[kind, name]

    def get(value: Any) -> Any:
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise FormatError("the state is malformed", STATE)
            return value
        ((kind, inner),) = value.items()
        if kind == "dict":
            return {key: get(part) for key, part in inner}
        if kind == "list":
            return [get(part) for part in inner]
        if kind == "tuple":
            return tuple(get(part) for part in inner)
        if kind == "float" and inner in ("inf", "-inf", "nan"):
            return float(inner)
        if kind in ("torch", "numpy") and isinstance(inner, str):
            return tensor(kind, inner)
        raise FormatError("the state is malformed", STATE)

    try:
        return get(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"the state is malformed: {error}", STATE) from None


def loads_state(data: bytes, **options: Any) -> Any:
    """`load_state` of bytes."""
    return load_state(data, **options)
