//! Frames that are well-formed and frames that are not (sections 4 and 6).

use super::*;
use crate::h2::frame::{PADDED, PRIORITY, kind};
use wire::frame;

const OK: &str = "1 head GET / 0, 1 HEADERS :status=200 content-length=2, 1 DATA end OK";

#[test]
fn frames_in_general() {
    check(&[
        row("4: a whole request", &[get(1)], OK),
        row("4.1: the reserved bit", &[with_reserved_bit(get(1))], OK),
        row(
            "4.1: an unknown type",
            &[frame(0x42, 0xff, 1, b"anything"), ping()],
            "PING ack 12345678",
        ),
        row(
            "4.1: undefined flags",
            &[frame(kind::PING, 0xfe, 0, b"12345678")],
            "PING ack 12345678",
        ),
        row(
            "4.2: more than the most",
            &[frame(kind::DATA, 0, 1, &[0; 16_385])[..20].to_vec()],
            "error FrameTooLarge, GOAWAY 0 FRAME_SIZE_ERROR",
        ),
        row(
            "4.3: a block that is no block",
            &[frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &[0x80])],
            "error Compression, GOAWAY 1 COMPRESSION_ERROR",
        ),
        row(
            "6.6: clients don't push",
            &[frame(kind::PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])],
            "error UnexpectedFrame, GOAWAY 0 PROTOCOL_ERROR",
        ),
    ]);
}

/// A frame of the largest size is taken, in as few steps as it comes in.
#[test]
fn a_frame_of_the_largest_size() {
    let mut session = session(Config::default());
    session.feed(&[post(1), wire::data(1, END_STREAM, &[b'x'; 16_384])].concat());
    let events = session.events();
    assert!(events.starts_with("1 head POST / ?, 1 data xxx") && events.ends_with("1 end"));
}

fn with_reserved_bit(mut frame: Vec<u8>) -> Vec<u8> {
    frame[5] |= 0x80;
    frame
}

#[test]
fn data() {
    let body = "1 head POST / ?, 1 data ab, 1 end, 1 HEADERS :status=200 content-length=2, \
                1 DATA end OK";
    check(&[
        row("6.1: in one frame", &[post(1), last_data(1, "ab")], body),
        row("6.1: in two", &[post(1), super::data(1, "a"), last_data(1, "b")], body),
        row("6.1: an empty last one", &[post(1), super::data(1, "ab"), last_data(1, "")], body),
        row("6.1: padding", &[post(1), wire::data(1, PADDED | END_STREAM, b"\x03ab\0\0\0")], body),
        row(
            "6.1: padding alone",
            &[post(1), wire::data(1, PADDED, b"\x03\0\0\0"), last_data(1, "ab")],
            body,
        ),
        row(
            "6.1: as much padding as the frame is long",
            &[post(1), wire::data(1, PADDED, b"\x04\0\0\0")],
            "1 head POST / ?, error BadPadding, GOAWAY 1 PROTOCOL_ERROR",
        ),
        row(
            "6.1: no place for the length of padding",
            &[post(1), wire::data(1, PADDED, b"")],
            "1 head POST / ?, error BadFrameSize, GOAWAY 1 FRAME_SIZE_ERROR",
        ),
        row(
            "6.1: no stream",
            &[wire::data(0, 0, b"a")],
            "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR",
        ),
    ]);
}

#[test]
fn headers() {
    let block = wire::block(GET);
    let padded = [&[2], &block[..], &[0, 0]].concat();
    let with_priority = [&[0, 0, 0, 3, 7], &block[..]].concat();
    let with_both = [&[1, 0x80, 0, 0, 3, 7], &block[..], &[0]].concat();
    let on_itself = [&[0, 0, 0, 1, 7], &block[..]].concat();
    let flags = END_HEADERS | END_STREAM;
    check(&[
        row("6.2: padding", &[frame(kind::HEADERS, flags | PADDED, 1, &padded)], OK),
        row("6.2: priority", &[frame(kind::HEADERS, flags | PRIORITY, 1, &with_priority)], OK),
        row("6.2: both", &[frame(kind::HEADERS, flags | PADDED | PRIORITY, 1, &with_both)], OK),
        row(
            "6.2: more padding than frame",
            &[frame(kind::HEADERS, flags | PADDED, 1, &[9, 1, 2])],
            "error BadPadding, GOAWAY 0 PROTOCOL_ERROR",
        ),
        row(
            "6.2: too short for its priority",
            &[frame(kind::HEADERS, flags | PRIORITY, 1, &[0; 4])],
            "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR",
        ),
        row(
            "RFC 7540 5.3.1: it depends on itself",
            &[frame(kind::HEADERS, flags | PRIORITY, 1, &on_itself), get(3)],
            "3 head GET / 0, 1 RST_STREAM PROTOCOL_ERROR, \
             3 HEADERS :status=200 content-length=2, 3 DATA end OK",
        ),
        row(
            "6.2: no stream",
            &[frame(kind::HEADERS, flags, 0, &block)],
            "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR",
        ),
    ]);
}

#[test]
fn continuation() {
    let block = wire::block(GET);
    let (first, rest) = block.split_at(7);
    let (second, third) = rest.split_at(1);
    let begun = |extra: &[Vec<u8>]| {
        let mut frames = blocks(1, END_STREAM, &[first, rest]);
        frames.truncate(1);
        frames.extend_from_slice(extra);
        frames
    };
    let expect = "error UnexpectedFrame, GOAWAY 0 PROTOCOL_ERROR";
    check(&[
        row("6.10: one", &blocks(1, END_STREAM, &[first, rest]), OK),
        row(
            "6.10: two, and an empty one",
            &blocks(1, END_STREAM, &[first, second, b"", third]),
            OK,
        ),
        row("6.10: none was begun", &[frame(kind::CONTINUATION, END_HEADERS, 1, rest)], expect),
        row("6.10: of another stream", &begun(&[frame(kind::CONTINUATION, 4, 3, rest)]), expect),
        row("6.10: of no stream", &begun(&[frame(kind::CONTINUATION, 4, 0, rest)]), expect),
        row("6.2: HEADERS in between", &begun(&[get(3)]), expect),
        row("6.2: PRIORITY in between", &begun(&[frame(kind::PRIORITY, 0, 1, &[0; 5])]), expect),
        row("6.2: PING in between", &begun(&[ping()]), expect),
        row("6.2: DATA in between", &begun(&[super::data(1, "a")]), expect),
        row("5.5: an unknown type in between", &begun(&[frame(0x42, 0, 0, b"")]), expect),
        row(
            "6.10: behind the end of a block",
            &[get(1), frame(kind::CONTINUATION, END_HEADERS, 1, b"")],
            "1 head GET / 0, error UnexpectedFrame, 1 HEADERS :status=200 content-length=2, \
             1 DATA end OK, GOAWAY 1 PROTOCOL_ERROR",
        ),
    ]);
}

#[test]
fn frames_about_streams() {
    let size = "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR";
    let id = "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR";
    let posted = "1 head POST / ?, ";
    check(&[
        row("6.3: on an idle stream", &[frame(kind::PRIORITY, 0, 5, &[0, 0, 0, 0, 9]), get(1)], OK),
        row("6.3: no stream", &[frame(kind::PRIORITY, 0, 0, &[0; 5])], id),
        row("6.3: an idle stream can't be reset", &[frame(kind::PRIORITY, 0, 5, &[0; 4])], size),
        row(
            "6.3: a bad size",
            &[post(1), frame(kind::PRIORITY, 0, 1, &[0; 6])],
            &format!("{posted}1 reset FRAME_SIZE_ERROR Fault, 1 RST_STREAM FRAME_SIZE_ERROR"),
        ),
        row(
            "RFC 7540 5.3.1: a stream that depends on itself",
            &[post(1), frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 1, 0]), ping()],
            &format!(
                "{posted}1 reset PROTOCOL_ERROR Fault, 1 RST_STREAM PROTOCOL_ERROR, \
                 PING ack 12345678"
            ),
        ),
        row("6.4: no stream", &[reset(0)], id),
        row("6.4: a bad size", &[frame(kind::RST_STREAM, 0, 1, &[0; 3])], size),
        row("6.4: a request", &[post(1), reset(1)], &format!("{posted}1 reset CANCEL Peer")),
        row(
            "7: an unknown code",
            &[post(1), frame(kind::RST_STREAM, 0, 1, &[0, 0, 0, 0xff])],
            &format!("{posted}1 reset 0xff Peer"),
        ),
    ]);
}

#[test]
fn frames_about_the_connection() {
    let size = "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR";
    let id = "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR";
    check(&[
        row("6.7: a question", &[ping()], "PING ack 12345678"),
        row("6.7: an answer", &[frame(kind::PING, 1, 0, b"12345678"), ping()], "PING ack 12345678"),
        row("6.7: on a stream", &[frame(kind::PING, 0, 1, b"12345678")], id),
        row("6.7: a bad size", &[frame(kind::PING, 0, 0, b"1234567")], size),
        row(
            "6.8: the end",
            &[frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2, b'x']), ping()],
            "goaway INTERNAL_ERROR, PING ack 12345678",
        ),
        row(
            "7: an unknown code",
            &[frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 1, 0]), ping()],
            "goaway 0x100, PING ack 12345678",
        ),
        row("6.8: on a stream", &[frame(kind::GOAWAY, 0, 1, &[0; 8])], id),
        row("6.8: a bad size", &[frame(kind::GOAWAY, 0, 0, &[0; 7])], size),
    ]);
}

#[test]
fn the_preface() {
    for (input, expect) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "error BadPreface, GOAWAY 0 PROTOCOL_ERROR"),
        (b"PRI * HTTP/2.0\r\n\r\nSN", "error BadPreface, GOAWAY 0 PROTOCOL_ERROR"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", ""),
    ] {
        let mut session = Session::new(Config::default());
        session.feed(input);
        let shown = session.transcript();
        let (begun, rest): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .partition(|text| text.starts_with("SETTINGS") || text.contains("0 W"));
        assert_eq!(begun, ["SETTINGS 3=128 6=32768 9=1", "0 WINDOW_UPDATE 983041"]);
        assert_eq!(rest.join(", "), expect);
    }
    for (name, first) in [("3.4: a request", get(1)), ("3.4: an acknowledgement", ack())] {
        let mut session = Session::new(Config::default());
        session.feed(PREFACE);
        session.feed(&first);
        let shown = session.transcript().join(", ");
        assert!(shown.ends_with("GOAWAY 0 PROTOCOL_ERROR"), "{name}: {shown}");
    }
}

fn ack() -> Vec<u8> {
    frame(kind::SETTINGS, 1, 0, b"")
}
