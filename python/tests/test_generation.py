"""Generation records: what is saved comes back, what is wrong is named."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import holotype
from holotype import generation

RNG = np.random.default_rng(3)
PICTURE = RNG.integers(0, 256, (40, 56, 3), dtype="u1")
NOISE = RNG.standard_normal((1, 4, 8, 8)).astype("f4")


def png(array: Any = PICTURE, **texts: str) -> bytes:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png", pnginfo=info)
    return file.getvalue()


def saved(**fields: Any) -> bytes:
    file = io.BytesIO()
    fixed: dict[str, Any] = {"hardware": None, "environment": None, "created": None}
    generation.save(file, **{**fixed, **fields})
    return file.getvalue()


def test_everything_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "puppy.holo"
    generation.save(
        path,
        image={"final": png(parameters="a puppy"), "preview": PICTURE[::2]},
        masks={"left": PICTURE[:, :, 0] > 99},
        latents={"initial_noise": NOISE, "video": NOISE.reshape(1, 2, 2, 8, 8).astype("f2")},
        attachments={"workflow.json": b"{}"},
        model="Stable Diffusion 3",
        version="3.0",
        prompt="A puppy, 光",
        negative_prompt="",
        tags=["dog", "smile"],
        settings={"seed": 2**64 - 1, "steps": np.int64(20), "cfg_scale": np.float32(7.5), "of mine": [None]},
        extra={"later": {"than": "version 1"}},
    )
    made = generation.load(path)
    assert (made.prompt, made.negative_prompt, made.tags) == ("A puppy, 光", "", ("dog", "smile"))
    assert (made.model, made.version) == ("Stable Diffusion 3", "3.0")
    assert made.settings == {"seed": 2**64 - 1, "steps": 20, "cfg_scale": 7.5, "of mine": [None]}
    assert made.record["later"] == {"than": "version 1"}
    assert made.created is not None
    assert made.created.endswith("Z")
    assert list(made.images) == ["final", "preview"]
    assert np.array_equal(made.images["final"].array(), PICTURE)
    assert np.array_equal(np.asarray(made.images["preview"]), PICTURE[::2])
    assert np.array_equal(made.masks["left"].array(), PICTURE[:, :, 0] > 99)
    assert made.latents["initial_noise"].read().tobytes() == NOISE.tobytes()
    assert made.latents["video"].shape == (1, 2, 2, 8, 8)
    assert made.attachments["workflow.json"].read() == b"{}"
    assert made.lost_parts() == {}
    assert "machine_name" not in made.hardware
    assert {component.id for component in made.environment} >= {"os", "kernel", "python", "numpy"}
    assert holotype.verify(path)
    with Image.open(io.BytesIO(made.images["final"].read())) as image:
        assert image.info["parameters"] == "a puppy"


def test_the_same_call_gives_the_same_bytes() -> None:
    fields: dict[str, Any] = {"image": png(), "latents": {"z": NOISE}, "settings": {"seed": 1}}
    assert saved(**fields) == saved(**fields)


@pytest.mark.parametrize("storage", ["pixels", "file"])
def test_files_are_kept_as_asked(storage: Any) -> None:
    source = png(parameters="x")
    made = generation.load(saved(image=source, image_storage=storage))
    image = made.image
    assert image is not None
    assert image.is_file == (storage == "file")
    assert (image.read() == source) >= (storage == "file")
    assert np.array_equal(image.array(), PICTURE)


def test_lossy_files_are_kept_and_decoded() -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "jpeg")
    image = generation.load(saved(image=file.getvalue())).image
    assert image is not None
    assert image.is_file
    assert image.read() == file.getvalue()
    assert image.array().shape == PICTURE.shape


def test_noise_of_a_seed_is_found() -> None:
    made = generation.load(saved(latents=NOISE, settings={"seed": 3}))
    assert made.latents["latent"].noise is None
    drawn = np.random.default_rng(5).standard_normal((1, 4, 8, 8))
    settings = {"seed": np.int64(5), "generator": "numpy.default_rng"}
    assert generation.load(saved(latents=drawn, settings=settings)).latents["latent"].noise is not None
    torch = pytest.importorskip("torch")
    torch.manual_seed(42)
    latent = torch.randn(1, 4, 64, 64)
    data = saved(latents={"initial_noise": latent}, settings={"seed": 42})
    assert len(data) < 1024
    read = generation.load(data).latents["initial_noise"]
    assert read.noise is not None
    assert read.read().tobytes() == latent.numpy().tobytes()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "says nothing"),
        ({"settings": {"steps": 0}}, "`settings.steps` is 1 or more, not 0"),
        ({"settings": {"seed": -1}}, "`settings.seed` is 0 or more, not -1"),
        ({"settings": {"seed": 1 << 64}}, "64 bits"),
        ({"settings": {"cfg_scale": float("nan")}}, "`settings.cfg_scale`: Out of range"),
        ({"settings": {"a": [1, {"b": object()}]}}, "`settings.a[1].b`: JSON holds no object"),
        ({"settings": [1]}, "`settings` is a mapping"),
        ({"hardware": "none", "prompt": ""}, "`hardware` is a mapping"),
        ({"environment": "none", "prompt": ""}, "`environment` is"),
        ({"environment": [1], "prompt": ""}, "`environment` is"),
        ({"extra": [1], "prompt": ""}, "`extra` is a mapping"),
        ({"noise": "torch.cpu", "latents": np.ones(3)}, "noise is"),
        ({"noise": {"other": {"generator": "torch.cpu", "seed": 1}}, "latents": np.ones(3)}, "'other'"),
        ({"settings": {"sampler": 5}}, "`settings.sampler` is of type string, not 5"),
        ({"prompt": b"x"}, "`prompt`: JSON holds no bytes"),
        ({"prompt": "\ud83d"}, "`prompt`: 'utf-8' codec"),
        ({"tags": "dog"}, "several texts"),
        ({"model": {"name": 5}}, "`model.name` is of type string, not 5"),
        ({"hardware": {"gpu": [{"driver": "1"}]}, "prompt": ""}, "`hardware.gpu[0]` lacks `name`"),
        ({"created": "today", "prompt": ""}, "`created` is no time"),
        ({"prompt": "", "image_storage": "jpeg", "image": PICTURE}, "image_storage"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.holo"
    fixed: dict[str, Any] = {"hardware": None, "environment": None, "created": None}
    with pytest.raises(holotype.ArgumentError) as caught:
        generation.save(path, **{**fixed, **fields})
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_several_records_in_one_archive(tmp_path: Path) -> None:
    path = tmp_path / "set.holo"
    with generation.GenerationWriter(path) as writer:
        for seed in (1, 2):
            writer.add(f"{seed:04}", image=PICTURE ^ np.uint8(seed), settings={"seed": seed})
    records = generation.load_all(path)
    assert [made.settings["seed"] for made in records] == [1, 2]
    second = generation.load(path, "0002").image
    assert second is not None
    assert np.array_equal(second.array(), PICTURE ^ np.uint8(2))
    with pytest.raises(holotype.NotFoundError):
        generation.load(path, "0003")
    with pytest.raises(holotype.NotFoundError):
        generation.load(holotype.dumps(PICTURE))


def test_any_flip_is_noticed() -> None:
    """In fields, latents and images: 400 places of the archive, each bit position."""
    data = saved(image=png(), latents={"z": NOISE}, prompt="a puppy", settings={"seed": 9})
    for at in range(0, len(data), max(1, len(data) // 400)):
        bad = bytearray(data)
        bad[at] ^= 1 << (at % 8)
        with pytest.raises(holotype.HolotypeError):
            holotype.verify(bytes(bad))


def test_the_worked_example_of_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block of the page for makers of AI images, word for word, on a stand-in for a pipeline."""
    torch = pytest.importorskip("torch")
    page = (Path(__file__).parents[2] / "docs" / "generation.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(blocks) == 2
    drawn = []

    def pipe(prompt: str, *, latents: Any, num_inference_steps: int) -> Any:
        drawn.append((prompt, latents.numpy().tobytes(), num_inference_steps))
        return types.SimpleNamespace(images=[Image.fromarray(PICTURE)])

    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"pipe": pipe}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            exec(block, names)
    made = names["made"]
    assert (made.prompt, made.model, made.settings["seed"]) == (drawn[0][0], "Stable Diffusion 3", 42)
    assert np.array_equal(made.image.array(), PICTURE)
    latent = made.latents["initial_noise"]
    assert latent.noise == {"generator": "torch.cpu.randn", "seed": 42, "offset": 0}
    assert latent.torch().numpy().tobytes() == drawn[0][1]
    assert isinstance(latent.torch(), torch.Tensor)
    assert holotype.verify("puppy.holo")


def test_reading_a_changed_part_is_an_error() -> None:
    data = saved(image=PICTURE, latents={"z": NOISE}, prompt="a puppy")
    n_noticed = 0
    for at in range(40, len(data) - 1500, 97):
        bad = bytearray(data)
        bad[at] ^= 4
        try:
            made = generation.load(bytes(bad))
            image = made.image
            assert image is not None
            same = np.array_equal(image.array(), PICTURE)
            assert same
            assert made.latents["z"].read().tobytes() == NOISE.tobytes()
        except holotype.IntegrityError:
            n_noticed += 1
    assert n_noticed > 50


def test_loading_alone_says_nothing() -> None:
    changed = saved(prompt="x", environment=[generation.Component.parse("name=python;version=2.7")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = generation.load(changed)
        assert made.prompt == "x"
        with pytest.raises(generation.EnvironmentDriftWarning, match=r"version=2\.7"):
            made.check_environment()
    assert generation.load(saved(prompt="x", environment=None)).environment == ()


def test_the_schema_is_the_published_one_and_agrees() -> None:
    published = Path(__file__).parents[2] / "docs" / "generation.schema.json"
    assert generation.schema() == json.loads(published.read_text(encoding="utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(generation.schema())
    jsonschema.Draft202012Validator.check_schema(generation.schema())
    hash = "0" * 64
    for record in [
        {"version": 1, "prompt": ""},
        {"version": 1},
        {"version": 1, "prompt": None},
        {"version": 1, "settings": {"seed": 1.0, "steps": 2.5}},
        {"version": 1, "settings": {"seed": 1.0}},
        {"version": 1, "settings": {"guidance": 5}, "created": "2026-11-21T13:00:00Z"},
        {"version": 1, "settings": {"guidance": True}},
        {"version": 1, "parts": [{"item": "a", "role": "mask", "sha256": hash}]},
        {"version": 1, "parts": [{"item": "a", "role": "mask", "sha256": hash + "0"}]},
        {"version": 1, "environment": {"version": 1, "components": ["name=os", {"id": "a", "sha256": hash}]}},
        {"version": 1, "prompt": "", "environment": {"version": 1, "components": ["os"]}},
        {"version": True, "prompt": ""},
        {"version": 1, "redacted": []},
        {"version": 1, "tags": ["", "a"]},
    ]:
        try:
            holotype._holotype.check_generation(json.dumps(record))
            good = True
        except holotype.ArgumentError:
            good = False
        assert good == validator.is_valid(record), record


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, holotype.generation as g\n"
        "g.capture_environment(), g.capture_hardware()\n"
        "heavy = {'numpy', 'torch', 'PIL', 'diffusers', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import threading; assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
