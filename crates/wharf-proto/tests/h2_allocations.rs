//! What a connection of HTTP/2 allocates once it is warm: nothing.
//!
//! Not here: the server around it, which `wharf` counts.

use std::time::Duration;

use allocation_counter::measure;
use http::StatusCode;
use wharf_proto::h2::{Config, Connection, Event, PREFACE, Response, StreamKey};
use wharf_proto::{BodyLength, Headers, Limits, RequestHead};

/// A client's frame.
fn put(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let len = u8::try_from(payload.len()).expect("a short frame");
    out.extend_from_slice(&[0, 0, len, kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

#[test]
fn requests_on_a_warm_connection_allocate_nothing() {
    let mut connection = Connection::new(Config::default());
    let (mut head, limits, mut out) = (RequestHead::default(), Limits::default(), Vec::new());
    let mut fields = Headers::new();
    fields.append("Content-Type", "text/plain").unwrap();
    let mut input = PREFACE.to_vec();
    put(4, 0, 0, b"", &mut input);
    let mut streams: Vec<StreamKey> = Vec::with_capacity(64);
    let mut id = 1;
    let mut turn = || {
        // Uploads and plain requests, with fields that are new, known, and in pieces of a cookie.
        for _ in 0..8 {
            put(1, 5, id, b"\x82\x86\x84\x41\x01a\x40\x01x\x01y\x60\x01b\x60\x01c", &mut input);
            put(1, 4, id + 2, b"\x83\x86\x84\xbf", &mut input);
            put(0, 1, id + 2, b"body", &mut input);
            id += 4;
        }
        put(8, 0, 0, &[0, 0, 0, 64], &mut input);
        out.clear();
        let mut rest = &input[..];
        loop {
            let now = Duration::from_secs(u64::from(id));
            let received = connection.receive(rest, &limits, &mut head, now, &mut out).unwrap();
            rest = &rest[received.consumed..];
            match received.event {
                Some(Event::Head { stream, .. }) => streams.push(stream),
                Some(Event::Data { stream, bytes }) => {
                    connection.release(stream, bytes.len(), &mut out);
                }
                Some(_) => {}
                None => break,
            }
        }
        for stream in streams.drain(..) {
            let response = Response::new(StatusCode::OK, BodyLength::Known(2));
            let sent = connection.send_whole(stream, response, &fields, b"OK", &mut out).unwrap();
            assert!(sent.is_over);
        }
        connection.flushed(u32::MAX);
        input.clear();
    };
    (0..64).for_each(|_| turn());
    let allocations = measure(|| (0..64).for_each(|_| turn()));
    assert_eq!(allocations.count_total, 0);
}
