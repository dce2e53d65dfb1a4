//! Cases: requests and responses in every form that frames allow.
//!
//! Not here: what is forbidden (`errors.rs`), and when they come (`fair.rs`, `windows.rs`).

use super::super::super::frames::{
    Peer, data, get, head, last_data, ping, post, put, request, reset, settings, window,
};
use super::super::super::http2::frame;
use super::{Case, Harness, Row, row, rows};
use wharf_proto::h2::ErrorCode;

pub(super) const CASES: &[Case] = &[
    Case::new("8.1_requests_in_every_form", |harness| rows(harness, &requests())),
    Case::new("6.1_bodies_in_every_form", |harness| rows(harness, &requests_with_bodies())),
    Case::new("8.1_responses_in_every_form", |harness| rows(harness, &responses())),
    Case::new("5.5_what_is_ignored", |harness| rows(harness, &ignored())),
    Case::new("8.5_connect", |harness| rows(harness, &connect())),
    Case::new("10.5.1_limits_of_one_request", |harness| rows(harness, &limits())),
    Case::new("8.1.1_continue_is_asked_for_what_is_not_there", continue_where_it_is_waited_for),
];

const DONE: &str = "1 200, 1 'hello' END";

fn requests() -> Vec<Row> {
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    let block = frame::block(&fields);
    let (begins, rest) = block.split_at(7);
    let (goes_on, ends) = rest.split_at(9);
    let padded = [&[2][..], &block, &[0, 0]].concat();
    let prioritised = [&[0x80, 0, 0, 0, 9], &block[..]].concat();
    let both = [&[1, 0, 0, 0, 0, 9], &block[..], &[0]].concat();
    let whole = frame::END_HEADERS | frame::END_STREAM;
    let in_pieces = [
        put(frame::HEADERS, frame::END_STREAM, 1, begins),
        put(frame::CONTINUATION, 0, 1, goes_on),
        put(frame::CONTINUATION, frame::END_HEADERS, 1, ends),
    ];
    // The path goes into the table, from which the second request takes it.
    let indexing = [&[0x82, 0x86, 0x44, 7][..], b"/page/7", &[0x41, 1, b'a']].concat();
    let indexed = [
        put(frame::HEADERS, whole, 1, &indexing),
        put(frame::HEADERS, whole, 3, &[0x82, 0x86, 0xbf, 0xbe]),
    ];
    vec![
        row("8.3.1: GET", &[get(1, "/")], DONE),
        row("8.3.1: HEAD", &[request(1, "HEAD", "/", frame::END_STREAM, &[])], "1 200 END"),
        row("6.2: padding", &[put(frame::HEADERS, whole | frame::PADDED, 1, &padded)], DONE),
        row(
            "6.2: a priority",
            &[put(frame::HEADERS, whole | frame::WITH_PRIORITY, 1, &prioritised)],
            DONE,
        ),
        row(
            "6.2: both",
            &[put(frame::HEADERS, whole | frame::PADDED | frame::WITH_PRIORITY, 1, &both)],
            DONE,
        ),
        row("6.10: a block in three frames", &in_pieces, DONE),
        row(
            "RFC 7541 6.1: from the table",
            &indexed,
            "1 200, 1 'page 7' END, 3 200, 3 'page 7' END",
        ),
    ]
}

fn requests_with_bodies() -> Vec<Row> {
    let trailers = head(1, frame::END_STREAM, &[("x-sum", "1"), ("content-length", "9")]);
    vec![
        row("6.1: a body", &[post(1, "/pieces"), last_data(1, b"abc")], "1 200, 1 '3 bytes' END"),
        row(
            "6.1: a body in three frames, of which the last is empty",
            &[post(1, "/pieces"), data(1, b"ab"), data(1, b"c"), last_data(1, b"")],
            "1 200, 1 '3 bytes' END",
        ),
        row(
            "6.1: padding",
            &[post(1, "/pieces"), put(frame::DATA, 9, 1, &[2, b'a', b'b', b'c', 0, 0])],
            "1 200, 1 '3 bytes' END",
        ),
        row(
            "6.1: padding alone",
            &[post(1, "/pieces"), put(frame::DATA, 8, 1, &[2, 0, 0]), last_data(1, b"abc")],
            "1 200, 1 '3 bytes' END",
        ),
        row(
            "8.1: trailers",
            &[post(1, "/trailers/later"), data(1, b"abc"), trailers],
            "1 200, 1 'x-sum=1;' END",
        ),
        row(
            "8.1.1: a length",
            &[
                request(1, "POST", "/pieces", 0, &[("content-length", "3")]),
                data(1, b"ab"),
                last_data(1, b"c"),
            ],
            "1 200, 1 '3 bytes' END",
        ),
        row(
            "8.2.3: crumbs of a cookie",
            &[request(
                1,
                "GET",
                "/cookies",
                frame::END_STREAM,
                &[("cookie", "a=1"), ("cookie", "b=2")],
            )],
            "1 200, 1 'a=1;b=2;' END",
        ),
        row(
            "5.1.2: several, of which one has a body",
            &[post(1, "/pieces"), get(3, "/"), data(1, b"ab"), get(5, "/"), last_data(1, b"c")],
            "3 200, 3 'hello' END, 5 200, 5 'hello' END, 1 200, 1 '3 bytes' END",
        ),
    ]
}

fn responses() -> Vec<Row> {
    vec![
        row("8.1: no content", &[get(1, "/empty")], "1 204 END"),
        row("8.1: many pieces", &[get(1, "/together")], "1 200, 1 390 bytes END"),
        row("8.1: as many as announced", &[get(1, "/together/all")], "1 200, 1 390 bytes END"),
        row(
            "8.1: more than a frame holds",
            &[get(1, "/together/long")],
            "1 200, 1 16384 bytes, 1 3616 bytes END",
        ),
        row(
            "8.1: trailers",
            &[get(1, "/trailers/sent")],
            "1 200, 1 'body', 1 trailers x-checksum=1234 END",
        ),
        row("8.1: interim ones", &[get(1, "/hints")], "1 103, 1 102, 1 200, 1 'done' END"),
        row("8.1: before the request's end", &[post(1, "/ignore")], "1 200, 1 'ignored' END"),
        row(
            "8.1: one that is not finished",
            &[get(1, "/panic/streaming"), get(3, "/")],
            "1 200, 1 'begun', 1 RESET INTERNAL_ERROR, 3 200, 3 'hello' END",
        ),
    ]
}

fn ignored() -> Vec<Row> {
    let mut reserved = get(1, "/");
    reserved[5] |= 0x80;
    let mut flagged = get(1, "/");
    flagged[4] |= 0xd2;
    let update = |value: &[u8]| put(frame::PRIORITY_UPDATE, 0, 0, &[&[0, 0, 0, 1], value].concat());
    vec![
        row("4.1: a reserved bit", &[reserved], DONE),
        row("4.1: unknown flags", &[flagged], DONE),
        row("5.5: frames of unknown types", &[put(0xee, 0xff, 7, b"x"), get(1, "/")], DONE),
        row(
            "5.5: the same in the middle of a request",
            &[post(1, "/pieces"), put(0xee, 0, 1, b""), last_data(1, b"abc")],
            "1 200, 1 '3 bytes' END",
        ),
        row("6.3: PRIORITY", &[put(frame::PRIORITY, 0, 1, &[0, 0, 0, 3, 9]), get(1, "/")], DONE),
        row("6.5.2: an unknown setting", &[settings(&[(0xff, 1), (6, 0)]), get(1, "/")], DONE),
        row("6.7: an answer to no PING", &[put(frame::PING, 1, 0, &[0; 8]), get(1, "/")], DONE),
        row("6.7: PING", &[ping("12345678"), get(1, "/")], format!("PONG 12345678, {DONE}")),
        row("RFC 9218 7.1: before its stream", &[update(b"u=1, i"), get(1, "/")], DONE),
        row("RFC 9218 7.1: not a priority", &[update(b"\xff"), get(1, "/")], DONE),
        row("6.9: room for nothing", &[get(1, "/"), window(0, 1), window(1, 9)], DONE),
    ]
}

fn connect() -> Vec<Row> {
    let connect =
        |flags| head(1, flags, &[(":method", "CONNECT"), (":authority", "tunnel.test:1")]);
    let page = "1 501, 1 '501 Not Implemented\\n' END, ";
    vec![
        row("8.5: a tunnel", &[connect(0), get(3, "/")], format!("{page}3 200, 3 'hello' END")),
        row(
            "8.5: with data that came along",
            &[
                connect(0),
                data(1, b"abc"),
                data(1, b"abc"),
                reset(1, ErrorCode::CANCEL),
                get(3, "/"),
            ],
            format!("{page}3 200, 3 'hello' END"),
        ),
    ]
}

/// Each is answered, and the others go on.
fn limits() -> Vec<Row> {
    let long = format!("/{}", "x".repeat(9_000));
    let many = [("a", "b"); 300];
    let large = "y".repeat(8_188);
    let next = "99 200, 99 'hello' END";
    let page = |status: u16, text: &str| format!("1 {status}, 1 '{status} {text}\\n' END, ");
    vec![
        row("a target too long", &[get(1, &long), get(99, "/")], page(414, "URI Too Long") + next),
        row(
            "too many fields",
            &[request(1, "GET", "/", frame::END_STREAM, &many), get(99, "/")],
            page(431, "Request Header Fields Too Large") + next,
        ),
        row(
            "the same, and a body",
            &[request(1, "POST", "/", 0, &many), data(1, b"abc"), get(99, "/")],
            page(431, "Request Header Fields Too Large") + next,
        ),
        row(
            "a body too large, as announced",
            &[
                request(1, "POST", "/limit/less", 0, &[("content-length", "11")]),
                data(1, b"abc"),
                get(99, "/"),
            ],
            page(413, "Payload Too Large") + next,
        ),
        row(
            "a body too large, as it comes",
            &[post(1, "/limit/own"), data(1, &[0; 4001]), get(99, "/")],
            page(413, "Payload Too Large") + next,
        ),
        row(
            "trailers too large",
            &[post(1, "/pieces"), head(1, frame::END_STREAM, &[("x", &large)]), get(99, "/")],
            page(431, "Request Header Fields Too Large") + next,
        ),
    ]
}

/// RFC 9110 section 10.1.1: who has sent the body already need not be asked for it.
fn continue_where_it_is_waited_for(harness: &mut Harness) {
    let held_back = |id| request(id, "POST", "/pieces", 0, &[("expect", "100-continue")]);
    let mut peer = Peer::connect(harness);
    peer.send(&[held_back(1)]);
    assert_eq!(peer.until("1 100"), "1 100");
    peer.send(&[last_data(1, b"abc")]);
    assert_eq!(peer.until("1 '3 bytes' END"), "1 200, 1 '3 bytes' END");
    peer.send(&[held_back(3), last_data(3, b"abc")]);
    assert_eq!(peer.until("3 '3 bytes' END"), "3 200, 3 '3 bytes' END");
    peer.send(&[held_back(5), data(5, b"abc")]);
    assert_eq!(peer.so_far(), "");
    peer.send(&[last_data(5, b"")]);
    assert_eq!(peer.until("5 '3 bytes' END"), "5 200, 5 '3 bytes' END");
}
