//! The sending half of a connection: what the application does, to bytes.
//!
//! Not here: transitions (`state.rs`), what a head looks like (`encode.rs`), whose turn it is
//! (`schedule.rs`), and many pieces in one frame (`tail.rs`).

use http::StatusCode;

use super::connection::Connection;
use super::frame::{HEADER_BYTES, data, headers};
use super::state::Input;
use super::stream::{RequestKind, Sending, Stream};
use super::{StreamKey, Tail};
use crate::{BodyLength, Headers, Misuse};

/// The longest DATA frame that is sent to a peer that takes longer ones: in between, others have
/// their turn.
const MAX_DATA_BYTES: usize = 64 << 10;

/// How much a stream is offered to send in its turn.
pub(super) const TURN_BYTES: usize = 16 << 10;

/// Status and framing of a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    status: StatusCode,
    body: BodyLength,
    date: Option<&'a [u8]>,
}

impl<'a> Response<'a> {
    /// A response without `Date`.
    #[must_use]
    pub const fn new(status: StatusCode, body: BodyLength) -> Self {
        Self { status, body, date: None }
    }

    /// Adds `Date` with this value, unless the fields have one.
    #[must_use]
    pub const fn date(mut self, date: &'a [u8]) -> Self {
        self.date = Some(date);
        self
    }
}

/// How far a response went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes of body were taken.
    pub bytes: usize,
    /// The response is out in full, and nothing more may be sent.
    pub is_over: bool,
}

/// A stream that may send, and how many bytes it should in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writable {
    /// The stream.
    pub stream: StreamKey,
    /// At most as many as its window and that of the connection allow.
    pub bytes: usize,
}

impl Connection {
    /// Appends an interim response such as `100 Continue` or `103 Early Hints`.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response on that stream, or the status is not 1xx, or is
    /// 101, which HTTP/2 does not have (RFC 9113 section 8.6).
    pub fn send_interim(
        &mut self,
        stream: StreamKey,
        status: StatusCode,
        fields: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Misuse::WrongStatusClass);
        }
        self.awaiting(stream)?;
        let at = headers::begin(out);
        self.encoder.interim(status, fields, out);
        headers::finish(at, stream.id, false, self.max_frame(), out);
        Ok(())
    }

    /// Appends the head of the final response. One whose body is empty, left out (HEAD, 204, 304)
    /// or of length 0 is over with it. The 2xx response to CONNECT opens the tunnel, whatever
    /// length it is said to have.
    ///
    /// `content-length` is written here; it and fields about one connection are left out of
    /// `fields`.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response on that stream, or the status is 1xx.
    pub fn send_head(
        &mut self,
        stream: StreamKey,
        response: Response<'_>,
        fields: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        let max_frame = self.max_frame();
        let open = self.awaiting(stream)?;
        if response.status.is_informational() {
            return Err(Misuse::WrongStatusClass);
        }
        let (sending, length) = plan(open.kind, response);
        open.sending = sending;
        let is_over = sending == Sending::Done;
        let at = headers::begin(out);
        self.encoder.head(response.status, fields, response.date, length, out);
        headers::finish(at, stream.id, is_over, max_frame, out);
        if is_over {
            self.finish_sending(stream, out);
        }
        Ok(Sent { bytes: 0, is_over })
    }

    /// Appends a response whose body is known in full, as far as the windows allow: what is left of
    /// the body is sent as with [`send_data`](Self::send_data).
    ///
    /// # Errors
    ///
    /// As [`send_head`](Self::send_head), and [`Misuse::BodyUnderrun`] or [`Misuse::BodyOverrun`]
    /// if another length was announced than the body has. It may be another to HEAD, whose response
    /// tells what it would be. Nothing is appended then.
    pub fn send_whole(
        &mut self,
        stream: StreamKey,
        response: Response<'_>,
        fields: &Headers,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        let kind = self.awaiting(stream)?.kind;
        let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if let BodyLength::Known(announced) = response.body
            && announced != len
            && kind != RequestKind::Head
        {
            return Err(if announced > len { Misuse::BodyUnderrun } else { Misuse::BodyOverrun });
        }
        let sent = self.send_head(stream, response, fields, out)?;
        if sent.is_over {
            return Ok(sent);
        }
        if response.body == BodyLength::Unknown
            && kind != RequestKind::Connect
            && let Some(open) = self.streams.get_mut(stream)
        {
            // Nobody was told, but the last piece is known to be the last.
            open.sending = Sending::Length(len);
            if body.is_empty() {
                return self.send_end(stream, out).map(|()| Sent { bytes: 0, is_over: true });
            }
        }
        self.send_data(stream, body, out)
    }

    /// Appends a piece of the response body in DATA frames, as far as the windows allow. What is
    /// not taken is to be given again when [`next_writable`](Self::next_writable) names the stream.
    /// A body of known length is over with its last byte, any other with
    /// [`send_end`](Self::send_end).
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent on that stream, or the piece exceeds the length that was
    /// announced; nothing is appended then.
    pub fn send_data(
        &mut self,
        stream: StreamKey,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        self.send_data_behind(stream, bytes, &mut Tail::default(), out)
    }

    /// The same, but goes on in the frame of an earlier piece of the same stream, if there is one
    /// in `tail` and it has room: many small pieces are one frame.
    ///
    /// # Errors
    ///
    /// As [`send_data`](Self::send_data).
    pub fn send_data_behind(
        &mut self,
        stream: StreamKey,
        bytes: &[u8],
        tail: &mut Tail,
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        let mut rest = bytes;
        if tail.is_open() {
            let joined = self.join_data(stream, bytes, tail, out)?;
            rest = bytes.get(joined.bytes..).unwrap_or_default();
            if joined.is_over || (joined.bytes > 0 && rest.is_empty()) {
                return Ok(joined);
            }
        }
        let max_frame = self.max_frame();
        let mut frame = self.next_frame(stream, rest.len(), max_frame)?;
        // All of it is made room for at once.
        let frames = rest.len() / max_frame + 1;
        out.reserve(rest.len().min(self.capacity(stream)) + frames * HEADER_BYTES);
        while frame.len > 0 {
            let (piece, behind) = rest.split_at_checked(frame.len).unwrap_or((rest, &[]));
            self.account_sent(stream, frame);
            tail.begin(out);
            out.extend_from_slice(&data::header(stream.id, frame.len, frame.is_last));
            out.extend_from_slice(piece);
            rest = behind;
            if frame.is_last || rest.is_empty() {
                break;
            }
            frame = self.next_frame(stream, rest.len(), max_frame)?;
        }
        if frame.is_last {
            self.finish_sending(stream, out);
        } else if !rest.is_empty() {
            self.await_writable(stream);
        }
        Ok(Sent { bytes: bytes.len() - rest.len(), is_over: frame.is_last })
    }

    /// Appends the header of one DATA frame of at most `len` bytes, and says how many: as many
    /// bytes of body must be sent right behind it, without passing through `out`. 0 if the windows
    /// allow nothing, and then nothing is appended.
    ///
    /// # Errors
    ///
    /// As [`send_data`](Self::send_data).
    pub fn send_data_apart(
        &mut self,
        stream: StreamKey,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        let frame = self.next_frame(stream, len, self.max_frame().min(MAX_DATA_BYTES))?;
        self.account_sent(stream, frame);
        if frame.is_last {
            self.finish_sending(stream, out);
        } else if frame.len < len {
            self.await_writable(stream);
        }
        if frame.len > 0 {
            out.extend_from_slice(&data::header(stream.id, frame.len, frame.is_last));
        }
        Ok(Sent { bytes: frame.len, is_over: frame.is_last })
    }

    /// Ends a response whose length was not known.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent, or less of it was sent than announced.
    pub fn send_end(&mut self, stream: StreamKey, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.send_end_behind(stream, &Tail::default(), out)
    }

    /// The same, but says so in the frame of the last piece, if there is one in `tail`.
    ///
    /// # Errors
    ///
    /// As [`send_end`](Self::send_end).
    pub fn send_end_behind(
        &mut self,
        stream: StreamKey,
        tail: &Tail,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        self.ending(stream)?;
        match tail.header(stream, out) {
            Some((header, _)) => data::end(header),
            None => out.extend_from_slice(&data::header(stream.id, 0, true)),
        }
        self.finish_sending(stream, out);
        Ok(())
    }

    /// Ends a response whose length was not known with trailer fields. Those that must not be
    /// trailers are left out (RFC 9110 section 6.5.1).
    ///
    /// # Errors
    ///
    /// As [`send_end`](Self::send_end).
    pub fn send_end_with(
        &mut self,
        stream: StreamKey,
        trailers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        let kind = self.ending(stream)?;
        if trailers.is_empty() || kind == RequestKind::Connect {
            return self.send_end(stream, out);
        }
        let at = headers::begin(out);
        self.encoder.trailers(trailers, out);
        headers::finish(at, stream.id, true, self.max_frame(), out);
        self.finish_sending(stream, out);
        Ok(())
    }

    /// How many bytes of body a stream's own window allows, whatever that of the connection does.
    #[must_use]
    pub fn stream_capacity(&self, stream: StreamKey) -> usize {
        self.streams.get(stream).map_or(0, |open| open.send_window.available())
    }

    /// How many bytes of body may be sent on a stream now.
    #[must_use]
    pub fn capacity(&self, stream: StreamKey) -> usize {
        let open = self.streams.get(stream);
        open.map_or(0, |open| open.send_window.available().min(self.send_window.available()))
    }

    /// Whether a response has begun on that stream and is not out in full.
    #[must_use]
    pub fn is_sending(&self, stream: StreamKey) -> bool {
        let sending = self.streams.get(stream).map(|stream| stream.sending);
        matches!(sending, Some(Sending::Length(_) | Sending::Unknown))
    }

    /// Whether a request awaits its response on that stream.
    #[must_use]
    pub fn awaits_response(&self, stream: StreamKey) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.sending == Sending::Awaiting)
    }

    /// Takes note that the application has more to send on a stream than it may in this turn.
    pub fn await_writable(&mut self, stream: StreamKey) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        if open.send_window.available() > 0 {
            self.schedule.insert(stream.slot, stream.id, open.priority);
        } else {
            open.awaits_window = true;
        }
    }

    /// Takes out the stream whose turn it is of those that have more to send and may (RFC 9218
    /// section 10). It comes back with what is left over by [`send_data`](Self::send_data), or with
    /// [`await_writable`](Self::await_writable).
    pub fn next_writable(&mut self) -> Option<Writable> {
        let available = self.send_window.available();
        if available == 0 {
            return None;
        }
        loop {
            let stream = self.streams.key_of(self.schedule.next()?);
            let Some(open) = self.streams.get_mut(stream) else { continue };
            let bytes = open.send_window.available().min(available).min(TURN_BYTES);
            if bytes > 0 {
                return Some(Writable { stream, bytes });
            }
            open.awaits_window = true;
        }
    }

    /// Whether a stream has more to send, and none may, for the connection's window is used up.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        !self.schedule.is_empty() && self.send_window.available() == 0
    }

    /// Whether a stream has more to send and may, as far as the connection's window goes.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.schedule.is_empty() && self.send_window.available() > 0
    }

    pub(super) fn max_frame(&self) -> usize {
        self.peer.max_frame_bytes as usize
    }

    /// The stream, if a request awaits its response on it.
    #[inline]
    fn awaiting(&mut self, stream: StreamKey) -> Result<&mut Stream, Misuse> {
        let open = self.streams.get_mut(stream);
        let open = open.filter(|stream| stream.sending == Sending::Awaiting);
        debug_assert!(open.as_ref().is_none_or(|stream| stream.state.sends()));
        open.ok_or(Misuse::NotAwaitingResponse)
    }

    /// What kind of exchange can be ended on that stream.
    fn ending(&mut self, stream: StreamKey) -> Result<RequestKind, Misuse> {
        let open = self.streams.get_mut(stream).ok_or(Misuse::NotSendingBody)?;
        match open.sending {
            Sending::Awaiting | Sending::Done => Err(Misuse::NotSendingBody),
            Sending::Length(1..) => Err(Misuse::BodyUnderrun),
            Sending::Length(0) | Sending::Unknown => Ok(open.kind),
        }
    }

    /// The next DATA frame for a piece of so many bytes, empty if the windows allow none.
    #[inline]
    pub(super) fn next_frame(
        &mut self,
        stream: StreamKey,
        len: usize,
        max: usize,
    ) -> Result<NextFrame, Misuse> {
        let open = self.streams.get_mut(stream).ok_or(Misuse::NotSendingBody)?;
        let allowed = open.send_window.available().min(self.send_window.available()).min(max);
        let len_in_all = u64::try_from(len).unwrap_or(u64::MAX);
        let frame = allowed.min(len);
        let is_last = match open.sending {
            Sending::Awaiting | Sending::Done => return Err(Misuse::NotSendingBody),
            Sending::Unknown => false,
            Sending::Length(left) if left < len_in_all => return Err(Misuse::BodyOverrun),
            Sending::Length(left) => frame > 0 && left == u64::try_from(frame).unwrap_or(u64::MAX),
        };
        Ok(NextFrame { len: frame, is_last })
    }

    /// Accounts for a DATA frame.
    #[inline]
    pub(super) fn account_sent(&mut self, stream: StreamKey, frame: NextFrame) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        open.send_window.take(frame.len);
        if let Sending::Length(left) = &mut open.sending {
            *left = left.saturating_sub(u64::try_from(frame.len).unwrap_or(u64::MAX));
        }
        self.send_window.take(frame.len);
        self.buckets.sent_data();
    }

    /// Takes note that a response is out in full.
    #[inline]
    pub(super) fn finish_sending(&mut self, stream: StreamKey, out: &mut Vec<u8>) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        open.sending = Sending::Done;
        open.step(Input::SendEnd);
        self.buckets.answered();
        self.close(stream, out);
    }
}

/// A DATA frame that is about to be sent.
#[derive(Clone, Copy)]
pub(super) struct NextFrame {
    pub(super) len: usize,
    pub(super) is_last: bool,
}

/// How the body is sent, and the length that is announced.
#[inline]
fn plan(kind: RequestKind, response: Response<'_>) -> (Sending, Option<u64>) {
    let length = match response.body {
        BodyLength::Known(length) => Some(length),
        BodyLength::Unknown => None,
    };
    match (response.status, kind) {
        (status, RequestKind::Connect) if status.is_success() => (Sending::Unknown, None),
        (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => (Sending::Done, None),
        // RFC 9110 section 15.3.6: no content.
        (StatusCode::RESET_CONTENT, _) => (Sending::Done, Some(0)),
        (_, RequestKind::Head) => (Sending::Done, length),
        (_, RequestKind::Usual | RequestKind::Connect) => match length {
            Some(0) => (Sending::Done, length),
            Some(left) => (Sending::Length(left), length),
            None => (Sending::Unknown, None),
        },
    }
}
