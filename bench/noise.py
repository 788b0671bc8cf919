#!/usr/bin/env python3
"""How exactly noise is made again: what the installed libraries draw, stored by its recipe.

    python bench/noise.py [--seeds N] [--numbers N]

For each generator and type: tensors, elements, tensors without any correction, bytes of corrections for a
million elements, tensors that became data. Every archive is read back and compared.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import holotype

Draw = Callable[[int, int], Any]


def draws() -> Iterator[tuple[str, str, Draw]]:
    """Name, generator, and what draws numbers of a seed."""
    rng, legacy = np.random.default_rng, np.random.RandomState
    yield "default_rng.random f64", "numpy.default_rng", lambda s, n: rng(s).random(n)
    yield "default_rng.random f32", "numpy.default_rng", lambda s, n: rng(s).random(n, "f4")
    yield "default_rng.standard_normal f64", "numpy.default_rng", lambda s, n: rng(s).standard_normal(n)
    yield "default_rng.standard_normal f32", "numpy.default_rng", lambda s, n: rng(s).standard_normal(n, "f4")
    yield "RandomState.rand f64", "numpy.RandomState", lambda s, n: legacy(s).rand(n)
    yield "RandomState.randn f64", "numpy.RandomState", lambda s, n: legacy(s).randn(n)
    yield "RandomState.randn as f32", "numpy.RandomState", lambda s, n: legacy(s).randn(n).astype("f4")
    try:
        import torch
    except ImportError:
        return

    def of(function: str, dtype: str) -> Draw:
        def draw(seed: int, n: int) -> Any:
            torch.manual_seed(seed)
            return getattr(torch, function)(n, dtype=getattr(torch, dtype))

        return draw

    for function in ("rand", "randn"):
        for dtype in ("float32", "float16", "bfloat16", "float64"):
            yield f"torch.{function} {dtype}", "torch.cpu", of(function, dtype)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--numbers", type=int, default=100_003)
    arguments = parser.parse_args()
    print("| drawn by | tensors | elements | exact | bytes of corrections a million | stored as data |")
    print("|---|---|---|---|---|---|")
    for name, generator, draw in draws():
        n_data = n_bytes = n_exact = 0
        seeds = [0, 1, 7, 42, 2**32 - 1] + [977 * k + 3 for k in range(arguments.seeds - 5)]
        for k, seed in enumerate(seeds):
            # Whole blocks of 16, and not.
            values = draw(seed, arguments.numbers if k % 2 else arguments.numbers // 16 * 16)
            file = io.BytesIO()
            with holotype.TensorWriter(file) as writer:
                writer.add_tensor("t", values, noise={"generator": generator, "seed": seed})
            tensor = holotype.open_tensors(file.getvalue())["t"]
            if isinstance(values, np.ndarray):
                assert tensor.read().tobytes() == values.tobytes(), (name, seed)
            else:
                assert bool((tensor.torch() == values).all()), (name, seed)
            if tensor.noise is None:
                n_data += 1
            else:
                n_bytes += tensor.stored_bytes
                n_exact += tensor.stored_bytes == 0
        total = arguments.numbers * len(seeds)
        numbers = f"{len(seeds)} | {total} | {n_exact} | {1e6 * n_bytes / total:.0f} | {n_data}"
        print(f"| {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
