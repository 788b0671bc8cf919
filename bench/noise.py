#!/usr/bin/env python3
"""How exactly noise is made again: what libraries draw, stored by its recipe.

    python bench/noise.py [--seeds N] [--numbers N]
    python bench/noise.py --draw DRAWS.npz
    python bench/noise.py DRAWS.npz...

For each generator and type: tensors, elements, tensors without any correction, bytes of corrections for a
million elements, tensors that became data. Every archive is read back and compared.

`--draw` only keeps what the libraries here draw, in a file that another interpreter then proves: it needs
NumPy, or PyTorch too, of any version, and not Holotype. `cargo xtask noise` does so with several versions.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Draw = Callable[[int, int], Any]
#: What is drawn in the arithmetic of half floats themselves: no recipe makes it, so it is stored as data.
NO_RECIPE = {"torch 1.": ("torch.randn float16", "torch.randn bfloat16")}


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
            made = getattr(torch, function)(n, dtype=getattr(torch, dtype))
            # NumPy has no bfloat16 of its own.
            return made.view(torch.int16).numpy().view("u2") if dtype == "bfloat16" else made.numpy()

        return draw

    for function in ("rand", "randn"):
        for dtype in ("float32", "float16", "bfloat16", "float64"):
            yield f"torch.{function} {dtype}", "torch.cpu", of(function, dtype)


def versions() -> str:
    """What draws here."""
    known = f"numpy {np.__version__}"
    try:
        import torch
    except ImportError:
        return known
    return f"{known}, torch {torch.__version__}"


def keep(file: Path, n_seeds: int, n_numbers: int) -> None:
    """Draws into a file: an array named after generator, seed and what drew it."""
    seeds = [0, 1, 7, 42, 2**32 - 1] + [977 * k + 3 for k in range(n_seeds - 5)]
    drawn = {
        # Whole blocks of 16, and not.
        f"{generator}|{seed}|{name}": draw(seed, n_numbers if k % 2 else n_numbers // 16 * 16)
        for name, generator, draw in draws()
        for k, seed in enumerate(seeds)
    }
    np.savez(file, versions=np.array(versions()), **drawn)


def prove(file: Path) -> bool:
    """Stores what was drawn by its recipes, reads it back, prints a line each.

    True if nothing became data but what has no recipe.
    """
    import ml_dtypes

    import holotype

    lines: dict[str, list[int]] = {}
    with np.load(file) as drawn:
        print(f"\n{drawn['versions']}\n")
        known = [names for version, names in NO_RECIPE.items() if version in str(drawn["versions"])]
        for key in drawn.files:
            if key == "versions":
                continue
            generator, seed, name = key.split("|")
            values = drawn[key]
            if name.endswith("bfloat16"):
                values = values.view(ml_dtypes.bfloat16)
            archive = io.BytesIO()
            with holotype.TensorWriter(archive) as writer:
                writer.add_tensor("t", values, noise={"generator": generator, "seed": int(seed)})
            tensor = holotype.open_tensors(archive.getvalue())["t"]
            assert tensor.read().tobytes() == values.tobytes(), key
            is_data = tensor.noise is None
            of_one = (1, values.size, tensor.stored_bytes == 0 and not is_data, not is_data, is_data)
            line = lines.setdefault(name, [0, 0, 0, 0, 0])
            for k, n in enumerate(of_one):
                line[k] += n * tensor.stored_bytes if k == 3 else n
    print("| drawn by | tensors | elements | exact | bytes of corrections a million | stored as data |")
    print("|---|---|---|---|---|---|")
    for name, (n_tensors, n_elements, n_exact, n_bytes, n_data) in lines.items():
        numbers = f"{n_tensors} | {n_elements} | {n_exact} | {1e6 * n_bytes / n_elements:.0f} | {n_data}"
        print(f"| {name} | {numbers} |", flush=True)
    return not any(line[4] for name, line in lines.items() if not any(name in names for names in known))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("drawn", type=Path, nargs="*", metavar="DRAWS.npz")
    parser.add_argument("--draw", type=Path, metavar="DRAWS.npz")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--numbers", type=int, default=100_003)
    arguments = parser.parse_args()
    if arguments.draw:
        keep(arguments.draw, arguments.seeds, arguments.numbers)
        return
    with tempfile.TemporaryDirectory() as folder:
        files = arguments.drawn
        if not files:
            files = [Path(folder) / "draws.npz"]
            keep(files[0], arguments.seeds, arguments.numbers)
        # Every file, also after one that fails.
        n_good = sum(map(prove, files))
        if n_good < len(files):
            sys.exit("some of it is no recipe")


if __name__ == "__main__":
    main()
