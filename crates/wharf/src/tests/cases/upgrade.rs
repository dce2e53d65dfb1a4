//! Cases: connections that go on with another protocol.
//!
//! Not here: connections on which nothing else is spoken (`raw.rs`).

use std::time::Duration;

use super::super::client::{Client, End};
use super::{Case, Harness};
use crate::CloseReason;

pub(super) const CASES: &[Case] = &[
    Case::new("another_protocol", another_protocol),
    Case::new("another_protocol_behind_other_requests", behind_requests),
    Case::new("another_protocol_that_was_not_offered", another_protocol_that_was_not_offered),
    Case::new("another_protocol_with_a_bad_field", another_protocol_with_a_bad_field),
    Case::new("another_protocol_on_a_thread", on_a_thread),
    Case::new("another_protocol_that_is_a_protocol", lines),
    Case::new("another_protocol_after_a_while", after_a_while),
    Case::new("another_protocol_that_its_peer_ends_at_once", ended_at_once),
    Case::new("another_protocol_that_its_peer_has_ended_by_then", ended_by_then),
    Case::new("another_protocol_that_says_nothing", says_nothing),
    Case::new("another_protocol_that_panics", panics),
    Case::new("another_protocol_that_can_not_be_made", can_not_be_made),
    Case::new("another_protocol_is_told_of_a_drain", told_of_a_drain),
    Case::new("another_protocol_leaves_what_requests_have_left", leaves_what_was_left),
    Case::new("a_tunnel_by_connect", a_tunnel_by_connect),
    Case::new("a_tunnel_whose_peer_resets", a_tunnel_whose_peer_resets),
];

const UPGRADE: &str = "Connection: upgrade\r\nUpgrade: other, Echo\r\n";

/// A connection on which `target` has answered that it goes on.
fn switch(harness: &mut Harness, target: &str) -> Client {
    let mut client = harness.connect();
    client.request(&format!("GET {target}"), UPGRADE);
    assert_eq!(client.response().status, 101);
    client
}

fn it_echoes(client: &mut Client) {
    client.send("ping");
    assert_eq!(client.bytes(4), "ping");
    client.shut();
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
}

fn another_protocol(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    // What is meant for the other protocol may come with the request.
    client.send(format!("GET /upgrade HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\nGET / HTTP/1.1\r\n"));
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(16), "GET / HTTP/1.1\r\n");
    let large = "x".repeat(300_000);
    client.send(&large);
    assert_eq!(client.bytes(large.len()), large);
    client.send("ab\0");
    assert_eq!(client.bytes(3), "ab\0");
    client.shut();
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Finished);
}

fn another_protocol_that_was_not_offered(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/upgrade").text(), "plain");
    let response = client.get("/upgrade/always");
    assert_eq!((response.status, response.field("upgrade")), (426, Some("echo")));
    assert_eq!(response.field("connection"), Some("upgrade"));
    client.request("GET /upgrade", "Upgrade: echo\r\n");
    assert_eq!(client.response().text(), "plain", "without the connection option");
    client.send(format!("GET /upgrade/always HTTP/1.0\r\n{UPGRADE}\r\n"));
    assert_eq!(client.response().status, 426);
    let mut client = harness.connect();
    client.request("GET /upgrade/always", "Connection: upgrade\r\nUpgrade: other, echo/2\r\n");
    assert_eq!(client.response().status, 426, "another one was");
    // A body has to come in full before.
    let mut client = harness.connect();
    client.request("POST /upgrade/always", &format!("{UPGRADE}Content-Length: 5\r\n"));
    client.send("hello");
    assert!([101, 426].contains(&client.response().status));
}

fn another_protocol_with_a_bad_field(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade/invalid", UPGRADE);
    assert_eq!(client.response().status, 500);
    assert_eq!(client.get("/").text(), "hello");
}

fn a_tunnel_by_connect(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("CONNECT tunnel.test:1 HTTP/1.1\r\nHost: tunnel.test:1\r\n\r\n");
    assert_eq!(client.bytes(19), "HTTP/1.1 200 OK\r\n\r\n");
    client.send("through");
    assert_eq!(client.bytes(7), "through");
    client.shut();
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
}

fn a_tunnel_whose_peer_resets(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade", UPGRADE);
    assert_eq!(client.response().status, 101);
    client.reset();
    harness.wait_for_close(CloseReason::Lost);
}

fn behind_requests(harness: &mut Harness) {
    let mut client = harness.connect();
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let upgrade = format!("GET /upgrade HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n");
    client.send(format!("{plain}{plain}{upgrade}at once"));
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(7), "at once");
    it_echoes(&mut client);
    drop(client);
    harness.wait_for_close(CloseReason::Finished);
}

fn on_a_thread(harness: &mut Harness) {
    let mut client = switch(harness, "/upgrade/blocking");
    it_echoes(&mut client);
}

fn lines(harness: &mut Harness) {
    let mut client = harness.connect();
    let head = format!("GET /upgrade/lines HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n");
    client.send(format!("{head}one\ntw"));
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(10), "hello\none\n");
    client.send("o\nthr");
    assert_eq!(client.bytes(4), "two\n");
    client.shut();
    assert_eq!(client.bytes(3), "thr");
    assert_eq!(client.end(), End::Closed);
}

fn after_a_while(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade/later/a", UPGRADE);
    client.send("early");
    harness.wait_for("waiting", 1);
    harness.stage.open("a");
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(5), "early");
    it_echoes(&mut client);
}

fn ended_at_once(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade", UPGRADE);
    client.send("all");
    client.shut();
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(6), "allbye");
    assert_eq!(client.end(), End::Closed);
}

fn ended_by_then(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade/later/a", UPGRADE);
    client.send("all");
    client.shut();
    harness.wait_for("waiting", 1);
    harness.stage.open("a");
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(6), "allbye");
    assert_eq!(client.end(), End::Closed);
}

/// What the server sends has ended long before what its peer does.
fn says_nothing(harness: &mut Harness) {
    let mut client = switch(harness, "/upgrade/reader");
    assert_eq!(client.end(), End::Closed);
    client.send([b'x'; 300_000]);
    client.shut();
    harness.wait_for("read to the end", 1);
    assert_eq!(harness.stage.count("read"), 300_000);
    drop(client);
    harness.wait_for_close(CloseReason::Finished);
}

fn panics(harness: &mut Harness) {
    let mut client = switch(harness, "/upgrade/panics");
    assert_eq!(client.try_end(), End::Reset);
    harness.wait_for_close(CloseReason::Failed);
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn can_not_be_made(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade/unmade", UPGRADE);
    assert_eq!(client.response().status, 500);
}

fn told_of_a_drain(harness: &mut Harness) {
    let client = switch(harness, "/upgrade/told");
    harness.wait_for("waits", 1);
    harness.drain(Duration::from_secs(3600));
    harness.wait_for("told", 1);
    client.reset();
    harness.wait_for("handler gone", 1);
}

fn leaves_what_was_left(harness: &mut Harness) {
    let mut client = switch(harness, "/upgrade/left");
    client.send("ping");
    assert_eq!(client.bytes(4), "ping");
    assert_eq!(harness.stage.count("left"), 0);
    it_echoes(&mut client);
    drop(client);
    harness.wait_for("left", 1);
}
