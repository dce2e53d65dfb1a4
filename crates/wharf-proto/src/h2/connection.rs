//! Joins frames, streams, windows and tables to the server side of one connection.
//!
//! The receiving half is `receive.rs` with `blocks.rs` and `control.rs`, the sending one `send.rs`.
//! Not here: transitions (`state.rs`), what anything looks like on the wire (`frame/`, `hpack/`),
//! and whoever owns the buffers.

use std::time::Duration;

use super::abuse::{Act, Buckets};
use super::blocks::HeaderBlock;
use super::encode::HeadEncoder;
use super::flow::{INITIAL_WINDOW, RecvWindow, SendWindow, Tuner};
use super::frame::{goaway, ping, rst_stream, window_update};
use super::hpack::Decoder;
use super::priority::Priority;
use super::receive::Reading;
use super::schedule::Schedule;
use super::settings::{Config, PeerSettings};
use super::state::{Closed, Input, State};
use super::streams::Streams;
use super::{ConnectionError, ErrorCode, Phase, Received, StreamKey};
use crate::{Limits, RequestHead};

/// How many frames may await being sent that only answer the peer's: a peer that asks and does not
/// read would have us keep them all.
const MAX_CONTROL_BACKLOG: u32 = 1024;

/// The highest number of a stream, which GOAWAY names where all are still dealt with.
const ALL_STREAMS: u32 = (1 << 31) - 1;

/// The PING whose acknowledgement says that the peer knows of the first GOAWAY.
pub(super) const GOAWAY_PING: ping::Payload = *b"whrfgone";

/// The PING that measures the path.
pub(super) const PATH_PING: ping::Payload = *b"whrfpath";

/// The PING that only shows whether the peer is there.
const PRESENCE_PING: ping::Payload = *b"whrfhere";

/// The server side of one HTTP/2 connection.
///
/// Methods come in three kinds, told apart by their names:
///
/// * `receive*`: what the network did. Feed it, act on the event, call again.
/// * `send_*`, [`release`](Self::release), [`reset`](Self::reset) and `goaway*`: what the
///   application
///   did. They append wire bytes to `out`.
/// * getters: cheap, may be called at any time.
///
/// Bytes that were appended must be sent, and in that order.
///
/// ```
/// use std::time::Duration;
/// use wharf_proto::h2::{Config, Connection, Event, PREFACE, Response};
/// use wharf_proto::{BodyLength, Headers, Limits, RequestHead};
///
/// let (mut connection, mut head) = (Connection::new(Config::default()), RequestHead::default());
/// let (limits, now, mut out) = (Limits::default(), Duration::ZERO, Vec::new());
/// let mut input = PREFACE.to_vec();
/// input.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0"); // SETTINGS
/// input.extend_from_slice(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a"); // HEADERS
/// let received = connection.receive(&input, &limits, &mut head, now, &mut out)?;
/// let Some(Event::Head { stream, .. }) = received.event else { panic!("a whole request") };
/// assert_eq!((head.path(), head.authority()), ("/", Some("a")));
///
/// let response = Response::new(http::StatusCode::OK, BodyLength::Known(2));
/// connection.send_whole(stream, response, &Headers::new(), b"OK", &mut out)?;
/// assert!(out.ends_with(b"\0\0\x02\0\x01\0\0\0\x01OK"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(super) config: Config,
    pub(super) reading: Reading,
    pub(super) block: HeaderBlock,
    pub(super) decoder: Decoder,
    pub(super) encoder: HeadEncoder,
    pub(super) peer: PeerSettings,
    pub(super) streams: Streams,
    pub(super) schedule: Schedule,
    pub(super) send_window: SendWindow,
    pub(super) recv_window: RecvWindow,
    pub(super) tuner: Tuner,
    /// The stream whose data the path is measured with.
    pub(super) measured: StreamKey,
    pub(super) buckets: Buckets,
    /// Priorities of streams that have not come.
    pub(super) priorities: Vec<(u32, Priority)>,
    /// The highest number of a stream that came.
    pub(super) last_id: u32,
    pub(super) going: Going,
    /// The server's part of the preface is out.
    has_begun: bool,
    /// The first SETTINGS have come.
    pub(super) has_settings: bool,
    /// The peer has acknowledged our SETTINGS.
    pub(super) is_acknowledged: bool,
    failure: Option<ConnectionError>,
    is_eof: bool,
    control_backlog: u32,
}

/// How far the connection is on its way to its end (RFC 9113 section 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    No,
    /// The peer is told to send no more requests, and those that it sent before it knows are taken.
    Soon,
    /// Streams above this are not dealt with.
    After(u32),
}

impl Connection {
    /// A connection on which nothing has come. Values of `config` that are out of range are taken
    /// as the nearest that are not.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let mut decoder =
            Decoder::new(usize::try_from(config.max_header_list_bytes).unwrap_or(usize::MAX));
        if config.header_table_bytes > 4096 {
            decoder.set_max_table_bytes(config.header_table_bytes as usize);
        }
        Self {
            config,
            reading: Reading::Preface,
            block: HeaderBlock::new(),
            decoder,
            encoder: HeadEncoder::new(),
            peer: PeerSettings::new(),
            streams: Streams::new(),
            schedule: Schedule::new(),
            send_window: SendWindow::new(INITIAL_WINDOW),
            recv_window: RecvWindow::new(INITIAL_WINDOW),
            tuner: Tuner::new(
                config.initial_stream_window,
                config.initial_connection_window,
                config.max_stream_window,
                config.max_connection_window,
            ),
            measured: StreamKey { id: 0, slot: 0 },
            buckets: Buckets::new(),
            priorities: Vec::new(),
            last_id: 0,
            going: Going::No,
            has_begun: false,
            has_settings: false,
            is_acknowledged: false,
            failure: None,
            is_eof: false,
            control_backlog: 0,
        }
    }

    /// What the connection is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        if self.is_closed() {
            Phase::Closed
        } else if !self.has_settings {
            Phase::Handshake
        } else if self.block.is_begun() {
            Phase::HeaderBlock
        } else if self.streams.len() == 0 {
            Phase::Idle
        } else {
            Phase::Streams
        }
    }

    /// How many streams are open.
    #[must_use]
    pub const fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether a stream is open: neither over nor reset.
    #[must_use]
    pub fn is_open(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_some()
    }

    /// Whether more of a request's body may come.
    #[must_use]
    pub fn is_receiving(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.state.receives())
    }

    /// How many bytes of body came on a stream that is open.
    #[must_use]
    pub fn received_bytes(&self, stream: StreamKey) -> u64 {
        self.streams.get(stream).map_or(0, |stream| stream.body.received)
    }

    /// How many bytes of storage are held, used or not.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        self.streams.storage_bytes()
            + self.decoder.storage_bytes()
            + self.encoder.storage_bytes()
            + self.block.storage_bytes()
    }

    /// Frees what many streams have needed, unless some are open.
    pub fn free_spares(&mut self) {
        if self.streams.len() == 0 {
            self.streams.free_spares();
            self.schedule.free_spares();
        }
    }

    /// How long the body of a request was announced to be, if it was.
    #[must_use]
    pub fn announced_bytes(&self, stream: StreamKey) -> Option<u64> {
        self.streams.get(stream)?.body.announced
    }

    /// Takes the most bytes that the body of a request may have, in place of
    /// [`Limits::max_body_bytes`] at the time of its head.
    pub fn set_max_body_bytes(&mut self, stream: StreamKey, max: u64) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.body.max = max;
        }
    }

    /// Makes an event of the bytes at the start of `input`, which begins where the last call
    /// stopped consuming. Frames other than DATA are dealt with when they have come in full, which
    /// takes up to 9 bytes more than [`Config::max_frame_bytes`]. `head` is where heads and
    /// trailers are put, anew for each event that has one. `now` is the time since an instant of
    /// the caller's, and never goes back.
    ///
    /// The first call appends the server's preface to `out`. Answers to the peer's frames are
    /// appended there as well, also without an event.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`] if the connection is over through the peer's fault: GOAWAY is appended,
    /// all streams are closed, and whatever comes then is dropped.
    pub fn receive<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Received<'b>, ConnectionError> {
        self.begin(out);
        if self.is_closed() {
            return Ok(Received { consumed: input.len(), event: None });
        }
        let result = self.receive_frames(input, limits, head, now, out);
        if let Err(error) = result {
            self.fail(error, out);
        }
        result
    }

    /// Takes note that the peer has closed its side: no more requests come. Returns whether streams
    /// are left whose responses could still be sent.
    pub fn receive_eof(&mut self) -> bool {
        self.is_eof = true;
        self.streams.len() > 0
    }

    /// Appends the server's preface, if it is not out: for servers that speak first.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        self.config.put(out);
        self.grant_connection(out);
    }

    /// Whether the peer has acknowledged our SETTINGS.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        self.is_acknowledged
    }

    /// Ends a connection whose peer has taken too long to acknowledge our SETTINGS (RFC 9113
    /// section 6.5.3), as any other fault does.
    pub fn settings_timeout(&mut self, out: &mut Vec<u8>) -> ConnectionError {
        self.begin(out);
        self.fail(ConnectionError::SettingsTimeout, out);
        ConnectionError::SettingsTimeout
    }

    /// Asks the peer to send no more requests, and still takes those that it has sent before it
    /// knows (RFC 9113 section 6.8). [`goaway`](Self::goaway) follows by itself once the peer has
    /// answered, which it is to do in a round trip; call it where that takes too long.
    pub fn goaway_soon(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if self.going != Going::No || self.is_closed() {
            return;
        }
        self.going = Going::Soon;
        goaway::put(ALL_STREAMS, ErrorCode::NO_ERROR, out);
        ping::put(GOAWAY_PING, out);
    }

    /// Tells the peer that no request is taken beyond those that came. The connection is closed
    /// when they are dealt with.
    pub fn goaway(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if matches!(self.going, Going::After(_)) || self.is_closed() {
            return;
        }
        self.going = Going::After(self.last_id);
        goaway::put(self.last_id, ErrorCode::NO_ERROR, out);
    }

    /// Appends what a peer that is gone answers with a reset: for one that has closed its sending
    /// side, and may still want its responses.
    pub fn probe(&mut self, out: &mut Vec<u8>) {
        if !self.is_closed() {
            ping::put(PRESENCE_PING, out);
        }
    }

    /// Resets a stream: nothing more is sent or received on it. Does nothing if it is over.
    pub fn reset(&mut self, stream: StreamKey, code: ErrorCode, out: &mut Vec<u8>) {
        if let Some(open) = self.streams.get_mut(stream) {
            open.step(Input::SendReset);
            rst_stream::put(stream.id, code, out);
            self.close(stream, out);
        }
    }

    /// Drops what still comes of a request, once its response is out: the peer may send as much as
    /// it has been granted, and not more than [`Limits::max_drain_bytes`]. The stream is open until
    /// the request ends or is [reset](Self::reset), which is the caller's to do in time.
    pub fn drop_rest(&mut self, stream: StreamKey, out: &mut Vec<u8>) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        open.is_refused = true;
        open.body.received = 0;
        let held = open.recv_window.release(u32::MAX);
        self.recv_window.release(held);
        self.grant_connection(out);
    }

    /// Takes note that the application has done with so many bytes of a body, so that the peer may
    /// send more. Windows are granted in thirds, so that few frames are spent on it.
    pub fn release(&mut self, stream: StreamKey, bytes: usize, out: &mut Vec<u8>) {
        // Bytes of streams that are over have been released.
        let Some(open) = self.streams.get_mut(stream) else { return };
        let bytes = open.recv_window.release(u32::try_from(bytes).unwrap_or(u32::MAX));
        if open.state.receives()
            && !open.is_refused
            && let Some(increment) = open.recv_window.grant(self.tuner.stream())
        {
            window_update::put(stream.id, increment, out);
        }
        self.recv_window.release(bytes);
        self.grant_connection(out);
    }

    /// How many frames that only answer the peer's were appended and are not known to be sent.
    #[must_use]
    pub const fn unsent_answers(&self) -> u32 {
        self.control_backlog
    }

    /// Takes note that so many of [these](Self::unsent_answers) have been sent. Without it, a peer
    /// that goes on asking is taken for one that does not read.
    pub const fn flushed(&mut self, answers: u32) {
        self.control_backlog = self.control_backlog.saturating_sub(answers);
    }

    /// Lets the peer send more on the connection, if that is worth a frame.
    #[inline]
    pub(super) fn grant_connection(&mut self, out: &mut Vec<u8>) {
        if let Some(increment) = self.recv_window.grant(self.tuner.connection()) {
            window_update::put(0, increment, out);
        }
    }

    /// Counts a frame that only answers one of the peer's.
    pub(super) fn answer(&mut self) -> Result<(), ConnectionError> {
        self.control_backlog += 1;
        if self.control_backlog > MAX_CONTROL_BACKLOG {
            return Err(ConnectionError::ControlBacklog);
        }
        Ok(())
    }

    /// Resets a stream that is not open, for what the peer did on it.
    pub(super) fn reset_closed(
        &mut self,
        id: u32,
        code: ErrorCode,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        self.buckets.spend(Act::Fault, now)?;
        self.answer()?;
        rst_stream::put(id, code, out);
        self.streams.note_closed(id, Closed::ByUs);
        Ok(())
    }

    /// Resets an open stream for what the peer did on it.
    pub(super) fn reset_fault(
        &mut self,
        stream: StreamKey,
        code: ErrorCode,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        self.buckets.spend(Act::Fault, now)?;
        self.answer()?;
        self.reset(stream, code, out);
        Ok(())
    }

    /// Forgets a stream whose state is closed, and what the peer still holds of the connection's
    /// window for it.
    pub(super) fn close(&mut self, key: StreamKey, out: &mut Vec<u8>) {
        let Some(stream) = self.streams.get(key) else { return };
        let held = stream.recv_window.held();
        let State::Closed(how) = stream.state else { return };
        if !self.schedule.is_empty() {
            self.schedule.remove(key.slot);
        }
        self.streams.remove(key, how);
        if held > 0 {
            self.recv_window.release(held);
            self.grant_connection(out);
        }
    }

    /// Ends the connection for a fault of the peer's (RFC 9113 section 5.4.1).
    pub(super) fn fail(&mut self, error: ConnectionError, out: &mut Vec<u8>) {
        self.failure = Some(error);
        // RFC 9113 section 6.8: it never grows, since what is above may have been sent elsewhere.
        let last_id = match self.going {
            Going::After(last_id) => last_id,
            Going::No | Going::Soon => self.last_id,
        };
        goaway::put(last_id, error.code(), out);
        self.streams = Streams::new();
        self.schedule = Schedule::new();
        self.block = HeaderBlock::new();
    }

    fn is_closed(&self) -> bool {
        let is_over = self.is_eof || matches!(self.going, Going::After(_));
        self.failure.is_some() || is_over && self.streams.len() == 0
    }
}
