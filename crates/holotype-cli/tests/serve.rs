//! `holo serve`: what HTTP asks for, and clients that mean no good.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server, ended with the test.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Server {
    fn start(archive: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_holo"))
            .args(["serve", "--port", "0", "--patience", "1"])
            .arg(archive)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
            self.address
        ))
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    fn raw(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head, body: all[end + 4..].to_vec() }
    }
}

fn holo(dir: &Path, args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_holo")).current_dir(dir).args(args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn text() -> Vec<u8> {
    (0..200_000).flat_map(|i: u32| format!("line {i}\n").into_bytes()).collect()
}

fn packed() -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("tree")).unwrap();
    fs::write(dir.path().join("tree/text"), text()).unwrap();
    fs::write(dir.path().join("tree/größe 1?.txt"), b"odd name").unwrap();
    fs::write(dir.path().join("tree/empty"), b"").unwrap();
    fs::write(dir.path().join("secret"), b"outside").unwrap();
    holo(dir.path(), &["pack", "tree", "-o", "a.holo"]);
    let server = Server::start(&dir.path().join("a.holo"));
    (dir, server)
}

#[test]
fn items_whole_and_in_ranges() {
    let (dir, server) = packed();
    let text = text();
    let whole = server.get("/items/tree/text");
    assert_eq!((whole.status, whole.header("Content-Length")), (200, Some(&*text.len().to_string())));
    assert!(whole.body == text);
    assert_eq!(whole.header("Accept-Ranges"), Some("bytes"));
    let part = server.ask("GET", "/items/tree/text", "Range: bytes=1000000-1000009\r\n");
    assert_eq!(part.status, 206);
    assert_eq!(part.header("Content-Range"), Some(&*format!("bytes 1000000-1000009/{}", text.len())));
    assert_eq!(part.body, text[1_000_000..1_000_010]);
    let tail = server.ask("GET", "/items/tree/text", "Range: bytes=-7\r\n");
    assert_eq!((tail.status, &*tail.body), (206, &text[text.len() - 7..]));
    let past = server.ask("GET", "/items/tree/text", "Range: bytes=99999999-\r\n");
    assert_eq!(past.status, 416);
    assert_eq!(past.header("Content-Range"), Some(&*format!("bytes */{}", text.len())));
    let several = server.ask("GET", "/items/tree/text", "Range: bytes=0-1,5-6\r\n");
    assert_eq!((several.status, several.body.len()), (200, text.len()));
    let head = server.ask("HEAD", "/items/tree/text", "Range: bytes=5-9\r\n");
    assert_eq!((head.status, head.header("Content-Length"), head.body.len()), (206, Some("5"), 0));
    assert_eq!(server.get("/items/tree/gr%C3%B6%C3%9Fe%201%3F.txt").body, b"odd name");
    let empty = server.get("/items/tree/empty");
    assert_eq!((empty.status, empty.header("Content-Length")), (200, Some("0")));
    let listed: serde_json::Value = serde_json::from_slice(&server.get("/items").body).unwrap();
    let paths: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|i| i["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["/items/tree", "/items/tree/empty", "/items/tree/gr%C3%B6%C3%9Fe%201%3F.txt", "/items/tree/text"]
    );
    let after: serde_json::Value =
        serde_json::from_slice(&server.get("/items?after=tree/gr%C3%B6%C3%9Fe%201%3F.txt").body).unwrap();
    assert_eq!(after["items"][0]["name"], "tree/text");
    assert_eq!(server.get("/stream").body.len(), text.len() + 8);
    // What a server serves as it lies is read like any archive behind HTTP.
    let address = format!("http://{}/archive", server.address);
    assert_eq!(
        holo(dir.path(), &["cat", &address, "tree/text", "--range", "5:11", "--allow-restricted"]).len(),
        6
    );
    assert!(server.get("/archive").body == fs::read(dir.path().join("a.holo")).unwrap());
}

#[test]
fn entity_tags_are_the_seal() {
    let (dir, server) = packed();
    let info: serde_json::Value = serde_json::from_slice(&server.get("/").body).unwrap();
    let etag = format!("\"{}\"", info["seal"].as_str().unwrap());
    assert!(holo(dir.path(), &["info", "a.holo"]).contains(etag.trim_matches('"')));
    assert_eq!(server.get("/items/tree/text").header("ETag"), Some(&*etag));
    let known = server.ask("GET", "/archive", &format!("If-None-Match: \"x\", {etag}\r\n"));
    assert_eq!((known.status, known.body.len(), known.header("ETag")), (304, 0, Some(&*etag)));
    assert_eq!(server.ask("GET", "/archive", "If-Match: \"other\"\r\n").status, 412);
    assert_eq!(server.ask("GET", "/archive", &format!("If-Match: {etag}\r\n")).status, 200);
    let same = server.ask("GET", "/archive", &format!("Range: bytes=0-3\r\nIf-Range: {etag}\r\n"));
    assert_eq!((same.status, same.body.len()), (206, 4));
    assert_eq!(server.ask("GET", "/archive", "Range: bytes=0-3\r\nIf-Range: \"other\"\r\n").status, 200);
}

#[test]
fn nothing_but_the_archive_is_reached() {
    let (_dir, server) = packed();
    for path in [
        "/items/../secret",
        "/items/tree/../../secret",
        "/items/%2e%2e/secret",
        "/../secret",
        "/items//etc/passwd",
        "/items/%2fetc%2fpasswd",
        "/secret",
        "/items/tree/text/",
        "/items/tree/text%00",
        "/nothing",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(server.get("/items/%ff").status, 400);
    assert_eq!(server.get("/items/tree").status, 501);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.ask(method, "/items/tree/text", "");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")), "{method}");
    }
    // A page of another site whose name leads to loopback.
    let foreign = server.raw("GET / HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n");
    assert_eq!(foreign.status, 421);
    let local = server.raw("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(local.status, 200);
    assert_eq!(
        server.raw(&format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40_000))).status,
        431
    );
}

#[test]
fn clients_that_wait_are_let_go() {
    let (_dir, server) = packed();
    let started = Instant::now();
    // Nothing, half a request, a request and then nothing.
    let mut silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // One that asks for much and takes nothing: what fits no buffer of the system is waited for in vain.
    let mut greedy = server.connect();
    for _ in 0..40 {
        greedy.write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    }
    // Others are served meanwhile.
    assert_eq!(server.get("/items/tree/text").status, 200);
    for stream in [&mut silent, &mut half, &mut idle] {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(started.elapsed() < Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(3));
    let mut taken = 0;
    let mut part = vec![0; 1 << 20];
    while let Ok(n) = greedy.read(&mut part) {
        if n == 0 {
            break;
        }
        taken += n;
    }
    assert!(taken < 40 * text().len(), "the server went on: {taken}");
}

#[test]
fn damage_is_an_error_and_never_bytes() {
    let (dir, server) = packed();
    drop(server);
    let path = dir.path().join("a.holo");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let server = Server::start(&path);
    let answer = server.get("/items/tree/text");
    assert_eq!(answer.status, 500);
    assert!(String::from_utf8(answer.body).unwrap().contains("block"));
    assert_eq!(server.ask("HEAD", "/items/tree/text", "").status, 200);
}
