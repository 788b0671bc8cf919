"""Animations to measure with, of photos and of nothing: 50 frames of 640 × 360 RGB, alike on every machine.

* `screen`: a terminal whose text scrolls, with a dot that moves over it.
* `static`: a photo, a disc that moves over it, noise of standard deviation 1 in every sample.
* `pan`: a window that moves over a larger photo, 3 pixels right and 1 down a frame, noise of deviation 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Frames = npt.NDArray[np.uint8]

N_FRAMES, HEIGHT, WIDTH = 50, 360, 640
_WORDS = [
    "warning:",
    "unused",
    "variable",
    "index",
    "build",
    "finished",
    "target",
    "release",
    "copying",
    "frame",
    "block",
    "seal",
    "manifest",
    "error",
    "note:",
    "expected",
    "found",
    "help",
    "while",
    "tile",
    "cargo",
    "test",
    "passed",
    "running",
    "src",
    "main",
    "lib",
    "let",
    "mut",
    "for",
    "in",
    "range",
    "result",
]


def _line(random: np.random.Generator) -> list[tuple[str, tuple[int, int, int]]]:
    """Words with their colours: a line of a terminal."""
    colours = [(220, 220, 220)] * 6 + [(80, 200, 120), (230, 90, 80), (90, 160, 240)]
    n_words = int(random.integers(0, 13))
    words = random.choice(_WORDS, n_words)
    return [(str(word), colours[int(random.integers(len(colours)))]) for word in words]


def screen(_photo: Any = None) -> Frames:
    """A scrolling terminal: a new line every second frame; a dot goes its way."""
    random = np.random.default_rng(1)
    font = ImageFont.load_default(12)
    lines = [_line(random) for _ in range(24)]
    frames = []
    for i in range(N_FRAMES):
        if i % 2:
            lines = [*lines[1:], _line(random)]
        image = Image.new("RGB", (WIDTH, HEIGHT), (24, 24, 32))
        draw = ImageDraw.Draw(image)
        for row, line in enumerate(lines):
            x = 4
            for word, colour in line:
                draw.text((x, 15 * row), word, font=font, fill=colour)
                x += 8 + int(draw.textlength(word, font=font))
        draw.ellipse((10 * i + 20, 5 * i + 20, 10 * i + 40, 5 * i + 40), fill=(250, 220, 60))
        frames.append(np.asarray(image))
    return np.stack(frames)


def _noisy(clean: npt.NDArray[Any], sigma: float, seed: int) -> Frames:
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def static(photo: Frames) -> Frames:
    """A camera that does not move: something does, and the sensor is noisy."""
    ground = np.asarray(Image.fromarray(photo).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = []
    for i in range(N_FRAMES):
        clean = ground.astype(np.float64)
        inside = (x - 60 - 10 * i) ** 2 + (y - 180 - 80 * np.sin(i / 7)) ** 2 < 30**2
        clean[inside] = (200, 60, 40)
        frames.append(_noisy(clean, 1.0, i))
    return np.stack(frames)


def pan(photo: Frames) -> Frames:
    """A camera that pans over a photo at least 790 × 410, enlarged if it is smaller."""
    needed = (WIDTH + 3 * N_FRAMES, HEIGHT + N_FRAMES)
    scale = max(1.0, needed[0] / photo.shape[1], needed[1] / photo.shape[0])
    size = (int(np.ceil(photo.shape[1] * scale)), int(np.ceil(photo.shape[0] * scale)))
    ground = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS) if scale > 1 else photo)
    windows = [ground[i : i + HEIGHT, 3 * i : 3 * i + WIDTH] for i in range(N_FRAMES)]
    return np.stack([_noisy(w.astype(np.float64), 1.5, 100 + i) for i, w in enumerate(windows)])


def drawn(width: int = 1024, height: int = 640) -> Frames:
    """A picture in place of a photo: soft shapes, edges and some texture."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    planes = []
    for k, phase in enumerate((0.0, 0.9, 2.1)):
        plane = 110 + 60 * np.sin(x / 97 + phase) * np.cos(y / 61 - phase) + 0.05 * (x - y)
        plane += 25 * ((x // 64 + y // 48 + k) % 2) + 12 * np.sin((x * y) / 900 + phase)
        planes.append(plane)
    return np.clip(np.rint(np.stack(planes, axis=-1)), 0, 255).astype(np.uint8)


def photo_at(path: Path | None) -> Frames:
    """An RGB photo, or a drawn picture where there is none."""
    return drawn() if path is None else np.asarray(Image.open(path).convert("RGB"))


KINDS: dict[str, Callable[[Frames], Frames]] = {"screen": screen, "static": static, "pan": pan}
