//! Requests of HTTP/2 and their responses through wharf's machine: as a load generator sends them,
//! 32 at once.
//!
//! Not here: compression alone (`hpack.rs`).

use std::hint::black_box;
use std::time::Duration;

use http::StatusCode;
use wharf_proto::h2::{Config, Connection, Event, PREFACE, Response};
use wharf_proto::{BodyLength, Headers, Limits, RequestHead};

/// Method, scheme and path by their indices, authority and user agent by those of the table.
const AGAIN: &[u8] = b"\x82\x86\x84\xbf\xbe";

/// The same for the first time.
const FIRST: &[u8] = b"\x82\x86\x84\x41\x0elocalhost:8080\x7a\x0ch2load/1.52.";

const STREAMS: u32 = 32;

/// Requests without a body, each answered with two bytes, as soon as it has come.
pub(crate) fn exchanges() -> Box<dyn FnMut()> {
    let mut connection = Connection::new(Config::default());
    let (mut head, limits, mut out) = (RequestHead::default(), Limits::default(), Vec::new());
    let mut fields = Headers::new();
    fields.append("content-type", "text/plain").expect("a field");
    fields.append("server", "wharf").expect("a field");
    let mut begin = PREFACE.to_vec();
    begin.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0");
    connection.receive(&begin, &limits, &mut head, Duration::ZERO, &mut out).expect("a preface");
    let mut id = 1;
    let mut input = Vec::new();
    let mut block = FIRST;
    Box::new(move || {
        input.clear();
        for _ in 0..STREAMS {
            let len = u8::try_from(block.len()).expect("a short block");
            input.extend_from_slice(&[0, 0, len, 1, 5]);
            input.extend_from_slice(&u32::to_be_bytes(id));
            input.extend_from_slice(block);
            (id, block) = (id + 2, AGAIN);
        }
        out.clear();
        let mut rest = black_box(&input[..]);
        loop {
            let received = connection
                .receive(rest, &limits, &mut head, Duration::ZERO, &mut out)
                .expect("good requests");
            rest = &rest[received.consumed..];
            let Some(Event::Head { stream, .. }) = received.event else { break };
            black_box(head.path());
            let response = Response::new(StatusCode::OK, BodyLength::Known(2))
                .date(b"Sun, 06 Nov 1994 08:49:37 GMT");
            let sent = connection.send_whole(stream, response, &fields, b"OK", &mut out);
            assert!(sent.is_ok_and(|sent| sent.is_over));
        }
        // The client grants what it took.
        if id % 0x2000 < 2 * STREAMS {
            let grant = [&b"\0\0\x04\x08\0\0\0\0\0"[..], &[0, 0, 0x20, 0]].concat();
            let granted = connection.receive(&grant, &limits, &mut head, Duration::ZERO, &mut out);
            assert!(granted.is_ok());
        }
        black_box(&out);
    })
}
