//! Cases: peers that break the rules of HTTP/2. A fault of the connection's is told by GOAWAY, with
//! its code and the last stream that was looked at; one of a stream's by RST_STREAM, and the other
//! streams go on.
//!
//! Not here: peers that keep the rules and are costly all the same (`cancel.rs`).

use wharf_proto::h2::{ErrorCode, PREFACE};

use super::super::super::frames::{
    Peer, data, get, head, last_data, ping, post, put, request, reset, settings, window,
};
use super::super::super::http2::frame;
use super::{Case, End, Harness, Row, row, rows, served};

pub(super) const CASES: &[Case] = &[
    Case::new("3.4_a_preface_that_is_cut_off", a_preface_that_is_cut_off),
    Case::new("3.4_a_preface_that_turns_wrong", a_preface_that_turns_wrong),
    Case::new("4_faults_of_frames", |harness| rows(harness, &faults_of_frames())),
    Case::new("5_faults_of_streams_that_are_not_open", |harness| rows(harness, &not_open())),
    Case::new("6_faults_of_the_connection", |harness| rows(harness, &of_the_connection())),
    Case::new("5.4.2_faults_of_one_stream", |harness| rows(harness, &of_one_stream())),
    Case::new("8_malformed_requests", |harness| rows(harness, &malformed())),
];

const SERVED: &str = "1 200, 1 'hello' END";
const LATER: &str = "99 200, 99 'hello' END";

/// Ends the connection behind a request that was answered.
fn fatal(name: &'static str, frames: &[Vec<u8>], last: u32, code: ErrorCode) -> Row {
    let frames = [&[get(1, "/")], frames].concat();
    row(name, &frames, format!("{SERVED}, GOAWAY {last} {code}, Closed"))
}

/// Ends stream 3, and nothing else.
fn lone(name: &'static str, frames: &[Vec<u8>], code: ErrorCode) -> Row {
    let frames = [frames, &[get(99, "/")]].concat();
    row(name, &frames, format!("3 RESET {code}, {LATER}"))
}

/// Wherever the connection ends within the preface, that is its end.
fn a_preface_that_is_cut_off(harness: &mut Harness) {
    let whole = [&PREFACE[..], &settings(&[])].concat();
    for len in 1..whole.len() {
        let mut peer = Peer::mute(harness);
        peer.client.send(&whole[..len]);
        peer.client.let_it_look();
        peer.client.shut();
        peer.client.try_end();
    }
    served(harness);
}

/// Up to the end of its first line it may be HTTP/1.1, which has no version 2. Behind that nothing
/// else can be meant.
fn a_preface_that_turns_wrong(harness: &mut Harness) {
    for at in 1..PREFACE.len() {
        let mut wrong = PREFACE.to_vec();
        wrong[at] ^= 0x20;
        let mut peer = Peer::mute(harness);
        peer.client.send(&PREFACE[..at]);
        peer.client.let_it_look();
        peer.client.send(&wrong[at..]);
        peer.client.send("\r\n\r\n");
        let end = peer.client.try_end();
        assert!(matches!(end, End::Closed | End::Reset), "{at}: {end:?}");
    }
    served(harness);
}

fn faults_of_frames() -> Vec<Row> {
    use ErrorCode as E;
    let size = E::FRAME_SIZE_ERROR;
    let protocol = E::PROTOCOL_ERROR;
    let block = frame::block(&[(":method", "GET"), (":scheme", "http")]);
    let begun = put(frame::HEADERS, frame::END_STREAM, 3, &block);
    let more = |id| put(frame::CONTINUATION, frame::END_HEADERS, id, &block);
    vec![
        fatal("4.2: DATA", &[vec![0, 0x40, 1, 0, 0, 0, 0, 0, 1]], 1, size),
        fatal("4.2: of an unknown type", &[vec![0, 0x40, 1, 0xee, 0, 0, 0, 0, 1]], 1, size),
        fatal("6.4: RST_STREAM", &[put(frame::RST_STREAM, 0, 1, &[0; 3])], 1, size),
        fatal("6.5: SETTINGS", &[put(frame::SETTINGS, 0, 0, &[0; 5])], 1, size),
        fatal("6.5: SETTINGS, ACK", &[put(frame::SETTINGS, frame::ACK, 0, &[0; 6])], 1, size),
        fatal("6.7: PING", &[put(frame::PING, 0, 0, &[0; 7])], 1, size),
        fatal("6.8: GOAWAY", &[put(frame::GOAWAY, 0, 0, &[0; 7])], 1, size),
        fatal("6.9: WINDOW_UPDATE", &[put(frame::WINDOW_UPDATE, 0, 0, &[0; 3])], 1, size),
        fatal(
            "6.1: padding",
            &[post(3, "/pieces"), put(frame::DATA, frame::PADDED, 3, &[3, 0, 0])],
            3,
            protocol,
        ),
        fatal(
            "6.2: padding",
            &[put(frame::HEADERS, frame::PADDED | frame::END_HEADERS, 3, &[9, 0x82])],
            1,
            protocol,
        ),
        fatal(
            "4.3: a block that can't be decompressed",
            &[put(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, 3, &[0xff; 8])],
            3,
            E::COMPRESSION_ERROR,
        ),
        fatal(
            "4.3: the same on a stream that nobody wants",
            &[
                post(3, "/pieces"),
                reset(3, E::CANCEL),
                put(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, 3, &[0xff; 8]),
            ],
            3,
            E::COMPRESSION_ERROR,
        ),
        fatal("4.3: PING within a block", &[begun.clone(), ping("12345678")], 1, protocol),
        fatal("4.3: DATA within a block", &[begun.clone(), data(3, b"x")], 1, protocol),
        fatal("4.3: HEADERS within a block", &[begun.clone(), get(3, "/")], 1, protocol),
        fatal("4.3: WINDOW_UPDATE within a block", &[begun.clone(), window(0, 1)], 1, protocol),
        fatal("6.10: CONTINUATION of another", &[begun, more(5)], 1, protocol),
        fatal("6.10: CONTINUATION of nothing", &[more(3)], 1, protocol),
        fatal("6.10: CONTINUATION of what is whole", &[get(3, "/"), more(3)], 3, protocol)
            .behind("3 200, 3 'hello' END"),
    ]
}

impl Row {
    /// What comes of it before the end is more.
    fn behind(mut self, more: &str) -> Self {
        self.expect = self.expect.replace(", GOAWAY", &format!(", {more}, GOAWAY"));
        self
    }
}

fn not_open() -> Vec<Row> {
    use ErrorCode as E;
    let protocol = E::PROTOCOL_ERROR;
    let five = [get(5, "/"), get(3, "/")];
    vec![
        fatal("5.1: DATA on an idle one", &[data(3, b"x")], 1, protocol),
        fatal("5.1: RST_STREAM on an idle one", &[reset(3, E::CANCEL)], 1, protocol),
        fatal("5.1: WINDOW_UPDATE on an idle one", &[window(3, 1)], 1, protocol),
        fatal("5.1.1: a number that is not a client's", &[get(2, "/")], 1, protocol),
        fatal("5.1.1: a number that was skipped", &five, 5, protocol)
            .behind("5 200, 5 'hello' END"),
        fatal("5.1: HEADERS on one that is over", &[get(1, "/")], 1, E::STREAM_CLOSED),
        row(
            "5.1: DATA on one that is over",
            &[get(3, "/"), data(3, b"x"), get(99, "/")],
            format!("3 200, 3 'hello' END, 3 RESET STREAM_CLOSED, {LATER}"),
        ),
        row(
            "5.1: what may come late on one that is over",
            &[get(3, "/"), window(3, 1), reset(3, E::CANCEL), get(99, "/")],
            format!("3 200, 3 'hello' END, {LATER}"),
        ),
    ]
}

fn of_the_connection() -> Vec<Row> {
    use ErrorCode as E;
    let protocol = E::PROTOCOL_ERROR;
    let flow = E::FLOW_CONTROL_ERROR;
    let top = (1 << 31) - 1;
    vec![
        fatal("6.1: DATA on none", &[data(0, b"x")], 1, protocol),
        fatal("6.2: HEADERS on none", &[get(0, "/")], 1, protocol),
        fatal("6.3: PRIORITY on none", &[put(frame::PRIORITY, 0, 0, &[0; 5])], 1, protocol),
        fatal("6.4: RST_STREAM on none", &[reset(0, E::CANCEL)], 1, protocol),
        fatal("6.5: SETTINGS on a stream", &[put(frame::SETTINGS, 0, 1, &[])], 1, protocol),
        fatal("6.6: PUSH_PROMISE", &[put(frame::PUSH_PROMISE, 4, 1, &[0, 0, 0, 2])], 1, protocol),
        fatal("6.7: PING on a stream", &[put(frame::PING, 0, 1, &[0; 8])], 1, protocol),
        fatal("6.8: GOAWAY on a stream", &[put(frame::GOAWAY, 0, 1, &[0; 8])], 1, protocol),
        fatal("6.5.2: ENABLE_PUSH", &[settings(&[(2, 2)])], 1, protocol),
        fatal("6.5.2: INITIAL_WINDOW_SIZE", &[settings(&[(4, 1 << 31)])], 1, flow),
        fatal("6.5.2: MAX_FRAME_SIZE, less", &[settings(&[(5, 16_383)])], 1, protocol),
        fatal("6.5.2: MAX_FRAME_SIZE, more", &[settings(&[(5, 1 << 24)])], 1, protocol),
        fatal("RFC 8441 3: ENABLE_CONNECT_PROTOCOL", &[settings(&[(8, 2)])], 1, protocol),
        fatal("RFC 9218 2.1: NO_RFC7540_PRIORITIES", &[settings(&[(9, 2)])], 1, protocol),
        fatal("6.9: a window grows by nothing", &[window(0, 0)], 1, protocol),
        fatal("6.9.1: a window grows too large", &[window(0, top)], 1, flow),
        fatal(
            "6.9.2: windows grow too large by a setting",
            &[post(3, "/pieces"), window(3, top - 65_535), settings(&[(4, 65_536)])],
            3,
            flow,
        ),
        fatal(
            "RFC 9218 7.1: PRIORITY_UPDATE on a stream",
            &[put(frame::PRIORITY_UPDATE, 0, 1, &[0, 0, 0, 1])],
            1,
            protocol,
        ),
        fatal(
            "RFC 9218 7.1: PRIORITY_UPDATE of none",
            &[put(frame::PRIORITY_UPDATE, 0, 0, &[0, 0, 0, 0])],
            1,
            protocol,
        ),
    ]
}

fn of_one_stream() -> Vec<Row> {
    use ErrorCode as E;
    let opened = post(3, "/pieces");
    let ended = get(3, "/gate/never");
    let top = (1 << 31) - 1;
    vec![
        lone("5.1: DATA behind the end", &[ended.clone(), data(3, b"x")], E::STREAM_CLOSED),
        lone("5.1: HEADERS behind the end", &[ended.clone(), get(3, "/")], E::STREAM_CLOSED),
        lone("6.9: a window grows by nothing", &[opened.clone(), window(3, 0)], E::PROTOCOL_ERROR),
        lone("6.9.1: too large", &[opened.clone(), window(3, top)], E::FLOW_CONTROL_ERROR),
        lone(
            "6.3: PRIORITY of a bad size",
            &[opened.clone(), put(frame::PRIORITY, 0, 3, &[0; 4])],
            E::FRAME_SIZE_ERROR,
        ),
        lone(
            "8.1: trailers that are not the end",
            &[opened.clone(), head(3, 0, &[("a", "b")])],
            E::PROTOCOL_ERROR,
        ),
        lone(
            "8.1: trailers with a pseudo-header field",
            &[opened.clone(), head(3, frame::END_STREAM, &[(":path", "/")])],
            E::PROTOCOL_ERROR,
        ),
        row(
            "5.1: DATA behind a reset",
            &[opened.clone(), reset(3, E::CANCEL), data(3, b"x"), get(99, "/")],
            format!("3 RESET STREAM_CLOSED, {LATER}"),
        ),
        row(
            "5.1: all the rest behind a reset",
            &[opened, reset(3, E::CANCEL), window(3, 1), reset(3, E::CANCEL), get(99, "/")],
            LATER,
        ),
    ]
}

fn malformed() -> Vec<Row> {
    let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    let with = |fields: &[(&str, &str)]| head(3, frame::END_STREAM, &[&usual, fields].concat());
    let of = |fields: &[(&str, &str)]| head(3, frame::END_STREAM, fields);
    let lone = |name, frames: &[Vec<u8>]| lone(name, frames, ErrorCode::PROTOCOL_ERROR);
    let sized = request(3, "POST", "/pieces", 0, &[("content-length", "3")]);
    vec![
        lone("8.1.1: a length and no body", &[with(&[("content-length", "3")])]),
        lone("8.1.1: less than its length", &[sized.clone(), last_data(3, b"ab")]),
        lone("8.1.1: more than its length", &[sized.clone(), data(3, b"abcd")]),
        lone(
            "8.1.1: less, and trailers",
            &[sized, data(3, b"a"), head(3, frame::END_STREAM, &[("a", "b")])],
        ),
        lone("8.2.1: capital letters", &[with(&[("X-A", "b")])]),
        lone("8.2.1: a blank around a value", &[with(&[("a", " b")])]),
        lone("8.2.1: a line end", &[with(&[("a", "b\nc")])]),
        lone("8.2.2: connection", &[with(&[("connection", "close")])]),
        lone("8.2.2: transfer-encoding", &[with(&[("transfer-encoding", "chunked")])]),
        lone("8.2.2: te", &[with(&[("te", "gzip")])]),
        lone("8.3: of a response", &[with(&[(":status", "200")])]),
        lone("8.3: unknown", &[of(&[&usual[..], &[(":a", "b")]].concat())]),
        lone("8.3: twice", &[of(&[&usual[..], &usual[2..3]].concat())]),
        lone("8.3: behind a field", &[of(&[&[("a", "b")], &usual[..]].concat())]),
        lone("8.3.1: no method", &[of(&usual[1..])]),
        lone("8.3.1: no scheme", &[of(&[usual[0], usual[2], usual[3]])]),
        lone("8.3.1: no path", &[of(&[usual[0], usual[1], usual[3]])]),
        lone("8.3.1: an empty path", &[of(&[usual[0], usual[1], (":path", ""), usual[3]])]),
        lone("8.3.1: two hosts", &[with(&[("host", "b")])]),
        lone(
            "8.5: CONNECT with a path",
            &[of(&[(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")])],
        ),
        lone(
            "RFC 8441 4: a protocol where none is offered",
            &[of(&[
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "http"),
                (":path", "/"),
                (":authority", "a"),
            ])],
        ),
    ]
}
