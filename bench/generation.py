#!/usr/bin/env python3
"""What a latent and a generation record cost beside the picture, as the RAIIAF documents measure it.

    python bench/generation.py PNG... [--latent SHAPE]

Five PNG files are what the documents use; each gets one float32 latent of its own, by default of
(1, 4, 64, 64) normal values, and the same record. Baseline is the PNG file alone. `XMP` holds latent and
record as base64 and JSON, in the PNG or beside it. Every archive is read back and compared before it counts.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from holotype import generation

SETTINGS = {
    "steps": 20,
    "sampler": "ddim",
    "cfg_scale": 7.5,
    "scheduler": "pndm",
    "eta": 0.0,
    "guidance": "classifier-free",
    "precision": "fp16",
    "deterministic": True,
}
RECORD: dict[str, Any] = {
    "model": "Stable Diffusion 3",
    "version": "3",
    "prompt": "A puppy smiling, cinematic",
    "tags": ["puppy", "dog", "smile"],
}


def xmp(latent: Any, seed: int) -> bytes:
    """Latent and record as an XMP packet."""
    record = json.dumps({**RECORD, "settings": {**SETTINGS, "seed": seed}})
    data = base64.b64encode(latent.tobytes()).decode()
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:g="urn:generation"><g:record><![CDATA[{record}]]></g:record>'
        f"<g:latent>{data}</g:latent></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def embedded(png: bytes, packet: bytes) -> bytes:
    """The PNG with an XMP chunk after its header."""
    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


def bare(png: bytes) -> bytes:
    """The PNG without texts and other chunks that hold no pixels."""
    kept, at = [png[:8]], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


def ours(png: bytes, latent: Any, seed: int, **options: Any) -> bytes:
    """Our archive, read back and compared."""
    file = io.BytesIO()
    settings = {**SETTINGS, "seed": seed}
    generation.save(
        file, image=png, latents={"initial_noise": latent}, settings=settings, **RECORD, **options
    )
    made = generation.load(file.getvalue())
    image = made.image
    assert image is not None
    assert made.latents["initial_noise"].read().tobytes() == latent.tobytes()
    if options.get("image_storage") == "file":
        assert image.read() == png
    else:
        from PIL import Image

        with Image.open(io.BytesIO(png)) as source:
            assert np.array_equal(image.array(), np.asarray(source))
    return file.getvalue()


def seeded(seed: int, shape: tuple[int, ...]) -> tuple[Any, dict[str, Any]] | None:
    """A latent that a seed makes, and its recipe: torch's, or else NumPy's."""
    try:
        import torch

        torch.manual_seed(seed)
        return torch.randn(*shape).numpy(), {"generator": "torch.cpu", "seed": seed}
    except ImportError:
        values = np.random.default_rng(seed).random(shape, np.float32)
        return values, {"generator": "numpy.default_rng", "seed": seed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("png", nargs="+", type=Path)
    parser.add_argument(
        "--bare", action="store_true", help="take all but the pixels out of the PNG files first"
    )
    parser.add_argument("--latent", default="1,4,64,64", help="shape of the latents [1,4,64,64]")
    args = parser.parse_args()
    shape = tuple(int(n) for n in args.latent.split(","))
    totals: dict[str, int] = {}

    def count(name: str, n_bytes: int) -> None:
        totals[name] = totals.get(name, 0) + n_bytes

    for seed, path in enumerate(args.png):
        png = bare(path.read_bytes()) if args.bare else path.read_bytes()
        normal = np.random.default_rng(seed).standard_normal(shape).astype("f4")
        made, recipe = seeded(seed, shape) or (normal, {})
        noise = {"initial_noise": recipe}
        packet = xmp(normal, seed)
        count("PNG", len(png))
        count("PNG, XMP embedded", len(embedded(png, packet)))
        count("PNG, XMP sidecar", len(png) + len(packet))
        kept: dict[str, Any] = {"image_storage": "file"}
        plain: dict[str, Any] = {"environment": None, "hardware": None}
        count("holo, PNG kept, float32 exact", len(ours(png, normal, seed, **kept, noise=None)))
        half = normal.astype("f2")
        count("holo, PNG kept, float16 given", len(ours(png, half, seed, **kept, noise=None)))
        count("holo, PNG kept, recipe", len(ours(png, made, seed, **kept, noise=noise)))
        count("  the same without environment", len(ours(png, made, seed, **kept, **plain, noise=noise)))
        count("holo, pixels, float32 exact", len(ours(png, normal, seed, noise=None)))
        count("holo, pixels, recipe", len(ours(png, made, seed, noise=noise)))
    base = totals["PNG"]
    n = len(args.png)
    latent_bytes = int(np.prod(shape)) * 4
    print(f"{n} files, latents {shape} of {latent_bytes} bytes")
    print("| format | average KB | overhead % | bytes more |\n|---|---|---|---|")
    for name, total in totals.items():
        more = total - base
        print(f"| {name} | {total / n / 1000:.1f} | {100 * more / base:+.3f} | {more // n:+} |")


if __name__ == "__main__":
    main()
