#!/usr/bin/env python3
"""Sizes and speeds of the tensor codecs beside others, on the NPY files of a folder.

    python bench/tensors.py FOLDER [--repeat N]
    python bench/tensors.py FOLDER --max-error PART...
    python bench/tensors.py --made [FOLDER]

One thread. A file of uint16 with `bf16` in its name is taken for bfloat16. Peers that are not installed are
left out: zstandard, blosc2, pcodec, zipnn. Speeds are megabytes of elements a second of process time, the
best of the repeats. With `--max-error`: ratios of floats rounded within these parts of their range, every
value checked. With `--made`: Holotype alone on tensors that are made here, smooth, repeating, sparse or
counting, which it keeps in the folder if one is named.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import holotype


def shuffled(array: Any) -> bytes:
    """The bytes of all elements, most alike together."""
    flat: bytes = np.frombuffer(array.tobytes(), "u1").reshape(-1, array.itemsize).T.tobytes()
    return flat


def peers() -> dict[str, Any]:
    """Functions that give the coded bytes and one that decodes them."""
    found: dict[str, Any] = {}
    try:
        import zstandard

        for level in (3, 19):
            found[f"zstd {level}"] = (
                lambda a, level=level: zstandard.compress(a.tobytes(), level),
                zstandard.decompress,
            )
            found[f"shuffle, zstd {level}"] = (
                lambda a, level=level: zstandard.compress(shuffled(a), level),
                zstandard.decompress,
            )
    except ImportError:
        pass
    try:
        import blosc2

        for name, kind in (("shuffle", blosc2.Filter.SHUFFLE), ("bitshuffle", blosc2.Filter.BITSHUFFLE)):
            options = {"codec": blosc2.Codec.ZSTD, "clevel": 9, "filters": [kind], "nthreads": 1}
            found[f"blosc2 {name}, zstd 9"] = (
                lambda a, options=options: blosc2.compress2(a.ravel(), typesize=a.itemsize, **options),
                blosc2.decompress2,
            )
    except ImportError:
        pass
    try:
        from pcodec import ChunkConfig, standalone

        for level in (8, 12):
            found[f"pcodec {level}"] = (
                lambda a, level=level: standalone.simple_compress(
                    a.ravel(), ChunkConfig(compression_level=level)
                ),
                standalone.simple_decompress,
            )
    except ImportError:
        pass
    try:
        from zipnn import ZipNN

        # It changes the bytes it is given: they are a copy each time.
        kinds = {"<f4": "float32", "<f2": "float16", "<u2": "bfloat16"}
        coders = {kind: ZipNN(bytearray_dtype=name, threads=1) for kind, name in kinds.items()}

        def encode(array: Any) -> bytes:
            return bytes(coders[array.dtype.str].compress(bytearray(array.tobytes())))

        def decode(data: bytes) -> Any:
            return next(iter(coders.values())).decompress(bytearray(data))

        found["zipnn"] = (encode, decode)
    except ImportError:
        pass
    return found


def best(repeat: int, work: Any) -> tuple[Any, float]:
    """The result and the shortest process time."""
    seconds = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        result = work()
        seconds = min(seconds, time.process_time() - start)
    return result, max(seconds, 1e-9)


def rounded(folder: Path, parts: list[float]) -> None:
    """Ratios of floats within bounds."""
    for path in sorted(folder.glob("*.npy")):
        array = np.load(path)
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            continue
        ratios = []
        for part in parts:
            with holotype.Writer(None, num_workers=1) as writer:
                writer.add_tensor("t", array, max_error=("relative", part))
            tensor = holotype.open_tensors(writer.data)["t"]
            error = np.abs(tensor.read().astype("f8") - array.astype("f8")).max()
            assert error <= (tensor.max_error or 0), path
            ratios.append(f"{array.nbytes / tensor.stored_bytes:8.2f}")
        print(f"{path.name:44} {' '.join(ratios)}", flush=True)


def made() -> Iterator[tuple[str, Any]]:
    """Tensors that are smooth, repeat, count, or hold little."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:1024, 0:512].astype("f4")
    waves = np.sin(x * 0.02) * np.cos(y * 0.03)
    yield "gradient, f32", x * np.float32(0.01) + y * np.float32(0.003)
    yield "gradient, u16", (x * 40 + y * 20).astype("u2")
    yield "gradient, u8", ((x + y) / 6).astype("u1")
    yield "waves, f64", waves.astype("f8")
    yield "waves, f32", waves.astype("f4")
    yield "waves, f16", waves.astype("f2")
    yield "waves, bf16", waves.astype(ml_dtypes.bfloat16)
    yield "counting, i32", np.arange(500_000, dtype="i4")
    yield "counting by 3, i64", np.arange(250_000, dtype="i8") * 3 + 7
    yield "counting, f32", np.arange(500_000, dtype="f4")
    yield "equal rows, f32", np.repeat(rng.normal(size=(1, 512)).astype("f4"), 1024, 0)
    yield "equal rows, bf16", np.repeat(rng.normal(size=(1, 700)).astype(ml_dtypes.bfloat16), 1500, 0)
    yield "twice the same, f32", np.tile(rng.normal(size=100_000).astype("f4"), 4)
    yield "steps, f32", np.repeat(rng.normal(size=2000).astype("f4"), 250)
    yield "zeros, f32", np.zeros((512, 1024), "f4")
    few = np.zeros(500_000, "f4")
    few[rng.integers(0, few.size, 5000)] = rng.normal(size=5000)
    yield "zeros and few values, f32", few
    yield "zeros and few values, bf16", few.astype(ml_dtypes.bfloat16)
    yield "few true, bool", few[:, None].repeat(2, 1).ravel() > 1
    yield "causal mask, f32", np.triu(np.full((800, 800), -np.inf, "f4"), 1)
    yield "causal mask, bool", np.tril(np.ones((1200, 1200), bool))
    yield "labels in blocks, i64", np.kron(rng.integers(0, 12, (20, 20)), np.ones((25, 25), "i8"))
    yield "random walk, i32", np.cumsum(rng.integers(-20, 21, 500_000)).astype("i4")
    yield "times, i64", np.cumsum(rng.integers(990, 1010, 200_000)).astype("i8")
    yield "integers, f32", rng.integers(0, 1000, 500_000).astype("f4")
    angles = np.arange(1024)[:, None] / 10000 ** (np.arange(0, 512, 2) / 512)
    positions = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(1024, 512)
    yield "positions, f32", positions.astype("f4")
    yield "positions, bf16", positions.astype(ml_dtypes.bfloat16)


def sealed(tensor: Any) -> bytes:
    """An archive of one tensor."""
    file = io.BytesIO()
    holotype.write_tensors(file, {"t": tensor}, threads=1)
    return file.getvalue()


def measure_made(folder: Path | None, repeat: int) -> None:
    """A line for each tensor that is made here."""
    print("| tensor | bytes | coded | enc MB/s | dec MB/s |")
    print("|---|---|---|---|---|")
    for name, tensor in made():
        data, encode = best(repeat, partial(sealed, tensor))
        stored = holotype.open_tensors(data)["t"]
        back, decode = best(repeat, partial(stored.read, threads=1))
        assert back.tobytes() == tensor.tobytes(), name
        speeds = " | ".join(f"{tensor.nbytes / seconds / 1e6:.0f}" for seconds in (encode, decode))
        print(f"| {name} | {tensor.nbytes} | {stored.stored_bytes} | {speeds} |", flush=True)
        if folder:
            bits = tensor.view("u2") if tensor.dtype.name == "bfloat16" else tensor
            np.save(folder / f"{name.replace(', ', '_').replace(' ', '_')}.npy", bits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--max-error", type=float, nargs="+", metavar="PART")
    arguments = parser.parse_args()
    if arguments.made:
        measure_made(arguments.folder, arguments.repeat)
        return
    if arguments.folder is None:
        parser.error("which folder?")
    if arguments.max_error:
        rounded(arguments.folder, arguments.max_error)
        return
    print(f"{'tensor':44} {'coder':26} {'bytes':>9} {'ratio':>8} {'enc MB/s':>9} {'dec MB/s':>9}")
    n_missed = 0
    for path in sorted(arguments.folder.glob("*.npy")):
        array = np.load(path)
        tensor = array.view(ml_dtypes.bfloat16) if "bf16" in path.name else array
        sizes = {}

        def row(
            name: str, size: int, encode: float, decode: float, path: Path = path, n: int = array.nbytes
        ) -> None:
            speeds = f"{n / encode / 1e6:9.0f} {n / decode / 1e6:9.0f}"
            print(f"{path.name:44} {name:26} {size:9} {n / size:8.3f} {speeds}", flush=True)

        data, encode = best(arguments.repeat, partial(sealed, tensor))
        back, decode = best(
            arguments.repeat, lambda data=data: holotype.open_tensors(data)["t"].read(threads=1)
        )
        assert back.tobytes() == tensor.tobytes(), path
        ours = holotype.open_tensors(data)["t"].stored_bytes
        row("holotype auto", ours, encode, decode)
        for name, (encoder, decoder) in peers().items():
            try:
                data, encode = best(1 if "19" in name else arguments.repeat, partial(encoder, array))
            except (TypeError, ValueError, RuntimeError, KeyError):
                continue  # pcodec takes no 8-bit integers
            _, decode = best(arguments.repeat, partial(decoder, data))
            sizes[name] = len(data)
            row(name, len(data), encode, decode)
        if sizes:
            name, size = min(sizes.items(), key=lambda item: item[1])
            more = 100 * (ours / size - 1)
            n_missed += more > 0.5
            print(f"{path.name:44} against the best, {name}: {more:+.2f} %")
    print(f"files more than 0.5 % above the best: {n_missed}", file=sys.stderr)


if __name__ == "__main__":
    main()
