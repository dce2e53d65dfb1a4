//! A peer that sends one byte at a time costs no more looks than one that sends all at once.
//!
//! Looks are counted, not timed. Chunks need no such test: what the decoder has seen is consumed.

use crate::h1::{BodyLength, Connection, Event, looks};
use crate::{Limits, RequestHead};

/// How many bytes are looked at until `input` is a request, if it comes in steps of `step`.
fn looks_at(input: &[u8], step: usize) -> usize {
    let limits = Limits::default();
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let _ = looks::taken();
    let (mut at, mut len) = (0, 0);
    loop {
        len = input.len().min(len + step);
        loop {
            let received = connection.receive(&input[at..len], &limits, &mut head).unwrap();
            at += received.consumed;
            match received.event {
                Some(Event::Head { body: BodyLength::Known(0) } | Event::End) => {
                    assert_eq!(len, input.len(), "complete before its end");
                    return looks::taken();
                }
                Some(_) => {}
                None => break,
            }
        }
        assert!(len < input.len(), "incomplete at its end");
    }
}

/// Two looks at each byte, one of them in vain where a line is unusual or not there in full, and
/// two more where a part ends. Each call ends with a look at what has not come yet, and at the end
/// of a line with another.
fn check_linear(input: &[u8]) {
    for step in [1, 2, 7, 1000, input.len()] {
        let looks = looks_at(input, step);
        let calls = input.len().div_ceil(step);
        // The version is looked at as a whole, so it may be looked at once for each of its bytes.
        let bound = 4 * input.len() + 2 * calls + 8 * 8;
        assert!(looks <= bound, "{looks} looks at {} bytes in steps of {step}", input.len());
    }
}

const LINE: &str = "GET / HTTP/1.1\r\nHost: h\r\n";

#[test]
fn a_head_of_one_long_field_after_another() {
    let field = format!("A: {}\r\n", "b".repeat(15_000));
    let head = format!("{LINE}{field}{field}\r\n");
    assert!(head.len() > 30_000);
    check_linear(head.as_bytes());
}

#[test]
fn a_head_of_long_names_and_many_blanks() {
    let fields = format!("{}:\r\nA:{}\r\n", "n".repeat(16_000), " ".repeat(16_000));
    check_linear(format!("{LINE}{fields}\r\n").as_bytes());
}

#[test]
fn a_head_of_many_short_fields() {
    check_linear(format!("{LINE}{}\r\n", "A: b\r\n".repeat(255)).as_bytes());
}

#[test]
fn a_head_of_unusual_lines_among_others() {
    check_linear(format!("{LINE}{}\r\n", "A:b\r\nC: d\r\nE: \tf\r\n".repeat(84)).as_bytes());
}

#[test]
fn a_long_target() {
    let line = format!("\r\nGET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(8_000));
    check_linear(line.as_bytes());
}

#[test]
fn a_long_trailer_section() {
    let trailers = "A: b\r\n".repeat(250);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    check_linear(format!("{head}{trailers}\r\n").as_bytes());
}
