//! The requests: their line, few or many header fields, and perhaps a body. Or what is sent to an
//! echo, which has none of that.
//!
//! Not here: what comes back (`response.rs`).

use std::net::{SocketAddr, TcpStream};

use crate::Fault;
use crate::response::{Answer, echo, exchange};

/// What a browser sends when an address is typed in, cookies of two trackers included; with the
/// request line and `Host` about 600 bytes.
const BROWSER: &str = "\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,\
image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-User: ?1\r\n\
    Cookie: _ga=GA1.2.1094763052.1729845213; session=8f14e45fceea167a5a36dedd4bea2543\r\n";

/// The chunks of a chunked request body but the last; what clients with buffers of the usual size
/// send.
const CHUNK_BYTES: usize = 4096;

/// The bytes that are sent to an echo count up to this and begin anew: a prime, so that a piece
/// that is left out or comes twice is seen.
const PERIOD: u8 = 251;

/// How many header fields a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// `Host` alone.
    Plain,
    /// Those of a browser.
    Browser,
}

/// What follows the head of a request; its length is in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: the request is a GET.
    None,
    /// A POST with `Content-Length`.
    Sized(usize),
    /// A POST in chunks.
    Chunked(usize),
    /// No head and no HTTP: these bytes, and the same come back.
    Echo(usize),
}

/// One request, sent over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request-target.
    pub path: &'static str,
    /// Header fields beside those that the payload needs.
    pub headers: Headers,
    /// The body.
    pub payload: Payload,
}

/// Whether a connection goes on after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// More may be asked on it.
    KeepAlive,
    /// The request says that it is the last.
    Close,
}

impl Request {
    /// A GET for `path` with few header fields.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self { path, headers: Headers::Plain, payload: Payload::None }
    }

    /// A POST to `path`.
    #[must_use]
    pub const fn post(path: &'static str, payload: Payload) -> Self {
        Self { path, headers: Headers::Plain, payload }
    }

    /// So many bytes that an echo sends back.
    #[must_use]
    pub const fn echo(bytes: usize) -> Self {
        Self { path: "", headers: Headers::Plain, payload: Payload::Echo(bytes) }
    }

    /// Sends it to `host` on a blocking `stream` and reads what is answered.
    ///
    /// # Errors
    ///
    /// When the answer does not arrive, is not a 200, does not say where it ends, or is not the
    /// same as was sent to an echo.
    pub fn exchange(
        &self,
        stream: &mut TcpStream,
        host: SocketAddr,
        then: Then,
    ) -> Result<Answer, Fault> {
        let bytes = self.bytes(host, then);
        match self.payload {
            Payload::Echo(_) => echo(stream, &bytes),
            Payload::None | Payload::Sized(_) | Payload::Chunked(_) => exchange(stream, &bytes),
        }
    }

    /// Returns the whole request as sent to `host`.
    #[must_use]
    pub fn bytes(&self, host: SocketAddr, then: Then) -> Vec<u8> {
        let (method, framing) = match self.payload {
            Payload::Echo(bytes) => return (0..PERIOD).cycle().take(bytes).collect(),
            Payload::None => ("GET", String::new()),
            Payload::Sized(bytes) => ("POST", format!("Content-Length: {bytes}\r\n")),
            Payload::Chunked(_) => ("POST", "Transfer-Encoding: chunked\r\n".to_owned()),
        };
        let more = match self.headers {
            Headers::Plain => "",
            Headers::Browser => BROWSER,
        };
        // Last, so that servers which only look at the end of what they receive see it.
        let close = match then {
            Then::KeepAlive => "",
            Then::Close => "Connection: close\r\n",
        };
        let path = self.path;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}{framing}{close}\r\n");
        let mut request = head.into_bytes();
        match self.payload {
            Payload::None | Payload::Echo(_) => {}
            Payload::Sized(bytes) => request.resize(request.len() + bytes, b'x'),
            Payload::Chunked(bytes) => push_chunks(bytes, &mut request),
        }
        request
    }
}

fn push_chunks(mut left: usize, request: &mut Vec<u8>) {
    while left > 0 {
        let chunk = left.min(CHUNK_BYTES);
        left -= chunk;
        request.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        request.resize(request.len() + chunk, b'x');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(request: &Request, then: Then) -> String {
        let host = SocketAddr::from(([127, 0, 0, 1], 8080));
        String::from_utf8(request.bytes(host, then)).unwrap()
    }

    #[test]
    fn a_browser_sends_about_600_bytes_and_one_blank_line() {
        let browser = Request { headers: Headers::Browser, ..Request::get("/") };
        let length = text(&browser, Then::KeepAlive).len();
        assert!((580..=660).contains(&length), "{length}");
        for request in [browser, Request::get("/")] {
            let text = text(&request, Then::KeepAlive);
            assert_eq!(text.matches("\r\n\r\n").count(), 1);
            assert!(text.ends_with("\r\n\r\n"));
        }
    }

    #[test]
    fn the_last_request_of_a_connection_ends_by_saying_so() {
        assert!(text(&Request::get("/"), Then::Close).ends_with("Connection: close\r\n\r\n"));
    }

    #[test]
    fn bodies_are_framed_by_length_or_by_chunks() {
        let sized = text(&Request::post("/upload", Payload::Sized(3)), Then::KeepAlive);
        assert!(sized.starts_with("POST /upload HTTP/1.1\r\n"));
        assert!(sized.ends_with("\r\nContent-Length: 3\r\n\r\nxxx"));
        let chunked = text(&Request::post("/", Payload::Chunked(4099)), Then::KeepAlive);
        let (_, body) = chunked.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, format!("1000\r\n{}\r\n3\r\nxxx\r\n0\r\n\r\n", "x".repeat(4096)));
    }
}
