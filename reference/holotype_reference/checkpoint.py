"""Files made of tensors: `docs/format.md` section 13.2."""

from __future__ import annotations

import hashlib

from . import cbor
from .container import Archive
from .errors import require
from .image import check_preview
from .tensor import read_tensor


def read_made_file(archive: Archive, item: dict) -> bytes:
    """A file item that has a descriptor, its content hash checked."""
    require(item[6] == {0: 1} and 5 in item, "the descriptor of a file")
    blocks = archive.content_blocks(item)
    require(len(blocks) == 1, "the list of a file's parts")
    parts = cbor.decode(archive.unpacked(blocks[0]))
    require(isinstance(parts, list), "the list of a file's parts")
    names = [part for part in parts if isinstance(part, str)]
    require(len(set(names)) == len(names), "a tensor is a part twice")
    content = b""
    for part in parts:
        if isinstance(part, str):
            found = [other for other in archive.items if other[0] == part and other[1] == 4]
            require(len(found) == 1, "a tensor that a file is made of is not there")
            part = read_tensor(archive, found[0]).elements
        else:
            require(isinstance(part, bytes) and part != b"", "a part of a file")
        content += part
    require(len(content) == item[4] and hashlib.sha256(content).digest() == item[3], "the file's content")
    check_preview(archive, item)
    return content
