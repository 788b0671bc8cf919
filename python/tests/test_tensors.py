"""Tensors: every dtype and shape, regions, writers, faces to other libraries."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import holotype

ml_dtypes = pytest.importorskip("ml_dtypes")

PLAIN = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
EXTENDED = [
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float8_e3m4",
    "int4",
    "uint4",
]
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (7,), (3, 0, 2), (1, 1, 1, 1), (2, 3, 4, 5), (1,) * 32]
CODECS: list[Any] = ["auto", "raw", "planes", "shuffle-zstd", "lorenzo", "pco"]


def noise(shape: tuple[int, ...], dtype: Any) -> Any:
    rng = np.random.default_rng(5)
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.name in ("int4", "uint4"):
        return rng.integers(0, 7, shape).astype(dtype)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def same(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype) and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", PLAIN + EXTENDED)
def test_every_dtype_and_shape_comes_back(name: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    file = io.BytesIO()
    arrays = {str(shape): noise(shape, dtype) for shape in SHAPES}
    holotype.write_tensors(file, arrays)
    tensors = holotype.open_tensors(file.getvalue())
    assert list(tensors) == list(arrays)
    for key, array in arrays.items():
        tensor = tensors[key]
        assert tensor.shape == array.shape
        assert tensor.dtype == dtype.name
        assert same(tensor.read(), array)
        assert same(holotype.loads(holotype.dumps(array)), array) or array.ndim in (2, 3)
    assert holotype.verify(file.getvalue())


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["f4", "f2", "i2", "u8", "c8", ml_dtypes.bfloat16])
def test_every_codec_keeps_every_bit(codec: Any, dtype: Any) -> None:
    smooth = (np.arange(40 * 50).reshape(40, 50) // 7).astype("i4").astype(dtype)
    for array in (noise((40, 50), dtype), smooth, np.zeros((30, 4), dtype)):
        file = io.BytesIO()
        holotype.write_tensors(file, {"a": array}, codec)
        assert same(holotype.open_tensors(file.getvalue())["a"].read(), array)


def test_special_values_keep_their_payloads() -> None:
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800001, 0x80000000, 1, 0x807FFFFF, 0xFF800000], "u4")
    array = np.tile(bits, 300).view("f4")
    back = holotype.loads(holotype.dumps(array))
    assert (back.view("u4") == array.view("u4")).all()


def test_orders_strides_and_byte_orders() -> None:
    base = np.arange(2 * 3 * 5 * 7, dtype="i4").reshape(2, 3, 5, 7)
    for array in (base, np.asfortranarray(base), base[:, ::2, ::-1], base.swapaxes(1, 3), base.astype(">i4")):
        file = io.BytesIO()
        holotype.write_tensors(file, {"a": array})
        tensor = holotype.open_tensors(file.getvalue())["a"]
        assert (tensor.read() == array).all()
        is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        assert tensor.is_fortran == is_fortran
        assert tensor.read().flags.f_contiguous == is_fortran


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("slices", [None, (4, 5, 6)])
def test_regions_are_numpy_indices(order: Any, slices: tuple[int, ...] | None) -> None:
    array = np.asarray(noise((9, 11, 13), "u2"), order=order)
    file = io.BytesIO()
    with holotype.TensorWriter(file) as writer:
        writer.add_tensor("a", array, slice_shape=slices)
    tensor = holotype.open_tensors(file.getvalue())["a"]
    for region in (
        np.s_[3], np.s_[...], np.s_[2:7, 3], np.s_[..., 4:9], np.s_[1, ..., -1], np.s_[-3:, 2:2],
        np.s_[0, 0, 0], np.s_[5:2], np.s_[:, :, :], np.s_[2:50],
    ):  # fmt: skip
        assert (tensor[region] == array[region]).all()
        assert tensor[region].shape == array[region].shape
        out = np.empty(array[region].shape, "u2")
        assert tensor.read(region, out) is out
        assert (out == array[region]).all()
    for bad in (np.s_[::2], np.s_[1, 2, 3, 4], np.s_[..., ...], "a", np.s_[True], np.array([0]), array > 3):
        with pytest.raises(holotype.ArgumentError):
            tensor[bad]
    with pytest.raises(IndexError):
        tensor[9]
    with pytest.raises(holotype.ArgumentError):
        tensor.read(0, np.empty((11, 12), "u2"))
    with pytest.raises(holotype.ArgumentError):
        tensor.read(0, [0])
    assert len(tensor) == 9
    assert (np.asarray(tensor) == array).all()


def test_dates_are_kept() -> None:
    array = np.array(["2024-02-29T12:00", "NaT", "1887-01-01"], "M8[ms]")
    assert same(holotype.loads(holotype.dumps(array)), array)


def test_what_cannot_be_kept_is_refused() -> None:
    for array in (np.array(["a"]), np.array([object()]), np.zeros(3, "u1,f4")):
        with pytest.raises(holotype.UnsupportedError):
            holotype.dumps(array)
    writer = holotype.TensorWriter(io.BytesIO())
    with pytest.raises(holotype.ArgumentError):
        writer.add_tensor("a", np.zeros(3), codec="zip")  # type: ignore[arg-type]
    with pytest.raises(holotype.ArgumentError):
        writer.add_tensor("a", np.zeros(3), attributes={"a": 1})  # type: ignore[dict-item]
    wrong: list[dict[str, Any]] = [
        {"attributes": {1: "a"}},
        {"slice_shape": (-1,)},
        {"slice_shape": 3},
        {"slice_shape": (1 << 70,)},
        {"noise": "torch.cpu"},
        {"noise": {"generator": "torch.cpu"}},
        {"noise": {"generator": "torch.cpu", "seed": 1.0}},
        {"noise": {"generator": "torch.cpu", "seed": 1, "offset": -1}},
        {"noise": {"generator": "torch.cpu", "seed": 1, "step": 1}},
    ]
    for arguments in wrong:
        with pytest.raises(holotype.ArgumentError):
            writer.add_tensor("a", np.zeros(3), **arguments)
    writer.add_tensor("a", np.zeros(3))
    with pytest.raises(holotype.ArgumentError):
        writer.add_tensor("a", np.zeros(3))
    writer.close()
    writer.close()
    with pytest.raises(holotype.ArgumentError):
        writer.add_tensor("b", np.zeros(3))


def test_masks_are_not_lost() -> None:
    masked = np.ma.masked_array([[1, 2], [3, 4]], [[False, True], [False, False]])
    whole = np.ma.masked_array([[1, 2], [3, 4]], False)
    with pytest.raises(holotype.UnsupportedError, match="filled"):
        holotype.write_tensors(io.BytesIO(), {"a": masked})
    for save in (
        holotype.dumps,
        lambda array: holotype.write(io.BytesIO(), array),
        holotype.Writer(None).add_array,
    ):
        with pytest.raises(holotype.UnsupportedError, match="filled"):
            save(masked)
    assert holotype.loads(holotype.dumps(whole)).tolist() == [[1, 2], [3, 4]]


def test_tensors_are_a_mapping() -> None:
    file = io.BytesIO()
    holotype.write_tensors(file, {"a": np.zeros(3)})
    tensors = holotype.open_tensors(file.getvalue())
    assert "a" in tensors
    assert "b" not in tensors
    assert tensors.get("b") is None
    with pytest.raises(KeyError) as caught:
        tensors["b"]
    assert isinstance(caught.value, holotype.NotFoundError)
    assert str(caught.value) == "no tensor named `b`"


def test_booleans_are_0_and_1(tmp_path: Path) -> None:
    # Bytes of a file that calls them booleans are kept; arrays of other truths than 0 and 1 are unsound.
    header = b'{"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}'
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\1\2\xff")
    with holotype.Writer(tmp_path / "m.holo") as writer:
        writer.add_file(path)
    tensor = holotype.open_tensors(tmp_path / "m.holo")["a"]
    out = np.zeros(4, bool)
    for read in (tensor.read(), tensor.read(out=out), tensor[...]):
        assert read.view("u1").tolist() == [0, 1, 1, 1]
    assert tensor.bits().tolist() == [0, 1, 2, 255]
    with pytest.raises(holotype.UnsupportedError):
        tensor.map()
    with holotype.open(tmp_path / "m.holo") as reader:
        assert reader.read() == path.read_bytes()


def test_attributes_and_info() -> None:
    file = io.BytesIO()
    with holotype.TensorWriter(file) as writer:
        writer.add_tensor("w", np.zeros((4, 5), "f2"), attributes={"layer": "größe", "blob": b"\0\xff"})
    tensor = holotype.open_tensors(file.getvalue())["w"]
    assert tensor.attributes == {"layer": "größe", "blob": b"\0\xff"}
    (item,) = holotype.info(file.getvalue()).items
    assert (item.kind, item.raw_bytes, item.stored_bytes) == ("tensor", 40, tensor.stored_bytes)


def test_raw_tensors_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "w.holo"
    arrays = {
        "a": noise((300, 40), "f4"),
        "b": np.asfortranarray(noise((30, 40), "i2")),
        "c": noise((9,), "u1"),
    }
    holotype.write_tensors(path, arrays, "raw")
    tensors = holotype.open_tensors(path)
    for name, array in arrays.items():
        mapped = tensors[name].map()
        assert (mapped.view("u1") if name == "c" else mapped).tobytes() == array.tobytes()
        assert not mapped.flags.writeable
        assert mapped.ctypes.data % 4096 == 0
    again = pickle.loads(pickle.dumps(tensors))
    assert (again["b"][3] == arrays["b"][3]).all()
    data = path.read_bytes()
    for found_in in (tensors, holotype.open_tensors(data), holotype.open(path)):
        one = pickle.loads(pickle.dumps(found_in["b"]))
        assert one.name == "b"
        assert (one[3] == arrays["b"][3]).all()
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(holotype.Tensor(tensors._archive, "b"))
    with pytest.raises(holotype.UnsupportedError):
        holotype.open_tensors(data)["a"].map()
    path.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    with pytest.raises(holotype.IntegrityError):
        holotype.open_tensors(path)["a"].map()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not say what is mapped")
def test_nothing_is_mapped_but_by_map(tmp_path: Path) -> None:
    """An archive that another program cuts is an error, not a signal, to all who did not ask for it."""
    path = tmp_path / "w.holo"
    array = noise((300, 40), "f4")
    holotype.write_tensors(path, {"a": array}, "raw")

    def is_mapped() -> bool:
        return str(path) in Path("/proc/self/maps").read_text()

    tensors = holotype.open_tensors(path)
    reader = holotype.open(path)
    assert tensors["a"][3:9].tobytes() == array[3:9].tobytes()
    assert tensors["a"].read().tobytes() == reader.read() == array.tobytes()
    assert holotype.verify(path)
    assert not is_mapped()
    mapped = tensors["a"].map()
    assert is_mapped()
    assert mapped.tobytes() == array.tobytes()
    os.truncate(path, 5000)
    with pytest.raises(holotype.TruncatedError):
        tensors["a"].read()
    with pytest.raises(holotype.TruncatedError):
        tensors["a"].map()
    del mapped


def test_another_file_under_the_name_is_not_mapped(tmp_path: Path) -> None:
    path, other = tmp_path / "w.holo", tmp_path / "other.holo"
    array = noise((300, 40), "f4")
    holotype.write_tensors(path, {"a": array}, "raw")
    holotype.write_tensors(other, {"a": array[::-1].copy()}, "raw")
    tensors = holotype.open_tensors(path)
    kept = tensors["a"].map()
    path.unlink()
    other.rename(path)
    with pytest.raises(holotype.IntegrityError):
        tensors["a"].map()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(holotype.TruncatedError):
        tensors["a"].map()
    # What was opened is there still, and what was mapped.
    assert tensors["a"].read().tobytes() == array.tobytes()
    assert kept.tobytes() == array.tobytes()


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "w.holo"

    def broken() -> None:
        with holotype.TensorWriter(path) as writer:
            writer.add_tensor("a", np.zeros(3))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []


def test_threads_do_not_change_the_bytes() -> None:
    array = noise((700, 1000), "f4")
    files = []
    for threads in (1, 3):
        file = io.BytesIO()
        holotype.write_tensors(file, {"a": array}, threads=threads)
        files.append(file.getvalue())
    assert files[0] == files[1]


def test_damage_is_found() -> None:
    data = holotype.dumps(np.arange(5000, dtype="i4"))
    for position in range(0, len(data), 41):
        damaged = bytearray(data)
        damaged[position] ^= 32
        with pytest.raises(holotype.HolotypeError):
            holotype.verify(damaged)


def test_dlpack_is_taken() -> None:
    array = np.arange(24, dtype="f4").reshape(2, 3, 4)
    assert same(holotype.loads(holotype.dumps(Foreign(array))), array)


def test_importing_imports_no_tensor_library() -> None:
    code = "import sys, holotype; print([m for m in ('numpy', 'torch', 'ml_dtypes') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_seeded_noise_is_a_recipe() -> None:
    draws: list[tuple[str, Any]] = [
        ("numpy.default_rng", np.random.default_rng(2**40 + 7).random((5, 1001))),
        ("numpy.default_rng", np.random.default_rng(2**40 + 7).random((5, 1001), dtype="f4")),
    ]
    for generator, array in draws:
        file = io.BytesIO()
        with holotype.TensorWriter(file) as writer:
            writer.add_tensor("a", array, noise={"generator": generator, "seed": 2**40 + 7})
            writer.add_tensor("b", array, noise={"generator": generator, "seed": 8})
            writer.add_tensor("c", array[1:], noise={"generator": generator, "seed": 8, "offset": 1001})
        tensors = holotype.open_tensors(file.getvalue())
        recipe = {"generator": f"{generator}.random", "seed": 2**40 + 7, "offset": 0}
        assert (tensors["a"].noise, tensors["a"].stored_bytes) == (recipe, 0)
        assert (tensors["b"].noise, tensors["c"].noise) == (None, None)
        assert same(tensors["a"].read(), array)
        assert (tensors["a"][3, 990:] == array[3, 990:]).all()
        assert same(tensors["b"].read(), array)
    legacy = np.random.RandomState(9).random_sample(77)
    file = io.BytesIO()
    with holotype.TensorWriter(file) as writer:
        writer.add_tensor("a", legacy, noise={"generator": "numpy.RandomState", "seed": 9})
        refused: list[dict[str, str | int]] = [
            {"generator": "dice", "seed": 1},
            {"seed": 1},
            {"generator": "torch.cpu", "seed": 1, "x": 2},
        ]
        for bad in refused:
            with pytest.raises(holotype.ArgumentError):
                writer.add_tensor("bad", legacy, noise=bad)
    assert holotype.open_tensors(file.getvalue())["a"].noise is not None


def stored(array: Any, noise: dict[str, str | int]) -> holotype.Tensor:
    """A tensor whose elements came back, with what it was said to be."""
    file = io.BytesIO()
    with holotype.TensorWriter(file) as writer:
        writer.add_tensor("t", array, noise=noise)
    tensor = holotype.open_tensors(file.getvalue())["t"]
    assert same(tensor.read(), np.asarray(array))
    return tensor


def test_normal_noise_of_numpy_is_a_recipe() -> None:
    for seed in (0, 7, 42, 2**32 - 1, *range(100, 140)):
        rng: dict[str, str | int] = {"generator": "numpy.default_rng", "seed": seed}
        for shape in ((1, 4, 33, 31), (3, 37), (5,)):
            wide = np.random.default_rng(seed).standard_normal(shape)
            narrow = np.random.default_rng(seed).standard_normal(shape, dtype="f4")
            for array in (wide, narrow, wide.astype("f4"), narrow.astype("f2")):
                assert stored(array, rng).noise is not None, (seed, shape, array.dtype)
            legacy = np.random.RandomState(seed).randn(*shape)
            for array in (legacy, legacy.astype("f4"), np.random.RandomState(seed).rand(*shape)):
                # Where the library's logarithm is off in the last bit, an element is corrected.
                tensor = stored(array, {"generator": "numpy.RandomState", "seed": seed})
                assert tensor.noise is not None or array.size < 20, (seed, shape)
                assert tensor.stored_bytes <= 100 + array.nbytes // 100
        later = np.random.default_rng(seed).standard_normal(900)[700:]
        assert stored(later, {**rng, "offset": 700}).noise == {
            "generator": "numpy.default_rng.standard_normal",
            "seed": seed,
            "offset": 700,
        }


def test_noise_that_is_nearly_made_is_corrected() -> None:
    array = np.random.default_rng(5).random((100, 100))
    array[::9, 50] = np.nextafter(array[::9, 50], 2)
    tensor = stored(array, {"generator": "numpy.default_rng", "seed": 5})
    assert tensor.noise is not None
    assert 0 < tensor.stored_bytes < 200
    assert (tensor[18, 49:52] == array[18, 49:52]).all()
    assert stored(array, {"generator": "numpy.default_rng", "seed": 6}).noise is None


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox-4x32-10 as its authors describe it."""
    low = 2**32 - 1
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            second >> 32 ^ counter[1] ^ key[0],
            second & low,
            first >> 32 ^ counter[3] ^ key[1],
            first & low,
        ]
        key = [(key[0] + 0x9E3779B9) & low, (key[1] + 0xBB67AE85) & low]
    return counter


def test_uniform_noise_of_cuda_is_a_recipe() -> None:
    assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    seed, offset, n, threads = 2**35 + 3, 8, 1500, 256
    made = np.empty(n, "f4")
    for e in range(n):
        thread, step = e % threads, e // threads
        draw = philox([offset // 4 + step // 4, 0, thread, 0], [seed & (2**32 - 1), seed >> 32])[step % 4]
        made[e] = np.float32(draw) * np.float32(2**-32) + np.float32(2**-33)
    recipe: dict[str, str | int] = {
        "generator": "torch.cuda",
        "seed": seed,
        "offset": offset,
        "threads": threads,
    }
    tensor = stored(made, recipe)
    assert tensor.noise == {**recipe, "generator": "torch.cuda.rand"}
    assert tensor.stored_bytes == 0
    refused: list[dict[str, str | int]] = [{"threads": 256}, {"threads": -1}, {"threads": "256"}]
    for bad in refused:
        with pytest.raises(holotype.ArgumentError):
            stored(made, {"generator": "torch.cpu", "seed": 0, **bad})


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_tensors_come_back() -> None:
    import torch

    base = torch.randn(3, 4, 5, 6)
    for dtype in ("float32", "float16", "bfloat16", "float64", "int64", "uint8", "bool", "complex64"):
        for tensor in (base, base.permute(3, 2, 1, 0), base[1:, ::2], base[0, 0, 0, 0], base[:0]):
            tensor = tensor.to(getattr(torch, dtype))
            file = io.BytesIO()
            holotype.write_tensors(file, {"t": tensor})
            back = holotype.open_tensors(file.getvalue())["t"].torch()
            assert back.dtype == tensor.dtype
            assert back.shape == tensor.shape
            assert bool((back == tensor).all())


TORCH = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "float8_e5m2fnuz", "float8_e8m0fnu",
]  # fmt: skip


def torch_bits(tensor: Any) -> bytes:
    """The elements as bytes, in C order."""
    import torch

    flat = tensor.contiguous().reshape(-1)
    data: bytes = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return data


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", TORCH)
def test_torch_keeps_every_bit(name: str) -> None:
    import torch

    dtype = getattr(torch, name, None)
    if dtype is None:
        pytest.skip(f"this PyTorch has no {name}")
    rng = np.random.default_rng(11)
    for shape in SHAPES:
        # Any bits: NaN payloads, −0, subnormals.
        bits = torch.from_numpy(
            rng.integers(0, 2 if name == "bool" else 256, (int(np.prod(shape)), 16), "u1")
        )
        n_bytes = torch.empty((), dtype=dtype).element_size()
        tensor = bits[:, :n_bytes].contiguous().reshape(-1).view(dtype).reshape(shape)
        turned = tensor.permute(tuple(reversed(range(len(shape)))))
        for given in (tensor, turned, tensor[..., 1:] if shape else tensor):
            file = io.BytesIO()
            holotype.write_tensors(file, {"t": given})
            stored = holotype.open_tensors(file.getvalue())["t"]
            back = stored.torch()
            assert (back.dtype, back.shape) == (dtype, given.shape)
            assert torch_bits(back) == torch_bits(given)
            # The same through NumPy.
            assert stored.read().tobytes() == torch_bits(given)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_views_that_are_lazy_are_what_they_stand_for() -> None:
    import torch

    base = torch.tensor([[1 + 2j, -0.0 - 3j], [float("nan") + 1j, 5 - 0.0j]])
    for lazy in (base.conj(), base.conj().imag, base.mT, base[:, 1].conj()):
        file = io.BytesIO()
        holotype.write_tensors(file, {"t": lazy})
        back = holotype.open_tensors(file.getvalue())["t"].torch()
        assert torch_bits(back) == torch_bits(lazy.resolve_conj().resolve_neg())
    for other in (torch.eye(3).to_sparse(), torch.zeros(2, device="meta")):
        with pytest.raises(holotype.UnsupportedError, match=r"sparse|meta"):
            holotype.dumps(other)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_classes_derived_from_torch_tensors_are_tensors() -> None:
    import torch

    class Own(torch.Tensor):  # type: ignore[misc,unused-ignore]
        pass

    tensor = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).as_subclass(Own)
    back = holotype.loads(holotype.dumps(tensor))
    assert (back.dtype.name, back.tolist()) == ("bfloat16", tensor.tolist())
    truths = torch.tensor([0, 1, 2, 255], dtype=torch.uint8).view(torch.bool)
    assert holotype.loads(holotype.dumps(truths)).view("u1").tolist() == [0, 1, 1, 1]


class Foreign:
    """A tensor of a library that nobody knows."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __dlpack__(self, **options: Any) -> Any:
        return self.inner.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.inner.__dlpack_device__()


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i8", "u1", "c8", "bool"])
def test_dlpack_is_given(dtype: str) -> None:
    for order in ("C", "F"):
        array = np.asarray(noise((3, 5, 7), dtype), order=order)
        file = io.BytesIO()
        holotype.write_tensors(file, {"t": array})
        if dtype == "bool" and np.__version__.startswith("1.24"):
            pytest.skip("this NumPy has no DLPack of bool")
        assert same(np.ascontiguousarray(np.from_dlpack(holotype.open_tensors(file.getvalue())["t"])), array)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float32"])
def test_dlpack_of_other_floats_both_ways(name: str) -> None:
    import torch

    dtype = getattr(torch, name, None)
    if dtype is None:
        pytest.skip(f"this PyTorch has no {name}")
    tensor = torch.randn(6, 5).to(dtype)
    try:
        torch.from_dlpack(Foreign(tensor))
    except (BufferError, RuntimeError):
        pytest.skip(f"this PyTorch has no DLPack of {name}")
    file = io.BytesIO()
    holotype.write_tensors(file, {"t": Foreign(tensor)})
    stored = holotype.open_tensors(file.getvalue())["t"]
    assert stored.dtype == name
    back = torch.from_dlpack(stored)
    assert back.dtype == dtype
    assert torch_bits(back) == torch_bits(tensor)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_noise_is_a_recipe() -> None:
    import torch

    for seed in (0, 7, 2**40 + 1):
        for shape in ((1, 4, 64, 64), (3, 37), (16,)):
            torch.manual_seed(seed)
            normal = torch.randn(shape)
            torch.manual_seed(seed)
            uniform = torch.rand(shape)
            noise: dict[str, str | int] = {"generator": "torch.cpu", "seed": seed}
            file = io.BytesIO()
            with holotype.TensorWriter(file) as writer:
                writer.add_tensor("normal", normal, noise=noise)
                writer.add_tensor("half", normal.half(), noise=noise)
                writer.add_tensor("bfloat16", normal.bfloat16(), noise=noise)
                writer.add_tensor("uniform", uniform, noise=noise)
            tensors = holotype.open_tensors(file.getvalue())
            assert all(tensor.noise is not None for tensor in tensors.values())
            assert bool((tensors["normal"].torch() == normal).all())
            assert bool((tensors["bfloat16"].torch() == normal.bfloat16()).all())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_torch_noise_of_other_types_is_a_recipe() -> None:
    import torch

    if torch.__version__ < "2":
        pytest.skip("draws half floats in another way")
    for seed in (0, 7, 2**40 + 1):
        for n in (16, 1000, 16384):
            for dtype in (torch.float16, torch.bfloat16, torch.float64):
                for draw in (torch.randn, torch.rand):
                    torch.manual_seed(seed)
                    made = draw(n, dtype=dtype)
                    file = io.BytesIO()
                    with holotype.TensorWriter(file) as writer:
                        writer.add_tensor("t", made, noise={"generator": "torch.cpu", "seed": seed})
                    tensor = holotype.open_tensors(file.getvalue())["t"]
                    assert tensor.noise is not None, (seed, n, dtype, draw)
                    assert bool((tensor.torch() == made).all())


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16, "c8"])
@pytest.mark.parametrize("how", [0.05, ("absolute", 0.05), ("relative", 1e-3)])
def test_values_within_a_bound(dtype: Any, how: Any) -> None:
    wave = np.sin(np.arange(40_000) * 0.01).reshape(200, 200) * 30
    wave[3, 4:7] = np.nan, np.inf, -np.inf
    array = wave.astype(dtype)
    with holotype.Writer(None) as writer:
        writer.add_tensor("lossy", array, max_error=how).add_tensor("exact", array)
    tensors = holotype.open_tensors(writer.data)
    bound = tensors["lossy"].max_error
    assert tensors["exact"].max_error is None
    assert same(tensors["exact"].read(), array)
    assert bound is not None
    assert "lossy ±" in repr(tensors["lossy"])
    assert bound == 0.05 if how != ("relative", 1e-3) else 0.05 < bound < 0.07
    stored = tensors["lossy"].read()
    assert stored.dtype == array.dtype
    parts = (stored.view("f4"), array.view("f4")) if dtype == "c8" else (stored, array)
    now, was = (part.astype("f8") for part in parts)
    with np.errstate(invalid="ignore"):
        near = np.abs(now - was) <= bound
    assert (near | (now == was) | (np.isnan(now) & np.isnan(was))).all()
    if np.dtype(dtype).itemsize > 2:
        assert tensors["lossy"].stored_bytes * 2 < tensors["exact"].stored_bytes
    assert same(tensors["lossy"][5:9, 7], stored[5:9, 7])
    assert holotype.verify(writer.data)


def test_bounds_that_cannot_be_meant() -> None:
    array = np.linspace(0, 1, 100, dtype="f4")
    with holotype.Writer(None) as writer:
        for bad in (0, -1, float("nan"), float("inf"), "x", ("some", 1.0), True, ("relative", 0)):
            with pytest.raises(holotype.ArgumentError):
                writer.add_tensor("t", array, max_error=bad)  # type: ignore[arg-type]
        with pytest.raises(holotype.ArgumentError):
            writer.add_tensor("t", array.astype("i4"), max_error=1.0)
        with pytest.raises(holotype.ArgumentError):
            writer.add_tensor("t", array, "pco", max_error=1.0)
