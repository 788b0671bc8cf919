"""The deterministic CBOR of `docs/format.md` section 5.1."""

from __future__ import annotations

from .errors import Corrupt, Truncated, require

Value = "int | bytes | str | list[Value] | dict[int, Value]"
MAX_DEPTH = 16


def decode(data: bytes):
    """The one value that fills `data`."""
    value, end = _read(data, 0, MAX_DEPTH)
    require(end == len(data), "bytes after a CBOR value")
    return value


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    if at >= len(data):
        raise Truncated("CBOR head")
    major, short = data[at] >> 5, data[at] & 31
    if short < 24:
        return major, short, at + 1
    require(short <= 27, "CBOR of indefinite or reserved length")
    size = 1 << (short - 24)
    if at + 1 + size > len(data):
        raise Truncated("CBOR head")
    n = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    require(n >= (24 if size == 1 else 1 << (4 * size)), "CBOR number not in its shortest form")
    return major, n, at + 1 + size


def _read(data: bytes, at: int, depth: int):
    require(depth > 0, "CBOR nested too deep")
    major, n, at = _head(data, at)
    if major == 0:
        return n, at
    if major in (2, 3):
        if at + n > len(data):
            raise Truncated("CBOR string")
        raw = data[at : at + n]
        if major == 2:
            return raw, at + n
        try:
            return raw.decode("utf-8"), at + n
        except UnicodeDecodeError as error:
            raise Corrupt("CBOR text is not UTF-8") from error
    if major == 4:
        values = []
        for _ in range(n):
            value, at = _read(data, at, depth - 1)
            values.append(value)
        return values, at
    require(major == 5, "a CBOR type the format does not use")
    entries: dict[int, object] = {}
    last = -1
    for _ in range(n):
        key_major, key, at = _head(data, at)
        require(key_major == 0 and key > last, "CBOR map keys are unsigned and ascend")
        entries[key], at = _read(data, at, depth - 1)
        last = key
    return entries, at
