use super::content::Content;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Content read at a time: what a connection holds in memory.
const PART_BYTES: u64 = 256 << 10;

/// The bytes of an answer: a short text, or a range of content that is read as the client takes it.
pub(super) struct AnswerBody {
    content: Option<Arc<Content>>,
    /// What is not read yet.
    rest: Range<u64>,
    /// Read and not sent yet.
    ready: Option<Bytes>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl AnswerBody {
    pub(super) fn text(text: String) -> Self {
        let ready = (!text.is_empty()).then(|| Bytes::from(text));
        Self { content: None, rest: 0..0, ready, reading: None }
    }

    /// A range of content; its first part is read now, so that an answer about damage can still be given.
    pub(super) async fn content(content: Arc<Content>, range: Range<u64>) -> io::Result<Self> {
        let mut body = Self { content: Some(content), rest: range, ready: None, reading: None };
        if let Some(reading) = body.read_next() {
            body.ready = Some(reading.await.map_err(io::Error::other)??);
        }
        Ok(body)
    }

    fn read_next(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        let content = self.content.clone()?;
        let n_bytes = (self.rest.end - self.rest.start).min(PART_BYTES);
        if n_bytes == 0 {
            return None;
        }
        let start = self.rest.start;
        self.rest.start += n_bytes;
        Some(tokio::task::spawn_blocking(move || {
            let mut part = vec![0; n_bytes as usize];
            content.read_at(start, &mut part)?;
            Ok(part.into())
        }))
    }

    fn n_left(&self) -> u64 {
        self.ready.as_ref().map_or(0, |ready| ready.len() as u64) + (self.rest.end - self.rest.start)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        if let Some(ready) = body.ready.take() {
            return Poll::Ready(Some(Ok(Frame::data(ready))));
        }
        if body.reading.is_none() {
            body.reading = body.read_next();
        }
        let Some(reading) = &mut body.reading else { return Poll::Ready(None) };
        let part = ready!(Pin::new(reading).poll(context));
        body.reading = None;
        Poll::Ready(Some(part.map_err(io::Error::other).flatten().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_none() && self.n_left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        match &self.reading {
            None => SizeHint::with_exact(self.n_left()),
            Some(_) => SizeHint::default(),
        }
    }
}
