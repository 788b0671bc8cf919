use crate::run::{command, run};
use std::path::{Path, PathBuf};

/// The project's own Python environment, under `target/`, so that no system package is touched or trusted.
pub(crate) struct Venv {
    dir: PathBuf,
}

impl Venv {
    /// Makes the environment and installs the pinned tools, unless that was done for the same pins.
    ///
    /// # Errors
    /// A line saying what failed.
    pub(crate) fn prepare() -> Result<Self, String> {
        Self::with("target/venv", "python/requirements-test.txt")
    }

    /// The same with PyTorch, safetensors and jsonschema, which are large and not needed for most tests.
    ///
    /// # Errors
    /// A line saying what failed.
    pub(crate) fn prepare_with_torch() -> Result<Self, String> {
        Self::with("target/venv-torch", "python/requirements-torch.txt")
    }

    fn with(dir: &str, pins: &str) -> Result<Self, String> {
        let root = crate::root();
        let venv = Self { dir: root.join(dir) };
        let pins_path = root.join(pins);
        let pins =
            std::fs::read_to_string(&pins_path).map_err(|e| format!("{}: {e}", pins_path.display()))?;
        let stamp = venv.dir.join("installed-requirements.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
            return Ok(venv);
        }
        make_environment(&venv.dir)?;
        run(venv.python(&["-m", "pip", "install", "--quiet", "--requirement"]).arg(&pins_path))?;
        std::fs::write(&stamp, pins).map_err(|e| format!("{}: {e}", stamp.display()))?;
        Ok(venv)
    }

    /// `python` of the environment with `args`.
    pub(crate) fn python(&self, args: &[&str]) -> std::process::Command {
        let mut python = command(self.bin("python"), args);
        python.env("VIRTUAL_ENV", &self.dir).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        python
    }

    /// Builds the wheel in release mode and installs it.
    ///
    /// # Errors
    /// A line saying what failed.
    pub(crate) fn install_wheel(&self) -> Result<(), String> {
        let wheels = crate::root().join("target/wheels");
        remove_wheels(&wheels);
        run(self
            .python(&["-m", "maturin", "build", "--release", "--locked", "--quiet", "--out"])
            .arg(&wheels)
            .arg("--interpreter")
            .arg(self.bin("python")))?;
        let wheel = find_wheel(&wheels).ok_or("maturin left no wheel")?;
        run(self.python(&["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"]).arg(wheel))
    }

    fn bin(&self, name: &str) -> PathBuf {
        if cfg!(windows) {
            self.dir.join("Scripts").join(format!("{name}.exe"))
        } else {
            self.dir.join("bin").join(name)
        }
    }
}

/// Makes an empty environment with the interpreter that `PYTHON` names.
///
/// # Errors
/// A line saying what failed.
pub(crate) fn make_environment(dir: &Path) -> Result<(), String> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    run(command(python, &["-m", "venv", "--clear"]).arg(dir))
}

fn wheels_in(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "whl"))
}

fn find_wheel(dir: &Path) -> Option<PathBuf> {
    wheels_in(dir).next()
}

fn remove_wheels(dir: &Path) {
    for wheel in wheels_in(dir) {
        let _ = std::fs::remove_file(wheel);
    }
}
