//! Joins parser, framing, states and encoder to the server side of one connection.
//!
//! Here are the public methods and the sending half; the receiving half is `receive.rs`. Not here:
//! transitions (`state.rs`), what anything looks like on the wire (`parse.rs`, `chunked.rs`,
//! `encode.rs`), and whoever owns the buffers.

use http::StatusCode;

use super::chunked::ChunkedDecoder;
use super::encode::{self, Delimiter, Persistence};
use super::framing::Framing;
use super::parse::HeadParser;
use super::state::{self, Next, Phase, Recv, RecvInput, Send, SendInput};
use super::{BodyLength, Received, Response};
use crate::{Headers, Limits, Misuse, Reject, RequestHead};

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
    writing: Writing,
    /// Both sides agree so far that another request may follow.
    pub(super) persistent: bool,
    pub(super) version_1_0: bool,
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
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
    Length(u64),
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
enum Writing {
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

    /// Whether a connection that is closed now was so after a whole request, so that the peer need
    /// not be sending any more.
    #[must_use]
    pub const fn received_in_full(&self) -> bool {
        self.received_in_full
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
        let result = match (self.recv, self.reading) {
            (Recv::Done | Recv::Closed, _) => Ok(Received { consumed: 0, event: None }),
            (_, Reading::Head(..)) => self.receive_head(input, limits, head),
            (_, Reading::Length(left)) => Ok(self.receive_length(left, input, head)),
            (_, Reading::Chunked(decoder)) => self.receive_chunked(decoder, input, limits, head),
            (_, Reading::Trailers(parser)) => self.receive_trailers(parser, input, limits, head),
        };
        match result {
            Ok(received) if self.send == Send::Done => self.drain(received, limits),
            Ok(received) => Ok(received),
            Err(reject) => {
                self.reject(head);
                Err(reject)
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
    /// closes.
    pub fn receive_timeout(&mut self) {
        match self.recv {
            Recv::Head | Recv::Body => self.reject(&RequestHead::default()),
            Recv::Idle | Recv::Done | Recv::Closed => {
                self.persistent = false;
                self.step_recv(RecvInput::Eof);
            }
        }
    }

    /// Appends an interim response such as `100 Continue` or `103 Early Hints`. An HTTP/1.0 peer
    /// does not know them, and none is sent to it (RFC 9110 section 15.2).
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response, or the status is not 1xx, or is 101.
    pub fn send_interim(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Misuse::WrongStatusClass);
        }
        if !self.awaits_response() {
            return Err(Misuse::NotAwaitingResponse);
        }
        if status == StatusCode::CONTINUE {
            self.expects_continue = false;
        }
        if !self.version_1_0 {
            encode::interim_head(status, headers, out);
        }
        Ok(())
    }

    /// Appends the head of the final response.
    ///
    /// `Content-Length`, `Transfer-Encoding` and `Connection` are written here; those in `headers`
    /// are left out, but `Connection: close` among them is obeyed.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response, or the status is 1xx.
    pub fn send_head(
        &mut self,
        response: Response<'_>,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if response.status.is_informational() {
            return Err(Misuse::WrongStatusClass);
        }
        if !self.awaits_response() {
            return Err(Misuse::NotAwaitingResponse);
        }
        let asks_close = headers.managed().connection && asks_close(headers);
        // A peer that still holds its body back may send it or not; nobody can tell where the
        // next request begins (RFC 9110 section 10.1.1).
        if response.close || asks_close || self.recv == Recv::Closed || self.expects_continue {
            self.persistent = false;
        }
        let delimiter = self.delimiter(response.status, response.body);
        let persistence = match (self.persistent, self.version_1_0) {
            (true, false) => Persistence::Implied,
            (true, true) => Persistence::KeepAlive,
            (false, _) => Persistence::Close,
        };
        encode::response_head(response.status, headers, response.date, delimiter, persistence, out);
        self.step_send(SendInput::Head);
        Ok(())
    }

    /// Appends a piece of the response body. An empty one does nothing.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent, or the piece exceeds the declared length; nothing is
    /// appended then.
    pub fn send_body(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        let framing = self.frame_body(u64::try_from(data.len()).unwrap_or(u64::MAX), out)?;
        if framing != BodyFraming::Omit {
            out.extend_from_slice(data);
        }
        if framing == BodyFraming::Chunk {
            out.extend_from_slice(encode::CHUNK_END);
        }
        Ok(())
    }

    /// Accounts for `len` bytes of body that the caller writes itself, without passing them
    /// through `out`. Returns whether they are to be written: not for HEAD.
    ///
    /// # Errors
    ///
    /// As [`send_body`](Self::send_body), and [`Misuse::NotSendingBody`] if the body is chunked,
    /// since bytes must stand behind each chunk.
    pub fn send_body_apart(&mut self, len: u64) -> Result<bool, Misuse> {
        if self.writing == Writing::Chunked {
            return Err(Misuse::NotSendingBody);
        }
        Ok(self.frame_body(len, &mut Vec::new())? != BodyFraming::Omit)
    }

    /// Ends the response.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent, or less of it was sent than declared.
    pub fn send_end(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if self.send != Send::Body {
            return Err(Misuse::NotSendingBody);
        }
        match self.writing {
            Writing::Length(0) | Writing::Discard | Writing::Close => {}
            Writing::Length(_) => return Err(Misuse::BodyUnderrun),
            Writing::Chunked => out.extend_from_slice(encode::LAST_CHUNK),
        }
        self.step_send(SendInput::End);
        Ok(())
    }

    /// Gives the response up: nothing more is sent, so that the peer can tell it is incomplete.
    pub fn send_abort(&mut self) {
        self.step_send(SendInput::Abort);
    }

    /// How the end of the body is marked (RFC 9112 section 6.3).
    fn delimiter(&mut self, status: StatusCode, body: BodyLength) -> Delimiter {
        let is_tunnel = self.is_connect && status.is_success();
        if is_tunnel {
            // What the peer sends from here on is no request (RFC 9110 section 9.3.6).
            self.persistent = false;
        }
        let (writing, delimiter) = match (status, body) {
            (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => {
                (Writing::Discard, Delimiter::Bodiless)
            }
            _ if is_tunnel => (Writing::Discard, Delimiter::Bodiless),
            // RFC 9110 section 15.3.6: no content, but the length has to say so.
            (StatusCode::RESET_CONTENT, _) => (Writing::Discard, Delimiter::Length(0)),
            (_, BodyLength::Known(length)) => (Writing::Length(length), Delimiter::Length(length)),
            (_, BodyLength::Unknown) if self.version_1_0 => {
                self.persistent &= self.is_head;
                (Writing::Close, Delimiter::Close)
            }
            (_, BodyLength::Unknown) => (Writing::Chunked, Delimiter::Chunked),
        };
        self.writing = if self.is_head { Writing::Discard } else { writing };
        delimiter
    }

    /// Accounts for `len` bytes of body and appends what stands before them.
    fn frame_body(&mut self, len: u64, out: &mut Vec<u8>) -> Result<BodyFraming, Misuse> {
        if self.send != Send::Body {
            return Err(Misuse::NotSendingBody);
        }
        match &mut self.writing {
            Writing::Discard => Ok(BodyFraming::Omit),
            _ if len == 0 => Ok(BodyFraming::Omit),
            Writing::Length(left) => {
                *left = left.checked_sub(len).ok_or(Misuse::BodyOverrun)?;
                Ok(BodyFraming::Plain)
            }
            Writing::Chunked => {
                encode::chunk_size(len, out);
                Ok(BodyFraming::Chunk)
            }
            Writing::Close => Ok(BodyFraming::Plain),
        }
    }

    pub(super) fn step_recv(&mut self, input: RecvInput) {
        let next = self.recv.after(input);
        debug_assert!(next.is_some(), "{input:?} in {:?}", self.recv);
        self.recv = next.unwrap_or(Recv::Closed);
        self.settle();
    }

    pub(super) fn step_send(&mut self, input: SendInput) {
        let next = self.send.after(input);
        debug_assert!(next.is_some(), "{input:?} in {:?}", self.send);
        self.send = next.unwrap_or(Send::Closed);
        self.settle();
    }

    /// Starts over or closes once both sides are through.
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

/// What stands around a piece of body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyFraming {
    Omit,
    Plain,
    Chunk,
}

#[cold]
fn asks_close(headers: &Headers) -> bool {
    headers.get_all("connection").any(|value| {
        value.split(|&byte| byte == b',').any(|o| o.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}
