//! The request that is under way, for those who ask what a connection is doing.
//!
//! It is noted only if it was not answered as soon as its head had come, so that it costs most
//! requests nothing. Not here: what is told of it ([`CurrentRequest`]), and requests that are over
//! (`exchange.rs`).

use std::time::Instant;

use http::Method;
use wharf_proto::RequestHead;

use crate::observe::CurrentRequest;

/// How much of method and target is kept, in bytes: enough to tell one request from another.
const MAX_LINE_BYTES: usize = 256;

/// A note of a request. Its storage is kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Current {
    /// Method and target, with a space between them, as far as there is room.
    line: Vec<u8>,
    began_at: Option<Instant>,
    /// Which of the connection's requests it is; 0 is none.
    number: u32,
    /// Some of the next request's head has come, and is not to be had any more.
    pub(super) comes_in_pieces: bool,
}

impl Current {
    /// Notes request `number`, whose head came as `bytes`.
    pub(super) fn note_received(&mut self, bytes: &[u8], number: u32, now: Instant) {
        // Empty lines may stand before a request (RFC 9112 section 2.2).
        let begin = bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
        let bytes = &bytes[begin..bytes.len().min(begin + MAX_LINE_BYTES)];
        let line = bytes.split(|&byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let spaces = line.iter().enumerate().filter(|&(_, &byte)| byte == b' ');
        let end = spaces.map(|(at, _)| at).nth(1).unwrap_or(line.len());
        self.begin(number, now);
        self.line.extend_from_slice(&line[..end]);
    }

    /// Notes request `number`, which has that head.
    pub(super) fn note_head(&mut self, head: &RequestHead, number: u32, now: Instant) {
        self.begin(number, now);
        for part in [head.method().as_str(), " ", head.target()] {
            let room = MAX_LINE_BYTES - self.line.len();
            self.line.extend_from_slice(&part.as_bytes()[..part.len().min(room)]);
        }
    }

    fn begin(&mut self, number: u32, now: Instant) {
        self.line.clear();
        self.number = number;
        self.comes_in_pieces = false;
        self.began_at = Some(now);
    }

    /// Forgets the request and keeps the storage.
    pub(super) const fn clear(&mut self) {
        self.number = 0;
        self.comes_in_pieces = false;
    }

    /// Whether it is request `number` that was noted.
    pub(super) const fn is(&self, number: u32) -> bool {
        self.number == number
    }

    /// The connection's request of that number, if it was noted.
    pub(super) fn get(&self, number: u32, now: Instant) -> Option<CurrentRequest> {
        let began_at = self.began_at.filter(|_| self.number == number && number > 0)?;
        let line = String::from_utf8_lossy(&self.line);
        let (method, target) = line.split_once(' ').unwrap_or((&line, ""));
        Some(CurrentRequest {
            method: Method::from_bytes(method.as_bytes()).ok()?,
            target: target.to_owned(),
            age: now.saturating_duration_since(began_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_the_request_line_up_to_a_bound() {
        let now = Instant::now();
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1000));
        let rows: [(&[u8], &str, usize); 5] = [
            (b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n", "/a?b", 4),
            (b"\r\n\nOPTIONS * HTTP/1.1\r\n\r\n", "*", 1),
            (b"CONNECT a:1 HTTP/1.1\n\n", "a:1", 3),
            (b"BREW / HTTP/1.0\r\n\r\n", "/", 1),
            (long.as_bytes(), "/xxx", MAX_LINE_BYTES - 4),
        ];
        for (bytes, begin, len) in rows {
            let mut current = Current::default();
            current.note_received(bytes, 7, now);
            let request = current.get(7, now).unwrap();
            assert!(request.target.starts_with(begin), "{request:?}");
            assert_eq!(request.target.len(), len);
            assert_eq!(current.get(8, now), None, "another request is under way");
            current.clear();
            assert_eq!(current.get(7, now), None);
        }
    }
}
