"""`holotype.compat.raiiaf`: the documented examples, and what the package itself gets wrong."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import holotype
from holotype import generation
from holotype.compat.raiiaf.main import raiiafFileHandler

NOISE = np.random.default_rng(5).standard_normal((1, 3, 64, 64)).astype("f4")

# The dictionaries of the documents' examples.
SETTINGS = {
    "seed": 42,
    "steps": 20,
    "sampler": "ddim",
    "cfg_scale": 7.5,
    "scheduler": "pndm",
    "eta": 0.0,
    "guidance": "classifier-free",
    "precision": "fp16",
    "deterministic": True,
}
HARDWARE = {
    "machine_name": "test_machine",
    "os": "linux",
    "cpu": "Intel",
    "cpu_cores": 8,
    "gpu": [{"name": "RTX 3090", "memory_gb": 24, "driver": "nvidia", "cuda_version": "12.1"}],
    "ram_gb": 64.0,
    "framework": "torch",
    "compute_lib": "cuda",
}


@pytest.fixture
def png(tmp_path: Path) -> Path:
    info = PngInfo()
    info.add_text("parameters", "a puppy\nSteps: 20")
    pixels = np.random.default_rng(1).integers(0, 256, (70, 50, 3), dtype="u1")
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path, pnginfo=info, dpi=(300, 300))
    return path


def encode(path: Path, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "latent": {"initial_noise": NOISE},
        "chunk_records": [],
        "model_name": "Stable Diffusion 3",
        "model_version": "3",
        "prompt": "A puppy smiling, cinematic",
        "tags": ["puppy", "dog", "smile"],
        "generation_settings": SETTINGS,
        "hardware_info": HARDWARE,
    }
    return raiiafFileHandler().file_encoder(filename=str(path), **{**fields, **changes})


@pytest.mark.parametrize("name", ["encoded_img.raiiaf", "encoded_img.holo"])
def test_the_example_of_both_documents(tmp_path: Path, png: Path, name: str) -> None:
    raiiaf = raiiafFileHandler()
    binary_img_data = raiiaf.png_to_bytes(png)
    filename = tmp_path / name
    encode(filename, img_binary=binary_img_data, convert_float16=False)
    decoded = raiiaf.file_decoder(filename)
    metadata = decoded["metadata"]["raiiaf_metadata"]
    model_info = decoded["metadata"]["raiiaf_metadata"]["model_info"]
    with open(tmp_path / "decoded_metadata.json", "w") as f:
        json.dump(decoded["metadata"], f, indent=2)
    image_bytes = decoded["chunks"].get("image")
    assert image_bytes == png.read_bytes()
    with Image.open(io.BytesIO(image_bytes)) as image:
        image.save(tmp_path / "decoded_image.png")
    latent_data = decoded["chunks"].get("latent", [])
    for i, latent_array in enumerate(latent_data):
        np.save(tmp_path / f"latent_{i}.npy", latent_array)
    assert [latent.tobytes() for latent in latent_data] == [NOISE.tobytes()]
    assert metadata["file_info"] == {
        "magic": "raiiaf",
        "version_major": 1,
        "version_minor": 0,
        "file_size": filename.stat().st_size,
        "chunk_count": 3,
    }
    date = model_info.pop("date")
    assert date.endswith("+00:00")
    assert model_info == {
        "model_name": "Stable Diffusion 3",
        "version": "3",
        "prompt": "A puppy smiling, cinematic",
        "tags": ["puppy", "dog", "smile"],
        "generation_settings": SETTINGS,
        "hardware_info": HARDWARE,
    }
    first, second, third = metadata["chunks"]
    assert set(first) == {
        "index",
        "type",
        "flags",
        "offset",
        "compressed_size",
        "uncompressed_size",
        "hash",
        "extra",
        "compressed",
    }
    assert (first["type"], first["flags"], first["uncompressed_size"]) == ("LATN", "F32", 49152)
    assert first["extra"] == {"shape": [1, 3, 64, 64], "dtype": "float32", "key": "initial_noise"}
    assert (second["type"], second["uncompressed_size"]) == ("DATA", png.stat().st_size)
    assert third["type"] == "ENVC"
    assert 0 < second["offset"] < first["offset"] < third["offset"] < filename.stat().st_size


def test_the_example_with_two_latents_in_float16(tmp_path: Path, png: Path) -> None:
    latents = {"initial_noise": NOISE, "final_latent": NOISE * 2}
    path = tmp_path / "my_ai_art.raiiaf"
    encode(
        path,
        latent=latents,
        img_binary=png.read_bytes(),
        convert_float16=True,
        should_compress=True,
        generation_settings={
            "seed": 1337,
            "steps": 30,
            "sampler": "euler_ancestral",
            "cfg_scale": 7.0,
            "scheduler": "karras",
            "precision": "fp16",
        },
    )
    decoded = raiiafFileHandler().file_decoder(path)
    assert list(decoded["chunks"]["latents"]) == list(latents)
    for array, asked in zip(decoded["chunks"]["latent"], latents.values(), strict=True):
        assert array.dtype == np.float16
        assert np.array_equal(array, asked.astype("f2"))
    chunk = decoded["metadata"]["raiiaf_metadata"]["chunks"][0]
    assert (chunk["flags"], chunk["extra"]["converted_from"]) == ("F16", "float32")


def test_defaults_work_and_lose_nothing(tmp_path: Path) -> None:
    raiiaf = raiiafFileHandler()
    path = tmp_path / "x.raiiaf"
    raiiaf.file_encoder(str(path), {"z": NOISE}, [], "m", "1", "p", ["t"], None)
    decoded = raiiaf.file_decoder(str(path))
    assert decoded["chunks"]["latent"][0].tobytes() == NOISE.tobytes()
    assert decoded["chunks"]["image"] is None
    assert decoded["metadata"]["raiiaf_metadata"]["model_info"]["generation_settings"] == {}
    assert decoded["metadata"]["raiiaf_metadata"]["model_info"]["hardware_info"]["cpu_cores"] > 0


@pytest.mark.parametrize(
    "array",
    [
        NOISE[0],
        NOISE.reshape(1, 3, 4, 16, 64),
        NOISE.astype("f8"),
        NOISE.astype("f2"),
        np.arange(12).reshape(3, 4),
        np.array([np.nan, np.inf, -0.0, 1e-42], "f4"),
        np.asfortranarray(NOISE[0, 0]),
        np.zeros((9000, 2), "f4"),
    ],
    ids=["3-D", "5-D", "f64", "f16", "int", "special", "fortran", "long"],
)
def test_any_tensor_is_kept(tmp_path: Path, array: Any) -> None:
    path = tmp_path / "x.raiiaf"
    encode(path, latent={"z": array})
    read = raiiafFileHandler().file_decoder(path)["chunks"]["latent"][0]
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_compressing_never_grows_a_latent(tmp_path: Path) -> None:
    for compress in (True, False):
        path = tmp_path / "x.raiiaf"
        encode(path, should_compress=compress, img_binary=None)
        chunk = raiiafFileHandler().file_decoder(path)["metadata"]["raiiaf_metadata"]["chunks"][0]
        assert chunk["compressed_size"] <= chunk["uncompressed_size"] + 32


def test_values_beyond_float16_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.raiiaf"
    with pytest.raises(holotype.ArgumentError, match="beyond float16"):
        encode(path, latent={"z": np.array([7e4], "f4")}, convert_float16=True)
    assert not path.exists()
    encode(path, latent={"z": np.array([np.inf, np.nan], "f4")}, convert_float16=True)


def test_a_list_of_records_used_twice_tells_only_each_file(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    for name in ("a.raiiaf", "b.raiiaf"):
        encode(tmp_path / name, chunk_records=records)
        chunks = raiiafFileHandler().file_decoder(tmp_path / name)["metadata"]["raiiaf_metadata"]["chunks"]
        assert [chunk["type"] for chunk in chunks] == ["LATN", "ENVC"]
    assert len(records) == 4


def test_limits_hold_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "x.raiiaf"
    encode(path)
    for small in (raiiafFileHandler(max_file_size=10), raiiafFileHandler(max_chunk_size=10)):
        with pytest.raises(holotype.LimitError):
            small.file_decoder(path)
        with pytest.raises(holotype.LimitError):
            small.file_encoder(path, {"z": NOISE})


def test_what_is_no_array_or_tag_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.raiiaf"
    handler = raiiafFileHandler()
    for latent in ([np.ones(3)], {"a": object()}, {"a": "text"}):
        with pytest.raises((holotype.ArgumentError, holotype.UnsupportedError)):
            handler.file_encoder(path, latent)  # type: ignore[arg-type]
    with pytest.raises(holotype.ArgumentError, match="several texts"):
        handler.file_encoder(path, tags="dog", prompt="x")
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(holotype.UnsupportedError, match="masks"):
        handler.file_encoder(path, latent={"z": masked}, prompt="x")
    assert not path.exists()


def test_names_have_an_extension(tmp_path: Path) -> None:
    with pytest.raises(holotype.ArgumentError, match="raiiaf"):
        encode(tmp_path / "x.zip")
    old = tmp_path / "old.raiiaf"
    old.write_bytes(b"raiiaf\x01\x00" + bytes(40))
    with pytest.raises(holotype.FormatError, match="raiiaf package"):
        raiiafFileHandler().file_decoder(old)


def test_png_to_bytes_changes_nothing(png: Path, tmp_path: Path) -> None:
    assert raiiafFileHandler.png_to_bytes(png) == png.read_bytes()
    deep = np.arange(4000, dtype="u2").reshape(50, 80) * 16
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    with raiiafFileHandler.bytes_to_png(raiiafFileHandler.png_to_bytes(tmp_path / "deep.tif")) as image:
        assert np.array_equal(np.asarray(image), deep)


def test_every_flip_and_every_cut_is_noticed(tmp_path: Path, png: Path) -> None:
    path = tmp_path / "x.raiiaf"
    encode(path, img_binary=png.read_bytes())
    data = path.read_bytes()
    rng = np.random.default_rng(7)
    for at in [*range(40), *rng.integers(0, len(data), 300), *range(len(data) - 150, len(data))]:
        bad = bytearray(data)
        bad[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        with pytest.raises(holotype.HolotypeError):
            raiiafFileHandler().file_decoder(path)
    for n in rng.integers(0, len(data), 50):
        path.write_bytes(data[:n])
        with pytest.raises(holotype.HolotypeError):
            raiiafFileHandler().file_decoder(path)


def test_drift_is_one_warning_of_the_documented_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.raiiaf"
    first = "name=gpu;model=NVIDIA A100;driver=535.129.01"
    second = "name=gpu;model=NVIDIA GeForce RTX 4090;driver=550.40.07"

    def pretend(canonical: str) -> None:
        found = (generation.Component.parse(canonical),)
        monkeypatch.setattr("holotype.generation._writer.capture_environment", lambda: found)
        monkeypatch.setattr("holotype.generation._drift.capture_environment", lambda: found)

    pretend(first)
    encode(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raiiafFileHandler().file_decoder(path)
    pretend(second)
    with pytest.warns(UserWarning, match="Environment component") as caught:
        decoded = raiiafFileHandler().file_decoder(path)
    assert [str(warning.message) for warning in caught] == [
        f"Environment component 'gpu' differs:\nFile: {first}\nCurrent: {second}"
    ]
    assert decoded["chunks"]["env"]["components"][0]["canonical_str"] == first


def test_nothing_is_printed_or_imported(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from holotype.compat.raiiaf.main import raiiafFileHandler as H\n"
        "import numpy\n"
        f"path = {str(tmp_path / 'x.raiiaf')!r}\n"
        "H().file_encoder(path, {'z': numpy.ones((1, 4, 8, 8), 'f4')})\n"
        "H().file_decoder(path)\n"
        "assert not {'torch', 'pynvml', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_test_that_the_table_names_is_there() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "raiiaf.md").read_text(encoding="utf-8")
    rows = [line.split("|")[3] for line in page.splitlines() if line.startswith("| ")][1:]
    named = {name for row in rows for name in re.findall(r"`((?:test|no|a)_[a-z0-9_]+)`", row)}
    sources = [*(root / "python" / "tests").glob("test_*.py"), *(root / "crates").glob("*/tests/*.rs")]
    texts = "".join(source.read_text(encoding="utf-8") for source in sources)
    assert len(named) > 20
    assert [name for name in sorted(named) if not re.search(rf"(?:def|fn) {name}\(", texts)] == []
