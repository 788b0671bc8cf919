//! Files of tensors: stored tensor by tensor, given back byte for byte.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::{
    Archive, Error, Exclude, FlattenOptions, ItemKind, OpenOptions, Packing, Parent, TensorDescriptor,
    TensorOptions, UnpackOptions, VerifyOptions, Writer, WriterOptions, flatten, unpack,
};
use std::fs;
use std::path::{Path, PathBuf};

fn elements(seed: u32, n: u32) -> Vec<u8> {
    (0..n).flat_map(|i| ((i as f32 + seed as f32) * 0.37).sin().to_le_bytes()).collect()
}

/// A safetensors file of three tensors, one of them without elements.
fn checkpoint(tensors: &[(&str, &[u8])]) -> Vec<u8> {
    let mut json = String::from("{\"__metadata__\":{\"format\":\"pt\"}");
    let mut at = 0;
    for (name, bytes) in tensors {
        let (n, end) = (bytes.len() / 4, at + bytes.len());
        json += &format!(",\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{n}],\"data_offsets\":[{at},{end}]}}");
        at = end;
    }
    json += "}   ";
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.bytes());
    tensors.iter().for_each(|(_, bytes)| file.extend_from_slice(bytes));
    file
}

fn pack(folder: &Path, inputs: &[&str], options: WriterOptions) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    let inputs: Vec<PathBuf> = inputs.iter().map(|name| folder.join(name)).collect();
    writer.pack_tree(&inputs, &Exclude::default()).unwrap();
    writer.finish().unwrap().0
}

#[test]
fn a_checkpoint_is_its_tensors_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (elements(1, 400_000), elements(2, 10));
    let file = checkpoint(&[("layer.a", &a), ("none", &[]), ("layer/b", &b), ("again", &a)]);
    fs::write(folder.path().join("model.safetensors"), &file).unwrap();
    fs::write(folder.path().join("layer.a"), b"a file that has the name of a tensor").unwrap();
    let bytes = pack(folder.path(), &["model.safetensors", "layer.a"], WriterOptions::default());
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let items = archive.items().unwrap();
    let names: Vec<_> = items.iter().map(|item| (item.name(), item.kind())).collect();
    let expected = [
        ("model.safetensors:layer.a", ItemKind::Tensor),
        ("none", ItemKind::Tensor),
        ("layer/b", ItemKind::Tensor),
        ("again", ItemKind::Tensor),
        ("model.safetensors", ItemKind::File),
        ("layer.a", ItemKind::File),
    ];
    assert_eq!(names, expected);
    let tensors = archive.item("model.safetensors").unwrap().tensors_of_file().unwrap().unwrap();
    assert_eq!(tensors, ["model.safetensors:layer.a", "none", "layer/b", "again"]);
    assert_eq!(archive.item("layer.a").unwrap().tensors_of_file().unwrap(), None);
    assert_eq!(archive.tensor("layer/b").unwrap().read().unwrap(), b);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    // Equal tensors are there once, and the file is not there besides them.
    assert!(bytes.len() < a.len(), "{} of {}", bytes.len(), a.len());

    let mut whole = Vec::new();
    archive
        .read_file("model.safetensors", &mut |part| {
            whole.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    assert!(whole == file);
    let map = archive.file_map("model.safetensors").unwrap();
    let header_bytes = file.len() - 2 * a.len() - b.len();
    for (start, n) in [(0, 20), (header_bytes - 3, 10), (header_bytes + a.len() - 5, 60), (file.len() - 7, 7)]
    {
        let mut out = vec![0; n];
        assert_eq!(archive.read_at(&map, start as u64, &mut out).unwrap(), n);
        assert_eq!(out, file[start..start + n], "from {start}");
    }
    // The stream has the file, and not its tensors again.
    assert_eq!(archive.stream_map().unwrap().n_bytes(), file.len() as u64 + 36);
    assert_eq!(archive.summary().unwrap().raw_bytes, file.len() as u64 + 36);
    let out = folder.path().join("out");
    assert_eq!(unpack(&archive, &out, &UnpackOptions::default()).unwrap().n_items, 2);
    assert!(fs::read(out.join("model.safetensors")).unwrap() == file);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(modified(&out.join("model.safetensors")), modified(&folder.path().join("model.safetensors")));

    // Any number of threads makes the same archive.
    let one = WriterOptions::default().with_packing(Packing::default().with_n_threads(1));
    assert!(pack(folder.path(), &["model.safetensors", "layer.a"], one) == bytes);
}

#[test]
fn a_tensor_that_was_renamed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let a = elements(1, 40_000);
    fs::write(folder.path().join("base.safetensors"), checkpoint(&[("a", &a)])).unwrap();
    fs::write(folder.path().join("renamed.safetensors"), checkpoint(&[("b", &a)])).unwrap();
    let base = folder.path().join("base.holo");
    fs::write(&base, pack(folder.path(), &["base.safetensors"], WriterOptions::default())).unwrap();
    let parent = Parent::open(&base, folder.path().join("child.holo"), &OpenOptions::default()).unwrap();
    let options = WriterOptions::default().with_parents(vec![parent]);
    let bytes = pack(folder.path(), &["renamed.safetensors"], options);
    assert!(bytes.len() * 20 < a.len(), "{} of {}", bytes.len(), a.len());
}

#[test]
fn what_is_no_checkpoint_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let good = checkpoint(&[("a", &elements(1, 100))]);
    let mut longer = good.clone();
    longer.push(0);
    let mut header = good.clone();
    header[8] = b' ';
    let files = [
        ("cut", &good[..good.len() - 1]),
        ("longer", &longer),
        ("header", &header),
        ("short", &[1, 2]),
        ("empty", &[]),
    ];
    for (name, bytes) in files {
        let file = folder.path().join(format!("{name}.safetensors"));
        fs::write(&file, bytes).unwrap();
        let packed = pack(folder.path(), &[&format!("{name}.safetensors")], WriterOptions::default());
        let archive = Archive::from_bytes(packed).unwrap();
        assert_eq!(archive.n_items(), 1, "{name}");
        let mut whole = Vec::new();
        let name = format!("{name}.safetensors");
        archive
            .read_file(&name, &mut |part| {
                whole.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
        assert_eq!(whole, bytes);
    }
    fs::write(folder.path().join("model.safetensors"), &good).unwrap();
    let whole = WriterOptions::default().with_packing(Packing::default().with_split_checkpoints(false));
    assert_eq!(Archive::from_bytes(pack(folder.path(), &["model.safetensors"], whole)).unwrap().n_items(), 1);
}

#[test]
fn a_tuned_model_is_stored_against_its_base() {
    let folder = tempfile::tempdir().unwrap();
    let base = [elements(1, 200_000), elements(2, 200_000)];
    let tuned: Vec<u8> = base[0]
        .chunks_exact(4)
        .flat_map(|word| (f32::from_le_bytes(word.try_into().unwrap()) * 1.000_01).to_le_bytes())
        .collect();
    let files = [
        checkpoint(&[("w", &base[0]), ("same", &base[1])]),
        checkpoint(&[("w", &tuned), ("same", &base[1])]),
    ];
    fs::write(folder.path().join("base.safetensors"), &files[0]).unwrap();
    fs::write(folder.path().join("tuned.safetensors"), &files[1]).unwrap();
    let base_path = folder.path().join("base.holo");
    fs::write(&base_path, pack(folder.path(), &["base.safetensors"], WriterOptions::default())).unwrap();
    let child_path = folder.path().join("tuned.holo");
    let parent = Parent::open(&base_path, &child_path, &OpenOptions::default()).unwrap();
    let child =
        pack(folder.path(), &["tuned.safetensors"], WriterOptions::default().with_parents(vec![parent]));
    fs::write(&child_path, &child).unwrap();
    let alone = pack(folder.path(), &["tuned.safetensors"], WriterOptions::default());
    assert!(child.len() * 3 < alone.len(), "{} of {}", child.len(), alone.len());

    let archive = Archive::open(&child_path).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    unpack(&archive, folder.path().join("out"), &UnpackOptions::default()).unwrap();
    assert!(fs::read(folder.path().join("out/tuned.safetensors")).unwrap() == files[1]);
    let (flat, _) = flatten(&archive, Vec::new(), &FlattenOptions::default()).unwrap();
    fs::remove_file(&base_path).unwrap();
    let flat = Archive::from_bytes(flat).unwrap();
    let mut whole = Vec::new();
    flat.read_file("tuned.safetensors", &mut |part| {
        whole.extend_from_slice(part);
        Ok(())
    })
    .unwrap();
    assert!(whole == files[1]);
    // Without the base, what needs it is an error.
    let lost = Archive::open(&child_path).unwrap().read_file("tuned.safetensors", &mut |_| Ok(()));
    assert!(matches!(lost, Err(Error::Parent { .. })), "{lost:?}");
}

#[test]
fn two_models_and_their_tensors_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let files = [checkpoint(&[("w", &elements(1, 1000))]), checkpoint(&[("w", &elements(2, 1000))])];
    for (name, file) in ["a", "b"].iter().zip(&files) {
        fs::write(folder.path().join(format!("{name}.safetensors")), file).unwrap();
    }
    let bytes = pack(folder.path(), &["a.safetensors", "b.safetensors"], WriterOptions::default());
    let archive = Archive::from_bytes(bytes).unwrap();
    assert_eq!(archive.tensor("w").unwrap().read().unwrap(), elements(1, 1000));
    assert_eq!(archive.tensor("b.safetensors:w").unwrap().read().unwrap(), elements(2, 1000));
    unpack(&archive, folder.path().join("out"), &UnpackOptions::default()).unwrap();
    for (name, file) in ["a", "b"].iter().zip(&files) {
        assert!(&fs::read(folder.path().join(format!("out/{name}.safetensors"))).unwrap() == file);
    }
}

#[test]
fn salvage_gives_the_file_or_its_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (elements(1, 100_000), elements(2, 100_000));
    let file = checkpoint(&[("a", &a), ("b", &b)]);
    fs::write(folder.path().join("model.safetensors"), &file).unwrap();
    let bytes = pack(folder.path(), &["model.safetensors"], WriterOptions::default());
    let salvaged = |bytes: Vec<u8>| {
        let options = holotype::SalvageOptions::default();
        let (out, report) = holotype::salvage_bytes(bytes, Vec::new(), &options).unwrap();
        (Archive::from_bytes(out).unwrap(), report)
    };
    // A torn end: everything is there.
    let mut torn = bytes.clone();
    let last = torn.len() - 20;
    torn[last] ^= 1;
    let (archive, _) = salvaged(torn);
    let mut whole = Vec::new();
    archive
        .read_file("model.safetensors", &mut |part| {
            whole.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    assert!(whole == file);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    // A lost slice: the other tensor.
    let mut broken = bytes;
    broken[5000] ^= 1;
    let (archive, report) = salvaged(broken);
    assert_eq!(archive.tensor("b").unwrap().read().unwrap(), b);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let lost: Vec<_> = report.lost.iter().map(|lost| lost.name.as_str()).collect();
    assert_eq!(lost, ["a", "model.safetensors"]);
}

#[test]
fn a_file_of_tensors_is_no_parent() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.safetensors"), checkpoint(&[("a", &elements(1, 1000))])).unwrap();
    let base_path = folder.path().join("base.holo");
    fs::write(&base_path, pack(folder.path(), &["model.safetensors"], WriterOptions::default())).unwrap();
    let archive = Archive::open(&base_path).unwrap();
    let item = archive.item("model.safetensors").unwrap();
    assert!(holotype::TensorParent::range(&item, 0, 100).is_err());
    let parent = Parent::open(&base_path, folder.path().join("child.holo"), &OpenOptions::default()).unwrap();
    let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_parents(vec![parent])).unwrap();
    assert!(writer.parent_of_stream(0, 100).unwrap().is_none());
    let descriptor = TensorDescriptor::new(holotype::ElementType::F32, &[1000]);
    let found = writer.parent_tensor("a", &descriptor).unwrap().unwrap();
    writer.add_tensor_by("a", &descriptor, &elements(1, 1000), &found, &TensorOptions::default()).unwrap();
}
