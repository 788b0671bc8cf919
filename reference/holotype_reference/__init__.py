"""A second reader of Holotype archives: slow, plain Python, standard library only, laid out like the spec."""

from .container import Archive
from .errors import Corrupt, Refused, Truncated, Unsupported, WrongPassword
from .generation import read_generation
from .image import Image, read_file, read_image, read_item
from .signature import check_signatures
from .tensor import Tensor, read_tensor


def read_content(archive: Archive, item: dict) -> bytes:
    """The raw content of an item of any kind."""
    if item[1] == 4:
        return read_tensor(archive, item).elements
    return read_generation(archive, item) if item[1] == 5 else read_item(archive, item)


__all__ = [
    "Archive", "Corrupt", "Image", "Refused", "Tensor", "Truncated", "Unsupported", "WrongPassword", "check_signatures",
    "read_content", "read_file", "read_generation", "read_image", "read_item", "read_tensor",
]  # fmt: skip
