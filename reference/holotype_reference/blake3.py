"""BLAKE3, 32 bytes, from the BLAKE3 paper, sections 2.2 to 2.5: the default mode, and `derive_key` of short inputs."""

from __future__ import annotations

import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = 32, 64
CHUNK_BYTES, BLOCK_BYTES = 1024, 64
MASK = 0xFFFFFFFF

# Rows of the state each of the eight quarter-rounds works on.
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


def _compress(chaining: tuple[int, ...], words: tuple[int, ...], counter: int, length: int, flags: int) -> tuple[int, ...]:
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for round_number in range(7):
        for i, (a, b, c, d) in enumerate(QUARTERS):
            for word, right_d, right_b in ((words[2 * i], 16, 12), (words[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & MASK
                x = v[d] ^ v[a]
                v[d] = (x >> right_d) | (x << (32 - right_d)) & MASK
                v[c] = (v[c] + v[d]) & MASK
                x = v[b] ^ v[c]
                v[b] = (x >> right_b) | (x << (32 - right_b)) & MASK
        if round_number < 6:
            words = tuple(words[p] for p in PERMUTATION)
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def _chunk(data: bytes, counter: int, flags: int, key: tuple[int, ...] = IV, mode: int = 0) -> tuple[int, ...]:
    chaining = key
    blocks = [data[i : i + BLOCK_BYTES] for i in range(0, len(data), BLOCK_BYTES)] or [b""]
    for i, block in enumerate(blocks):
        block_flags = mode | (CHUNK_START if i == 0 else 0) | (CHUNK_END | flags if i == len(blocks) - 1 else 0)
        words = struct.unpack("<16I", block.ljust(BLOCK_BYTES, b"\0"))
        chaining = _compress(chaining, words, counter, len(block), block_flags)
    return chaining


def _subtree(data: bytes, counter: int, flags: int) -> tuple[int, ...]:
    n_chunks = max(1, -(-len(data) // CHUNK_BYTES))
    if n_chunks == 1:
        return _chunk(data, counter, flags)
    left_chunks = 1 << ((n_chunks - 1).bit_length() - 1)
    split = left_chunks * CHUNK_BYTES
    words = _subtree(data[:split], counter, 0) + _subtree(data[split:], counter + left_chunks, 0)
    return _compress(IV, words, 0, BLOCK_BYTES, PARENT | flags)


def blake3(data: bytes) -> bytes:
    """The 32-byte hash of `data`."""
    return struct.pack("<8I", *_subtree(data, 0, ROOT))


def derive_key(context: str, material: bytes) -> bytes:
    """The key of `material`, at most one chunk, for one purpose."""
    key = _chunk(context.encode(), 0, ROOT, IV, DERIVE_KEY_CONTEXT)
    return struct.pack("<8I", *_chunk(material, 0, ROOT, key, DERIVE_KEY_MATERIAL))
