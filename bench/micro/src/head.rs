//! Request heads of four sizes through wharf's machine, httparse and picohttpparser.
//!
//! The machine does more: it makes a connection ready, decides the body's length, checks `Host`,
//! and keeps the head. Not here: heads that arrive in pieces.

use std::hint::black_box;
use std::mem::MaybeUninit;

use wharf_proto::h1::{Connection, Event};
use wharf_proto::{Limits, RequestHead};

/// 38 bytes.
pub(crate) const PLAIN: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n";

/// 82 bytes.
pub(crate) const CURL: &[u8] = b"GET /plain HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    User-Agent: curl/8.5.0\r\n\
    Accept: */*\r\n\r\n";

/// 147 bytes.
pub(crate) const CLIENT: &[u8] = b"GET /api/items/1042 HTTP/1.1\r\n\
    Host: example.com\r\n\
    User-Agent: some-client/1.24.016\r\n\
    Accept: application/json\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\r\n";

/// 660 bytes.
pub(crate) const BROWSER: &[u8] = b"GET /articles/2026/a-title HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-User: ?1\r\n\
    Cookie: _ga=GA1.2.1094763052.1729845213; session=8f14e45fceea167a5a36dedd4bea2543; \
    theme=light; consent=necessary-and-statistics-0123456789\r\n\r\n";

/// The fields that httparse is given room for.
const MAX_FIELDS: usize = 64;

pub(crate) fn wharf(head: &'static [u8]) -> Box<dyn FnMut()> {
    let (limits, mut into) = (Limits::default(), RequestHead::default());
    Box::new(move || {
        let mut connection = Connection::new();
        let received = connection.receive(black_box(head), &limits, &mut into);
        let event = received.expect("the head is good").event;
        assert!(matches!(event, Some(Event::Head { .. })));
        black_box(&into);
    })
}

pub(crate) fn httparse(head: &'static [u8]) -> Box<dyn FnMut()> {
    Box::new(move || {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let status = request.parse_with_uninit_headers(black_box(head), &mut fields);
        assert!(status.is_ok_and(|status| status.is_complete()));
        black_box(&request);
    })
}

pub(crate) fn pico(head: &'static [u8]) -> Box<dyn FnMut()> {
    let mut parser = pico::Parser::default();
    Box::new(move || {
        let parsed = parser.parse(black_box(head));
        assert!(parsed.is_some_and(|(len, _)| len == head.len()));
        black_box(&parser);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heads_are_as_long_as_they_are_called() {
        assert_eq!([PLAIN, CURL, CLIENT, BROWSER].map(<[u8]>::len), [38, 82, 147, 660]);
    }
}
