//! A plain HTTP server with ranges, and every fault a server or a proxy can show.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What happens to the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection ends after so many bytes of it.
    CutAfter(usize),
    /// The connection ends before any answer.
    Reset,
    /// Nothing comes for so long, then all.
    StallBefore(Duration),
    /// A byte at a time, with so long between.
    Drip(Duration),
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub fault: Fault,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), fault: Fault::None }
    }

    pub fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).with("Location", to)
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self
    }

    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
}

/// What a good server answers for an object.
pub fn object(bytes: &[u8], etag: &str, request: &Request) -> Reply {
    let n = bytes.len();
    let good = Reply::status(200).with("ETag", etag).with("Accept-Ranges", "bytes");
    if request.header("if-match").is_some_and(|wanted| wanted != etag) {
        return Reply::status(412);
    }
    let Some(range) = request.header("range").and_then(|r| r.strip_prefix("bytes=")) else {
        return Reply { body: bytes.to_vec(), ..good };
    };
    let (first, last) = range.split_once('-').unwrap();
    let (first, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, (last + 1).min(n)),
        (Ok(first), Err(_)) => (first, n),
        (Err(_), Ok(suffix)) => (n.saturating_sub(suffix), n),
        _ => return Reply::status(400),
    };
    if first >= end {
        return Reply::status(416).with("Content-Range", format!("bytes */{n}"));
    }
    let partial = good.with("Content-Range", format!("bytes {first}-{}/{n}", end - 1));
    Reply { status: 206, body: bytes[first..end].to_vec(), ..partial }
}

type Handler = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// Answers with what its handler says; the handler gets the request and its number, from 0.
pub struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn new(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (handler, log): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
                thread::spawn(move || serve(&stream, &*handler, &log));
            }
        });
        Self { address, requests }
    }

    /// A good server of one object.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self::new(move |request, _| object(&bytes, "\"v1\"", request))
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

/// Answers the requests of one connection; ends it when the client does or a fault says so.
fn serve(stream: &TcpStream, handler: &Handler, log: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let reply = handler(&request, number);
        if !answer(stream, &reply) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Request { path, headers })
}

/// Writes a reply; false if the connection ends with it.
fn answer(mut stream: &TcpStream, reply: &Reply) -> bool {
    if reply.fault == Fault::Reset {
        return false;
    }
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
    let has = |name: &str| reply.headers.iter().any(|(n, _)| *n == name);
    if !has("Content-Length") && !has("Transfer-Encoding") {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    reply.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    head += "\r\n";
    let body = match reply.fault {
        Fault::CutAfter(n) => &reply.body[..n],
        _ => &reply.body,
    };
    if let Fault::StallBefore(time) = reply.fault {
        thread::sleep(time);
    }
    if stream.write_all(head.as_bytes()).is_err() {
        return false;
    }
    if let Fault::Drip(time) = reply.fault {
        return body.iter().all(|byte| {
            thread::sleep(time);
            stream.write_all(&[*byte]).is_ok()
        });
    }
    stream.write_all(body).is_ok() && !matches!(reply.fault, Fault::CutAfter(_))
}
