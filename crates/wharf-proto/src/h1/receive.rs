//! The receiving half of a connection: bytes to events, by what is being read.
//!
//! Not here: transitions (`state.rs`), the grammar (`parse.rs`, `framing.rs`, `chunked.rs`).

use http::{Method, Version};

use super::chunked::{Chunk, ChunkedDecoder};
use super::connection::{Connection, Reading};
use super::framing::RequestBody;
use super::parse::HeadParser;
use super::state::{Recv, RecvInput, Send, SendInput};
use super::{BodyLength, Event, Received};
use crate::{Limits, Reject, RequestHead};

impl Connection {
    #[inline(never)]
    pub(super) fn receive_head<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        let Reading::Head(parser, framing) = &mut self.reading else {
            return Ok(Received { consumed: 0, event: None });
        };
        let (mut skipped, mut input) = (0, input);
        let parsed = if parser.is_fresh() {
            if let [] | [b'\r' | b'\n', ..] = input {
                skipped = parser.skip_empty_line(input);
                input = input.get(skipped..).unwrap_or_default();
                if let [] | [b'\r'] = input {
                    return Ok(Received { consumed: skipped, event: None });
                }
            }
            head.clear();
            parser.request_head(input, limits, head, framing)
        } else {
            parser.rest_of_head(input, limits, head, framing)
        };
        let len = match parsed {
            Ok(Some(len)) => len,
            Ok(None) => {
                self.enter_recv(RecvInput::Bytes);
                return Ok(Received { consumed: skipped, event: None });
            }
            Err(reject) => return self.reject(reject, head),
        };
        if framing.is_usual(head) {
            self.begin_usual_exchange();
            let event = Some(Event::Head { body: BodyLength::Known(0) });
            return Ok(Received { consumed: skipped + len, event });
        }
        match framing.finish(head) {
            Ok(body) => {
                let event = Some(self.begin_exchange(head, body));
                Ok(Received { consumed: skipped + len, event })
            }
            Err(reject) => self.reject(reject, head),
        }
    }

    /// As [`begin_exchange`](Self::begin_exchange), for a GET of HTTP/1.1 that asks for nothing
    /// else, whose head is as it was when it was cleared.
    #[inline(always)]
    fn begin_usual_exchange(&mut self) {
        self.version_1_0 = false;
        self.is_head = false;
        self.is_connect = false;
        self.offers_upgrade = false;
        self.persistent = true;
        self.expects_continue = false;
        self.drained_bytes = 0;
        self.enter_send(SendInput::Request);
        self.enter_recv(RecvInput::WholeRequest);
    }

    /// Sets everything up for a request whose head is complete.
    #[inline(never)]
    fn begin_exchange(&mut self, head: &RequestHead, body: RequestBody) -> Event<'static> {
        let options = head.connection();
        self.version_1_0 = head.version() == Version::HTTP_10;
        self.is_head = head.method() == Method::HEAD;
        self.is_connect = head.method() == Method::CONNECT;
        // RFC 9110 section 7.8: HTTP/1.0 knows no Upgrade.
        self.offers_upgrade =
            options.upgrade && !self.version_1_0 && head.headers().contains("upgrade");
        // RFC 9112 section 9.3: close wins; HTTP/1.0 persists only on request.
        self.persistent = !options.close && (!self.version_1_0 || options.keep_alive);
        self.drained_bytes = 0;
        self.enter_send(SendInput::Request);
        let (reading, length) = match body {
            RequestBody::None | RequestBody::Length(0) => {
                self.expects_continue = false;
                self.enter_recv(RecvInput::WholeRequest);
                return Event::Head { body: BodyLength::Known(0) };
            }
            RequestBody::Length(total) => {
                (Reading::Length { left: total, total }, BodyLength::Known(total))
            }
            RequestBody::Chunked => (Reading::Chunked(ChunkedDecoder::new()), BodyLength::Unknown),
        };
        self.enter_recv(RecvInput::HeadEnd);
        self.expects_continue = head.expects_continue();
        self.reading = reading;
        Event::Head { body: length }
    }

    /// What comes behind a head, if anything is read there.
    #[inline(never)]
    pub(super) fn receive_rest<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        let result = match self.recv {
            Recv::Body => self.receive_body(input, limits, head),
            Recv::Tunnel => Ok(Received::all(input)),
            Recv::Idle | Recv::Head | Recv::Done | Recv::Closed => {
                Ok(Received { consumed: 0, event: None })
            }
        };
        match result {
            Ok(received) if self.send == Send::Done => Ok(self.drain(received, limits)),
            Ok(received) => Ok(received),
            Err(reject) => self.reject(reject, head),
        }
    }

    fn receive_body<'b>(
        &mut self,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        match self.reading {
            Reading::Length { left, total } => {
                self.receive_length(left, total, input, limits, head)
            }
            Reading::Chunked(decoder) => self.receive_chunked(decoder, input, limits, head),
            Reading::Trailers(parser) => self.receive_trailers(parser, input, limits, head),
            Reading::Head(..) => unreachable!("a body is read in its own way"),
        }
    }

    fn receive_length<'b>(
        &mut self,
        left: u64,
        total: u64,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        if total > limits.max_body_bytes && self.send != Send::Done {
            return Err(Reject::BodyTooLarge);
        }
        if left == 0 {
            head.clear();
            self.step_recv(RecvInput::BodyEnd);
            return Ok(Received { consumed: 0, event: Some(Event::End) });
        }
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let data = input.get(..len).unwrap_or_default();
        if data.is_empty() {
            return Ok(Received { consumed: 0, event: None });
        }
        self.expects_continue = false;
        let left = left - u64::try_from(len).unwrap_or(left);
        self.reading = Reading::Length { left, total };
        Ok(Received { consumed: len, event: Some(Event::Body(data)) })
    }

    fn receive_chunked<'b>(
        &mut self,
        mut decoder: ChunkedDecoder,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        let mut consumed = 0;
        // What nobody wants any more is bounded by `max_drain_bytes` instead.
        let is_drained = self.send == Send::Done;
        let max_body_bytes = if is_drained { u64::MAX } else { limits.max_body_bytes };
        self.expects_continue &= input.is_empty();
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let chunk = decoder.decode(rest, limits, max_body_bytes)?;
            self.reading = Reading::Chunked(decoder);
            match chunk {
                Chunk::Header(0) | Chunk::Data(0) => return Ok(Received { consumed, event: None }),
                Chunk::Header(len) => consumed += len,
                Chunk::Data(len) => {
                    let data = rest.get(..len).unwrap_or_default();
                    let event = Some(Event::Body(data));
                    return Ok(Received { consumed: consumed + len, event });
                }
                Chunk::Last(len) => {
                    consumed += len;
                    let parser = HeadParser::at_fields(self.bare_lf);
                    self.reading = Reading::Trailers(parser);
                    let rest = input.get(consumed..).unwrap_or_default();
                    let received = self.receive_trailers(parser, rest, limits, head)?;
                    return Ok(Received { consumed: consumed + received.consumed, ..received });
                }
            }
        }
    }

    fn receive_trailers<'b>(
        &mut self,
        mut parser: HeadParser,
        input: &'b [u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Received<'b>, Reject> {
        if parser.is_fresh() {
            head.clear();
        }
        let parsed = parser.trailers(input, limits, &mut head.headers)?;
        self.reading = Reading::Trailers(parser);
        let Some(consumed) = parsed else {
            return Ok(Received { consumed: 0, event: None });
        };
        self.step_recv(RecvInput::BodyEnd);
        Ok(Received { consumed, event: Some(Event::End) })
    }

    /// Counts body bytes that nobody wants any more, and closes where there are too many.
    fn drain<'b>(&mut self, received: Received<'b>, limits: &Limits) -> Received<'b> {
        if let Some(Event::Body(data)) = received.event {
            self.drained_bytes += u64::try_from(data.len()).unwrap_or(u64::MAX);
            if self.drained_bytes > limits.max_drain_bytes {
                self.persistent = false;
            }
        }
        self.settle();
        received
    }

    /// Refuses what was received.
    #[cold]
    #[inline(never)]
    fn reject<'b>(&mut self, reject: Reject, head: &RequestHead) -> Result<Received<'b>, Reject> {
        self.give_up(head);
        Err(reject)
    }

    /// Notes that the peer is not to be read any more.
    pub(super) fn give_up(&mut self, head: &RequestHead) {
        self.persistent = false;
        // A request whose head was refused is answered as well: with the rejection's status, as is
        // fit for what is known of the request, which need not include its version.
        if self.send == Send::Idle {
            self.version_1_0 = true;
            self.is_head = head.method() == Method::HEAD;
            self.is_connect = false;
            self.step_send(SendInput::Request);
        }
        self.step_recv(RecvInput::Rejected);
    }
}
