"""A second reader of Holotype archives: slow, plain Python, standard library only, laid out like the spec."""

from .container import Archive
from .errors import Corrupt, Refused, Truncated, Unsupported, WrongPassword
from .image import Image, read_file, read_image
from .signature import check_signatures

__all__ = [
    "Archive",
    "Corrupt",
    "Image",
    "Refused",
    "Truncated",
    "Unsupported",
    "WrongPassword",
    "check_signatures",
    "read_file",
    "read_image",
]
