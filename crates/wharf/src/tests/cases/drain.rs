//! Cases: a server that is told to end loses nothing that was begun.
//!
//! Not here: how a program tells it (`tests/lifecycle.rs`), and ends without a drain
//! (`basics.rs`).

use std::time::Duration;

use super::super::client::End;
use super::super::response::Reader;
use super::{Case, Harness};
use crate::{CloseReason, DrainReport, Server, Timeouts};

/// More than any case takes.
const LONG: Duration = Duration::from_secs(3600);
/// So short that real time passes it at once.
const SHORT: Duration = Duration::from_millis(20);

pub(super) const CASES: &[Case] = &[
    Case::new("a_drain_with_nothing_to_do", nothing_to_do),
    Case::new("a_drain_waits_for_the_answer", waits_for_the_answer).with(long_grace),
    Case::new("a_drain_waits_for_what_is_being_sent", waits_for_what_is_being_sent),
    Case::new("a_drain_waits_for_what_is_being_received", waits_for_what_is_being_received),
    Case::new("a_drain_answers_what_was_on_its_way", answers_what_was_on_its_way).with(long_grace),
    Case::new("a_drain_ends_idle_connections", ends_idle_connections).with(short_grace),
    Case::new("a_late_request_is_no_reset", late_request_is_no_reset).with(short_grace),
    Case::new("the_deadline_cancels_handlers", deadline_cancels_handlers),
    Case::new("the_deadline_cuts_what_has_begun", deadline_cuts_what_has_begun),
    Case::new("an_end_is_only_brought_forward", end_is_only_brought_forward),
    Case::new("a_stop_ends_a_drain", stop_ends_a_drain),
    Case::new("a_lame_duck_serves_on", lame_duck_serves_on).with(lame_duck),
];

fn long_grace(server: Server) -> Server {
    server
        .timeouts(Timeouts::default().with_drain_grace(LONG).with_idle(LONG).with_first_byte(LONG))
}

fn short_grace(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_drain_grace(SHORT))
}

fn lame_duck(server: Server) -> Server {
    server.lame_duck(SHORT)
}

fn counts(report: &DrainReport) -> (u64, u64, u64) {
    assert_eq!(report.unfinished.len() as u64, report.cancelled + report.cut);
    assert_eq!(report.is_clean(), report.unfinished.is_empty());
    (report.finished, report.cancelled, report.cut)
}

fn nothing_to_do(harness: &mut Harness) {
    harness.drain(LONG);
    assert_eq!(counts(&harness.wait_for_end()), (0, 0, 0));
    harness.wait_for_silence();
}

fn waits_for_the_answer(harness: &mut Harness) {
    let (mut client, mut other) = (harness.connect(), harness.connect());
    client.request("GET /gate/a", "");
    other.request("GET /gate/b", "");
    harness.wait_for("waiting", 2);
    harness.drain(LONG);
    harness.stage.open("a");
    let response = client.response();
    assert_eq!((response.text().as_str(), response.closes()), ("through a", true));
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Stopped);
    assert!(harness.report().is_none(), "the other one is waited for");
    harness.stage.open("b");
    assert_eq!(other.response().text(), "through b");
    drop(other);
    assert_eq!(counts(&harness.wait_for_end()), (2, 0, 0));
}

fn waits_for_what_is_being_sent(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /held/a", "");
    assert!(client.bytes(12).starts_with("HTTP/1.1 200"));
    harness.drain(LONG);
    harness.stage.open("a");
    let mut rest = String::new();
    while !rest.ends_with("\r\n0\r\n\r\n") {
        rest += &client.bytes(1);
    }
    assert!(rest.contains("ended"));
    client.shut();
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert_eq!(counts(&harness.wait_for_end()), (1, 0, 0));
}

fn waits_for_what_is_being_received(harness: &mut Harness) {
    let (mut head, mut body) = (harness.connect(), harness.connect());
    assert_eq!(head.get("/").text(), "hello");
    head.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(body.get("/").text(), "hello");
    body.request("POST /echo", "Content-Length: 10\r\n");
    body.send("hello");
    assert!(body.bytes(12).starts_with("HTTP/1.1 200"));
    harness.drain(LONG);
    head.send("st: a\r\n\r\n");
    let response = head.response();
    assert_eq!((response.text().as_str(), response.closes()), ("hello", true));
    body.send("world");
    let mut rest = String::new();
    while !rest.ends_with("world") {
        rest += &body.bytes(1);
    }
    drop(head);
    drop(body);
    assert_eq!(counts(&harness.wait_for_end()), (2, 0, 0));
}

fn answers_what_was_on_its_way(harness: &mut Harness) {
    let mut client = harness.connect();
    assert!(!client.get("/").closes());
    harness.drain(LONG);
    let response = client.get("/");
    assert_eq!((response.text().as_str(), response.closes()), ("hello", true));
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert_eq!(counts(&harness.wait_for_end()), (1, 0, 0));
}

fn ends_idle_connections(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    harness.drain(LONG);
    harness.pass(2 * SHORT);
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert_eq!(counts(&harness.wait_for_end()), (1, 0, 0));
}

fn late_request_is_no_reset(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    harness.drain(LONG);
    harness.pass(2 * SHORT);
    // The end of the connection and the request meet on the way, or the request is just in time.
    client.request("GET /", "");
    match client.try_response(false) {
        Ok(response) => assert!(response.closes()),
        Err(end) => assert_eq!(end, End::Closed),
    }
    drop(client);
    assert_eq!(counts(&harness.wait_for_end()), (1, 0, 0));
}

fn deadline_cancels_handlers(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    harness.drain(SHORT);
    harness.pass(2 * SHORT);
    let response = client.response();
    assert_eq!((response.status, response.closes()), (503, true));
    assert_eq!(client.end(), End::Closed);
    let report = harness.wait_for_end();
    assert_eq!(counts(&report), (0, 1, 0));
    let request = report.unfinished[0].connection.request.as_ref().expect("it was at work");
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/gate/a"));
    assert_eq!(harness.stage.count("handler gone"), 1);
}

fn deadline_cuts_what_has_begun(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /held/a", "");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, Reader::has_head).unwrap();
    harness.drain(SHORT);
    harness.pass(2 * SHORT);
    assert_eq!(client.read_until(&mut reader, Reader::is_done), Err(End::Reset));
    let report = harness.wait_for_end();
    assert_eq!(counts(&report), (0, 0, 1));
    assert!(report.to_string().contains("\ncut: "), "{report}");
    assert!(report.to_string().contains(" GET /held/a "), "{report}");
    assert_eq!(harness.stage.count("producer gone"), 1);
}

fn end_is_only_brought_forward(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    harness.drain(SHORT);
    harness.drain(LONG);
    harness.pass(2 * SHORT);
    assert_eq!(client.response().status, 503);
    assert_eq!(counts(&harness.wait_for_end()), (0, 1, 0));
}

fn stop_ends_a_drain(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    harness.stop();
    assert_eq!(client.end(), End::Closed);
    assert_eq!(counts(&harness.wait_for_end()), (0, 0, 1));
}

fn lame_duck_serves_on(harness: &mut Harness) {
    let mut first = harness.connect();
    first.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    // On a net no time passes by itself, so that it is still open there.
    if harness.stands_still() {
        let mut late = harness.connect();
        let response = late.get("/");
        assert_eq!((response.text().as_str(), response.closes()), ("hello", true));
    }
    harness.pass(2 * SHORT);
    harness.wait_until_deaf();
    harness.stage.open("a");
    assert_eq!(first.response().text(), "through a");
    drop(first);
    assert!(harness.wait_for_end().is_clean());
}
