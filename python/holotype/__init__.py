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

from holotype._animation import (
    Animation,
    append_frames,
    frame_count,
    get_audio,
    get_delays,
    get_loop_count,
    get_metadata,
    open_animation,
    read_frame,
    read_frames,
    write_animation,
)
from holotype._animation_files import export_animation, import_animation
from holotype._batch import read_many
from holotype._errors import (
    ArgumentError,
    DecryptionError,
    FormatError,
    HolotypeError,
    IntegrityError,
    LimitError,
    LossError,
    NotFoundError,
    ParentError,
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
from holotype._writer import PROFILES, Writer, build, flatten, unpack

if TYPE_CHECKING:
    from holotype import checkpoint as checkpoint
    from holotype import generation as generation
    from holotype._async import AsyncItemReader, AsyncReader

__all__ = [
    "PROFILES",
    "AnalysisReport",
    "Animation",
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
    "ParentError",
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
    "append_frames",
    "build",
    "checkpoint",
    "decode",
    "decode_to_file",
    "dumps",
    "encode",
    "export_animation",
    "extract_thumbnail",
    "flatten",
    "frame_count",
    "generation",
    "get_audio",
    "get_delays",
    "get_loop_count",
    "get_metadata",
    "import_animation",
    "info",
    "inspect",
    "keygen",
    "loads",
    "open",
    "open_animation",
    "open_tensors",
    "read",
    "read_frame",
    "read_frames",
    "read_many",
    "rekey",
    "sign",
    "unpack",
    "verify",
    "write",
    "write_animation",
    "write_tensors",
]


def __getattr__(name: str) -> Any:
    """What is loaded when it is first used."""
    if name in ("AsyncItemReader", "AsyncReader"):
        from holotype import _async

        return getattr(_async, name)
    if name in ("checkpoint", "generation"):
        import importlib

        return importlib.import_module(f"holotype.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
