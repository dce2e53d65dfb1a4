//! Joins parser, framing, states and encoder to the server side of one connection.
//!
//! The receiving half is `receive.rs`, the sending one `send.rs`. Not here: transitions
//! (`state.rs`), what anything looks like on the wire (`parse.rs`, `chunked.rs`, `encode.rs`), and
//! whoever owns the buffers.

use super::Received;
use super::chunked::ChunkedDecoder;
use super::framing::Framing;
use super::parse::HeadParser;
use super::state::{self, Next, Phase, Recv, RecvInput, Send, SendInput};
use crate::{Limits, Reject, RequestHead};

/// The server side of one HTTP/1 connection.
///
/// Methods come in three kinds, told apart by their names:
///
/// * `receive*`: what the network did. Feed it, act on the event, call again.
/// * `send_*`: what the application did. They append wire bytes to `out`.
/// * getters: cheap, may be called at any time.
///
/// One exchange is in the works at a time: the bytes of a pipelined request stay with the caller
/// until the response before it is out.
///
/// ```
/// use wharf_proto::h1::{BodyLength, Connection, Event, Response};
/// use wharf_proto::{Headers, Limits, RequestHead};
///
/// let limits = Limits::default();
/// let (mut connection, mut head) = (Connection::new(), RequestHead::default());
/// let received = connection.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &limits, &mut head)?;
/// assert_eq!(received.event, Some(Event::Head { body: BodyLength::Known(0) }));
///
/// let mut out = Vec::new();
/// let response = Response::new(http::StatusCode::OK, BodyLength::Known(2));
/// connection.send_head(response, &Headers::new(), &mut out)?;
/// connection.send_body(b"OK", &mut out)?;
/// connection.send_end(&mut out)?;
/// assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    pub(super) recv: Recv,
    pub(super) send: Send,
    pub(super) reading: Reading,
    pub(super) writing: Writing,
    /// Both sides agree so far that another request may follow.
    pub(super) persistent: bool,
    pub(super) version_1_0: bool,
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) offers_upgrade: bool,
    pub(super) expects_continue: bool,
    received_in_full: bool,
    /// A bare LF ends a line of a head and of a trailer section.
    pub(super) bare_lf: bool,
    /// Bytes of an unread body that were dropped since the response ended.
    pub(super) drained_bytes: u64,
}

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    Head(HeadParser, Framing),
    Length { left: u64, total: u64 },
    Chunked(ChunkedDecoder),
    Trailers(HeadParser),
}

impl Reading {
    fn fresh(bare_lf: bool) -> Self {
        Self::Head(HeadParser::new(bare_lf), Framing::default())
    }
}

/// What of a response body is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// So many bytes, no more and no less.
    Length(u64),
    Chunked,
    Close,
    /// A body that is left out: a response to HEAD, or a status without content.
    Discard,
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    /// A connection on which nothing has come.
    #[must_use]
    pub fn new() -> Self {
        Self {
            recv: Recv::Idle,
            send: Send::Idle,
            reading: Reading::fresh(false),
            writing: Writing::Length(0),
            persistent: true,
            version_1_0: false,
            is_head: false,
            is_connect: false,
            offers_upgrade: false,
            expects_continue: false,
            received_in_full: false,
            bare_lf: false,
            drained_bytes: 0,
        }
    }

    /// Whether a LF without a CR before it ends a line of a head and of a trailer section, as RFC
    /// 9112 section 2.2 leaves open. Default no. Chunks always want both, and a CR without LF is
    /// always refused. To be said before anything is received.
    #[must_use]
    pub fn accept_bare_lf(mut self, accept: bool) -> Self {
        self.bare_lf = accept;
        self.reading = Reading::fresh(accept);
        self
    }

    /// What the connection is doing.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        state::phase(self.recv, self.send)
    }

    /// Whether a request awaits its response.
    #[must_use]
    pub const fn awaits_response(&self) -> bool {
        matches!(self.send, Send::Awaiting)
    }

    /// Whether a request awaits its response, or the rest of it.
    #[inline]
    #[must_use]
    pub const fn is_responding(&self) -> bool {
        matches!(self.send, Send::Awaiting | Send::Body)
    }

    /// Whether what is received next is a request, or more of its head.
    #[inline]
    #[must_use]
    pub const fn reads_head(&self) -> bool {
        matches!(self.recv, Recv::Idle | Recv::Head)
    }

    /// Whether nothing more is read or sent: [`Phase::Closed`].
    #[inline]
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase(), Phase::Closed)
    }

    /// Whether the peer waits for `100 Continue`: no byte of the body has come, and neither it nor
    /// a response was sent.
    #[must_use]
    pub const fn awaits_continue(&self) -> bool {
        self.expects_continue && self.awaits_response() && matches!(self.recv, Recv::Body)
    }

    /// Whether the body of the response being sent is left out: for HEAD, 204, 205, 304, tunnels.
    #[must_use]
    pub fn omits_body(&self) -> bool {
        self.writing == Writing::Discard
    }

    /// Whether only the close tells the peer where the response being sent ends, so that one that
    /// is given up must not end with an ordinary close.
    #[must_use]
    pub fn ends_with_close(&self) -> bool {
        self.send == Send::Body && self.writing == Writing::Close
    }

    /// Whether the request that awaits its response is HEAD.
    #[must_use]
    pub const fn answers_head(&self) -> bool {
        self.is_head
    }

    /// Whether the request that awaits its response is CONNECT.
    #[must_use]
    pub const fn answers_connect(&self) -> bool {
        self.is_connect
    }

    /// Whether a connection that is closed now was so after a whole request, so that the peer need
    /// not be sending any more.
    #[must_use]
    pub const fn received_in_full(&self) -> bool {
        self.received_in_full
    }

    /// Whether nothing of the request's body is still to come.
    #[inline]
    #[must_use]
    pub const fn received_all(&self) -> bool {
        !matches!(self.recv, Recv::Body)
    }

    /// How many bytes of the request's body are still to come, if that is known.
    #[must_use]
    pub const fn unreceived_bytes(&self) -> Option<u64> {
        match (self.recv, self.reading) {
            (Recv::Body, Reading::Length { left, .. }) => Some(left),
            (Recv::Body, _) => None,
            _ => Some(0),
        }
    }

    /// How many bytes of a body were received and dropped since its response ended.
    #[must_use]
    pub const fn drained_bytes(&self) -> u64 {
        self.drained_bytes
    }

    /// Whether another request may follow the current one.
    #[must_use]
    pub const fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// Makes an event of the bytes at the start of `input`, which begins where the last call
    /// stopped consuming. `head` is where a head is built; pass the same one until it is complete.
    ///
    /// # Errors
    ///
    /// [`Reject`] if the peer broke the protocol or a limit. The rest of its bytes is meaningless;
    /// the response to the request, if none has begun, may still be sent, and closes. Where a head
    /// was refused, `head` holds what was understood of it before.
    pub fn receive<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        match self.recv {
            Recv::Idle | Recv::Head => self.receive_head(input, limits, head),
            Recv::Body | Recv::Done | Recv::Tunnel | Recv::Closed => {
                self.receive_rest(input, limits, head)
            }
        }
    }

    /// The peer closed its sending side. All that came before must have been received: to the
    /// [`Received`] that has no event, and if bytes of pipelined requests are left then, beyond the
    /// responses that they wait for.
    ///
    /// # Errors
    ///
    /// [`Reject::Truncated`] if it did so in the middle of a request body.
    pub fn receive_eof(&mut self) -> Result<(), Reject> {
        let truncated = self.recv == Recv::Body;
        self.step_recv(RecvInput::Eof);
        self.persistent = false;
        if truncated { Err(Reject::Truncated) } else { Ok(()) }
    }

    /// The peer took too long, and no more of its bytes will be looked at. A request that awaits
    /// its response, or whose head was coming in, may still be answered; between requests this
    /// closes. `head` is the one that was passed to [`receive`](Self::receive).
    pub fn receive_timeout(&mut self, head: &RequestHead) {
        match self.recv {
            Recv::Head | Recv::Body => self.give_up(head),
            Recv::Idle | Recv::Done | Recv::Tunnel | Recv::Closed => {
                self.persistent = false;
                self.step_recv(RecvInput::Eof);
            }
        }
    }

    pub(super) fn step_recv(&mut self, input: RecvInput) {
        self.enter_recv(input);
        self.settle();
    }

    #[inline]
    pub(super) fn step_send(&mut self, input: SendInput) {
        self.enter_send(input);
        self.settle();
    }

    /// Takes a step that can't end an exchange.
    #[inline(always)]
    pub(super) fn enter_recv(&mut self, input: RecvInput) {
        let next = self.recv.after(input);
        debug_assert!(next.is_some(), "{input:?} in {:?}", self.recv);
        self.recv = next.unwrap_or(Recv::Closed);
    }

    /// As [`enter_recv`](Self::enter_recv).
    #[inline(always)]
    pub(super) fn enter_send(&mut self, input: SendInput) {
        let next = self.send.after(input);
        debug_assert!(next.is_some(), "{input:?} in {:?}", self.send);
        self.send = next.unwrap_or(Send::Closed);
    }

    /// Starts over or closes once both sides are through.
    #[inline]
    pub(super) fn settle(&mut self) {
        match state::next_cycle(self.recv, self.send, self.persistent) {
            Next::Same => {}
            Next::Restart => {
                self.recv = Recv::Idle;
                self.send = Send::Idle;
                self.reading = Reading::fresh(self.bare_lf);
            }
            Next::Close => {
                self.received_in_full |= self.recv == Recv::Done;
                self.recv = Recv::Closed;
                self.send = Send::Closed;
            }
        }
    }
}
