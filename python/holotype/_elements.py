"""Tensors of NumPy, PyTorch and DLPack ↔ element types and flat bytes."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from holotype._arrays import as_array
from holotype._errors import UnsupportedError
from holotype._info import DTYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from holotype._fields import TensorFields

#: NumPy's own dtypes by element type.
PLAIN = {**DTYPES, "complex64": "complex64", "complex128": "complex128"}
#: Dtypes of the package `ml_dtypes`, and of PyTorch under the same names.
EXTENDED = {
    "bf16": "bfloat16",
    "f8_e4m3fn": "float8_e4m3fn",
    "f8_e5m2": "float8_e5m2",
    "f8_e4m3fnuz": "float8_e4m3fnuz",
    "f8_e5m2fnuz": "float8_e5m2fnuz",
    "f8_e8m0fnu": "float8_e8m0fnu",
}
ELEMENT_OF = {name: element for element, name in (PLAIN | EXTENDED).items()}
DATETIME = re.compile(r"(datetime64|timedelta64)(\[.+\])?")


@dataclass(frozen=True)
class Elements:
    """A tensor's descriptor, and its elements as flat bytes: no copy if they lie that way already."""

    fields: TensorFields
    data: NDArray[np.uint8]


def take(source: object) -> Elements:
    """The elements of an array, a PyTorch tensor, or anything with `__dlpack__` or `__array__`.

    Raises
    ------
    UnsupportedError
        The dtype cannot be stored exactly.
    """
    if is_torch_tensor(source):
        return _from_torch(source)
    if isinstance(source, np.ndarray) or hasattr(source, "__array__") or not hasattr(source, "__dlpack__"):
        return _from_numpy(as_array(source))
    try:
        return _from_numpy(np.from_dlpack(source))
    except (BufferError, RuntimeError) as error:
        # bfloat16 and 8-bit floats, which NumPy has only by another package.
        if importlib.util.find_spec("torch") is None:
            raise UnsupportedError(f"NumPy cannot take this DLPack tensor: {error}") from error
    import torch

    try:
        return _from_torch(torch.from_dlpack(source))
    except (BufferError, RuntimeError) as error:
        raise UnsupportedError(f"neither NumPy nor PyTorch takes this DLPack tensor: {error}") from error


def is_torch_tensor(source: object) -> bool:
    """True for a tensor of PyTorch, of a class derived from it too; nothing is imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _from_numpy(array: NDArray[Any]) -> Elements:
    name = array.dtype.name
    opaque = None
    element = ELEMENT_OF.get(name)
    if element is None:
        if array.dtype.kind in "mM":
            opaque = (name, 64)
        elif (
            type(array.dtype).__module__.startswith("ml_dtypes") or array.dtype.type.__module__ == "ml_dtypes"
        ):
            opaque = (name, 8 * array.dtype.itemsize)
        else:
            raise UnsupportedError(f"arrays of dtype {array.dtype} cannot be stored exactly")
        element = "opaque"
    is_fortran = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
    stored = array.T if is_fortran else array
    if not array.dtype.isnative:
        stored = stored.astype(array.dtype.newbyteorder("="))
    stored = np.ascontiguousarray(stored).reshape(-1)
    data = (stored.byteswap() if sys.byteorder == "big" else stored).view(np.uint8)
    if array.dtype.kind == "b":
        data = truth(data)
    return Elements(_fields(element, opaque, array.shape, is_fortran), data)


def truth(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bytes of booleans as the 0 and 1 that NumPy and PyTorch count on; others are true."""
    return (data != 0).view(np.uint8) if data.size and data.max() > 1 else data


def _from_torch(tensor: Any) -> Elements:
    torch = sys.modules["torch"]
    if tensor.layout != torch.strided:
        raise UnsupportedError(f"tensors of layout {tensor.layout} cannot be stored exactly")
    if tensor.device.type == "meta":
        raise UnsupportedError("tensors on the device `meta` have no elements")
    name = str(tensor.dtype).removeprefix("torch.")
    element = ELEMENT_OF.get(name)
    if element is None:
        raise UnsupportedError(f"tensors of dtype {tensor.dtype} cannot be stored exactly")
    tensor = tensor.detach().cpu()
    # Lazy conjugation and negation are views over other bits.
    tensor = tensor.resolve_conj().resolve_neg()
    turned = tensor.permute(tuple(reversed(range(tensor.dim()))))
    is_fortran = tensor.dim() > 1 and turned.is_contiguous() and not tensor.is_contiguous()
    flat = (turned if is_fortran else tensor).contiguous().reshape(-1)
    data = flat.view(torch.uint8).numpy() if flat.numel() else np.zeros(0, np.uint8)
    if element == "bool":
        data = truth(data)
    return Elements(_fields(element, None, tuple(tensor.shape), bool(is_fortran)), data)


def _fields(
    element: str, opaque: tuple[str, int] | None, shape: tuple[int, ...], is_fortran: bool
) -> TensorFields:
    return {"element": element, "opaque": opaque, "shape": [int(n) for n in shape], "is_fortran": is_fortran}


def dtype_name(fields: TensorFields) -> str:
    """Name of the NumPy or `ml_dtypes` dtype, or of the opaque type."""
    if fields["opaque"] is not None:
        return fields["opaque"][0]
    return (PLAIN | EXTENDED)[fields["element"]]


def dtype_of(fields: TensorFields) -> np.dtype[Any]:
    """The dtype whose arrays hold such elements.

    Raises
    ------
    UnsupportedError
        The package `ml_dtypes` has it and is not there, or no package has it.
    """
    name = dtype_name(fields)
    if fields["element"] in PLAIN or (fields["opaque"] is not None and DATETIME.fullmatch(name)):
        plain: np.dtype[Any] = np.dtype(name)
        return plain.newbyteorder("<")
    try:
        import ml_dtypes
    except ImportError:
        raise UnsupportedError(
            f"NumPy has no dtype {name}: install ml_dtypes, or use `bits` or `torch`"
        ) from None
    scalar = getattr(ml_dtypes, name, None)
    n_bits = fields["opaque"][1] if fields["opaque"] else None
    if scalar is None or n_bits not in (None, 8 * np.dtype(scalar).itemsize):
        raise UnsupportedError(f"no dtype holds elements of {name}; use `bits`")
    extended: np.dtype[Any] = np.dtype(scalar)
    return extended


def bits_dtype(fields: TensorFields) -> np.dtype[Any] | None:
    """Unsigned integers of the elements' width; None if there are none."""
    n_bits = fields["opaque"][1] if fields["opaque"] else 8 * dtype_size(fields["element"])
    return np.dtype(f"<u{n_bits // 8}") if n_bits in (8, 16, 32, 64) else None


def dtype_size(element: str) -> int:
    """Bytes of one element."""
    if element in EXTENDED:
        return 2 if element == "bf16" else 1
    return np.dtype(PLAIN[element]).itemsize
