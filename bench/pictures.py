#!/usr/bin/env python3
"""Draw the pictures of docs/how-images-are-coded.md.

    python bench/pictures.py [--out docs/img]

Residuals and contexts are those of a real archive: the image is sealed by holotype and decoded by the plain
Python reader in `reference/`, which is watched while it works.

Needs: holotype, numpy, matplotlib, scikit-image.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt

matplotlib.use("agg")
matplotlib.rcParams["svg.hashsalt"] = "holotype"
from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402
from skimage import data  # noqa: E402

import holotype  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent / "reference"))
from holotype_reference import Archive, colour, read_image, wavefront  # noqa: E402

Array = npt.NDArray[Any]
RED, GRAY, BLUE = "#b5432e", "#5b6770", "#2e6f8e"


def save(figure: Any, out: Path) -> None:
    """SVG for drawings, PNG for photographs; the same bytes from the same versions."""
    metadata = {"Date": None} if out.suffix == ".svg" else {"Software": None}
    figure.savefig(out, metadata=metadata, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
    print(f"{out}: {out.stat().st_size} bytes")


def tiles(out: Path) -> None:
    """An image in tiles, and the tiles that a region touches."""
    image, edge = data.astronaut(), 128
    x, y, width, height = 150, 90, 170, 140
    figure, axis = pyplot.subplots(figsize=(4.2, 4.2))
    axis.imshow(image)
    for ty in range(0, image.shape[0], edge):
        for tx in range(0, image.shape[1], edge):
            touched = tx < x + width and x < tx + edge and ty < y + height and y < ty + edge
            if not touched:
                axis.add_patch(Rectangle((tx, ty), edge, edge, color="white", alpha=0.55, lw=0))
            axis.add_patch(Rectangle((tx, ty), edge, edge, fill=False, ec="white", lw=1))
    axis.add_patch(Rectangle((x, y), width, height, fill=False, ec=RED, lw=2))
    axis.axis("off")
    save(figure, out / "tiles.png")


def lanes(out: Path) -> None:
    """Eight rows under way at once."""
    width, step, skew = 34, 24, 3
    names = {
        (-1, 0): "W",
        (-2, 0): "WW",
        (-2, -1): "NWW",
        (-1, -1): "NW",
        (0, -1): "N",
        (1, -1): "NE",
        (2, -1): "NEE",
        (-1, -2): "NNW",
        (0, -2): "NN",
        (1, -2): "NNE",
    }
    figure, axis = pyplot.subplots(figsize=(9.5, 2.9))
    looked_at = 4
    for lane in range(8):
        at = step - skew * lane
        for x in range(width):
            colour_of = "#d9dee2" if x < at else "#ffffff"
            text = ""
            offset = (x - (step - skew * looked_at), lane - looked_at)
            if offset in names:
                colour_of, text = "#f0c9b9", names[offset]
            if x == at:
                colour_of = RED
            axis.add_patch(Rectangle((x, lane), 1, 1, fc=colour_of, ec="#9aa5ad", lw=0.5))
            axis.text(x + 0.5, lane + 0.52, text, ha="center", va="center", fontsize=5.2)
    for lane in range(8):
        axis.text(-0.4, lane + 0.52, f"lane {lane}", ha="right", va="center", fontsize=7, color=GRAY)
    axis.set_xlim(-3.4, width)
    axis.set_ylim(8.1, -0.1)
    axis.axis("off")
    save(figure, out / "wavefront.svg")


class Watched(wavefront.Decoder):
    """Keeps the residual and the energy class of every sample of every plane."""

    planes: list[tuple[Array, Array]] = []  # noqa: RUF012

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        shape = (self.plane.height, self.plane.width)
        self.seen = (np.zeros(shape), np.zeros(shape))
        self.planes.append(self.seen)
        self.places: dict[int, tuple[int, int]] = {}
        at = self.plane.at
        self.plane.at = lambda x, y: self.note(at(x, y), x, y)  # type: ignore[method-assign]

    def note(self, at: int, x: int, y: int) -> int:
        self.places[at] = (y, x)
        return at

    def update(self, place: dict[str, Any], number: int) -> None:
        super().update(place, number)
        y, x = self.places[place["at"]]
        self.seen[0][y, x] = self.plane.values[place["at"]] - place["rounded"]
        self.seen[1][y, x] = place["context"] // 8


def median(plane: Array) -> Array:
    """What the gradient predictor of PNG's kind (MED) leaves."""
    padded = np.pad(plane.astype(int), ((1, 0), (1, 0)), mode="edge")
    w, n, nw = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    return plane - np.clip(w + n - nw, np.minimum(w, n), np.maximum(w, n))


def entropy(values: Array) -> float:
    """Bits a value costs at least if nothing else is known."""
    _, counts = np.unique(values, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def residuals(out: Path) -> None:
    """One crop as samples, as gradient residuals, as residuals of the standard coder; and its contexts."""
    crop = np.ascontiguousarray(data.astronaut()[20:180, 130:330])
    sealed = holotype.dumps(crop, mode="standard", threads=1)
    Watched.planes = []
    original, wavefront.Decoder = wavefront.Decoder, Watched  # type: ignore[misc]
    transforms: list[int] = []
    inverse = colour.inverse
    wavefront.colour.inverse = lambda t, *rest: (transforms.append(t), inverse(t, *rest))[1]
    try:
        archive = Archive(sealed)
        image = read_image(archive, archive.items[0])
    finally:
        wavefront.Decoder, wavefront.colour.inverse = original, inverse
    if image.samples != crop.tobytes() or not Watched.planes:
        sys.exit("the crop was not coded by the wavefront")
    # The channel that is the first plane of each colour transform; YCoCg-R (3) has none.
    first = {1: 1, 2: 1, 4: 1, 0: 0, 5: 0, 6: 2}.get(transforms[0])
    if first is None:
        sys.exit("the first plane is no channel of the image")
    plane = crop[:, :, first]
    ours, classes = Watched.planes[0]
    panels = [
        ("green" if first == 1 else "first channel", plane, "gray", 0, 255, entropy(plane)),
        ("gradient residuals (MED)", median(plane), "RdBu", -40, 40, entropy(median(plane))),
        ("residuals of standard", ours, "RdBu", -40, 40, entropy(ours)),
        ("contexts: energy class", classes, "magma", 0, 50, None),
    ]
    figure, axes = pyplot.subplots(1, 4, figsize=(13, 3.1))
    for axis, (title, values, palette, low, high, bits) in zip(axes, panels, strict=True):
        axis.imshow(values, cmap=palette, vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(title + (f"\n{bits:.2f} bits a sample" if bits else "\n"), fontsize=9)
        axis.axis("off")
    save(figure, out / "residuals.png")
    under = sum(entropy(ours[classes == c]) * (classes == c).sum() for c in np.unique(classes)) / ours.size
    print(f"standard's residuals under their energy class: {under:.2f} bits; sealed: {len(sealed)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tiles(out)
    lanes(out)
    residuals(out)


if __name__ == "__main__":
    main()
