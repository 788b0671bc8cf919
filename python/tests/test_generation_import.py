"""Pictures of other programs: texts are read, kept and written back; fields are taken out on purpose."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import holotype
from holotype import generation

PICTURE = np.random.default_rng(3).integers(0, 256, (64, 48, 3), dtype="u1")
INFOTEXT = (
    "a puppy, 光\nNegative prompt: cat\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 48x64, Model: sd, RNG: CPU"
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {"seed": 5, "steps": 4, "cfg": 1.0, "positive": ["6", 0], "latent_image": ["5", 0]},
        "is_changed": [float("nan")],
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 48, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a puppy"}},
}
NOVELAI = {"prompt": "a puppy", "steps": 28, "scale": 5.0, "seed": 7, "sampler": "k_euler", "uc": "cat"}


def png(texts: dict[str, str], array: Any = PICTURE) -> bytes:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png", pnginfo=info)
    return file.getvalue()


def saved(image: Any, **fields: Any) -> bytes:
    file = io.BytesIO()
    fixed: dict[str, Any] = {"hardware": None, "environment": None, "created": None}
    generation.save(file, image=image, **{**fixed, **fields})
    return file.getvalue()


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """All chunks of a PNG but its pixels'."""
    found, at = [], 8
    while at < len(data):
        n = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if kind != b"IDAT":
            found.append((kind, data[at + 8 : at + 8 + n]))
        at += 12 + n
    return found


CASES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("a1111", {"parameters": INFOTEXT}, {"seed": 42, "steps": 20, "generator": "torch.cpu", "height": 64}),
    (
        "comfyui",
        {"prompt": json.dumps(GRAPH), "workflow": '{"nodes": []}'},
        {"seed": 5, "steps": 4, "width": 48},
    ),
    (
        "invokeai",
        {
            "invokeai_metadata": json.dumps(
                {"positive_prompt": "a puppy", "seed": 1, "steps": 2, "rand_device": "cpu"}
            )
        },
        {"seed": 1, "generator": "torch.cpu"},
    ),
    (
        "swarmui",
        {"parameters": json.dumps({"sui_image_params": {"prompt": "a puppy", "seed": 3, "cfgscale": 7}})},
        {"seed": 3, "cfg_scale": 7},
    ),
    (
        "fooocus",
        {
            "fooocus_scheme": "fooocus",
            "parameters": json.dumps({"prompt": "a puppy", "seed": "4", "performance": "Speed"}),
        },
        {"seed": 4, "performance": "Speed"},
    ),
    (
        "novelai",
        {"Software": "NovelAI", "Source": "NovelAI Diffusion V4", "Comment": json.dumps(NOVELAI)},
        {"seed": 7, "cfg_scale": 5.0},
    ),
]


@pytest.mark.parametrize(("tool", "texts", "settings"), CASES, ids=[case[0] for case in CASES])
def test_texts_are_read_kept_and_written_back(
    tool: str, texts: dict[str, str], settings: dict[str, Any], tmp_path: Path
) -> None:
    source = png(texts)
    derived = generation.derive(source)
    assert derived is not None
    data = saved(source)
    made = generation.load(data)
    assert made.record["source"]["tool"] == tool
    assert made.record["source"]["item"] == "generation/image"
    assert made.prompt is not None
    assert "a puppy" in made.prompt
    assert settings.items() <= made.settings.items()
    assert made.settings == derived["settings"]
    image = made.image
    assert image is not None
    image.save(tmp_path / "back.png")
    back = (tmp_path / "back.png").read_bytes()
    assert chunks(back) == chunks(source)
    with Image.open(io.BytesIO(back)) as reopened:
        assert {key: reopened.info[key] for key in texts} == texts
        assert np.array_equal(np.asarray(reopened), PICTURE)


def test_exif_of_jpeg_and_webp() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + INFOTEXT.encode("utf-16-be")
    for format, lossless in (("jpeg", False), ("webp", True), ("webp", False)):
        file = io.BytesIO()
        options: dict[str, Any] = {"lossless": True} if lossless else {}
        Image.fromarray(PICTURE).save(file, format, exif=exif, **options)
        derived = generation.derive(file.getvalue())
        assert derived is not None
        assert derived["prompt"] == "a puppy, 光"
        made = generation.load(saved(file.getvalue()))
        image = made.image
        assert image is not None
        assert made.settings["seed"] == 42
        assert image.is_file == (not lossless)
        with Image.open(io.BytesIO(image.read())) as back:
            assert back.getexif().get_ifd(0x8769)[0x9286] == exif.get_ifd(0x8769)[0x9286]


def hidden(text: bytes) -> bytes:
    """A PNG with a text in the lowest bits of its alpha, column by column."""
    packed = gzip.compress(text)
    bits = np.unpackbits(
        np.frombuffer(b"stealth_pngcomp" + (len(packed) * 8).to_bytes(4, "big") + packed, "u1")
    )
    alpha = np.full(64 * 48, 255, "u1")
    alpha[: len(bits)] = 254 | bits
    return png({}, np.dstack([PICTURE, alpha.reshape(48, 64).T]))


def test_texts_hidden_in_alpha() -> None:
    source = hidden(json.dumps({"Software": "NovelAI", "Comment": json.dumps(NOVELAI)}).encode())
    made = generation.load(saved(source))
    assert made.record["source"] == {"tool": "novelai", "texts": ["alpha"], "item": "generation/image"}
    assert made.settings["seed"] == 7
    with pytest.raises(holotype.UnsupportedError, match="in its pixels"):
        generation.redact(saved(source), io.BytesIO(), ["prompt"])


def test_what_is_given_goes_first() -> None:
    source = png({"parameters": INFOTEXT})
    made = generation.load(saved(source, prompt="mine", settings={"steps": 30}, model="other"))
    assert (made.prompt, made.negative_prompt, made.model) == ("mine", "cat", "other")
    assert (made.settings["steps"], made.settings["seed"]) == (30, 42)
    alone = generation.load(saved(source, prompt="mine", read_texts=False))
    assert "source" not in alone.record


def test_pictures_without_texts_tell_nothing() -> None:
    assert generation.derive(png({"Author": "me"})) is None
    for text in ("{", "[" * 100_000, '{"a":' * 1000, "Steps: 1" + ", aa: b" * 10_000, "a" * 200_000):
        derived = generation.derive(png({"prompt": text, "workflow": text, "Comment": text}))
        assert derived is None
        generation.derive(png({"parameters": text}))


def test_redaction_takes_out_and_says_so(tmp_path: Path) -> None:
    source = png({"parameters": INFOTEXT, "prompt": json.dumps(GRAPH)})
    components = [generation.Component.of("gpu", model="secret"), generation.Component.of("os", system="x")]
    noise = np.ones((1, 4, 8, 8), "f4")
    data = saved(
        source,
        latents={"z": noise},
        hardware={"machine_name": "mine"},
        environment=components,
        created="2026-11-21T13:00:00Z",
    )
    path = tmp_path / "out.holo"
    taken = generation.redact(data, path, ["prompt", "settings.seed", "hardware", "environment.gpu"])
    assert "generation: prompt" in taken
    made = generation.load(path)
    assert made.redacted == ("prompt", "settings.seed", "hardware", "environment.gpu", "source.texts")
    assert made.prompt is None
    assert "seed" not in made.settings
    assert made.settings["steps"] == 4
    assert made.hardware == {}
    assert [component.canonical for component in made.environment] == [None, "name=os;system=x"]
    assert made.check_environment(components)
    raw = path.read_bytes()
    for secret in (b"puppy", b"secret", b"KSampler", b"Steps"):
        assert secret not in raw
    image = made.image
    assert image is not None
    assert np.array_equal(image.array(), PICTURE)
    assert made.latents["z"].read().tobytes() == noise.tobytes()
    assert made.lost_parts() == {}
    assert holotype.verify(path)
    with pytest.raises(FileExistsError):
        generation.redact(data, path, ["prompt"])
    # Again, of what is left; what was taken out before is still said.
    again = io.BytesIO()
    generation.redact(path, again, ["settings.steps"])
    assert generation.load(again.getvalue()).redacted[-1] == "settings.steps"


def test_redaction_of_hardware_leaves_pictures_alone() -> None:
    data = saved(png({"parameters": INFOTEXT}), hardware={"os": "linux"})
    out = io.BytesIO()
    assert generation.redact(data, out, ["hardware"]) == ["generation: hardware"]
    made = generation.load(out.getvalue())
    image = made.image
    assert image is not None
    assert b"Steps: 20" in image.read()


@pytest.mark.parametrize(
    "field", ["version", "parts", "redacted", "", "settings.none", "nothing", "tool.name"]
)
def test_what_cannot_be_redacted_is_an_error(field: str) -> None:
    with pytest.raises(holotype.ArgumentError):
        generation.redact(saved(png({"parameters": INFOTEXT})), io.BytesIO(), [field])


def test_files_kept_byte_for_byte_are_not_redacted() -> None:
    data = saved(png({"parameters": INFOTEXT}), image_storage="file")
    with pytest.raises(holotype.UnsupportedError, match="byte for byte"):
        generation.redact(data, io.BytesIO(), ["prompt"])


def test_encrypted_archives_stay_encrypted() -> None:
    data = saved(png({"parameters": INFOTEXT}), password="secret")
    assert b"puppy" not in data
    assert generation.load(data, password="secret").settings["seed"] == 42
    with pytest.raises(holotype.HolotypeError):
        generation.load(data)
    out = io.BytesIO()
    generation.redact(data, out, ["settings.seed"], password="secret")
    with pytest.raises(holotype.HolotypeError):
        generation.load(out.getvalue())
    assert "seed" not in generation.load(out.getvalue(), password="secret").settings


def test_a_redacted_seed_is_in_no_recipe(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).standard_normal((1, 4, 8, 8))
    settings = {"seed": 5, "steps": 2, "generator": "numpy.default_rng"}
    fixed: dict[str, Any] = {"hardware": None, "environment": None, "created": None}
    generation.save(tmp_path / "a.holo", latents={"n": noise}, settings=settings, **fixed)
    assert generation.load(tmp_path / "a.holo").latents["n"].noise is not None
    generation.redact(tmp_path / "a.holo", tmp_path / "b.holo", ["settings.seed"])
    made = generation.load(tmp_path / "b.holo")
    assert (made.redacted, made.settings.get("seed")) == (("settings.seed",), None)
    assert made.latents["n"].noise is None
    assert made.latents["n"].read().tobytes() == noise.tobytes()
    assert made.lost_parts() == {}
