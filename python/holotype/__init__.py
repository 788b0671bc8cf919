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

Importing this module imports neither NumPy nor Pillow and starts no thread.
"""

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
from holotype._remote import Remote
from holotype._signing import keygen, rekey, sign
from holotype._write import dumps, encode, write

__all__ = [
    "ArchiveInfo",
    "ArgumentError",
    "DecryptionError",
    "Encoded",
    "Finding",
    "FormatError",
    "HolotypeError",
    "ImageInfo",
    "IntegrityError",
    "ItemInfo",
    "LimitError",
    "LossError",
    "MetadataEntry",
    "NotFoundError",
    "Palette",
    "Remote",
    "RemoteError",
    "SignatureError",
    "TruncatedError",
    "UnsupportedError",
    "VerifyReport",
    "__version__",
    "decode",
    "decode_to_file",
    "dumps",
    "encode",
    "extract_thumbnail",
    "info",
    "keygen",
    "loads",
    "read",
    "rekey",
    "sign",
    "verify",
    "write",
]
