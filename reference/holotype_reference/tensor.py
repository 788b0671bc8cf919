"""Tensors: `docs/format.md` section 13 and `docs/codecs/tensor.md`."""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass

from . import delta, noise, pco, zstd
from .container import RAW, TENSOR_SLICE, Archive, number
from .errors import Corrupt, MissingParent, Truncated, Unsupported, require
from .image import read_file

# Type: bits of a word, words of an element, how words sort.
UNSIGNED, SIGNED, FLOAT = "unsigned", "signed", "float"
TYPES = {
    0: (8, 1, UNSIGNED), 1: (8, 1, UNSIGNED), 2: (8, 1, SIGNED), 3: (16, 1, UNSIGNED), 4: (16, 1, SIGNED),
    5: (32, 1, UNSIGNED), 6: (32, 1, SIGNED), 7: (64, 1, UNSIGNED), 8: (64, 1, SIGNED), 9: (16, 1, FLOAT),
    10: (32, 1, FLOAT), 11: (64, 1, FLOAT), 12: (16, 1, FLOAT), 13: (32, 2, FLOAT), 14: (64, 2, FLOAT),
    15: (8, 1, FLOAT), 16: (8, 1, FLOAT), 17: (8, 1, FLOAT), 18: (8, 1, FLOAT), 19: (8, 1, UNSIGNED),
}  # fmt: skip
OPAQUE = 255
# Types whose bits pco takes for floats.
PCO_FLOATS = (9, 10, 11, 13, 14)
NARROWER = {10: 9, 11: 10}
# Most parents in a row.
MAX_PARENTS = 16
# Bits of exponent and fraction.
LAYOUTS = {9: (5, 10), 10: (8, 23), 11: (11, 52)}


@dataclass(frozen=True)
class Tensor:
    """A tensor; `elements` are as in memory, the first axis the fastest if `is_fortran`."""

    type: int
    opaque: tuple[str, int] | None
    shape: list[int]
    is_fortran: bool
    elements: bytes


def product(values: list[int]) -> int:
    out = 1
    for value in values:
        out *= value
    return out


def read_tensor(archive: Archive, item: dict, n_children: int = 0) -> Tensor:
    """An item of kind 4, its elements checked against their hash; `n_children` tensors in a row need it."""
    d = item.get(6, {})
    require(all(key <= 7 for key in d), "an unknown descriptor key")
    if 7 in d:
        require(isinstance(d[7], bytes) and len(d[7]) == 8 and 5 not in d and 6 not in d, "the largest error")
        bound = struct.unpack("<d", d[7])[0]
        require(0 < bound < math.inf and number(d, 0) in (9, 10, 11, 12, 13, 14), "the largest error")
    type_, shape = number(d, 0), d.get(1)
    require(type_ in TYPES or type_ == OPAQUE, "an element type")
    require(isinstance(shape, list) and len(shape) <= 32 and all(isinstance(n, int) for n in shape), "a shape")
    require(d.get(2, 1) == 1 and (2 not in d or len(shape) > 1), "an order")
    require((3 in d) == (type_ == OPAQUE), "opaque elements have a name and a width")
    opaque = None
    if 3 in d:
        require(isinstance(d[3], list) and len(d[3]) == 2, "an opaque type")
        name, bits = d[3]
        require(isinstance(name, str) and 0 < len(name.encode()) < 256, "the name of an opaque type")
        require(isinstance(bits, int) and 0 < bits <= 4096, "the width of an opaque type")
        opaque = (name, bits)
    else:
        bits = TYPES[type_][0] * TYPES[type_][1]
    n_bytes = (product(shape) * bits + 7) // 8
    require(n_bytes < 1 << 63 and n_bytes == number(item, 4), "the content's size is not the tensor's")
    axes = [n_bytes] if bits % 8 else shape[::-1] if 2 in d else shape
    unit = 1 if bits % 8 else bits // 8
    if 5 in d:
        require(isinstance(d[5], list) and all(isinstance(n, int) for n in d[5]), "a recipe")
        require(len(d[5]) == 3 or (len(d[5]) == 4 and d[5][0] in noise.CUDA and d[5][3] > 0), "a recipe")
        require(d[5][0] in noise.GENERATORS and type_ in noise.TYPES and not {2, 4, 6} & d.keys(), "a recipe")
        blocks = archive.content_blocks(item)
        require(len(blocks) <= 1, "more than one block of corrections")
        elements = noise.generate(d[5], type_, product(shape))
        if blocks:
            elements = noise.correct(elements, bits // 8, archive.unpacked(blocks[0]))
        require(hashlib.sha256(elements).digest() == item[3], "the content hash does not match")
        return Tensor(type_, opaque, shape, False, elements)
    lengths = d.get(4, axes)
    require(isinstance(lengths, list) and len(lengths) == len(axes), "the shape of a slice")
    require(all(isinstance(s, int) and 0 <= s <= n and (s or not n) for s, n in zip(lengths, axes)), "the shape of a slice")
    require(4 not in d or lengths != axes, "a tensor of one slice")
    blocks = archive.content_blocks(item)
    consecutive = are_consecutive(lengths, axes)
    parent = first = None
    if 6 in d:
        parent, first, is_other = read_parent(archive, item, d[6], n_children)
        require(first is None or consecutive, "a tensor compared with bytes has consecutive slices")
        if first is None:
            require(isinstance(parent, Tensor), "the parent is no tensor")
            same = (parent.type, parent.opaque, parent.shape, parent.is_fortran) == (type_, opaque, shape, 2 in d)
            require(same, "the parent has another type, shape or order")
        if is_other and n_bytes and not blocks:
            require(first is None and 4 not in d and item[3] == d[6][2], "it has no blocks and is not its parent")
            return parent
    counts = [-(-n // s) if n else 0 for n, s in zip(axes, lengths)]
    require(len(blocks) == product(counts), "the number of blocks is the number of slices")
    elements = bytearray(n_bytes) if blocks else b""
    for i, block in enumerate(blocks):
        start = []
        for s, count in zip(lengths[::-1], counts[::-1]):
            start.append(i % count * s)
            i //= count
        start.reverse()
        extent = [min(s, n - at) for s, n, at in zip(lengths, axes, start)]
        by = None
        if parent is not None:
            n = product(extent) * unit
            if first is None:
                by = gather(parent.elements, axes, start, extent, unit)
            else:
                offset = 0
                for at, axis in zip(start, axes):
                    offset = offset * axis + at
                content = parent.elements if isinstance(parent, Tensor) else parent
                by = content[first + offset * unit : first + offset * unit + n]
        place(elements, axes, start, extent, unit, slice_content(archive, block, type_, bits, extent, unit, by))
    require(hashlib.sha256(elements).digest() == item[3], "the content hash does not match")
    return Tensor(type_, opaque, shape, 2 in d, bytes(elements))


def place(out: bytearray, axes: list[int], start: list[int], extent: list[int], unit: int, content: bytes) -> None:
    """Puts a slice where it belongs, row by row."""
    row = (extent[-1] if extent else 1) * unit
    at = [0] * max(0, len(extent) - 1)
    for i in range(0, len(content), row):
        offset = 0
        for k, n in enumerate(axes):
            offset = offset * n + start[k] + (at[k] if k < len(at) else 0)
        out[offset * unit : offset * unit + row] = content[i : i + row]
        for k in reversed(range(len(at))):
            at[k] += 1
            if at[k] < extent[k]:
                break
            at[k] = 0


def are_consecutive(lengths: list[int], axes: list[int]) -> bool:
    """True if slices are consecutive parts of the content."""
    cut = max((k for k in range(len(axes)) if lengths[k] != axes[k]), default=0)
    return all(length == 1 for length in lengths[:cut])


def read_parent(archive: Archive, item: dict, name: object, n_children: int) -> tuple[Tensor | bytes, int | None, bool]:
    """Section 13.1: the parent, the byte of it that counts first, and whether it is in another archive."""
    require(isinstance(name, list) and len(name) in (3, 4), "the name of a parent")
    seal, parent_name, sha256 = name[:3]
    require(isinstance(seal, bytes) and len(seal) in (0, 32) and isinstance(parent_name, str), "the name of a parent")
    require(isinstance(sha256, bytes) and len(sha256) == 32, "the name of a parent")
    first = name[3] if len(name) > 3 else None
    require(first is None or isinstance(first, int), "the name of a parent")
    require(n_children < MAX_PARENTS, "too many parents in a row")
    numbers = [i for i, (of_parent, _, _) in enumerate(archive.parents) if of_parent == seal]
    require(not seal or len(numbers) == 1, "the parent is in an archive that is not listed")
    owner = archive.opened_parent(numbers[0]) if seal else archive
    found = [other for other in owner.items if other[0] == parent_name]
    wrong = MissingParent if seal else Corrupt
    if not found:
        raise wrong(f"the parent {parent_name!r} is not there")
    other = found[0]
    require(bool(seal) or other[2] < item[2], "the parent does not come before it")
    if other[3] != sha256:
        raise wrong("the parent has another content hash")
    require(first is None or first + number(item, 4) <= number(other, 4), "the parent is too short")
    require(other[1] == 4 or (other[1] == 1 and 6 not in other), "the parent is neither a tensor nor a file")
    content = read_file(owner, other) if other[1] == 1 else read_tensor(owner, other, n_children + 1)
    return content, first, bool(seal)


def gather(content: bytes, axes: list[int], start: list[int], extent: list[int], unit: int) -> bytes:
    """A box of elements, row by row."""
    out = bytearray()
    row = (extent[-1] if extent else 1) * unit
    at = [0] * max(0, len(extent) - 1)
    for _ in range(product(extent) * unit // row):
        offset = 0
        for k, n in enumerate(axes):
            offset = offset * n + start[k] + (at[k] if k < len(at) else 0)
        out += content[offset * unit : offset * unit + row]
        for k in reversed(range(len(at))):
            at[k] += 1
            if at[k] < extent[k]:
                break
            at[k] = 0
    return bytes(out)


def slice_content(
    archive: Archive, block: int, type_: int, bits: int, extent: list[int], unit: int, parent: bytes | None
) -> bytes:
    record = archive.blocks[block]
    n_bytes = product(extent) * unit
    require(record.codec in (RAW, TENSOR_SLICE) and record.raw == n_bytes, "a slice's block")
    payload = archive.payload(block)
    return payload if record.codec == RAW else decode_slice(payload, type_, bits, extent, parent)


def decode_ranks(body: bytes, type_: int, bits: int, extent: list[int]) -> bytes:
    """Section 9 there."""
    if len(body) < 8:
        raise Truncated("ranks")
    width, per_element, kind = (bits, 1, UNSIGNED) if type_ == OPAQUE else TYPES[type_]
    n, size = struct.unpack("<2I", body[:8])
    n_words, n_bytes = product(extent), width // 8
    require(width in (16, 32, 64) and per_element == 1 and 0 < n <= min(1 << 16, n_words), "ranks")
    if len(body) < 8 + size:
        raise Truncated("values")

    def numbers(coded: bytes, of: int, of_bits: int, shape: list[int]) -> list[int]:
        require(coded and (coded[0] < 5 or coded[0] == 8), "values and ranks are coded plainly")
        raw = decode_slice(coded, of, of_bits, shape) if coded[0] else coded[1:]
        require(len(raw) == product(shape) * of_bits // 8, "the size of values or ranks")
        return [int.from_bytes(raw[i : i + of_bits // 8], "little") for i in range(0, len(raw), of_bits // 8)]

    def key(word: int) -> int:
        half = 1 << width - 1
        if kind == FLOAT and word & half:
            return word ^ 2 * half - 1
        return word if kind == UNSIGNED else word ^ half

    values = numbers(body[8 : 8 + size], type_, width, [n])
    require(all(key(a) < key(b) for a, b in zip(values, values[1:])), "values ascend")
    ranks = numbers(body[8 + size :], *((1, 8) if n <= 256 else (3, 16)), extent)
    require(all(rank < n for rank in ranks), "a rank of no value")
    return b"".join(values[rank].to_bytes(n_bytes, "little") for rank in ranks)


def decode_slice(
    coded: bytes, type_: int, bits: int, extent: list[int], parent: bytes | None = None, per_word: int = 1
) -> bytes:
    """The elements of a slice (`docs/codecs/tensor.md`)."""
    if len(coded) < 4:
        raise Truncated("head of a slice")
    coder, mapping, mask, narrow = coded[:4]
    if not 1 <= coder <= 8 or mapping > 2 or (narrow > 1 and coder != 5):
        raise Unsupported("slice coder, map or narrowing")
    require((mask == 0 or mapping == 2) and not (mapping == 1 and coder == 4) and mask < 8, "the head of a slice")
    require(coder != 5 or (coded[:3] == b"\5\2\0" and parent is not None), "a difference from no parent")
    require(coder != 6 or coded[:4] == b"\6\0\0\0", "the head of a slice")
    require(coder != 8 or mapping == 1, "the head of a slice")
    if coder == 6:
        return decode_multiples(coded[4:], type_, extent)
    if coder == 7:
        require(coded[:4] == b"\7\0\0\0", "the head of a slice")
        return decode_ranks(coded[4:], type_, bits, extent)
    wide = type_
    if narrow and coder != 5:
        require(type_ in NARROWER, "a type that has no narrower one")
        type_ = NARROWER[type_]
    if type_ == OPAQUE:
        width = bits if bits in (8, 16, 32, 64) else 8
        per_element, kind = 1 if bits % 8 else bits // width, UNSIGNED
    else:
        width, per_element, kind = TYPES[type_]
    per_element *= per_word
    n_bytes = width // 8
    n = product(extent) * per_element
    body = coded[4:]
    half, full = 1 << width - 1, 1 << width

    def turned(word: int, is_inverse: bool) -> int:
        if kind == SIGNED:
            return word ^ half
        if kind == FLOAT:
            return word ^ half if bool(word & half) == is_inverse else word ^ full - 1
        return word

    if coder == 5:
        parents = [int.from_bytes(parent[i : i + n_bytes], "little") for i in range(0, len(parent), n_bytes)]
        words = delta.decode(narrow, body, parents, type_, width, lambda word: turned(word, False), lambda word: turned(word, True))
        return b"".join(word.to_bytes(n_bytes, "little") for word in words)
    if coder == 4:
        require(mapping == 2 or kind != FLOAT or type_ in PCO_FLOATS, "a type that pco does not know")
        words = pco.decode(body, n, width, UNSIGNED if mapping == 2 else kind)
    elif coder == 2:
        raw = zstd.decompress(body, n * n_bytes)
        words = [int.from_bytes(raw[i : i + n_bytes], "little") for i in range(0, len(raw), n_bytes)]
    elif coder == 8:
        words = decode_leading(body, n, n_bytes)
    else:
        planes = zstd.decompress(body, n * n_bytes) if coder == 3 else decode_planes(body, n, n_bytes)
        words = [int.from_bytes(planes[i::n], "big") for i in range(n)]
    if mask:
        words = [word >> 1 ^ -(word & 1) & full - 1 for word in words]
        stride = per_element
        lengths = [*[1] * 3, *extent][-3:]
        for k, length in enumerate(reversed(lengths)):
            if mask >> k & 1:
                for i in range(n):
                    if i // stride % length:
                        words[i] = (words[i] + words[i - stride]) % full
            stride *= length
    if mapping == 1:
        words = [word >> 1 | (word & 1) * half for word in words]
    elif mapping == 2:
        words = [turned(word, True) for word in words]
    if narrow:
        words = [widen(word, type_, wide) for word in words]
        n_bytes *= 2
    return b"".join(word.to_bytes(n_bytes, "little") for word in words)


def decode_multiples(body: bytes, type_: int, extent: list[int]) -> bytes:
    """Section 8."""
    require(type_ in (9, 10, 11, 12, 13, 14), "a type that has no multiples")
    size = TYPES[type_][0] // 8
    n = product(extent) * TYPES[type_][1]
    if len(body) < 13:
        raise Truncated("multiples of a step")
    step, width, n_exceptions = struct.unpack("<dBI", body[:13])
    require(0 < step < math.inf and width in (1, 2, 4, 8) and n_exceptions <= n, "multiples of a step")
    at = 13 + n_exceptions * (4 + size)
    if len(body) <= at:
        raise Truncated("multiples of a step")
    if body[at] == 0:
        flat = body[at + 1 :]
        require(len(flat) == n * width, "multiples of a step")
    else:
        require(1 <= body[at] <= 4, "multiples of a step")
        # Complex numbers are two words of an element, which the shape does not count.
        flat = decode_slice(body[at:], {1: 2, 2: 4, 4: 6, 8: 8}[width], 8 * width, extent, None, TYPES[type_][1])
    out = bytearray()
    for i in range(n):
        value = int.from_bytes(flat[i * width : (i + 1) * width], "little", signed=True) * step
        out += rounded(value, type_)
    last = -1
    for i in range(13, at, 4 + size):
        place = int.from_bytes(body[i : i + 4], "little")
        require(last < place < n, "an exception's place")
        out[place * size : (place + 1) * size] = body[i + 4 : i + 4 + size]
        last = place
    return bytes(out)


def rounded(value: float, type_: int) -> bytes:
    """A binary64 as a word of a type."""
    if type_ in (11, 14):
        return struct.pack("<d", value)
    try:
        single = struct.pack("<f", value)
    except OverflowError:
        single = struct.pack("<f", math.copysign(math.inf, value))
    if type_ in (10, 13):
        return single
    bits = int.from_bytes(single, "little")
    if type_ == 12:
        return (bits + 0x7FFF + (bits >> 16 & 1) >> 16).to_bytes(2, "little")
    value = struct.unpack("<f", single)[0]
    try:
        return struct.pack("<e", value)
    except OverflowError:
        return struct.pack("<e", math.copysign(math.inf, value))


def decode_planes(body: bytes, n: int, n_bytes: int) -> bytes:
    """Section 4."""
    planes = b""
    for _ in range(n_bytes):
        plane, body = take_plane(body, n)
        planes += plane
    require(not body, "bytes after the planes")
    return planes


def take_plane(body: bytes, n: int) -> tuple[bytes, bytes]:
    """A plane of `n` bytes, and what follows it."""
    if len(body) < 5:
        raise Truncated("head of a plane")
    coder, size = body[0], int.from_bytes(body[1:5], "little")
    plane, rest = body[5 : 5 + size], body[5 + size :]
    if len(plane) < size:
        raise Truncated("a plane")
    if coder == 2:
        return decode_rans(plane, n), rest
    if coder > 2:
        raise Unsupported("plane coder")
    require(size == (1 if coder else n), "a plane has another length")
    return plane * n if coder else plane, rest


def decode_leading(body: bytes, n: int, n_bytes: int) -> list[int]:
    """Section 10."""
    if len(body) < 5:
        raise Truncated("leading bits")
    first, n_exceptions = body[0], int.from_bytes(body[1:5], "little")
    require(n_exceptions <= n and n_bytes in (2, 4), "leading bits")
    tokens, body = take_plane(body[5:], n)
    exceptions, body = take_plane(body, n_exceptions) if n_exceptions else (b"", body)
    half = (n + 1) // 2
    nibbles, body = take_plane(body, half)
    others = decode_planes(body, n, n_bytes - 2)
    require(n % 2 == 0 or nibbles[-1] < 16, "half a byte of no word")
    require(all((top - first) % 256 > 14 for top in exceptions), "an exception that is none")
    require(sum(token >= 240 for token in tokens) == n_exceptions, "the number of exceptions")
    left = iter(exceptions)
    words = []
    for i, token in enumerate(tokens):
        top = (first + (token >> 4)) % 256 if token < 240 else next(left)
        nibble = nibbles[i] & 15 if i < half else nibbles[i - half] >> 4
        words.append(int.from_bytes(bytes([top, (token & 15) << 4 | nibble]) + others[i::n], "big"))
    return words


def decode_rans(data: bytes, n: int) -> bytes:
    if len(data) < 32:
        raise Truncated("table of frequencies")
    at = 32
    owners: list[tuple[int, int, int]] = []
    for value in range(256):
        if not data[value // 8] >> value % 8 & 1:
            continue
        if at + 2 > len(data):
            raise Truncated("table of frequencies")
        less = data[at] & 127
        if data[at] > 127:
            require(0 < data[at + 1] < 32, "a frequency is out of range")
            less |= data[at + 1] << 7
            at += 1
        at += 1
        start = len(owners)
        owners += [(value, less + 1, start)] * (less + 1)
        require(len(owners) <= 4096, "the frequencies do not add up")
    require(len(owners) == 4096, "the frequencies do not add up")
    if len(data) < at + 128:
        raise Truncated("coder states")
    states = [int.from_bytes(data[i : i + 4], "little") for i in range(at, at + 128, 4)]
    require(all(1 << 15 <= x < 1 << 31 for x in states), "a coder state is out of range")
    at += 128
    require((len(data) - at) % 2 == 0, "half a word of coded bytes")
    out = bytearray()
    for i in range(n):
        x = states[i % 32]
        value, frequency, start = owners[x % 4096]
        out.append(value)
        x = frequency * (x >> 12) + x % 4096 - start
        if x < 1 << 15:
            if at >= len(data):
                raise Truncated("coded bytes")
            x = x << 16 | data[at] | data[at + 1] << 8
            at += 2
        states[i % 32] = x
    require(at == len(data) and all(x == 1 << 15 for x in states), "coded bytes do not end where they should")
    return bytes(out)


def widen(bits: int, narrow: int, wide: int) -> int:
    """The same number in a wider float type (section 3)."""
    (e1, f1), (e2, f2) = LAYOUTS[narrow], LAYOUTS[wide]
    sign, exponent, fraction = bits >> e1 + f1, bits >> f1 & (1 << e1) - 1, bits & (1 << f1) - 1
    rebase = (1 << e2 - 1) - (1 << e1 - 1)
    if exponent == (1 << e1) - 1:
        exponent = (1 << e2) - 1
    elif exponent:
        exponent += rebase
    elif fraction:
        up = f1 + 1 - fraction.bit_length()
        exponent, fraction = rebase + 1 - up, fraction << up & (1 << f1) - 1
    return sign << e2 + f2 | exponent << f2 | fraction << f2 - f1
