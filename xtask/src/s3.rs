//! `cargo xtask s3`: archives in S3 on real servers, moto and s3s-fs, built once into `target/s3`.

use crate::python::make_environment;
use crate::run::{cargo, command, run};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const MOTO: &str = "moto[server]==5.2.5";
/// The newest for our toolchain.
const S3S_FS: &str = "0.14.1";
const SERVERS: [&str; 2] = ["moto", "s3s-fs"];
const BUCKET: &str = "finds";
/// Time a server has to answer.
const START: Duration = Duration::from_secs(60);

pub(crate) fn main(only: &[String]) -> ExitCode {
    if let Some(unknown) = only.iter().find(|name| !SERVERS.contains(&name.as_str())) {
        eprintln!("no server named `{unknown}`; servers: {}", SERVERS.join(", "));
        return ExitCode::from(2);
    }
    match tests(|name| only.is_empty() || only.iter().any(|one| one == name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn tests(wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    let dir = crate::bench::target().join("s3");
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut servers = Vec::new();
    if wanted("moto") {
        servers.push(Server::moto(&dir)?);
    }
    if wanted("s3s-fs") {
        servers.push(Server::s3s_fs(&dir)?);
    }
    let endpoints: Vec<_> =
        servers.iter().map(|server| format!("{}=http://127.0.0.1:{}", server.name, server.port)).collect();
    let mut tests = cargo(&["test", "--package", "holotype", "--features", "remote", "--test", "s3", "--"]);
    run(tests.args(["--ignored", "--test-threads", "1"]).env("HOLOTYPE_S3_SERVERS", endpoints.join(" ")))
}

/// A server on loopback, ended with this value.
struct Server {
    name: &'static str,
    port: u16,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn moto(dir: &Path) -> Result<Self, String> {
        let venv = dir.join("moto");
        let program = venv.join("bin/moto_server");
        if !program.is_file() {
            make_environment(&venv)?;
            run(&mut command(venv.join("bin/python"), &["-m", "pip", "install", "--quiet", MOTO]))?;
        }
        let port = free_port()?;
        let server = Self::start("moto", port, &program, &["-H", "127.0.0.1", "-p", &port.to_string()], dir)?;
        let answer = put(port, &format!("/{BUCKET}")).map_err(|e| format!("moto: {e}"))?;
        if answer.contains(" 200 ") { Ok(server) } else { Err(format!("moto makes no bucket: {answer}")) }
    }

    fn s3s_fs(dir: &Path) -> Result<Self, String> {
        let root = dir.join("s3s-fs");
        let program = root.join("bin/s3s-fs");
        if !program.is_file() {
            let mut install = cargo(&["install", "s3s-fs", "--version", S3S_FS, "--locked", "--debug"]);
            let build = dir.join("build");
            run(install.args(["--features", "binary", "--root"]).arg(&root).env("CARGO_TARGET_DIR", build))?;
        }
        let data = dir.join("data");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(data.join(BUCKET)).map_err(|e| format!("{}: {e}", data.display()))?;
        let port = free_port()?;
        let port_text = port.to_string();
        let keys = ["--access-key", "holotype", "--secret-key", "holotype-secret"];
        let place = ["--host", "127.0.0.1", "--port", &port_text];
        let data = data.to_string_lossy();
        Self::start("s3s-fs", port, &program, &[&keys[..], &place, &[&data]].concat(), dir)
    }

    fn start(
        name: &'static str,
        port: u16,
        program: &Path,
        args: &[&str],
        dir: &Path,
    ) -> Result<Self, String> {
        let log: PathBuf = dir.join(format!("{name}.log"));
        let log = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let mut start = command(program, args);
        let process = start.stdout(Stdio::null()).stderr(log).spawn().map_err(|e| format!("{name}: {e}"))?;
        let mut server = Self { name, port, process };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().map_err(|e| format!("{name}: {e}"))?;
            if ended.is_some() || started.elapsed() > START {
                return Err(format!("{name} does not start; see {}", dir.join(name).display()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|e| e.to_string())
}

/// The answer to a `PUT` of nothing.
fn put(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
