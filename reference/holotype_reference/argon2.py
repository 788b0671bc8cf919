"""Argon2id, version 0x13: RFC 9106. Slow: a mebibyte takes seconds."""

from __future__ import annotations

import hashlib
import struct

MASK = (1 << 64) - 1
SYNC_POINTS = 4


def hash_long(size: int, data: bytes) -> bytes:
    """Section 3.3: a hash of any length."""
    data = struct.pack("<I", size) + data
    if size <= 64:
        return hashlib.blake2b(data, digest_size=size).digest()
    last = hashlib.blake2b(data).digest()
    out = last[:32]
    while size - len(out) > 64:
        last = hashlib.blake2b(last).digest()
        out += last[:32]
    return out + hashlib.blake2b(last, digest_size=size - len(out)).digest()


def mix(v: list[int], a: int, b: int, c: int, d: int) -> None:
    """Section 3.6, GB on four words of `v`."""
    for first, second in ((32, 24), (16, 63)):
        v[a] = (v[a] + v[b] + 2 * (v[a] & 0xFFFFFFFF) * (v[b] & 0xFFFFFFFF)) & MASK
        v[d] ^= v[a]
        v[d] = (v[d] >> first | v[d] << (64 - first)) & MASK
        v[c] = (v[c] + v[d] + 2 * (v[c] & 0xFFFFFFFF) * (v[d] & 0xFFFFFFFF)) & MASK
        v[b] ^= v[c]
        v[b] = (v[b] >> second | v[b] << (64 - second)) & MASK


def permute(v: list[int], at: list[int]) -> None:
    """Section 3.6, P on the sixteen words at these places."""
    for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
        mix(v, at[a], at[b], at[c], at[d])


def compress(x: list[int], y: list[int]) -> list[int]:
    """Section 3.5, G of two blocks of 128 words."""
    r = [a ^ b for a, b in zip(x, y)]
    z = list(r)
    for row in range(8):
        permute(z, list(range(16 * row, 16 * row + 16)))
    for column in range(8):
        permute(z, [16 * row + 2 * column + half for row in range(8) for half in (0, 1)])
    return [a ^ b for a, b in zip(r, z)]


def argon2id(password: bytes, salt: bytes, memory_kib: int, passes: int, lanes: int, size: int) -> bytes:
    """The key of `size` bytes for a password."""
    start = struct.pack("<6I", lanes, size, memory_kib, passes, 0x13, 2)
    for part in (password, salt, b"", b""):
        start += struct.pack("<I", len(part)) + part
    h0 = hashlib.blake2b(start).digest()
    columns = memory_kib // (4 * lanes) * 4
    segment = columns // SYNC_POINTS
    memory = [[[0] * 128 for _ in range(columns)] for _ in range(lanes)]
    for lane in range(lanes):
        for column in range(2):
            block = hash_long(1024, h0 + struct.pack("<II", column, lane))
            memory[lane][column] = list(struct.unpack("<128Q", block))
    for turn in range(passes):
        for part in range(SYNC_POINTS):
            for lane in range(lanes):
                fill(memory, turn, part, lane, segment, passes)
    total = [0] * 128
    for lane in range(lanes):
        total = [a ^ b for a, b in zip(total, memory[lane][-1])]
    return hash_long(size, struct.pack("<128Q", *total))


def fill(memory: list[list[list[int]]], turn: int, part: int, lane: int, segment: int, passes: int) -> None:
    """Section 3.4: one segment of one lane."""
    lanes, columns = len(memory), len(memory[0])
    by_index = turn == 0 and part < 2
    zero, addresses = [0] * 128, [0] * 128
    counter = 0
    for i in range(segment):
        if by_index and i % 128 == 0:
            counter += 1
            given = [turn, lane, part, lanes * columns, passes, 2, counter] + [0] * 121
            addresses = compress(zero, compress(zero, given))
        column = part * segment + i
        if turn == 0 and column < 2:
            continue
        before = memory[lane][column - 1]
        word = addresses[i % 128] if by_index else before[0]
        j1, j2 = word & 0xFFFFFFFF, word >> 32
        of = lane if turn == 0 and part == 0 else j2 % lanes
        if turn == 0:
            size = column - 1 if of == lane else part * segment - (i == 0)
            first = 0
        else:
            size = columns - segment + (i - 1 if of == lane else -(i == 0))
            first = (part + 1) * segment % columns
        back = size - 1 - (size * (j1 * j1 >> 32) >> 32)
        block = compress(before, memory[of][(first + back) % columns])
        if turn:
            block = [a ^ b for a, b in zip(block, memory[lane][column])]
        memory[lane][column] = block
