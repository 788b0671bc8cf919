use std::path::Path;
use std::{env, fs};

/// Writes a target's seeds and ends the process if `HOLOTYPE_FUZZ_SEEDS` names a folder for them.
///
/// `of` makes seeds from one golden vector of `docs/vectors`.
#[allow(clippy::disallowed_methods)]
pub fn write_if_asked(of: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let Some(out) = env::var_os("HOLOTYPE_FUZZ_SEEDS") else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/vectors");
    let mut n_seeds = 0;
    for folder in ["good", "bad"] {
        let files = fs::read_dir(vectors.join(folder)).expect("the golden vectors are readable");
        for file in files.flatten() {
            let bytes = fs::read(file.path()).expect("a golden vector is readable");
            for seed in of(&bytes) {
                let name = blake3::hash(&seed).to_hex();
                fs::write(Path::new(&out).join(&name.as_str()[..32]), seed).expect("a seed can be written");
                n_seeds += 1;
            }
        }
    }
    println!("{n_seeds} seeds");
    std::process::exit(0);
}
