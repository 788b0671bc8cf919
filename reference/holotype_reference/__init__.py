"""A second reader of Holotype archives: slow, plain Python, standard library only, laid out like the spec."""

from .animation import read_audio, read_frames
from .checkpoint import read_made_file
from .container import Archive
from .errors import Corrupt, Refused, Truncated, Unsupported, WrongPassword
from .generation import read_generation
from .image import Image, read_file, read_image, read_item
from .signature import check_signatures
from .tensor import Tensor, read_tensor


def read_content(archive: Archive, item: dict) -> bytes:
    """The raw content of an item of any kind."""
    if item[1] == 2:
        return b"".join(read_frames(archive, item))
    if item[1] == 3:
        return read_audio(archive, item)
    if item[1] == 4:
        return read_tensor(archive, item).elements
    if item[1] == 1 and 6 in item:
        return read_made_file(archive, item)
    return read_generation(archive, item) if item[1] == 5 else read_item(archive, item)


__all__ = [
    "Archive", "Corrupt", "Image", "Refused", "Tensor", "Truncated", "Unsupported", "WrongPassword", "check_signatures",
    "read_audio", "read_content", "read_file", "read_frames", "read_generation", "read_image", "read_item", "read_tensor",
]  # fmt: skip
