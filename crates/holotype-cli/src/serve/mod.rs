//! An archive and its items over HTTP: what `holo serve` runs.

mod body;
mod content;
mod range;
mod respond;
mod steady;

use content::Served;
use holotype::Archive;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use steady::Steady;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time; others wait.
const MAX_CONNECTIONS: usize = 128;
/// Threads that read and decode at a time.
const MAX_READERS: usize = 16;
/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Serves `archive` at `address` until the process ends; tells `ready` where, which names the port if 0 was asked for.
///
/// A client that does not send a request within `patience`, or takes nothing for that long, is let go.
pub(crate) fn serve(
    archive: Archive,
    address: SocketAddr,
    patience: Duration,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(MAX_READERS)
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        ready(listener.local_addr()?);
        accept(listener, Arc::new(Served::new(archive)), address, patience).await
    })
}

async fn accept(
    listener: TcpListener,
    served: Arc<Served>,
    address: SocketAddr,
    patience: Duration,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        // What fails here is one client's connection, or a want of descriptors that passes.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let served = Arc::clone(&served);
        let service = service_fn(move |request| {
            let served = Arc::clone(&served);
            async move { Ok::<_, Infallible>(respond::respond(served, address.ip(), request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_header_size(MAX_HEAD_BYTES)
            .serve_connection(Steady::new(TokioIo::new(stream), patience), service);
        tokio::spawn(async move {
            // A client that went away or broke the rules concerns no one else.
            let _ = connection.await;
            drop(place);
        });
    }
}
