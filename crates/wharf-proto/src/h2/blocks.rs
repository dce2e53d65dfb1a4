//! Header blocks: HEADERS and CONTINUATION to requests and trailers (RFC 9113 sections 4.3 and
//! 8.1).
//!
//! A block that comes in one frame is decoded where it lies. Every block is decoded, those of no
//! use too, since later ones refer to them. Not here: what fields mean (`request.rs`).

use std::time::Duration;

use http::{Method, StatusCode};

use super::abuse::Act;
use super::connection::{Connection, Going};
use super::flow::{INITIAL_WINDOW, RecvWindow, SendWindow};
use super::frame::{END_HEADERS, END_STREAM, FrameHeader, headers};
use super::hpack::{Fields, Outcome};
use super::priority::Priority;
use super::request::{Dropped, RequestFields, TrailerFields, Understood};
use super::state::{Closed, Frame, Input, State, Verdict};
use super::stream::{RequestBody, RequestKind, Sending, Stream};
use super::{ConnectionError, ErrorCode, Event, ResetCause, StreamKey};
use crate::{BodyLength, Limits, Reject, RequestHead};

/// How many frames a block may come in. Who needs more sends less than a kilobyte in each.
const MAX_FRAMES: u32 = 32;

/// How much longer than the longest list of fields a block may be, so that a head which is somewhat
/// too large is refused and not the connection.
const MAX_BLOCK_FACTOR: usize = 2;

/// A header block of which some has come.
#[derive(Debug)]
pub(super) struct HeaderBlock {
    bytes: Vec<u8>,
    frames: u32,
    target: Option<Target>,
}

/// What a header block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    id: u32,
    purpose: Purpose,
    is_last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Request,
    Trailers(StreamKey),
    /// Nobody wants it.
    Drop,
    /// The stream is reset.
    Reset(ErrorCode),
}

impl HeaderBlock {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), frames: 0, target: None }
    }

    /// Whether CONTINUATION has to follow.
    #[inline]
    pub(super) const fn is_begun(&self) -> bool {
        self.target.is_some()
    }

    pub(super) fn storage_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

impl Connection {
    #[inline]
    pub(super) fn receive_headers(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        let parsed = headers::parse(header, payload)?;
        let mut purpose = self.purpose(header)?;
        // RFC 7540 section 5.3.1, which those who still send priorities keep to.
        if parsed.depends_on == Some(header.stream) && purpose != Purpose::Drop {
            purpose = Purpose::Reset(ErrorCode::PROTOCOL_ERROR);
        }
        let target = Target { id: header.stream, purpose, is_last: header.has(END_STREAM) };
        if header.has(END_HEADERS) {
            return self.finish_block(target, parsed.fragment, limits, head, now, out);
        }
        self.block.bytes.clear();
        self.block.bytes.extend_from_slice(parsed.fragment);
        self.block.frames = 1;
        self.block.target = Some(target);
        Ok(None)
    }

    pub(super) fn receive_continuation(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        let target = self.block.target.filter(|target| target.id == header.stream);
        let target = target.ok_or(ConnectionError::UnexpectedFrame)?;
        self.block.frames += 1;
        if self.block.frames > MAX_FRAMES {
            return Err(ConnectionError::ContinuationFlood);
        }
        let max = MAX_BLOCK_FACTOR * self.config.max_header_list_bytes as usize;
        if self.block.bytes.len() + payload.len() > max {
            return Err(ConnectionError::HeaderBlockTooLarge);
        }
        self.block.bytes.extend_from_slice(payload);
        if !header.has(END_HEADERS) {
            return Ok(None);
        }
        // What it took is given back: most heads need none of it.
        let bytes = std::mem::take(&mut self.block.bytes);
        self.block.target = None;
        self.finish_block(target, &bytes, limits, head, now, out)
    }

    /// What a header block on that stream is for.
    #[inline]
    fn purpose(&self, header: FrameHeader) -> Result<Purpose, ConnectionError> {
        let id = header.stream;
        // RFC 9113 section 5.1.1: a client's streams have odd numbers.
        if id.is_multiple_of(2) {
            return Err(ConnectionError::BadStreamId);
        }
        if id > self.last_id {
            return Ok(match self.going {
                Going::After(last) if id > last => Purpose::Drop,
                Going::No | Going::Soon | Going::After(_) => Purpose::Request,
            });
        }
        let (key, state) = self.look_up(id);
        Ok(match (state.verdict(Frame::Headers), key) {
            // RFC 9113 section 8.1: trailers end a message.
            (Verdict::Take, Some(key)) if header.has(END_STREAM) => Purpose::Trailers(key),
            (Verdict::Take, _) => Purpose::Reset(ErrorCode::PROTOCOL_ERROR),
            (Verdict::Ignore, _) => Purpose::Drop,
            (Verdict::StreamError(code), _) => Purpose::Reset(code),
            (Verdict::ConnectionError(ErrorCode::STREAM_CLOSED), _) => {
                return Err(ConnectionError::StreamClosed);
            }
            (Verdict::ConnectionError(_), _) => return Err(ConnectionError::BadStreamId),
        })
    }

    #[inline]
    fn finish_block(
        &mut self,
        target: Target,
        block: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        let purpose = match (target.purpose, self.going) {
            // That was said while it came.
            (Purpose::Request, Going::After(last_id)) if target.id > last_id => Purpose::Drop,
            (purpose, _) => purpose,
        };
        match purpose {
            Purpose::Request => self.finish_request(target, block, limits, head, now, out),
            Purpose::Trailers(key) => self.finish_trailers(key, block, limits, head, now, out),
            Purpose::Drop => {
                self.decode(block, &mut Dropped::default())?;
                // It is not taken twice, should it come again.
                if target.id > self.last_id {
                    self.last_id = target.id;
                    self.streams.note_closed(target.id, Closed::ByUs);
                }
                Ok(None)
            }
            Purpose::Reset(code) => {
                self.decode(block, &mut Dropped::default())?;
                self.last_id = self.last_id.max(target.id);
                let Some(stream) = self.streams.find(target.id) else {
                    self.reset_closed(target.id, code, now, out)?;
                    return Ok(None);
                };
                self.reset_fault(stream, code, now, out)?;
                Ok(Some(Event::Reset { stream, code, cause: ResetCause::Fault }))
            }
        }
    }

    fn decode(
        &mut self,
        block: &[u8],
        fields: &mut impl Fields,
    ) -> Result<Outcome, ConnectionError> {
        self.decoder.decode(block, fields).map_err(|_| ConnectionError::Compression)
    }

    fn finish_request(
        &mut self,
        target: Target,
        block: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        self.last_id = target.id;
        if self.streams.len() >= self.config.max_concurrent_streams as usize {
            self.decode(block, &mut Dropped::default())?;
            self.refuse_stream(target.id, now, out)?;
            return Ok(None);
        }
        let mut fields = RequestFields::new(head, limits);
        let outcome = self.decode(block, &mut fields)?;
        let understood =
            fields.finish(outcome == Outcome::TooLarge, self.config.enable_connect_protocol);
        let reject = match understood {
            Ok(Understood { content_length: Some(1..), .. }) if target.is_last => {
                Some(Reject::LengthMismatch)
            }
            Ok(_) => None,
            Err(reject) => Some(reject),
        };
        // RFC 9113 section 8.1.1: malformed requests are stream errors.
        if let Some(reject) = reject
            && reject.status() == StatusCode::BAD_REQUEST
        {
            self.reset_closed(target.id, ErrorCode::PROTOCOL_ERROR, now, out)?;
            return Ok(Some(Event::Malformed { id: target.id, reject }));
        }
        let understood = understood.unwrap_or(Understood { content_length: None, priority: None });
        let stream = self.open(target, understood, limits, head);
        if let Some(reject) = reject {
            if reject.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
                // A few bytes can stand for many that are all looked at (RFC 7541 section 7.3).
                self.buckets.spend(Act::Fault, now)?;
            }
            self.refuse(stream);
            return Ok(Some(Event::Refused { stream, reject }));
        }
        let body = match understood.content_length {
            _ if target.is_last => BodyLength::Known(0),
            // Its end comes apart, so that it is no request that is over.
            None | Some(0) => BodyLength::Unknown,
            Some(length) => BodyLength::Known(length),
        };
        Ok(Some(Event::Head { stream, body }))
    }

    /// Adds a stream for a request whose head is fine.
    #[inline]
    fn open(
        &mut self,
        target: Target,
        understood: Understood,
        limits: &Limits,
        head: &RequestHead,
    ) -> StreamKey {
        let mut priority = understood.priority.unwrap_or(Priority::UNSTATED);
        if !self.priorities.is_empty() {
            priority = self.take_priority(target.id).unwrap_or(priority);
        }
        let kind = match *head.method() {
            Method::HEAD => RequestKind::Head,
            Method::CONNECT => RequestKind::Connect,
            _ => RequestKind::Usual,
        };
        let mut window = INITIAL_WINDOW;
        if self.is_acknowledged {
            window = self.config.initial_stream_window;
        }
        let mut stream = Stream {
            id: target.id,
            state: State::Idle,
            send_window: SendWindow::new(self.peer.initial_window),
            recv_window: RecvWindow::new(window),
            body: RequestBody {
                announced: understood.content_length,
                received: 0,
                max: limits.max_body_bytes,
            },
            sending: Sending::Awaiting,
            priority,
            kind,
            is_refused: false,
            awaits_window: false,
        };
        stream.step(Input::ReceiveHeaders);
        if target.is_last {
            stream.step(Input::ReceiveEnd);
        }
        self.streams.insert(stream)
    }

    /// RFC 9113 section 5.1.2: one stream too many, which may be sent again.
    #[cold]
    fn refuse_stream(
        &mut self,
        id: u32,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), ConnectionError> {
        if self.is_acknowledged {
            return self.reset_closed(id, ErrorCode::REFUSED_STREAM, now, out);
        }
        // The peer can't know yet how many are allowed.
        self.answer()?;
        super::frame::rst_stream::put(id, ErrorCode::REFUSED_STREAM, out);
        self.streams.note_closed(id, Closed::ByUs);
        Ok(())
    }

    fn finish_trailers(
        &mut self,
        key: StreamKey,
        block: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<Option<Event<'static>>, ConnectionError> {
        let mut fields = TrailerFields::new(head, limits);
        let outcome = self.decode(block, &mut fields)?;
        let mut result = fields.finish(outcome == Outcome::TooLarge);
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let body = stream.body;
        let is_refused = stream.is_refused;
        let is_untold = is_refused && stream.sending != Sending::Done;
        // What is dropped is not counted.
        let is_short = !is_refused && body.announced.is_some_and(|length| length != body.received);
        if stream.kind == RequestKind::Connect {
            // RFC 9113 section 8.5: a tunnel has no trailers.
            result = Err(Reject::BadField);
        } else if is_short {
            result = result.and(Err(Reject::LengthMismatch));
        }
        match result {
            Err(reject) if reject.status() == StatusCode::BAD_REQUEST => {
                let (code, cause) = (ErrorCode::PROTOCOL_ERROR, ResetCause::Reject(reject));
                self.reset_fault(key, code, now, out)?;
                Ok(Some(Event::Reset { stream: key, code, cause }))
            }
            _ => {
                stream.step(Input::ReceiveEnd);
                stream.is_refused |= result.is_err();
                if result.is_err() && !is_refused {
                    // Its handler has begun, as that of a stream that is reset for a fault.
                    self.buckets.spend(Act::Fault, now)?;
                }
                self.close(key, out);
                Ok(match result {
                    _ if is_untold => None,
                    _ if is_refused => {
                        head.clear();
                        Some(Event::End { stream: key })
                    }
                    Err(reject) => Some(Event::Refused { stream: key, reject }),
                    Ok(()) => Some(Event::End { stream: key }),
                })
            }
        }
    }
}
