"""Checkpoints: safetensors byte for byte, states without pickle, NPZ."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype
from holotype import checkpoint

ml_dtypes = pytest.importorskip("ml_dtypes")
DTYPES = {
    "BOOL": "bool", "U8": "u1", "I8": "i1", "U16": "u2", "I16": "i2", "U32": "u4", "I32": "i4", "U64": "u8",
    "I64": "i8", "F16": "f2", "F32": "f4", "F64": "f8", "C64": "c8", "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz, "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
}  # fmt: skip


def safetensors(tensors: dict[str, tuple[str, Any]], metadata: dict[str, str] | None = None) -> bytes:
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, (dtype, array) in tensors.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def weights(seed: int, n: int = 3000) -> Any:
    return np.random.default_rng(seed).normal(size=n).astype("f4")


def test_every_dtype_by_name_and_byte_for_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    tensors: dict[str, tuple[str, Any]] = {}
    for name, dtype in DTYPES.items():
        array = np.frombuffer(rng.bytes(24 * np.dtype(dtype).itemsize), dtype)
        tensors[name] = (name, (array.view("u1") & 1).view(dtype) if name == "BOOL" else array)
    data = safetensors(tensors, {"format": "pt", "note": "é"})
    (tmp_path / "model.safetensors").write_bytes(data)
    files = checkpoint.import_safetensors(tmp_path / "model.safetensors", tmp_path / "model.holo")
    assert files == ["model.safetensors"]
    loaded = checkpoint.load_tensors(tmp_path / "model.holo")
    assert list(loaded) == list(tensors)
    for name, (_, array) in tensors.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].tobytes() == array.tobytes()
    checkpoint.export_safetensors(tmp_path / "model.holo", tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == data
    with holotype.open(tmp_path / "model.holo") as reader:
        assert reader["model.safetensors"].read() == data
        assert reader.read() == data
        assert reader["BF16"].dtype == "bfloat16"


@pytest.mark.skipif(importlib.util.find_spec("safetensors") is None, reason="safetensors is not installed")
def test_files_of_the_library(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file  # type: ignore[import-not-found,unused-ignore]

    arrays = {f"layer.{i}.weight": weights(i).reshape(30, 100) for i in range(5)}
    save_file(arrays, tmp_path / "model.safetensors", {"format": "np"})
    with holotype.Writer(tmp_path / "model.holo") as writer:
        writer.add_file(tmp_path / "model.safetensors")
    assert {n: a.tobytes() for n, a in checkpoint.load_tensors(tmp_path / "model.holo").items()} == {
        n: a.tobytes() for n, a in arrays.items()
    }
    holotype.unpack(tmp_path / "model.holo", tmp_path / "out")
    back = load_file(tmp_path / "out" / "model.safetensors")
    assert all((back[n] == a).all() for n, a in arrays.items())
    with holotype.Writer(None, checkpoints="files") as writer:
        writer.add_file(tmp_path / "model.safetensors")
    assert holotype.open(writer.data).names() == ["model.safetensors"]


def test_shards_and_a_fine_tune(tmp_path: Path) -> None:
    def make(folder: str, change: float) -> Path:
        shards: dict[str, dict[str, Any]] = {}
        for i in range(4):
            shard = shards.setdefault(f"model-0000{i // 2 + 1}-of-00002.safetensors", {})
            shard[f"layer.{i}"] = ("F32", weights(i, 20_000) * np.float32(1 + change * (i > 0)))
        path = tmp_path / folder
        path.mkdir()
        for name, tensors in shards.items():
            (path / name).write_bytes(safetensors(tensors))
        index = {"metadata": {}, "weight_map": {t: name for name, ts in shards.items() for t in ts}}
        (path / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
        (path / "config.json").write_text("{}")
        return path

    base, tuned = make("base", 0), make("tuned", 1e-5)
    checkpoint.import_safetensors(base, tmp_path / "base.holo")
    index = tuned / "model.safetensors.index.json"
    names = checkpoint.import_safetensors(index, tmp_path / "tuned.holo", parent=tmp_path / "base.holo")
    assert names == [index.name, *checkpoint.shards_of(index)]
    tensors = holotype.open_tensors(tmp_path / "tuned.holo")
    assert (tensors["layer.1"].parent or {})["name"] == "layer.1"
    assert tensors["layer.0"].stored_bytes == 0
    assert (tmp_path / "tuned.holo").stat().st_size * 4 < (tmp_path / "base.holo").stat().st_size
    checkpoint.export_safetensors(tmp_path / "tuned.holo", tmp_path / "out")
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tuned / name).read_bytes()
    assert len(checkpoint.load_tensors(tmp_path / "tuned.holo")) == 4
    (tuned / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(holotype.FormatError, match="00002"):
        checkpoint.import_safetensors(index, tmp_path / "bad.holo")
    assert not (tmp_path / "bad.holo").exists()
    for bad in ('{"weight_map": {"a": "../x"}}', "[]", "{", '{"weight_map": {"a": 3}}'):
        index.write_text(bad)
        with pytest.raises(holotype.FormatError):
            checkpoint.import_safetensors(index, tmp_path / "bad.holo")


def test_nothing_is_left_out_silently(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors({"w": ("F32", weights(1))}))
    with pytest.raises(FileNotFoundError):
        checkpoint.import_safetensors(tmp_path / "none.safetensors", tmp_path / "a.holo")
    with holotype.Writer(tmp_path / "files.holo", checkpoints="files") as writer:
        writer.add_file(path)
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:-1])
    checkpoint.import_safetensors(tmp_path / "cut.safetensors", tmp_path / "cut.holo")
    for name in ("files.holo", "cut.holo"):
        with pytest.raises(holotype.FormatError, match="not as its tensors"):
            checkpoint.load_tensors(tmp_path / name)
    with holotype.Writer(None) as writer:
        writer.add_tensor("w", weights(2)).add_tensor("own", weights(3))
        writer.add_file(path)
    with pytest.raises(holotype.ArgumentError, match="name one"):
        checkpoint.load_tensors(writer.data)
    loaded = checkpoint.load_tensors(writer.data, file="model.safetensors")
    assert {name: array.tobytes() for name, array in loaded.items()} == {"w": weights(1).tobytes()}
    with holotype.Writer(None) as writer:
        writer.add_tensor("own", weights(3))
        writer.add_file(path)
    assert list(checkpoint.load_tensors(writer.data)) == ["w", "own"]


def test_renamed_tensors_are_named(tmp_path: Path) -> None:
    for old, new in (("base", "old"), ("tuned", "new")):
        (tmp_path / f"{old}.safetensors").write_bytes(safetensors({new: ("F32", weights(1, 30_000))}))
    checkpoint.import_safetensors(tmp_path / "base.safetensors", tmp_path / "base.holo")
    tuned = tmp_path / "tuned.holo"
    checkpoint.import_safetensors(tmp_path / "tuned.safetensors", tuned, parent=tmp_path / "base.holo")
    tensor = holotype.open_tensors(tuned)["new"]
    assert ((tensor.parent or {})["name"], tensor.stored_bytes) == ("old", 0)
    assert tensor.read().tobytes() == weights(1, 30_000).tobytes()
    with holotype.TensorWriter(tmp_path / "own.holo", parent=tmp_path / "base.holo") as writer:
        writer.add_tensor("a", weights(1, 30_000)).add_tensor("b", weights(1, 30_000), parent=False)
    own = holotype.open_tensors(tmp_path / "own.holo")
    assert (own["a"].parent is not None, own["b"].parent) == (True, None)


def test_two_models_have_their_own_tensors(tmp_path: Path) -> None:
    for i, name in enumerate("ab"):
        (tmp_path / f"{name}.safetensors").write_bytes(safetensors({"w": ("F32", weights(i))}))
    checkpoint.import_safetensors(tmp_path, tmp_path.parent / "two.holo", overwrite=True)
    with pytest.raises(holotype.ArgumentError, match="name one"):
        checkpoint.load_tensors(tmp_path.parent / "two.holo")
    for i, name in enumerate("ab"):
        loaded = checkpoint.load_tensors(tmp_path.parent / "two.holo", file=f"{name}.safetensors")
        assert loaded["w"].tobytes() == weights(i).tobytes()
    with pytest.raises(holotype.NotFoundError):
        checkpoint.load_tensors(tmp_path.parent / "two.holo", file="c.safetensors")


def test_states_come_back_without_pickle(tmp_path: Path) -> None:
    shared = weights(1)
    state = {
        "epoch": 3,
        "best": 0.1,
        "worst": float("inf"),
        "none": None,
        "flag": True,
        "optimizer": {"state": {0: {"exp_avg": weights(2), "step": np.float32(7)}}, "betas": (0.9, 0.999)},
        "model": {"a": shared, "tied": shared, "name": "é", "list": [1, [], {}]},
    }
    checkpoint.save_state(tmp_path / "state.holo", state)
    back = checkpoint.load_state(tmp_path / "state.holo")
    assert back["model"]["a"].tobytes() == shared.tobytes()
    assert back["model"]["tied"] is back["model"]["a"]
    assert back["optimizer"]["state"][0]["exp_avg"].tobytes() == weights(2).tobytes()
    assert back["optimizer"]["betas"] == (0.9, 0.999)
    plain = ("epoch", "best", "worst", "none", "flag")
    assert [back[key] for key in plain] == [state[key] for key in plain]
    assert back["model"]["list"] == [1, [], {}]
    assert list(back) == list(state)
    tuned = checkpoint.dumps_state(
        {"model": {"a": shared * np.float32(1.00001)}}, parent=tmp_path / "state.holo"
    )
    assert len(tuned) < 0.7 * shared.nbytes
    for bad in ({"a": object()}, {"a": b"x"}, {("a",): 1}, {"a": {1, 2}}, {"a": 1j}):
        with pytest.raises(holotype.ArgumentError):
            checkpoint.dumps_state(bad)
    with pytest.raises(holotype.UnsupportedError, match=r"^a\.0: arrays of dtype"):
        checkpoint.dumps_state({"a": [np.array(["text"])]})
    with pytest.raises(holotype.ArgumentError, match="framework"):
        checkpoint.load_state(tuned, framework="jax")  # type: ignore[arg-type]
    with pytest.raises(holotype.FormatError):
        checkpoint.load_state(holotype.dumps(shared))


@pytest.mark.parametrize(
    "text", ["[1]", "{}", '{"dict":[[1]]}', '{"a":1,"b":2}', '{"float":"x"}', "{", '{"dict":1}', "[" * 5000]
)
def test_malformed_states_are_refused(text: str) -> None:
    with holotype.Writer(None) as writer:
        writer.add_bytes(text.encode(), name=checkpoint.STATE)
    with pytest.raises(holotype.FormatError):
        checkpoint.load_state(writer.data)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_states_of_modules_and_optimisers(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Linear(30, 40), torch.nn.BatchNorm1d(40), torch.nn.Linear(40, 40))
    module[2].weight.data = module[2].weight.data.to(torch.bfloat16).to(torch.float32)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    module(torch.randn(8, 30)).sum().backward()
    optimiser.step()
    state = {"model": module.state_dict(), "optimizer": optimiser.state_dict(), "half": torch.randn(9).half()}
    state["tied"] = [state["half"], state["half"].view(3, 3)]
    checkpoint.save_state(tmp_path / "state.holo", state)
    back = checkpoint.load_state(tmp_path / "state.holo")
    for name, tensor in state["model"].items():
        assert back["model"][name].dtype == tensor.dtype
        assert torch.equal(back["model"][name], tensor)
    assert back["tied"][0] is back["half"]
    other = torch.nn.Sequential(torch.nn.Linear(30, 40), torch.nn.BatchNorm1d(40), torch.nn.Linear(40, 40))
    other.load_state_dict(back["model"])
    again = torch.optim.AdamW(other.parameters())
    again.load_state_dict(back["optimizer"])
    assert torch.equal(
        again.state_dict()["state"][0]["exp_avg"], optimiser.state_dict()["state"][0]["exp_avg"]
    )
    numpy = checkpoint.load_state(tmp_path / "state.holo", framework="numpy")
    assert numpy["half"].tobytes() == state["half"].numpy().tobytes()


def test_npz_and_npy(tmp_path: Path) -> None:
    arrays = {
        "a": weights(1),
        "b": np.arange(12).reshape(3, 4).T,
        "c": np.array(5, "u1"),
        "d": np.arange(5, dtype=">f8"),
        "e": np.array(["2026-11-22"], ">M8[D]"),
    }
    np.savez_compressed(tmp_path / "in.npz", **arrays)
    checkpoint.import_npz(tmp_path / "in.npz", tmp_path / "in.holo")
    checkpoint.export_npz(tmp_path / "in.holo", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as back:
        assert back.files == list(arrays)
        for name, array in arrays.items():
            assert back[name].dtype == array.dtype
            assert (back[name] == array).all()
    for array in (arrays["a"], arrays["b"], arrays["d"].reshape(1, 5)):
        np.save(tmp_path / "one.npy", array)
        checkpoint.import_npz(tmp_path / "one.npy", tmp_path / "one.holo", overwrite=True)
        checkpoint.export_npz(tmp_path / "one.holo", tmp_path / "back.npy")
        assert (tmp_path / "back.npy").read_bytes() == (tmp_path / "one.npy").read_bytes()
    with pytest.raises(holotype.ArgumentError):
        checkpoint.export_npz(tmp_path / "in.holo", tmp_path / "no.npy")
    # NPY would call these bytes of no type.
    holotype.write_tensors(
        tmp_path / "half.holo", {"a": weights(1), "w": weights(1).astype(ml_dtypes.bfloat16)}
    )
    for name in ("back.npy", "out.npz"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises((holotype.UnsupportedError, holotype.ArgumentError)):
            checkpoint.export_npz(tmp_path / "half.holo", tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    assert not list(tmp_path.glob(".holotype-*"))
    np.save(tmp_path / "objects.npy", np.array([{}]))
    for bad in ("objects.npy", "text.npz", "cut.npz"):
        (tmp_path / "text.npz").write_bytes(b"text")
        (tmp_path / "cut.npz").write_bytes(b"PK\3\4cut")
        with pytest.raises(holotype.FormatError):
            checkpoint.import_npz(tmp_path / bad, tmp_path / "bad.holo")


def test_other_formats_stay_files_and_share_what_they_have_in_common() -> None:
    # GGUF and ONNX: what models hold, behind heads that differ.
    body = weights(3, 250_000).tobytes()
    files = {"a.gguf": b"GGUF\3\0\0\0", "b.onnx": b"\x08\x07\x12\x04test", "c.gguf": b"GGUF\3\0\0\0changed"}
    with holotype.Writer(None) as writer:
        for name, head in files.items():
            writer.add_bytes(head + body, name=name)
    assert len(writer.data) < 1.3 * len(body)
    with holotype.open(writer.data) as reader:
        for name, head in files.items():
            assert reader[name].read() == head + body
