//! Request and response bodies: one type for both, so that one can become the other.
//!
//! A body is held in memory, is in a file (`file.rs`), or is streamed through a bounded channel
//! (`channel`), past which a producer that its connection runs may write (`direct.rs`). Not here:
//! framing, which is the protocol machine's, and when a body is read (`conn/h1`).

mod blocking;
mod channel;
mod direct;
mod error;
mod file;

use std::fmt;
use std::fs::File;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use wharf_proto::{Headers, Reject};

pub(crate) use self::blocking::{BlockingProducer, OnWorker, block_on};
pub use self::channel::BodyWriter;
pub(crate) use self::channel::{BodyReader, CAPACITY_BYTES, ReadPace};
pub(crate) use self::direct::Sink;
pub use self::error::{BodyError, Closed};
pub(crate) use self::file::{Extent, FilePart};
use crate::pool::Pooled;
use crate::response::BoxError;
use crate::stream::NextProtocol;

/// How much of a file is read at a time, in bytes.
pub(crate) const FILE_PIECE_BYTES: usize = 64 << 10;

/// The body of a request or a response.
///
/// Anything that converts into a `Body` can be sent; what was received can be read whole
/// ([`bytes`](Self::bytes)), piece by piece with back-pressure ([`chunk`](Self::chunk)), sent on
/// as it is, or dropped.
///
/// ```
/// use wharf::{Body, Request, Response};
///
/// let echo = |request: Request| Response::from(request.into_body());
/// let shout = async |mut request: Request| {
///     let bytes = request.body_mut().bytes().await?;
///     Ok::<_, wharf::BodyError>(bytes.to_ascii_uppercase())
/// };
/// # let _ = wharf::Router::new().post("/echo", echo).post("/shout", shout);
/// assert_eq!(Body::from("hello").len(), Some(5));
/// ```
#[derive(Debug)]
pub struct Body {
    pub(crate) kind: BodyKind,
    /// What came behind it, once its end was read.
    trailers: Option<Box<Headers>>,
    /// The bound that a handler has set on a received body that is in memory.
    max_bytes: u64,
}

/// Where the bytes of a body are.
#[derive(Default)]
pub(crate) enum BodyKind {
    #[default]
    Empty,
    Static(&'static [u8]),
    Owned(Vec<u8>),
    Shared(Bytes),
    /// A request body that came with its head.
    Pooled(Pooled<Vec<u8>>),
    /// A large one that did, where it was received.
    Part(Bytes),
    File(FilePart),
    Channel(BodyReader),
    /// A function that is called when the body is wanted, with the writer to write it to.
    Producer(Producer),
    /// A function that a thread calls which may block.
    Blocking(BlockingProducer),
    /// What is spoken on the connection from here on.
    Switch(NextProtocol),
}

/// Starts the future that writes a body.
pub(crate) type Producer = Box<dyn FnOnce(BodyWriter) -> Production + Send>;

/// The future that writes a body. It runs on the worker of its connection.
pub(crate) type Production = Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

impl fmt::Debug for BodyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Static(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Owned(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Shared(bytes) | Self::Part(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Pooled(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(part) => write!(f, "File, {} bytes", part.left()),
            Self::Channel(_) => f.write_str("Channel"),
            Self::Producer(_) => f.write_str("Producer"),
            Self::Blocking(_) => f.write_str("Blocking"),
            Self::Switch(_) => f.write_str("Switch"),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl Body {
    pub(crate) const fn of(kind: BodyKind) -> Self {
        Self { kind, trailers: None, max_bytes: u64::MAX }
    }

    /// A body that came with its head, and the trailer fields behind it.
    pub(crate) fn received(bytes: Pooled<Vec<u8>>, trailers: Option<Box<Headers>>) -> Self {
        Self { trailers, ..Self::of(BodyKind::Pooled(bytes)) }
    }

    /// As [`received`](Self::received), of one that is left where it was received.
    pub(crate) fn received_part(bytes: Bytes, trailers: Option<Box<Headers>>) -> Self {
        Self { trailers, ..Self::of(BodyKind::Part(bytes)) }
    }

    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::of(BodyKind::Empty)
    }

    /// `len` bytes of `file`, from its current place.
    ///
    /// The file goes out piece by piece, as fast as the peer takes it, on the worker's thread,
    /// which waits for slow storage. A file that turns out to be shorter aborts the response.
    ///
    /// On Linux, in responses of HTTP/1.1 without TLS, the system sends a regular file without
    /// copying it (`sendfile`): what is changed in it meanwhile may be seen by peers. It does so on
    /// epoll, and where the program ignores `SIGPIPE` when the server starts, as programs do whose
    /// `main` is Rust's. Everywhere else the file is read, as are short ones. What becomes of the
    /// file's own place, which other handles of it may share, is not said.
    #[must_use]
    pub fn file(file: File, len: u64) -> Self {
        Self::of(BodyKind::File(FilePart::next_of(file, len)))
    }

    /// A range of the bytes of a file that is kept open, for any number of responses at a time.
    ///
    /// As [`file`](Self::file), but the file's own place is of no interest.
    ///
    /// ```
    /// use std::fs::File;
    /// use std::sync::Arc;
    ///
    /// use wharf::{Body, Request, Response, Router};
    ///
    /// # let path = std::env::temp_dir().join(format!("wharf-doc-{}", std::process::id()));
    /// # std::fs::write(&path, "0123456789")?;
    /// let film = Arc::new(File::open(&path)?);
    /// let len = film.metadata()?.len();
    /// let site = Router::new().get("/film", move |_: Request| {
    ///     Response::of_type("video/mp4", Body::file_range(Arc::clone(&film), 0..len))
    /// });
    /// # drop(site);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn file_range(file: Arc<File>, range: Range<u64>) -> Self {
        Self::of(BodyKind::File(FilePart::of(file, &range)))
    }

    /// A body and the writer that fills it, from any task or thread. At most 64 KiB are held
    /// between them; the writer waits for the peer beyond that.
    #[must_use]
    pub fn channel() -> (BodyWriter, Self) {
        let (writer, reader) = channel::channel(CAPACITY_BYTES);
        (writer, Self::of(BodyKind::Channel(reader)))
    }

    /// A body that `produce` writes once it is wanted: not for HEAD.
    ///
    /// The future runs on the worker of the connection and need not be `Send`. It must end with
    /// [`BodyWriter::finish`], behind which nothing more of it is run: a writer that is dropped
    /// before aborts the response, whatever the future returns, and the peer can tell. An error
    /// that it returns goes to the access log.
    #[must_use]
    pub fn stream<F, Fut, E>(produce: F) -> Self
    where
        F: FnOnce(BodyWriter) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<BoxError>,
    {
        Self::of(BodyKind::Producer(Box::new(|writer| {
            let production = produce(writer);
            Box::pin(async move { production.await.map_err(Into::into) })
        })))
    }

    /// Whether nothing of it has to be dropped, as of most.
    #[inline(always)]
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self.kind, BodyKind::Empty | BodyKind::Static(_)) && self.trailers.is_none()
    }

    /// Takes the place of a body that is [plain](Self::is_plain). The compiler has to be told that
    /// nothing is to be dropped.
    #[inline(always)]
    pub(crate) fn put(&mut self, body: Self) {
        debug_assert!(self.is_plain(), "it would be leaked");
        let _ = ManuallyDrop::new(std::mem::replace(self, body));
    }

    /// As [`put`](Self::put), with no bytes.
    #[inline(always)]
    pub(crate) fn put_nothing(&mut self) {
        self.put(Self::empty());
    }

    /// The bytes of a body that is in memory.
    pub(crate) fn into_shared(self) -> Bytes {
        match self.kind {
            BodyKind::Static(bytes) => Bytes::from_static(bytes),
            BodyKind::Owned(bytes) => Bytes::from(bytes),
            BodyKind::Shared(bytes) | BodyKind::Part(bytes) => bytes,
            _ => Bytes::new(),
        }
    }

    /// What is to be spoken on the connection from here on, where that is in place of a body.
    pub(crate) fn take_switch(&mut self) -> Option<NextProtocol> {
        if !matches!(self.kind, BodyKind::Switch(_)) {
            return None;
        }
        match std::mem::take(&mut self.kind) {
            BodyKind::Switch(make) => Some(make),
            _ => None,
        }
    }

    /// The length in bytes, if it is known.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match &self.kind {
            BodyKind::File(part) => Some(part.left()),
            BodyKind::Channel(reader) => reader.announced_len(),
            BodyKind::Producer(_) | BodyKind::Blocking(_) | BodyKind::Switch(_) => None,
            _ => self.as_bytes().map(|bytes| bytes.len() as u64),
        }
    }

    /// Whether it is known that there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The fields that came behind a chunked body (RFC 9110 section 6.5), once its end was read:
    /// of one that came with its head, at once. Those that must not be trailers, such as
    /// `Content-Length`, are left out.
    #[must_use]
    pub fn trailers(&self) -> Option<&Headers> {
        self.trailers.as_deref()
    }

    /// Changes the bound on this request's body, which is [`Limits::max_body_bytes`] before.
    /// Whatever exceeds it is answered with 413, and reading fails with [`BodyError::Rejected`].
    ///
    /// A synchronous handler has its body already: [`body_limit`](crate::body_limit) sets the bound
    /// before it is called. Without effect on a body that was not received.
    ///
    /// [`Limits::max_body_bytes`]: crate::Limits::max_body_bytes
    pub fn set_max_bytes(&mut self, max_bytes: u64) {
        if let BodyKind::Channel(reader) = &self.kind {
            reader.change_pace(|pace| pace.max_bytes = Some(max_bytes));
        }
        self.max_bytes = max_bytes;
    }

    /// Whether there is no body, known without a look at its bytes.
    #[inline]
    pub(crate) const fn is_none(&self) -> bool {
        matches!(self.kind, BodyKind::Empty)
    }

    /// Whether this is a received body that is in memory and longer than its bound.
    #[inline(always)]
    pub(crate) fn is_too_large(&self) -> bool {
        // Few have a bound of their own.
        self.max_bytes != u64::MAX && self.exceeds_bound()
    }

    fn exceeds_bound(&self) -> bool {
        let len = match &self.kind {
            BodyKind::Pooled(bytes) => bytes.len(),
            BodyKind::Part(bytes) => bytes.len(),
            _ => return false,
        };
        len as u64 > self.max_bytes
    }

    /// Changes how long this request's body may stay away while it is wanted, which is
    /// [`Timeouts::body`](crate::Timeouts::body) before, and lets it come at any rate, unless one
    /// is [set](Self::set_min_rate). It counts at the latest when the earlier deadline comes.
    /// Without effect on a body that is there.
    pub fn set_timeout(&mut self, timeout: Duration) {
        if let BodyKind::Channel(reader) = &self.kind {
            reader.change_pace(|pace| pace.timeout = Some(timeout));
        }
    }

    /// Changes how fast this request's body has to come, in bytes per second, which is
    /// [`Timeouts::body_rate`](crate::Timeouts::body_rate) before; 0 is any rate. Without effect on
    /// a body that is there.
    pub fn set_min_rate(&mut self, bytes_per_second: u32) {
        if let BodyKind::Channel(reader) = &self.kind {
            reader.change_pace(|pace| pace.min_rate = Some(bytes_per_second));
        }
    }

    /// The whole body, if it is in memory.
    ///
    /// It always is in a synchronous handler, which is called when the request has come in full.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            BodyKind::Empty => Some(b""),
            BodyKind::Static(bytes) => Some(bytes),
            BodyKind::Owned(bytes) => Some(bytes),
            BodyKind::Shared(bytes) => Some(bytes),
            BodyKind::Pooled(bytes) => (!self.is_too_large()).then_some(bytes),
            BodyKind::Part(bytes) => (!self.is_too_large()).then_some(bytes),
            BodyKind::File(_)
            | BodyKind::Channel(_)
            | BodyKind::Producer(_)
            | BodyKind::Blocking(_)
            | BodyKind::Switch(_) => None,
        }
    }

    /// Waits for the whole body and takes it. A second call gives no bytes.
    ///
    /// A received body is never longer than [`Limits::max_body_bytes`](crate::Limits). One of 48
    /// KiB or more may be a part of a receive buffer, as [pieces](Self::chunk) may.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(&mut self) -> Result<Bytes, BodyError> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity(first.len() + second.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// Waits for the next piece of the body; `None` is its end.
    ///
    /// Reading is what lets the peer send more: at most 64 KiB are held unread. A piece of 48 KiB
    /// or more may be a part of the worker's receive buffer of 136 KiB, which is there as long as
    /// the piece is: copy what is to be kept.
    ///
    /// # Errors
    ///
    /// [`BodyError::Rejected`] if the peer broke the framing or a limit; [`BodyError::TimedOut`] if
    /// it stopped sending; [`BodyError::Disconnected`] if the connection was lost;
    /// [`BodyError::Aborted`] if the writer of a channel was dropped unfinished;
    /// [`BodyError::Io`] if a file can't be read.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Reads the next piece, or asks to be woken when there is one.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if self.is_too_large() {
            return Poll::Ready(Err(Reject::BodyTooLarge.into()));
        }
        match &mut self.kind {
            BodyKind::Channel(reader) => {
                let polled = reader.poll_chunk(cx);
                if matches!(polled, Poll::Ready(Ok(None))) && self.trailers.is_none() {
                    self.trailers = reader.take_trailers();
                }
                return polled;
            }
            BodyKind::File(part) => return Poll::Ready(read_piece(part)),
            BodyKind::Producer(_) | BodyKind::Blocking(_) | BodyKind::Switch(_) => {
                return Poll::Ready(Err(BodyError::Aborted));
            }
            _ => {}
        }
        let bytes = match std::mem::take(&mut self.kind) {
            BodyKind::Static(bytes) => Bytes::from_static(bytes),
            BodyKind::Owned(bytes) => Bytes::from(bytes),
            BodyKind::Shared(bytes) | BodyKind::Part(bytes) => bytes,
            BodyKind::Pooled(bytes) => Bytes::copy_from_slice(&bytes),
            _ => return Poll::Ready(Ok(None)),
        };
        Poll::Ready(Ok(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

/// Reads the next piece of a file.
fn read_piece(part: &mut FilePart) -> Result<Option<Bytes>, BodyError> {
    let len = usize::try_from(part.left()).unwrap_or(usize::MAX).min(FILE_PIECE_BYTES);
    let mut piece = BytesMut::zeroed(len);
    let read = part.read(&mut piece)?;
    piece.truncate(read);
    Ok((read > 0).then(|| piece.freeze()))
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::of(BodyKind::Static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::of(BodyKind::Static(bytes))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self::of(BodyKind::Static(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::of(BodyKind::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::of(BodyKind::Owned(bytes))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(BodyKind::Shared(bytes))
    }
}
