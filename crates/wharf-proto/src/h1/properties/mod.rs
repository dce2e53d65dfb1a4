//! What must hold for any input, as functions that panic where it does not.
//!
//! The tests below run them on inputs from a seeded generator, the targets in `fuzz/` on those that
//! a fuzzer finds. Not here: what must hold for particular inputs (`tests/`).

mod client;
mod operations;
mod reference;
mod transcript;

#[cfg(test)]
mod tests;

pub use operations::check_operations;
pub use reference::{check_against_reference, check_chunks_against_reference};

pub(super) use client::{Asked, take_response};
pub(super) use transcript::{Answer, transcript};
#[cfg(test)]
pub(super) use transcript::{Entry, SeenHead, Session};

use super::{BodyLength, Connection, Event, Response};
use crate::{Headers, Limits, RequestHead};
use transcript::Fields;

/// Limits that short inputs reach.
pub(super) fn tight_limits() -> Limits {
    Limits {
        max_head_bytes: 512,
        max_target_bytes: 64,
        max_field_bytes: 128,
        max_fields: 6,
        max_body_bytes: 256,
        max_trailer_bytes: 64,
        max_chunk_extension_bytes: 8,
        max_drain_bytes: 32,
    }
}

/// Feeds `input` whole and in pieces that end at `cuts`, and checks that the same requests, bodies,
/// rejections and responses come of it: where the network cuts the bytes means nothing.
///
/// # Panics
///
/// If they differ.
pub fn check_split_invariance(input: &[u8], cuts: &[usize]) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.sort_unstable();
    for limits in [Limits::default(), tight_limits()] {
        for answer in [Answer::AtHead, Answer::AtEnd] {
            let whole = transcript(input, &[], &limits, answer);
            let pieces = transcript(input, &cuts, &limits, answer);
            assert_eq!(whole, pieces, "{} cut at {cuts:?}, {answer:?}", input.escape_ascii());
        }
    }
}

/// Sends `data` as a chunked response in pieces of `sizes`, makes a request of that body, and
/// checks that the same data comes back.
///
/// # Panics
///
/// If it does not.
pub fn check_chunked_round_trip(data: &[u8], sizes: &[usize]) {
    let response = chunked_response(data, sizes);
    let mut wire = &response[..];
    let seen = take_response(&mut wire, Asked::default()).expect("a whole response");
    assert!(seen.is_complete && seen.is_persistent && wire.is_empty());
    assert_eq!(seen.body, data);

    let head_len = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    request.extend_from_slice(&response[head_len..]);
    let (body, trailers) = read_request(&request);
    assert_eq!(body, data);
    assert_eq!(trailers, []);
}

/// A response with `data` as its chunked body. The last of `sizes` is repeated.
fn chunked_response(data: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    connection.receive(request, &Limits::default(), &mut head).expect("a good request");
    let mut out = Vec::new();
    let response = Response::new(http::StatusCode::OK, BodyLength::Unknown);
    connection.send_head(response, &Headers::new(), &mut out).expect("a response is awaited");
    let mut rest = data;
    let mut sizes = sizes.iter().copied();
    let mut size = data.len();
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size.max(1)).min(rest.len());
        let (piece, behind) = rest.split_at(size);
        connection.send_body(piece, &mut out).expect("the length is not known");
        rest = behind;
    }
    connection.send_end(&mut out).expect("the length is not known");
    out
}

/// Body and trailers of a good request.
fn read_request(request: &[u8]) -> (Vec<u8>, Fields) {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let limits = Limits { max_body_bytes: u64::MAX, ..Limits::default() };
    let (mut rest, mut body) = (request, Vec::new());
    loop {
        let received = connection.receive(rest, &limits, &mut head).expect("a good request");
        rest = &rest[received.consumed..];
        match received.event.expect("a whole request") {
            Event::Head { .. } => {}
            Event::Body(data) => body.extend_from_slice(data),
            Event::End => break,
        }
    }
    assert!(rest.is_empty());
    (body, transcript::owned(head.headers()))
}
