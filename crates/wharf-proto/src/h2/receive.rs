//! The receiving half of a connection: bytes to frames, and DATA to bodies.
//!
//! DATA passes through in the pieces in which it comes; other frames are dealt with when they are
//! whole. Not here: header blocks (`blocks.rs`), frames about windows, settings and the like
//! (`control.rs`).

use std::time::Duration;

use super::abuse::Act;
use super::connection::{Connection, PATH_PING};
use super::frame::{END_STREAM, FrameHeader, HEADER_BYTES, data, kind, ping};
use super::state::{Frame, Input, State, Verdict};
use super::stream::Sending;
use super::{Ahead, ConnectionError, ErrorCode, Event, PREFACE, Received, ResetCause, StreamKey};
use crate::{Limits, Reject, RequestHead};

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    Preface,
    Frame,
    /// A DATA frame, of which so much is still to come.
    Data {
        stream: StreamKey,
        left: u32,
        padding: u32,
        is_last: bool,
    },
    /// So many bytes that are of no use.
    Skip(u32),
}

/// What became of the beginning of the input.
pub(super) enum Step<'b> {
    /// It is not there in full.
    Wait,
    /// So many bytes are dealt with.
    Done(usize),
    /// So many bytes were an event.
    Event(usize, Event<'b>),
}

impl Connection {
    #[inline]
    pub(super) fn receive_frames<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Received<'b>, ConnectionError> {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let step = match self.reading {
                Reading::Frame => self.receive_frame(rest, limits, head, now, out)?,
                Reading::Data { stream, left, padding, is_last } => {
                    self.receive_data(rest, stream, left, padding, is_last, head, out)
                }
                Reading::Skip(left) => self.skip(rest, left),
                Reading::Preface => self.receive_preface(rest)?,
            };
            match step {
                Step::Wait => return Ok(Received { consumed, event: None }),
                Step::Done(len) => consumed += len,
                Step::Event(len, event) => {
                    return Ok(Received { consumed: consumed + len, event: Some(event) });
                }
            }
        }
    }

    /// How much of the body of a request stands at the start of `input`, which begins where the
    /// last call of [`receive`](Self::receive) stopped: that which gave its head.
    #[must_use]
    pub fn body_ahead(&self, stream: StreamKey, input: &[u8]) -> Ahead {
        let Some(header) = input.first_chunk().copied().map(FrameHeader::parse) else {
            return Ahead::Nothing;
        };
        if header.kind != kind::DATA || header.stream != stream.id {
            return Ahead::Nothing;
        }
        let is_whole = header.len <= self.config.max_frame_bytes
            && input.len() - HEADER_BYTES >= header.len as usize;
        if is_whole && header.has(END_STREAM) { Ahead::Whole(header.len) } else { Ahead::Part }
    }

    /// Takes a body that is [there in full](Ahead::Whole) at the start of `input`, at once and
    /// [released](Self::release), and says how many bytes of the input that was. If it breaks a
    /// rule, its stream has been reset, for that cause.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_whole_body<'b>(
        &mut self,
        stream: StreamKey,
        input: &'b [u8],
        limits: &Limits,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(usize, Result<&'b [u8], ResetCause>), ConnectionError> {
        let Some(header) = input.first_chunk().copied().map(FrameHeader::parse) else {
            return Ok((0, Err(ResetCause::Fault)));
        };
        let step =
            self.begin_data(header, input, limits, now, out).inspect_err(|&e| self.fail(e, out))?;
        let consumed = HEADER_BYTES + header.len as usize;
        let reading = std::mem::replace(&mut self.reading, Reading::Frame);
        let (Step::Done(at), Reading::Data { left, .. }) = (&step, reading) else {
            let cause = match step {
                Step::Event(_, Event::Reset { cause, .. }) => cause,
                Step::Event(..) | Step::Done(_) | Step::Wait => ResetCause::Fault,
            };
            return Ok((consumed, Err(cause)));
        };
        if let Some(open) = self.streams.get_mut(stream) {
            open.step(Input::ReceiveEnd);
        }
        self.release(stream, left as usize, out);
        Ok((consumed, Ok(input.get(*at..at + left as usize).unwrap_or_default())))
    }

    /// RFC 9113 section 3.4.
    fn receive_preface<'b>(&mut self, rest: &'b [u8]) -> Result<Step<'b>, ConnectionError> {
        let len = rest.len().min(PREFACE.len());
        if rest.get(..len) != PREFACE.get(..len) {
            return Err(ConnectionError::BadPreface);
        }
        if len < PREFACE.len() {
            return Ok(Step::Wait);
        }
        self.reading = Reading::Frame;
        Ok(Step::Done(len))
    }

    #[inline]
    fn receive_frame<'b>(
        &mut self,
        rest: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Step<'b>, ConnectionError> {
        let Some(header) = rest.first_chunk().copied().map(FrameHeader::parse) else {
            return Ok(Step::Wait);
        };
        if header.len > self.config.max_frame_bytes {
            return Err(ConnectionError::FrameTooLarge);
        }
        // RFC 9113 sections 3.4 and 6.10.
        let is_due = if self.block.is_begun() {
            header.kind == kind::CONTINUATION
        } else {
            self.has_settings || header.kind == kind::SETTINGS
        };
        if !is_due {
            return Err(ConnectionError::UnexpectedFrame);
        }
        if header.kind == kind::DATA {
            return self.begin_data(header, rest, limits, now, out);
        }
        let frame_len = HEADER_BYTES + header.len as usize;
        let Some(payload) = rest.get(HEADER_BYTES..frame_len) else {
            return Ok(Step::Wait);
        };
        let event = match header.kind {
            kind::HEADERS => self.receive_headers(header, payload, limits, head, now, out)?,
            kind::CONTINUATION => {
                self.receive_continuation(header, payload, limits, head, now, out)?
            }
            _ => self.receive_control(header, payload, now, out)?,
        };
        Ok(match event {
            Some(event) => Step::Event(frame_len, event),
            None => Step::Done(frame_len),
        })
    }

    /// Deals with what a DATA frame says before its data.
    fn begin_data<'b>(
        &mut self,
        header: FrameHeader,
        rest: &[u8],
        limits: &Limits,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Step<'b>, ConnectionError> {
        header.on_stream()?;
        let Some(parsed) = data::parse(header, rest)? else {
            return Ok(Step::Wait);
        };
        if !self.recv_window.receive(header.len) {
            return Err(ConnectionError::WindowExceeded);
        }
        let is_last = header.has(END_STREAM);
        if parsed.data_len == 0 && !is_last {
            self.buckets.spend(Act::EmptyData, now)?;
        }
        let behind = parsed.data_len + parsed.padding;
        let (key, state) = self.look_up(header.stream);
        let code = match state.verdict(Frame::Data) {
            Verdict::Take => None,
            Verdict::Ignore => return Ok(self.drop_data(header.len, parsed.data_at, behind, out)),
            Verdict::StreamError(code) => Some(code),
            Verdict::ConnectionError(ErrorCode::STREAM_CLOSED) => {
                return Err(ConnectionError::StreamClosed);
            }
            Verdict::ConnectionError(_) => return Err(ConnectionError::UnexpectedFrame),
        };
        let Some(key) = key else {
            // Only a stream that is closed has no key here.
            let code = code.unwrap_or(ErrorCode::STREAM_CLOSED);
            self.reset_closed(header.stream, code, now, out)?;
            return Ok(self.drop_data(header.len, parsed.data_at, behind, out));
        };
        let fault = match code {
            Some(code) => Some((code, ResetCause::Fault)),
            None => self.account(key, header.len, parsed.data_len, is_last, limits),
        };
        if let Some((code, cause)) = fault {
            self.drop_data(header.len, parsed.data_at, behind, out);
            if let ResetCause::Reject(reject) = cause
                && reject != Reject::LengthMismatch
            {
                // Its handler has begun, as that of a stream that is reset for a fault.
                self.buckets.spend(Act::Fault, now)?;
                self.refuse(key);
                let padding = behind;
                self.reading = Reading::Data { stream: key, left: 0, padding, is_last };
                return Ok(Step::Event(parsed.data_at, Event::Refused { stream: key, reject }));
            }
            match cause {
                ResetCause::Drained => self.reset(key, code, out),
                _ => self.reset_fault(key, code, now, out)?,
            }
            return Ok(Step::Event(parsed.data_at, Event::Reset { stream: key, code, cause }));
        }
        self.begin_pieces(key, header.len, parsed, is_last, now, out);
        Ok(Step::Done(parsed.data_at))
    }

    /// Goes on to the data of a frame that is fine.
    fn begin_pieces(
        &mut self,
        key: StreamKey,
        frame_len: u32,
        parsed: data::Data,
        is_last: bool,
        now: Duration,
        out: &mut Vec<u8>,
    ) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let unread = if stream.is_refused { frame_len } else { frame_len - parsed.data_len };
        let received = stream.body.received;
        // Nobody reads padding.
        stream.recv_window.release(unread);
        self.recv_window.release(unread);
        if stream.is_refused {
            let left = parsed.data_len + parsed.padding;
            self.reading = Reading::Data { stream: key, left: 0, padding: left, is_last };
            self.grant_connection(out);
            return;
        }
        let (left, padding) = (parsed.data_len, parsed.padding);
        self.reading = Reading::Data { stream: key, left, padding, is_last };
        if self.tuner.receive(frame_len, received, now) {
            self.measured = key;
            ping::put(PATH_PING, out);
        }
    }

    /// Counts data against a stream's window, and against what its body may be. The frame is
    /// accounted for on the connection. Returns why the stream can't go on.
    fn account(
        &mut self,
        key: StreamKey,
        frame_len: u32,
        data_len: u32,
        is_last: bool,
        limits: &Limits,
    ) -> Option<(ErrorCode, ResetCause)> {
        let stream = self.streams.get_mut(key)?;
        if !stream.recv_window.receive(frame_len) {
            return Some((ErrorCode::FLOW_CONTROL_ERROR, ResetCause::Fault));
        }
        let body = &mut stream.body;
        if stream.is_refused {
            if stream.sending != Sending::Done {
                return None;
            }
            body.received = body.received.saturating_add(u64::from(frame_len));
            if body.received <= limits.max_drain_bytes {
                return None;
            }
            // RFC 9113 section 8.1: the peer need not send the rest.
            stream.recv_window.release(frame_len);
            return Some((ErrorCode::NO_ERROR, ResetCause::Drained));
        }
        body.received = body.received.saturating_add(u64::from(data_len));
        let reject = match body.announced {
            // RFC 9113 section 8.1.1.
            Some(length) if body.received > length => Reject::LengthMismatch,
            Some(length) if is_last && body.received < length => Reject::LengthMismatch,
            Some(length) if length > body.max => Reject::BodyTooLarge,
            _ if body.received > body.max => Reject::BodyTooLarge,
            _ => return None,
        };
        // What came before stays counted as held, until it is released or the stream is over.
        stream.recv_window.release(frame_len);
        Some((ErrorCode::PROTOCOL_ERROR, ResetCause::Reject(reject)))
    }

    /// Drops the rest of a DATA frame, which the connection has accounted for.
    fn drop_data<'b>(
        &mut self,
        frame_len: u32,
        data_at: usize,
        behind: u32,
        out: &mut Vec<u8>,
    ) -> Step<'b> {
        self.recv_window.release(frame_len);
        self.grant_connection(out);
        self.reading = Reading::Skip(behind);
        Step::Done(data_at)
    }

    #[expect(clippy::too_many_arguments, reason = "they are what is being read")]
    fn receive_data<'b>(
        &mut self,
        rest: &'b [u8],
        stream: StreamKey,
        left: u32,
        padding: u32,
        is_last: bool,
        head: &mut RequestHead,
        out: &mut Vec<u8>,
    ) -> Step<'b> {
        let len = rest.len().min(left as usize);
        let left = left - u32::try_from(len).unwrap_or(left);
        let Some(bytes) = rest.get(..len).filter(|bytes| !bytes.is_empty()) else {
            if left > 0 {
                return Step::Wait;
            }
            self.reading = Reading::Skip(padding);
            if is_last && let Some(event) = self.end_request(stream, head, out) {
                return Step::Event(0, event);
            }
            return Step::Done(0);
        };
        self.reading = if left == 0 && !is_last {
            Reading::Skip(padding)
        } else {
            Reading::Data { stream, left, padding, is_last }
        };
        // Its stream may have been reset meanwhile, by the application.
        if !self.is_open(stream) {
            return Step::Done(len);
        }
        Step::Event(len, Event::Data { stream, bytes })
    }

    /// Drops what of a frame is of no use.
    fn skip<'b>(&mut self, rest: &[u8], left: u32) -> Step<'b> {
        let len = rest.len().min(left as usize);
        let left = left - u32::try_from(len).unwrap_or(left);
        self.reading = if left == 0 { Reading::Frame } else { Reading::Skip(left) };
        if len == 0 && left > 0 { Step::Wait } else { Step::Done(len) }
    }

    /// Takes note that a request has come in full, without trailers.
    fn end_request(
        &mut self,
        key: StreamKey,
        head: &mut RequestHead,
        out: &mut Vec<u8>,
    ) -> Option<Event<'static>> {
        let stream = self.streams.get_mut(key)?;
        stream.step(Input::ReceiveEnd);
        let is_untold = stream.is_refused && stream.sending != Sending::Done;
        self.close(key, out);
        if is_untold {
            return None;
        }
        head.clear();
        Some(Event::End { stream: key })
    }

    /// Notes that what still comes of a request is dropped.
    pub(super) fn refuse(&mut self, key: StreamKey) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.is_refused = true;
        }
    }

    /// The state of a client's stream, with its key if it is open.
    #[inline]
    pub(super) fn look_up(&self, id: u32) -> (Option<StreamKey>, State) {
        let key = self.streams.find(id);
        if let Some(stream) = key.and_then(|key| self.streams.get(key)) {
            return (key, stream.state);
        }
        // RFC 9113 section 5.1.1: even numbers would be ours.
        if id > self.last_id || id.is_multiple_of(2) {
            return (None, State::Idle);
        }
        (None, State::Closed(self.streams.how_closed(id)))
    }
}
