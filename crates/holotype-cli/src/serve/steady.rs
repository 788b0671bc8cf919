use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// A connection that ends when its client takes nothing for a while.
///
/// Clients that send nothing are hyper's part: it limits the time a request's head may take.
pub(super) struct Steady<S> {
    inner: S,
    limit: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<S> Steady<S> {
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit, silence: Box::pin(sleep(limit)) }
    }

    fn watched<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.silence.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        self.silence.as_mut().reset(Instant::now() + self.limit);
        written
    }
}

impl<S: Read + Unpin> Read for Steady<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Steady<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.watched(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watched(context, done)
    }
}
