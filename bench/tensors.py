#!/usr/bin/env python3
"""Sizes and speeds of the tensor codecs beside others, on the NPY files of a folder.

    python bench/tensors.py FOLDER [--repeat N]
    python bench/tensors.py FOLDER --max-error PART...

One thread. A file of uint16 with `bf16` in its name is taken for bfloat16. Peers that are not installed are
left out: zstandard, blosc2, pcodec, zipnn. Speeds are megabytes of elements a second of process time, the
best of the repeats. With `--max-error`: ratios of floats rounded within these parts of their range, every
value checked.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--max-error", type=float, nargs="+", metavar="PART")
    arguments = parser.parse_args()
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

        def seal(tensor: Any = tensor) -> bytes:
            file = io.BytesIO()
            holotype.write_tensors(file, {"t": tensor}, threads=1)
            return file.getvalue()

        data, encode = best(arguments.repeat, seal)
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
