use super::RemoteOptions;
use super::fetch::{Fetcher, Identity, Opened};
use super::origin::Origin;
use super::per_process::PerProcess;
use super::plan::coalesce;
use crate::{ReadAt, RemoteError};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes fetched ahead and held until they are read.
const MAX_HELD_BYTES: u64 = 64 << 20;
/// Bytes fetched by one request.
const MAX_REQUEST_BYTES: u64 = 16 << 20;

/// An object behind HTTP or S3, read by ranges: blocking, from any thread, no thread of its own, safe after `fork`.
///
/// Opening asks once, for the object's end, which is kept. Every later request asks for the same object by its
/// ETag, so that a replaced one is an error and never a mixture.
pub struct RemoteSource {
    origin: Arc<Origin>,
    options: RemoteOptions,
    identity: Identity,
    tail: Vec<u8>,
    processes: PerProcess<Process>,
}

/// What belongs to one process: connections, names, bytes fetched ahead.
struct Process {
    fetcher: Fetcher,
    held: Mutex<Vec<Held>>,
}

/// Bytes fetched ahead, from `offset_bytes`.
#[derive(Clone)]
struct Held {
    offset_bytes: u64,
    bytes: Arc<Vec<u8>>,
}

impl Held {
    fn get(&self, offset_bytes: u64, n_bytes: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset_bytes.checked_sub(self.offset_bytes)?).ok()?;
        self.bytes.get(start..start.checked_add(n_bytes)?)
    }
}

impl RemoteSource {
    /// True for what [`Self::open`] takes: `http://`, `https://` and `s3://`.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        matches!(scheme.as_deref(), Some("http" | "https" | "s3"))
    }

    /// Opens the object at `address` with one request.
    ///
    /// # Errors
    /// [`RemoteError`] inside it: nothing there, refused, given up.
    pub fn open(address: &str, options: &RemoteOptions) -> io::Result<Self> {
        let options = options.clone();
        let origin = Arc::new(Origin::parse(address, &options)?);
        let mut source = Self {
            origin,
            options,
            identity: Identity::default(),
            tail: Vec::new(),
            processes: PerProcess::new(),
        };
        let Opened { identity, tail } = source.process().fetcher.open()?;
        source.identity = identity;
        source.tail = tail;
        Ok(source)
    }

    /// The address, without what may be secret in it.
    #[must_use]
    pub fn address(&self) -> &str {
        self.origin.address()
    }

    fn process(&self) -> &Process {
        self.processes.get(|| Process {
            fetcher: Fetcher::new(Arc::clone(&self.origin), self.options.clone()),
            held: Mutex::default(),
        })
    }

    fn tail_offset(&self) -> u64 {
        self.identity.n_bytes - self.tail.len() as u64
    }

    fn fetch(&self, range: Range<u64>) -> Result<Held, RemoteError> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.process().fetcher.read(&self.identity, range.start, &mut bytes)?;
        Ok(Held { offset_bytes: range.start, bytes: Arc::new(bytes) })
    }

    fn held(&self, offset_bytes: u64, n_bytes: usize) -> Option<Held> {
        let held = self.process().held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().rev().find(|held| held.get(offset_bytes, n_bytes).is_some()).cloned()
    }

    fn hold(&self, new: Vec<Held>) {
        let mut held = self.process().held.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend(new);
        let mut n_bytes: u64 = held.iter().map(|held| held.bytes.len() as u64).sum();
        while n_bytes > MAX_HELD_BYTES && held.len() > 1 {
            n_bytes -= held.remove(0).bytes.len() as u64;
        }
    }
}

impl std::fmt::Debug for RemoteSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteSource")
            .field("address", &self.address())
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl ReadAt for RemoteSource {
    fn len_bytes(&self) -> u64 {
        self.identity.n_bytes
    }

    fn read_exact_at(&self, offset_bytes: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset_bytes.checked_add(out.len() as u64).filter(|end| *end <= self.identity.n_bytes);
        let end = end
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "read past the end of the object"))?;
        if let Some(held) = self.held(offset_bytes, out.len())
            && let Some(bytes) = held.get(offset_bytes, out.len())
        {
            out.copy_from_slice(bytes);
            return Ok(());
        }
        // What the tail holds is not asked for again.
        let split = self.tail_offset().clamp(offset_bytes, end);
        let (before, inside) = out.split_at_mut((split - offset_bytes) as usize);
        if let Some(bytes) = self.slice(split, inside.len() as u64) {
            inside.copy_from_slice(bytes);
        }
        Ok(self.process().fetcher.read(&self.identity, offset_bytes, before)?)
    }

    fn slice(&self, offset_bytes: u64, n_bytes: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset_bytes.checked_sub(self.tail_offset())?).ok()?;
        self.tail.get(start..start.checked_add(usize::try_from(n_bytes).ok()?)?)
    }

    fn is_far(&self) -> bool {
        true
    }

    fn will_read(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        let tail = self.tail_offset();
        let mut budget = MAX_HELD_BYTES;
        let mut wanted = Vec::new();
        for range in ranges {
            let range = range.start..range.end.min(tail);
            let Some(n_bytes) = range.end.checked_sub(range.start).filter(|n| *n > 0) else { continue };
            if self.held(range.start, usize::try_from(n_bytes).unwrap_or(usize::MAX)).is_some() {
                continue;
            }
            let Some(left) = budget.checked_sub(n_bytes) else { break };
            budget = left;
            wanted.push(range);
        }
        let requests = coalesce(&wanted, self.options.max_gap_bytes, MAX_REQUEST_BYTES);
        // A lone range is fetched into its reader's buffer as well as into ours.
        if wanted.len() < 2 {
            return Ok(());
        }
        let queue = Mutex::new(requests.into_iter());
        let fetched = Mutex::new(Vec::new());
        let failed = Mutex::new(None);
        let run = || loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(range) = next else { break };
            match self.fetch(range) {
                Ok(held) => fetched.lock().unwrap_or_else(PoisonError::into_inner).push(held),
                Err(error) => {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    // The other threads find nothing more to do.
                    queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
                }
            }
        };
        let n_threads =
            queue.lock().unwrap_or_else(PoisonError::into_inner).len().min(self.options.max_parallel);
        thread::scope(|scope| {
            for _ in 1..n_threads {
                // A thread that cannot be started is no error: the others do its work.
                let _ = thread::Builder::new().spawn_scoped(scope, run);
            }
            run();
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        self.hold(fetched.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}
