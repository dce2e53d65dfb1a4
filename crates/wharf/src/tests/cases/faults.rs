//! Cases: handlers that panic, peers that break the protocol or go away, and the end of a server.
//!
//! Not here: peers that are slow (`timeouts.rs`), and bodies that are wrong (`bodies.rs`).

use super::super::client::End;
use super::super::response::Reader;
use super::{Case, Harness};
use crate::{Limits, Server};

pub(super) const CASES: &[Case] = &[
    Case::new("a_panic", a_panic),
    Case::new("a_panic_in_a_future", a_panic_in_a_future),
    Case::new("a_panic_with_a_body_to_come", a_panic_with_a_body_to_come),
    Case::new("a_panic_in_a_stream", a_panic_in_a_stream),
    Case::new("a_panic_in_a_destructor", a_panic_in_a_destructor),
    Case::new("a_panic_in_the_access_log", a_panic_in_the_access_log).with(panicking_log),
    Case::new("bad_heads", bad_heads),
    Case::new("heads_over_the_limits", heads_over_the_limits).with(tight),
    Case::new("pipelined_before_a_bad_head", pipelined_before_a_bad_head),
    Case::new("half_closed_behind_requests", half_closed_behind_requests),
    Case::new("half_closed_while_a_handler_waits", half_closed_while_a_handler_waits),
    Case::new("half_closed_in_a_head", half_closed_in_a_head),
    Case::new("gone_in_the_middle_of_a_response", gone_in_the_middle_of_a_response),
    Case::new("gone_in_the_middle_of_a_request", gone_in_the_middle_of_a_request),
    Case::new("gone_while_a_handler_waits", gone_while_a_handler_waits),
    Case::new("gone_with_requests_that_wait", gone_with_requests_that_wait),
    Case::new("gone_at_once", gone_at_once),
    Case::new("too_many_connections_wait", too_many_connections_wait).with(two_at_a_time),
    Case::new("stopped_while_connections_are_open", stopped_while_connections_are_open),
    Case::new("stopped_at_once", stopped_at_once),
];

fn a_panic(harness: &mut Harness) {
    let (mut other, mut client) = (harness.connect(), harness.connect());
    assert_eq!(other.get("/").text(), "hello");
    let response = client.get("/panic");
    assert!(response.status == 500 && response.closes());
    assert_eq!(client.end(), End::Closed);
    assert_eq!(other.get("/").text(), "hello");
}

fn a_panic_in_a_future(harness: &mut Harness) {
    let (mut other, mut client) = (harness.connect(), harness.connect());
    other.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    let response = client.get("/panic/later");
    assert!(response.status == 500 && response.closes());
    assert_eq!(client.end(), End::Closed);
    harness.stage.open("a");
    assert_eq!(other.response().text(), "through a");
}

fn a_panic_with_a_body_to_come(harness: &mut Harness) {
    for target in ["/panic", "/panic/later"] {
        let mut client = harness.connect();
        assert_eq!(client.post(target, &[b'x'; 200 << 10]).status, 500);
        assert_eq!(client.end(), End::Closed);
    }
}

fn a_panic_in_a_stream(harness: &mut Harness) {
    let (mut other, mut client) = (harness.connect(), harness.connect());
    client.request("GET /panic/streaming", "");
    assert!(client.try_response(false).is_err());
    assert_eq!(other.get("/").text(), "hello");
}

fn a_panic_in_a_destructor(harness: &mut Harness) {
    let mut other = harness.connect();
    assert_eq!(other.get("/").text(), "hello");
    for line in ["GET /grenade/future", "GET /grenade/stream", "HEAD /grenade/stream"] {
        let mut client = harness.connect();
        client.request(line, "");
        // Whether the response is whole by then is another matter.
        let _ = client.try_response(line.starts_with("HEAD"));
        assert_eq!(other.get("/").text(), "hello", "{line}");
    }
    let mut client = harness.connect();
    client.request("GET /grenade/waiting", "");
    client.request("GET /", "");
    client.reset();
    assert_eq!(other.get("/").text(), "hello");
}

fn bad_heads(harness: &mut Harness) {
    let rows = [
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: magic\r\n\r\n", 417),
    ];
    for (head, status) in rows {
        let mut client = harness.connect();
        client.send(head);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = client.response();
        assert_eq!(response.status, status, "{head:?}");
        assert!(response.closes(), "{head:?}");
        assert_eq!(client.end(), End::Closed, "{head:?}");
    }
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn tight(server: Server) -> Server {
    let limits = Limits::builder().max_head_bytes(1000).max_target_bytes(100).max_field_bytes(200);
    server.limits(limits.max_fields(5).build().unwrap())
}

fn heads_over_the_limits(harness: &mut Harness) {
    let long = "x".repeat(190);
    let rows = [
        (format!("GET /{long}"), String::new(), 414),
        ("GET /".to_owned(), format!("X: {long}{long}\r\n"), 431),
        ("GET /".to_owned(), "X: y\r\n".repeat(6), 431),
        ("GET /".to_owned(), format!("X: {long}\r\n").repeat(6), 431),
        (format!("{long} /"), String::new(), 501),
    ];
    for (line, fields, status) in rows {
        let mut client = harness.connect();
        client.request(&line, &fields);
        let response = client.response();
        assert_eq!((response.status, response.closes()), (status, true), "{line} {fields}");
        assert_eq!(client.end(), End::Closed);
    }
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn pipelined_before_a_bad_head(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /page/2 HTTP/1.1\r\nHost: a\r\n\r\nBAD\r\n\r\n",
    );
    assert_eq!(
        (client.response().text(), client.response().text()),
        ("hello".into(), "page 2".into())
    );
    assert_eq!(client.response().status, 400);
    assert_eq!(client.end(), End::Closed);
}

fn half_closed_behind_requests(harness: &mut Harness) {
    let mut client = harness.connect();
    for target in ["/", "/thread", "/numbers", "/page/3"] {
        client.request(&format!("GET {target}"), "");
    }
    client.shut();
    for len in [5, 13, 3890, 6] {
        assert_eq!(client.response().body.len(), len);
    }
    assert_eq!(client.end(), End::Closed);
}

fn half_closed_while_a_handler_waits(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    client.request("GET /", "");
    harness.wait_for("waiting", 1);
    client.shut();
    // It may be asked whether it is still there, and that is all.
    harness.stage.open("a");
    assert_eq!(client.response().text(), "through a");
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.end(), End::Closed);
}

fn half_closed_in_a_head(harness: &mut Harness) {
    for part in ["", "\r", "\r\n", "G", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut client = harness.connect();
        client.send(part);
        client.shut();
        assert_eq!(client.end(), End::Closed, "{part:?}");
    }
}

fn gone_in_the_middle_of_a_response(harness: &mut Harness) {
    let mut other = harness.connect();
    assert_eq!(other.get("/").text(), "hello");
    for target in ["/megabyte", "/large", "/from-thread"] {
        let mut client = harness.connect();
        client.request(&format!("GET {target}"), "");
        client.read_until(&mut Reader::new(false), Reader::has_head).unwrap();
        drop(client);
        assert_eq!(other.get("/numbers").body.len(), 3890);
    }
}

fn gone_in_the_middle_of_a_request(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /pieces", "Content-Length: 100\r\n");
    client.send("begun");
    harness.wait_for("body bytes", 5);
    client.reset();
    harness.wait_for("reader gone", 1);
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn gone_while_a_handler_waits(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    client.reset();
    harness.wait_for("handler gone", 1);
    harness.stage.open("a");
    assert_eq!(harness.connect().get("/").text(), "hello");
}

/// Nothing is read while there is enough to do, and yet it is noticed.
fn gone_with_requests_that_wait(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    client.request("GET /", "");
    harness.wait_for("waiting", 1);
    client.reset();
    harness.wait_for("handler gone", 1);
    let mut client = harness.connect();
    client.request("GET /late/a", "Content-Length: 300000\r\n");
    client.send(vec![b'x'; 200_000]);
    harness.wait_for("waiting", 2);
    client.reset();
    harness.wait_for("late gone", 1);
}

fn gone_at_once(harness: &mut Harness) {
    for _ in 0..10 {
        harness.connect().reset();
        drop(harness.connect());
    }
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn two_at_a_time(server: Server) -> Server {
    server.max_connections(2)
}

fn too_many_connections_wait(harness: &mut Harness) {
    let (mut first, mut second) = (harness.connect(), harness.connect());
    assert_eq!((first.get("/").status, second.get("/").status), (200, 200));
    drop(first);
    let mut third = harness.knock();
    // Accepting pauses for 100 ms at a time.
    harness.pass(std::time::Duration::from_millis(300));
    third.request("GET /", "");
    assert_eq!(third.response().text(), "hello");
    assert_eq!(second.get("/").text(), "hello");
}

fn stopped_while_connections_are_open(harness: &mut Harness) {
    let (mut idle, mut waits, mut streams) =
        (harness.connect(), harness.connect(), harness.connect());
    assert_eq!(idle.get("/").text(), "hello");
    waits.request("GET /gate/a", "");
    // Nothing but a reset tells this client that its response is not complete.
    streams.send("GET /held/b HTTP/1.0\r\n\r\n");
    harness.wait_for("waiting", 2);
    let mut reader = Reader::new(false);
    streams.read_until(&mut reader, Reader::has_head).unwrap();
    harness.stop();
    assert_eq!(harness.stage.count("handler gone"), 1);
    assert_eq!(harness.stage.count("producer gone"), 1);
    assert_eq!(idle.end(), End::Closed);
    assert!(waits.try_response(false).is_err());
    assert_eq!(streams.read_until(&mut reader, Reader::is_done), Err(End::Reset));
    harness.wait_for_silence();
}

fn stopped_at_once(harness: &mut Harness) {
    harness.stop();
    harness.wait_for_silence();
}

fn panicking_log(server: Server) -> Server {
    server.access_log(|access| {
        if access.target() == "/page/1" {
            std::panic::resume_unwind(Box::new("as asked for"));
        }
    })
}

fn a_panic_in_the_access_log(harness: &mut Harness) {
    let (mut other, mut client) = (harness.connect(), harness.connect());
    assert_eq!(other.get("/").text(), "hello");
    assert_eq!(client.get("/page/1").text(), "page 1");
    assert_eq!(client.get("/page/2").text(), "page 2");
    assert_eq!(other.get("/").text(), "hello");
}
