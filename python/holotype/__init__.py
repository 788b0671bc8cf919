"""One sealed, lossless, random-access file for images, tensors and data sets.

Archives are read from paths, `http`, `https` and `s3` addresses, `bytes`, buffers and file objects, and every
byte is checked before it is used.

>>> import holotype, numpy
>>> image = numpy.random.default_rng(1).integers(0, 4096, (64, 48, 3), dtype="u2")
>>> data = holotype.dumps(image)
>>> holotype.info(data).image.shape
(64, 48, 3)
>>> bool((holotype.loads(data) == image).all())
True
>>> bool(holotype.verify(data))
True

Importing this module imports neither NumPy nor Pillow nor asyncio, and starts no thread.
"""

from typing import TYPE_CHECKING, Any

from holotype._errors import (
    ArgumentError,
    DecryptionError,
    FormatError,
    HolotypeError,
    IntegrityError,
    LimitError,
    LossError,
    NotFoundError,
    RemoteError,
    SignatureError,
    TruncatedError,
    UnsupportedError,
)
from holotype._holotype import __version__
from holotype._info import (
    ArchiveInfo,
    Encoded,
    Finding,
    ImageInfo,
    ItemInfo,
    MetadataEntry,
    Palette,
    VerifyReport,
)
from holotype._read import decode, decode_to_file, extract_thumbnail, info, loads, read, verify
from holotype._reader import ItemReader, Reader, inspect, open
from holotype._remote import Remote
from holotype._signing import keygen, rekey, sign
from holotype._summary import AnalysisReport, Metadata
from holotype._tensors import Tensor, Tensors, TensorWriter, open_tensors, write_tensors
from holotype._write import dumps, encode, write
from holotype._writer import PROFILES, Writer, build, unpack

if TYPE_CHECKING:
    from holotype import generation as generation
    from holotype._async import AsyncItemReader, AsyncReader

__all__ = [
    "PROFILES",
    "AnalysisReport",
    "ArchiveInfo",
    "ArgumentError",
    "AsyncItemReader",
    "AsyncReader",
    "DecryptionError",
    "Encoded",
    "Finding",
    "FormatError",
    "HolotypeError",
    "ImageInfo",
    "IntegrityError",
    "ItemInfo",
    "ItemReader",
    "LimitError",
    "LossError",
    "Metadata",
    "MetadataEntry",
    "NotFoundError",
    "Palette",
    "Reader",
    "Remote",
    "RemoteError",
    "SignatureError",
    "Tensor",
    "TensorWriter",
    "Tensors",
    "TruncatedError",
    "UnsupportedError",
    "VerifyReport",
    "Writer",
    "__version__",
    "build",
    "decode",
    "decode_to_file",
    "dumps",
    "encode",
    "extract_thumbnail",
    "generation",
    "info",
    "inspect",
    "keygen",
    "loads",
    "open",
    "open_tensors",
    "read",
    "rekey",
    "sign",
    "unpack",
    "verify",
    "write",
    "write_tensors",
]


def __getattr__(name: str) -> Any:
    """What is loaded when it is first used."""
    if name in ("AsyncItemReader", "AsyncReader"):
        from holotype import _async

        return getattr(_async, name)
    if name == "generation":
        import importlib

        return importlib.import_module("holotype.generation")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
