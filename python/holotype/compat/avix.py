"""The calls of AVIX: `encode`, `decode`, `decode_to_file`, `extract_thumbnail`.

Move a script with `import holotype.compat.avix as avix`. The files are Holotype archives. Where AVIX lost
something, this does not: 16-bit, float, gray, palette and CMYK sources come back as they were, with ICC,
EXIF, XMP, text and resolution, and damage raises `holotype.IntegrityError`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import holotype
from holotype._read import decode

if TYPE_CHECKING:
    from PIL import Image

    from holotype._sources import Destination, Source
    from holotype._write import Mode

__all__ = ["GPU_AVAILABLE", "NUMBA_AVAILABLE", "decode", "decode_to_file", "encode", "extract_thumbnail"]

#: True if kernels are compiled; Holotype's always are.
NUMBA_AVAILABLE = True
#: True if a GPU takes part; none does.
GPU_AVAILABLE = False

_log = logging.getLogger(__name__)


def encode(src: Source | Image.Image, out: Destination, mode: Mode = "archival") -> bool:
    """Seal an image in an archive.

    Parameters
    ----------
    src : path, bytes, file object or PIL.Image.Image
        The image.
    out : path or file object
        Where the archive goes; an existing file is replaced.
    mode : {"archival", "standard", "fast"}
        Size against time.

    Returns
    -------
    bool
        False, with a logged error, if `src` does not exist or cannot be opened; otherwise True.

    Raises
    ------
    holotype.HolotypeError
        `src` is no image or cannot be kept exactly.
    """
    try:
        holotype.encode(src, out, mode=mode)
    except OSError as error:
        _log.error("%s", error)
        return False
    return True


def decode_to_file(avix: Source, img: Destination) -> bool:
    """Write an archive's image as an image file, in the format its extension names.

    Returns
    -------
    bool
        False, with a logged error, if a file cannot be opened; otherwise True.

    Raises
    ------
    holotype.IntegrityError
        The archive was changed.
    holotype.LossError
        The format cannot hold the image.
    """
    try:
        holotype.decode_to_file(avix, img)
    except OSError as error:
        _log.error("%s", error)
        return False
    return True


def extract_thumbnail(path: Source) -> Image.Image:
    """The preview, longest side 128, as an RGB image that any format can take. It is covered by the seal."""
    return holotype.extract_thumbnail(path).convert("RGB")
