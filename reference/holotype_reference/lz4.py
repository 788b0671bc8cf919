"""LZ4 blocks: sequences of literals and copies."""

from collections.abc import Callable

from .errors import Truncated, require


def extended(byte: Callable[[], int], n: int) -> int:
    """A length that goes on in further bytes, up to one below 255."""
    while True:
        more = byte()
        n += more
        if more < 255:
            return n


def decompress(data: bytes, size: int) -> bytes:
    """The `size` bytes of one LZ4 block."""
    out = bytearray()
    at = 0

    def byte() -> int:
        nonlocal at
        if at >= len(data):
            raise Truncated("LZ4 block")
        at += 1
        return data[at - 1]

    while True:
        token = byte()
        n = token >> 4
        if n == 15:
            n = extended(byte, n)
        require(at + n <= len(data), "LZ4 literals past the end")
        out += data[at : at + n]
        at += n
        if at == len(data):
            break
        distance = byte() | byte() << 8
        require(0 < distance <= len(out), "an LZ4 copy from before the start")
        n = token & 15
        if n == 15:
            n = extended(byte, n)
        for _ in range(n + 4):
            out.append(out[-distance])
        require(len(out) <= size, "LZ4 gives more than recorded")
    require(len(out) == size, "LZ4 gives another size than recorded")
    return bytes(out)
