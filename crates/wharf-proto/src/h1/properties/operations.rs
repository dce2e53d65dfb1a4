//! Any operations in any order: what an application and a peer may do to a connection at their
//! worst.
//!
//! A model beside the connection knows what has to be allowed, and a client reads what was sent.

use http::{Method, StatusCode, Version};

use super::client::{Asked, take_response};
use crate::h1::{BodyLength, Connection, DATE_BYTES, DateField, Event, Phase, Response};
use crate::{Headers, Limits, Misuse, RequestHead};

/// What peers send, good and bad, in pieces that can follow each other.
const PIECES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n",
    b"POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX",
    b": y\r\n",
    b"\r\n",
    b"hello",
    b"5\r\nhello\r\n",
    b"100\r\n",
    b"0\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"0;x=y\r\n",
];

const STATUSES: &[u16] = &[100, 101, 103, 200, 204, 205, 304, 404, 500, 599];

/// Performs the operations that `ops` encodes: a byte for each, and one or two for its arguments.
///
/// # Panics
///
/// If the connection panics, if it allows or refuses something wrongly, or if a client can't read
/// what was sent as whole responses, one for each request.
pub fn check_operations(ops: &[u8]) {
    let mut run = Run::default();
    let mut ops = ops.iter().copied();
    while let Some(op) = ops.next() {
        let mut argument = || usize::from(ops.next().unwrap_or(0));
        match op % 13 {
            0..3 => run.peer_sends(PIECES[argument() % PIECES.len()]),
            3 => {
                let byte = u8::try_from(argument()).expect("arguments are bytes");
                run.peer_sends(&[byte]);
            }
            4 => run.limits = if argument() % 2 == 0 { Limits::default() } else { tight_limits() },
            5 if argument().is_multiple_of(2) => run.peer_closes(),
            5 => run.peer_is_late(),
            6 => run.send_interim(status(argument())),
            7 | 8 => run.send_head(status(argument()), argument()),
            9 => run.send_body(&vec![b'x'; argument() % 8]),
            10 if argument() % 16 == 0 => run.abort(),
            10 => run.send_body_apart(argument() % 8),
            11 => run.send_switch(),
            _ => run.send_end(argument()),
        }
        run.check_getters();
    }
    run.check_wire();
}

/// Limits that a handful of operations can reach.
fn tight_limits() -> Limits {
    Limits {
        max_head_bytes: 256,
        max_target_bytes: 64,
        max_field_bytes: 64,
        max_fields: 4,
        max_body_bytes: 64,
        max_trailer_bytes: 8,
        max_chunk_extension_bytes: 2,
        max_drain_bytes: 4,
    }
}

fn status(argument: usize) -> StatusCode {
    StatusCode::from_u16(STATUSES[argument % STATUSES.len()]).expect("a status")
}

/// A response as far as it was accepted.
struct Accepted {
    asked: Asked,
    status: StatusCode,
    /// `None` if it is not known before the end.
    announced: Option<usize>,
    body: Vec<u8>,
    trailers: Vec<(String, String)>,
    is_ended: bool,
}

impl Accepted {
    fn is_chunked(&self) -> bool {
        let is_framed = !self.asked.is_1_0 && !self.asked.is_switched;
        self.announced.is_none() && is_framed && !self.is_bodiless()
    }

    /// Whether the status forbids content, or the method does.
    fn is_bodiless(&self) -> bool {
        if self.asked.is_switched {
            return false;
        }
        let is_tunnel = self.asked.is_connect && self.status.is_success();
        matches!(self.status.as_u16(), 204 | 205 | 304) || self.asked.is_head || is_tunnel
    }
}

/// Who is to do what next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Peer,
    /// The application, which owes a response.
    Answer,
    /// The application, which owes the rest of its response.
    Body,
}

/// A connection and the model of it.
struct Run {
    connection: Connection,
    head: RequestHead,
    limits: Limits,
    unread: Vec<u8>,
    out: Vec<u8>,
    turn: Turn,
    asked: Asked,
    offers_upgrade: bool,
    responses: Vec<Accepted>,
    is_aborted: bool,
    /// The request did not come in full and never will.
    is_cut_off: bool,
    is_eof: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            connection: Connection::new(),
            head: RequestHead::default(),
            limits: Limits::default(),
            unread: Vec::new(),
            out: Vec::new(),
            turn: Turn::Peer,
            asked: Asked::default(),
            offers_upgrade: false,
            responses: Vec::new(),
            is_aborted: false,
            is_cut_off: false,
            is_eof: false,
        }
    }
}

impl Run {
    fn is_closed(&self) -> bool {
        self.connection.phase() == Phase::Closed
    }

    fn peer_sends(&mut self, piece: &[u8]) {
        if self.is_eof {
            return;
        }
        self.unread.extend_from_slice(piece);
        loop {
            let was_closed = self.is_closed();
            let had_turn = self.turn;
            match self.connection.receive(&self.unread, &self.limits, &mut self.head) {
                Ok(received) => {
                    if let Some(Event::Head { .. }) = received.event {
                        assert!(had_turn == Turn::Peer, "one exchange is in the works at a time");
                        self.turn = Turn::Answer;
                        self.asked = Asked {
                            is_head: *self.head.method() == Method::HEAD,
                            is_connect: *self.head.method() == Method::CONNECT,
                            is_1_0: self.head.version() == Version::HTTP_10,
                            is_switched: false,
                        };
                        self.offers_upgrade = self.head.connection().upgrade
                            && self.head.headers().contains("upgrade")
                            && !self.asked.is_1_0;
                    }
                    let happened = received.event.is_some();
                    let consumed = received.consumed;
                    self.unread.drain(..consumed);
                    assert!(!was_closed || !happened, "a closed connection is closed");
                    if !happened {
                        return;
                    }
                }
                Err(_) => {
                    self.is_cut_off = true;
                    assert!(!was_closed, "a closed connection is closed");
                    // What was understood can be looked at.
                    let _ = (self.head.target(), self.head.headers().len());
                    if had_turn == Turn::Peer && !self.is_closed() {
                        self.turn = Turn::Answer;
                        // A client knows what it asked, even if we don't.
                        let is_head = *self.head.method() == Method::HEAD;
                        self.asked = Asked { is_head, is_1_0: true, ..Asked::default() };
                        self.offers_upgrade = false;
                    }
                    return;
                }
            }
        }
    }

    fn peer_closes(&mut self) {
        self.is_eof = true;
        self.is_cut_off |= self.connection.receive_eof().is_err();
        assert!(self.turn != Turn::Peer || self.is_closed(), "nothing is left to be done");
    }

    fn peer_is_late(&mut self) {
        let was_in_head = self.connection.phase() == Phase::Head;
        self.is_cut_off |= matches!(self.connection.phase(), Phase::Head | Phase::Body);
        self.connection.receive_timeout(&self.head);
        self.is_eof = true;
        if was_in_head {
            self.turn = Turn::Answer;
            let is_head = *self.head.method() == Method::HEAD;
            self.asked = Asked { is_head, is_1_0: true, ..Asked::default() };
            self.offers_upgrade = false;
        }
        assert!(self.turn != Turn::Peer || self.is_closed(), "nothing is left to be done");
    }

    fn send_interim(&mut self, status: StatusCode) {
        let before = self.out.len();
        let result = self.connection.send_interim(status, &fields(0), &mut self.out);
        let is_interim = status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS;
        let expected = match self.turn {
            _ if !is_interim => Err(Misuse::WrongStatusClass),
            Turn::Answer if !self.is_closed() => Ok(()),
            _ => Err(Misuse::NotAwaitingResponse),
        };
        assert_eq!(result, expected);
        assert!(result.is_ok() || self.out.len() == before, "a misuse sends nothing");
    }

    fn send_head(&mut self, status: StatusCode, argument: usize) {
        let before = self.out.len();
        let announced = (!argument.is_multiple_of(4)).then_some(argument % 16);
        let length = announced.map_or(BodyLength::Unknown, |length| {
            BodyLength::Known(u64::try_from(length).expect("small"))
        });
        let date = DateField::new(&[b'd'; DATE_BYTES]);
        let mut response = Response::new(status, length);
        if argument & 0x20 != 0 {
            response = response.close();
        }
        if argument & 0x40 != 0 {
            response = response.date(&date);
        }
        // Some applications send back what they got.
        let headers =
            if argument % 7 == 5 { self.head.headers().clone() } else { fields(argument) };
        let result = self.connection.send_head(response, &headers, &mut self.out);
        let expected = match self.turn {
            _ if status.is_informational() => Err(Misuse::WrongStatusClass),
            Turn::Answer if !self.is_aborted => Ok(()),
            _ => Err(Misuse::NotAwaitingResponse),
        };
        assert_eq!(result, expected);
        if result.is_err() {
            assert_eq!(self.out.len(), before, "a misuse sends nothing");
            return;
        }
        let is_bodiless = self.connection.omits_body();
        self.turn = Turn::Body;
        let (asked, body) = (self.asked, Vec::new());
        let trailers = Vec::new();
        let accepted = Accepted { asked, status, announced, body, trailers, is_ended: false };
        assert_eq!(is_bodiless, accepted.is_bodiless());
        self.responses.push(accepted);
    }

    fn send_switch(&mut self) {
        let before = self.out.len();
        let is_whole = self.connection.phase() == Phase::Respond && !self.is_cut_off;
        let result = self.connection.send_switch(&fields(5), &mut self.out);
        let expected = match self.turn {
            Turn::Answer if self.is_aborted => Err(Misuse::NotAwaitingResponse),
            Turn::Answer if is_whole && (self.offers_upgrade || self.asked.is_connect) => Ok(()),
            Turn::Answer => Err(Misuse::NotSwitchable),
            Turn::Peer | Turn::Body => Err(Misuse::NotAwaitingResponse),
        };
        assert_eq!(result, expected);
        if result.is_err() {
            assert_eq!(self.out.len(), before, "a misuse sends nothing");
            return;
        }
        self.turn = Turn::Body;
        self.responses.push(Accepted {
            asked: Asked { is_switched: true, ..self.asked },
            status: if self.asked.is_connect { StatusCode::OK } else { status(1) },
            announced: None,
            body: Vec::new(),
            trailers: Vec::new(),
            is_ended: false,
        });
    }

    /// What `len` more bytes of body must lead to, and whether they are to be sent.
    fn account(&mut self, data: &[u8]) -> Result<bool, Misuse> {
        let Some(response) = self.responses.last_mut() else {
            return Err(Misuse::NotSendingBody);
        };
        if self.turn != Turn::Body || self.is_aborted {
            return Err(Misuse::NotSendingBody);
        }
        if response.is_bodiless() {
            return Ok(false);
        }
        if response.announced.is_some_and(|len| response.body.len() + data.len() > len) {
            return Err(Misuse::BodyOverrun);
        }
        response.body.extend_from_slice(data);
        Ok(!data.is_empty())
    }

    fn send_body(&mut self, data: &[u8]) {
        let before = self.out.len();
        let expected = self.account(data);
        let result = self.connection.send_body(data, &mut self.out);
        assert_eq!(result, expected.map(drop));
        assert_eq!(self.out.len() > before, expected == Ok(true));
    }

    fn send_body_apart(&mut self, len: usize) {
        let response = self.responses.last();
        let is_chunked = response.is_some_and(Accepted::is_chunked);
        let data = vec![b'y'; len];
        let expected = if is_chunked && self.turn == Turn::Body {
            Err(Misuse::NotSendingBody)
        } else {
            self.account(&data)
        };
        let result = self.connection.send_body_apart(u64::try_from(len).expect("small"));
        assert_eq!(result, expected);
        if result == Ok(true) {
            self.out.extend_from_slice(&data);
        }
    }

    fn send_end(&mut self, argument: usize) {
        let before = self.out.len();
        let trailers = if argument.is_multiple_of(2) { Headers::new() } else { fields(argument) };
        let result = self.connection.send_end_with(&trailers, &mut self.out);
        let is_underrun = |response: &Accepted| {
            let is_short = response.announced.is_some_and(|len| len > response.body.len());
            is_short && !response.is_bodiless()
        };
        let expected = match self.responses.last() {
            Some(_) if self.turn != Turn::Body || self.is_aborted => Err(Misuse::NotSendingBody),
            Some(response) if is_underrun(response) => Err(Misuse::BodyUnderrun),
            Some(_) => Ok(()),
            None => Err(Misuse::NotSendingBody),
        };
        assert_eq!(result, expected);
        if let (Ok(()), Some(response)) = (result, self.responses.last_mut()) {
            response.is_ended = true;
            if response.is_chunked() && argument % 2 == 1 {
                response.trailers.push(("X-A".to_owned(), "b".to_owned()));
            }
            self.turn = Turn::Peer;
        } else {
            assert_eq!(self.out.len(), before, "a misuse sends nothing");
        }
    }

    fn abort(&mut self) {
        self.connection.send_abort();
        self.is_aborted = true;
        assert!(self.is_closed());
    }

    fn check_getters(&self) {
        let owes_answer = self.turn == Turn::Answer && !self.is_aborted;
        assert_eq!(self.connection.awaits_response(), owes_answer);
        assert!(owes_answer || !self.connection.awaits_continue());
        assert!(self.turn == Turn::Peer || self.is_aborted || !self.is_closed());
    }

    /// Reads all that was sent as the client of the accepted requests.
    fn check_wire(&self) {
        let mut wire = &self.out[..];
        let mut may_follow = true;
        for accepted in &self.responses {
            assert!(may_follow, "a response after the last one");
            let seen = loop {
                // What comes before the response itself is interim, whatever it leads to.
                let is_next =
                    |status: u16| wire.starts_with(format!("HTTP/1.1 {status} ").as_bytes());
                let is_last = is_next(accepted.status.as_u16());
                let is_switched = accepted.asked.is_switched && is_last;
                let asked = Asked { is_switched, ..accepted.asked };
                let seen = take_response(&mut wire, asked).expect("a whole head");
                if seen.status >= 200 || seen.status == accepted.status.as_u16() {
                    break seen;
                }
                assert!(!accepted.asked.is_1_0, "HTTP/1.0 knows no interim responses");
            };
            assert_eq!(seen.status, accepted.status.as_u16());
            assert_eq!(seen.body, accepted.body);
            let mut trailers = seen.trailers;
            trailers.retain(|(name, _)| name == "X-A");
            assert_eq!(trailers, accepted.trailers);
            assert!(seen.is_complete || !accepted.is_ended);
            may_follow = accepted.is_ended && seen.is_persistent;
        }
        // Interim responses to a request that has no final one yet.
        while let Some(seen) = take_response(&mut wire, Asked::default()) {
            assert!(seen.status < 200 && may_follow);
        }
        assert!(wire.is_empty(), "bytes behind the last response");
        assert!(may_follow || self.turn != Turn::Answer, "a request after the last response");
    }
}

/// Fields that an application may set, among them some that it should not.
fn fields(argument: usize) -> Headers {
    let mut headers = Headers::new();
    let mut append = |name: &str, value: &str| headers.append(name, value).expect("valid");
    append("X-A", "b");
    match argument % 7 {
        0 => append("Content-Length", "99"),
        1 => append("transfer-encoding", "chunked"),
        2 => append("Connection", "keep-alive"),
        3 => append("connection", "x, Close"),
        4 => append("Date", "never"),
        _ => {}
    }
    headers
}
