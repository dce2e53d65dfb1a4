//! Cases: responses whose bodies come in pieces.
//!
//! Not here: bodies of requests (`bodies.rs`), files (`on_disk.rs`).

use super::super::client::End;
use super::super::response::Reader;
use super::super::site::LARGE_BYTES;
use super::{Case, Harness};

pub(super) const CASES: &[Case] = &[
    Case::new("a_thousand_pieces", a_thousand_pieces),
    Case::new("a_thousand_pieces_of_declared_length", a_thousand_pieces_of_declared_length),
    Case::new("pieces_until_the_end_for_http_1_0", pieces_until_the_end_for_http_1_0),
    Case::new("streams_pipelined", streams_pipelined),
    Case::new("a_stream_from_a_thread", a_stream_from_a_thread),
    Case::new("a_stream_that_is_held_up", a_stream_that_is_held_up),
    Case::new("an_unfinished_stream_can_be_told", an_unfinished_stream_can_be_told),
    Case::new("an_unfinished_stream_can_be_told_on_http_1_0", unfinished_on_http_1_0),
    Case::new("less_and_more_than_declared_can_be_told", wrong_lengths_can_be_told),
    Case::new("a_producer_waits_for_its_client", a_producer_waits_for_its_client),
    Case::new("a_producer_is_dropped_with_its_client", a_producer_is_dropped_with_its_client),
    Case::new("an_answered_head_starts_no_producer", an_answered_head_starts_no_producer),
];

fn numbers(count: usize) -> String {
    (0..count).map(|number| format!("{number}\n")).collect()
}

fn a_thousand_pieces(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        let response = client.get("/numbers");
        assert_eq!(response.field("transfer-encoding"), Some("chunked"));
        assert_eq!(response.text(), numbers(1000));
    }
}

fn a_thousand_pieces_of_declared_length(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        let response = client.get("/declared");
        assert_eq!(response.field("content-length"), Some("3890"));
        assert_eq!(response.text(), numbers(1000));
    }
}

fn pieces_until_the_end_for_http_1_0(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET /numbers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response();
    assert!(response.closes() && response.field("transfer-encoding").is_none());
    assert_eq!(response.text(), numbers(1000));
}

fn streams_pipelined(harness: &mut Harness) {
    let mut client = harness.connect();
    for target in ["/numbers", "/declared", "/", "/from-thread", "/numbers"] {
        client.request(&format!("GET {target}"), "");
    }
    for len in [3890, 3890, 5, 1_000_000, 3890] {
        assert_eq!(client.response().body.len(), len);
    }
}

fn a_stream_from_a_thread(harness: &mut Harness) {
    let response = harness.connect().get("/from-thread");
    assert!(response.body.len() == 1_000_000 && response.body.iter().all(|byte| *byte == b'm'));
}

/// What has been written is sent, also while nothing more comes.
fn a_stream_that_is_held_up(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /held/a", "");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| reader.response.body == b"begun ").unwrap();
    harness.stage.open("a");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.text(), "begun ended");
    assert_eq!(client.get("/").text(), "hello");
}

fn an_unfinished_stream_can_be_told(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /unfinished", "");
    assert!(client.try_response(false).is_err());
    assert_eq!(harness.connect().get("/").text(), "hello");
}

/// Without chunks and without a length, only a reset says that something is missing.
fn unfinished_on_http_1_0(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET /unfinished HTTP/1.0\r\n\r\n");
    assert_eq!(client.try_response(false), Err(End::Reset));
}

fn wrong_lengths_can_be_told(harness: &mut Harness) {
    for target in ["/short", "/long"] {
        let mut client = harness.connect();
        client.request(&format!("GET {target}"), "");
        let mut reader = Reader::new(false);
        let ended = client.read_until(&mut reader, Reader::is_done);
        // The announced bytes may all come; then the connection must not go on.
        assert!(ended.is_err() || target == "/long", "{target}");
        if ended.is_ok() {
            assert_eq!(reader.response.text(), numbers(10)[..19]);
        }
        client.request("GET /", "");
        assert!(client.try_response(false).is_err(), "{target}");
    }
}

fn a_producer_waits_for_its_client(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /large", "");
    let mut reader = Reader::new(false);
    for step in 1..=8 {
        let len = step * LARGE_BYTES / 8;
        client.read_until(&mut reader, |reader| reader.response.body.len() >= len).unwrap();
        // Sockets hold some megabytes between them; the server must not hold the rest.
        let ahead = harness.stage.count("produced") - reader.response.body.len();
        assert!(ahead <= 16 << 20, "{ahead} bytes ahead of the client");
    }
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.body.len(), LARGE_BYTES);
}

fn a_producer_is_dropped_with_its_client(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /large", "");
    client.read_until(&mut Reader::new(false), Reader::has_head).unwrap();
    assert_eq!(harness.stage.count("producer gone"), 0);
    client.reset();
    harness.wait_for("producer gone", 1);
    assert!(harness.stage.count("produced") < LARGE_BYTES);
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn an_answered_head_starts_no_producer(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("HEAD /large", "");
    assert_eq!(client.response_to_head().status, 200);
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(harness.stage.count("produced"), 0);
}
