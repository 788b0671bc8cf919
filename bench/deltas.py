#!/usr/bin/env python3
"""Sizes and speeds of tensors stored against a parent, beside what others make of the difference.

    python bench/deltas.py PARENT.npy CHILD.npy... [--as DTYPE] [--repeat N]

One thread. A file of uint16 with `bf16` in its name is taken for bfloat16; `--as float16` rounds parent and
children first. `XOR, shuffle, zstd 3` is the bits of both xored, bytes of equal rank together, one Zstandard
frame. Speeds are megabytes of the child a second of process time, the best of the repeats; the parent is
read before, and reading it is no part of them. Every child is read back and compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import zstandard
from tensors import best

import holotype

#: How much smaller a child is to be than with XOR.
BARS = {"float32": 1.15, "float16": 1.5, "bfloat16": 1.5}
MIN_DECODE = 300


def load(path: Path, dtype: str | None) -> Any:
    """The array of a file."""
    array = np.load(path)
    array = array.view(ml_dtypes.bfloat16) if "bf16" in path.name else array
    return array if dtype is None else array.astype(dtype)


def shuffled(flat: Any, n: int) -> bytes:
    """Bytes of equal rank together."""
    data: bytes = flat.view("u1").reshape(-1, n).T.tobytes()
    return data


def xor(parent: Any, child: Any, level: int, repeat: int) -> tuple[int, float, float]:
    """Bytes and seconds of the xored bits, shuffled and compressed."""
    n = child.itemsize
    a, b = (np.ascontiguousarray(x).reshape(-1).view(f"u{n}") for x in (parent, child))
    data, encode = best(repeat, lambda: zstandard.compress(shuffled(a ^ b, n), level))

    def back() -> Any:
        planes = np.frombuffer(zstandard.decompress(data), "u1").reshape(n, -1)
        return np.ascontiguousarray(planes.T).reshape(-1).view(f"u{n}") ^ a

    made, decode = best(repeat, back)
    assert made.tobytes() == child.tobytes()
    return len(data), encode, decode


def row(name: str, coder: str, n: int, size: int, seconds: tuple[float, float], than: int = 0) -> None:
    """A line of the table."""
    smaller = f"{than / size:.2f}" if than else ""
    speeds = " | ".join(f"{n / each / 1e6:.0f}" for each in seconds)
    print(f"| {name} | {coder} | {size} | {n / size:.3f} | {smaller} | {speeds} |", flush=True)


def measure(name: str, parent: Any, child: Any, base: Path, repeat: int) -> bool:
    """The lines of a child; true if it meets the bars."""
    out = base.with_name("child.holo")
    n = child.nbytes
    _, encode = best(repeat, lambda: holotype.write_tensors(out, {"t": child}, threads=1, parent=base))
    tensor = holotype.open_tensors(out)["t"]
    back, decode = best(repeat, lambda: tensor.read(threads=1))
    assert back.tobytes() == child.tobytes(), name
    sizes = {level: xor(parent, child, level, 1 if level > 9 else repeat) for level in (3, 19)}
    for level, (size, *seconds) in sizes.items():
        row(name, f"XOR, shuffle, zstd {level}", n, size, (seconds[0], seconds[1]))
    usual = sizes[3][0]
    ours = tensor.stored_bytes
    row(name, "by the parent", n, ours, (encode, decode), usual)
    is_good = usual / ours >= BARS.get(child.dtype.name, 1) and n / decode / 1e6 >= MIN_DECODE
    _, encode = best(repeat, lambda: holotype.write_tensors(out, {"t": child}, threads=1))
    tensor = holotype.open_tensors(out)["t"]
    _, decode = best(repeat, lambda: tensor.read(threads=1))
    row(name, "alone", n, tensor.stored_bytes, (encode, decode))
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parent", type=Path)
    parser.add_argument("child", type=Path, nargs="+")
    parser.add_argument("--as", dest="dtype", metavar="DTYPE")
    parser.add_argument("--repeat", type=int, default=9)
    arguments = parser.parse_args()
    parent = load(arguments.parent, arguments.dtype)
    n_missed = 0
    print("| child | coder | bytes | ratio | smaller than XOR | enc MB/s | dec MB/s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base.holo"
        # As it is: reading the parent is a copy, so that the time is that of the child.
        holotype.write_tensors(base, {"t": parent}, "raw", threads=1)
        for path in arguments.child:
            name = f"{path.stem} as {arguments.dtype}" if arguments.dtype else path.stem
            child = load(path, arguments.dtype)
            n_missed += not measure(name, parent, child, base, arguments.repeat)
    print(f"children that miss a bar: {n_missed}", file=sys.stderr)


if __name__ == "__main__":
    main()
