//! Any operations in any order: what an application and a peer may do to a connection at their
//! worst.
//!
//! A client reads what was sent, with its own account of windows and streams. Not here: what must
//! come of particular frames.

use http::StatusCode;

use super::{Session, wire};
use crate::h2::frame::{END_STREAM, PADDED, kind};
use crate::h2::{Config, ErrorCode, PREFACE, Phase, Response, StreamKey};
use crate::{BodyLength, Headers};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "CONNECT", "OPTIONS"];

const STATUSES: &[u16] = &[100, 101, 103, 200, 204, 205, 304, 404, 500, 599];

/// Performs the operations that `ops` encodes: a byte for each, and one or two for its arguments.
///
/// # Panics
///
/// If the connection panics, if it sends what a client can't read or more than it may, or if
/// accounts of streams differ.
pub fn check_operations(ops: &[u8]) {
    let config = Config { max_concurrent_streams: 8, ..Config::default() };
    let mut run = Run { session: Session::new(config), next_id: 1 };
    run.session.feed(PREFACE);
    run.session.feed(&wire::settings(&[]));
    let mut ops = ops.iter().copied();
    while let Some(op) = ops.next() {
        run.perform(op, &mut || ops.next().unwrap_or(0));
        run.check();
    }
}

struct Run {
    session: Session,
    next_id: u32,
}

impl Run {
    fn perform(&mut self, op: u8, argument: &mut impl FnMut() -> u8) {
        match op % 16 {
            0..3 => self.peer_requests(argument()),
            3 | 4 => self.peer_sends_data(argument(), argument()),
            5 => self.peer_resets(argument()),
            6 => self.peer_grants(argument(), argument()),
            7 => self.peer_sets(argument(), argument()),
            8 => {
                let payload = [argument(), argument(), 0, 0, 0, 0, 0, 1];
                let len = usize::from(argument() % 9);
                let id = u32::from(argument() % 4) * self.next_id / 2;
                let frame = wire::frame(argument(), argument(), id, &payload[..len]);
                self.session.feed(&frame);
            }
            9 => self.send_head(argument(), argument(), argument()),
            10 => self.send_data(argument(), argument()),
            11 => self.end(argument(), argument()),
            12 => {
                let stream = self.stream(argument());
                let bytes = usize::from(argument()) * 64;
                if let Some(stream) = stream {
                    self.session.connection.release(stream, bytes, &mut self.session.out);
                }
            }
            13 => {
                let stream = self.stream(argument());
                if let Some(stream) = stream.filter(|_| argument().is_multiple_of(4)) {
                    let out = &mut self.session.out;
                    self.session.connection.reset(stream, ErrorCode::CANCEL, out);
                }
            }
            14 => self.send_next(),
            _ => match argument() % 16 {
                0 => self.session.connection.goaway_soon(&mut self.session.out),
                1 => self.session.connection.goaway(&mut self.session.out),
                2 => self.session.now += std::time::Duration::from_millis(argument().into()),
                3 => self.session.connection.flushed(u32::MAX),
                4 => {
                    self.session.connection.receive_eof();
                }
                _ => {
                    let ping = wire::frame(kind::PING, argument() & 1, 0, b"whrfpath");
                    self.session.feed(&ping);
                }
            },
        }
    }

    fn stream(&self, argument: u8) -> Option<StreamKey> {
        let len = self.session.streams.len();
        let at = len.checked_sub(usize::from(argument) % 8 + 1)?;
        self.session.streams.get(at).copied()
    }

    fn id(&self, argument: u8) -> u32 {
        self.stream(argument).map_or(1, StreamKey::id)
    }

    fn peer_requests(&mut self, argument: u8) {
        let method = METHODS[usize::from(argument) % METHODS.len()];
        let mut fields = vec![(":method", method), (":authority", "a:1")];
        if method != "CONNECT" {
            fields.extend([(":scheme", "http"), (":path", "/")]);
        }
        if argument & 0x20 != 0 {
            fields.push(("content-length", "5"));
        }
        if argument & 0x40 != 0 {
            fields.push(("priority", "u=1"));
        }
        if argument == 0xff {
            fields.push(("connection", "close"));
        }
        let flags = if argument & 0x80 != 0 { 0 } else { END_STREAM };
        let frame = wire::headers(self.next_id, flags, &fields);
        self.next_id += 2;
        self.session.feed(&frame);
    }

    fn peer_sends_data(&mut self, which: u8, argument: u8) {
        let id = self.id(which);
        let len = match argument & 0x3f {
            0x3f => 16_000,
            len => usize::from(len),
        };
        let flags = if argument & 0x40 != 0 { END_STREAM } else { 0 };
        if argument & 0x80 == 0 {
            return self.session.feed(&wire::data(id, flags, &vec![b'x'; len]));
        }
        let padding = argument & 7;
        let mut payload = vec![padding];
        payload.resize(len + 2, 0);
        self.session.feed(&wire::data(id, flags | PADDED, &payload));
    }

    fn peer_resets(&mut self, which: u8) {
        let id = self.id(which);
        if self.session.streams.iter().any(|stream| stream.id() == id) {
            self.session.feed(&wire::frame(kind::RST_STREAM, 0, id, &[0, 0, 0, 8]));
        }
    }

    fn peer_grants(&mut self, which: u8, argument: u8) {
        let id = if which & 0x80 == 0 { self.id(which) } else { 0 };
        let increment = u32::from(argument) * 64 + 1;
        if id == 0 || self.session.streams.iter().any(|stream| stream.id() == id) {
            self.session.client.sends_window_update(id, increment);
            self.session.feed(&wire::window_update(id, increment));
        }
    }

    fn peer_sets(&mut self, which: u8, argument: u8) {
        let id = u16::from(which % 8);
        let value = match id {
            1 | 4 => u32::from(argument) * 100,
            5 => 16_384,
            _ => u32::from(argument) % 3,
        };
        // What was sent before was within the windows as they were.
        self.session.frames();
        self.session.client.sends_settings(id, value);
        self.session.feed(&wire::settings(&[(id, value)]));
    }

    fn send_head(&mut self, which: u8, argument: u8, length: u8) {
        let Some(stream) = self.stream(which) else { return };
        let code = STATUSES[usize::from(argument) % STATUSES.len()];
        let status = StatusCode::from_u16(code).expect("a status");
        let body = match length % 4 {
            0 => BodyLength::Unknown,
            _ => BodyLength::Known(u64::from(length) * 100),
        };
        let response = Response::new(status, body).date(b"Sun, 06 Nov 1994 08:49:37 GMT");
        let mut fields = Headers::new();
        for _ in 0..length % 3 {
            fields.append("X-Field", "value").expect("a field");
        }
        let Session { connection, out, .. } = &mut self.session;
        let before = out.len();
        let awaited = connection.awaits_response(stream);
        let result = match argument / 16 {
            0..4 => connection.send_interim(stream, status, &fields, out).map(|()| None),
            4..8 => {
                let body = vec![b'w'; usize::from(length) * 100];
                connection.send_whole(stream, response, &fields, &body, out).map(Some)
            }
            _ => connection.send_head(stream, response, &fields, out).map(Some),
        };
        match result {
            Ok(Some(sent)) => assert!(awaited && (sent.is_over || connection.is_open(stream))),
            Ok(None) => assert!(awaited),
            Err(_) => assert_eq!(out.len(), before, "a misuse sends nothing"),
        }
    }

    fn send_data(&mut self, which: u8, argument: u8) {
        let Some(stream) = self.stream(which) else { return };
        let len = usize::from(argument) * 16;
        let Session { connection, out, .. } = &mut self.session;
        let (before, capacity) = (out.len(), connection.capacity(stream));
        let result = if argument.is_multiple_of(2) {
            connection.send_data(stream, &vec![b'd'; len], out)
        } else {
            let result = connection.send_data_apart(stream, len, out);
            let bytes = result.map_or(0, |sent| sent.bytes);
            out.extend_from_slice(&vec![b'a'; bytes]);
            result
        };
        match result {
            Ok(sent) => assert!(sent.bytes <= len.min(capacity)),
            Err(_) => assert_eq!(out.len(), before, "a misuse sends nothing"),
        }
    }

    fn end(&mut self, which: u8, argument: u8) {
        let Some(stream) = self.stream(which) else { return };
        let Session { connection, out, .. } = &mut self.session;
        let before = out.len();
        let result = if argument.is_multiple_of(2) {
            connection.send_end(stream, out)
        } else {
            let mut trailers = Headers::new();
            trailers.append("Grpc-Status", "0").expect("a field");
            connection.send_end_with(stream, &trailers, out)
        };
        assert!(result.is_ok() || out.len() == before, "a misuse sends nothing");
    }

    fn send_next(&mut self) {
        let Session { connection, out, .. } = &mut self.session;
        let Some(writable) = connection.next_writable() else { return };
        assert!(writable.bytes > 0 && writable.bytes <= connection.capacity(writable.stream));
        // More than what is left is refused, and then the stream has nothing more to send.
        let _ = connection.send_data(writable.stream, &vec![b'n'; writable.bytes.min(50)], out);
    }

    fn check(&mut self) {
        self.session.frames();
        let connection = &self.session.connection;
        let open = self.session.streams.iter().filter(|stream| connection.is_open(**stream));
        assert_eq!(open.count(), connection.open_streams(), "every open stream was announced");
        assert!(connection.open_streams() <= 8);
        let is_failed = self.session.error.is_some();
        assert!(!is_failed || connection.phase() == Phase::Closed);
        assert!(connection.phase() != Phase::Idle || connection.open_streams() == 0);
    }
}
