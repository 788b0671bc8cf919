"""A second reader of Holotype archives: slow, plain Python, standard library only, laid out like the spec."""

from .container import Archive
from .errors import Corrupt, Refused, Truncated, Unsupported
from .image import Image, read_file, read_image
from .tensor import Tensor, read_tensor


def read_content(archive: Archive, item: dict) -> bytes:
    """The raw content of an item of any kind."""
    if item[1] == 4:
        return read_tensor(archive, item).elements
    return read_file(archive, item) if item[1] else read_image(archive, item).samples

__all__ = [
    "Archive", "Corrupt", "Image", "Refused", "Tensor", "Truncated", "Unsupported", "read_content", "read_file",
    "read_image", "read_tensor",
]  # fmt: skip
