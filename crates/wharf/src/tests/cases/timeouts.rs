//! Cases: peers that take too long.
//!
//! On real sockets the one timeout that a case is about is short; on simulated ones time is moved
//! on. Not here: timers alone (`timer.rs`).

use std::time::Duration;

use super::super::client::{Client, End};
use super::super::response::Reader;
use super::{Case, Harness};
use crate::{CloseReason, Limit, Reject, Server, Timeouts};

/// Short enough to wait for, and long enough for a busy machine to do what has to come before.
const SHORT: Duration = Duration::from_millis(200);

/// Longer than [`SHORT`], timers being rounded up.
const PASSES: Duration = Duration::from_millis(250);

pub(super) const CASES: &[Case] = &[
    Case::new("nothing_ever_comes", nothing_ever_comes).with(short_first_byte),
    Case::new("a_head_takes_too_long", a_head_takes_too_long).with(short_head),
    Case::new("a_later_head_takes_too_long", a_later_head_takes_too_long).with(short_head),
    Case::new("a_body_takes_too_long", a_body_takes_too_long).with(short_body),
    Case::new("a_body_stalls_under_a_response", a_body_stalls_under_a_response).with(short_body),
    Case::new("a_body_nobody_reads_may_stay_away", a_body_nobody_reads).with(short_body),
    Case::new("a_body_that_is_held_back_may_stay_away", a_body_held_back).with(short_body),
    Case::new("an_unread_body_never_ends", an_unread_body_never_ends).with(short_body),
    Case::new("a_body_that_comes_too_slowly", a_body_that_comes_too_slowly).with(fast),
    Case::new("a_body_for_which_the_handler_has_time", a_body_with_time).with(fast),
    Case::new("a_response_that_is_taken_too_slowly", a_response_taken_too_slowly).with(fast),
    Case::new("a_response_with_a_deadline_of_its_own", a_response_with_a_deadline),
    Case::new("a_silent_tunnel", a_silent_tunnel).with(short_tunnel),
    Case::new("an_idle_connection", an_idle_connection).with(short_idle),
    Case::new("an_idle_connection_while_its_worker_spins", an_idle_connection).with(spinning),
    Case::new("a_response_nobody_takes", a_response_nobody_takes).with(short_write),
    Case::new("a_peer_that_never_closes", a_peer_that_never_closes).with(short_linger),
    Case::new("a_handler_may_take_its_time", a_handler_may_take_its_time).with(all_short),
];

fn short_first_byte(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_first_byte(SHORT))
}

fn short_head(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_head(SHORT))
}

fn short_body(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_body(SHORT))
}

fn short_idle(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_idle(SHORT))
}

fn spinning(server: Server) -> Server {
    short_idle(server).spin(Duration::from_secs(3600))
}

fn short_write(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_write(SHORT))
}

fn short_linger(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_linger(SHORT))
}

/// Peers have to be fast from early on.
fn fast(server: Server) -> Server {
    let timeouts = Timeouts::default().with_rate_grace(SHORT);
    server.timeouts(timeouts.with_body_rate(1_000_000).with_write_rate(u32::MAX))
}

fn short_tunnel(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_tunnel(SHORT))
}

fn all_short(server: Server) -> Server {
    server.timeouts(
        Timeouts::default().with_head(SHORT).with_body(SHORT).with_write(SHORT).with_idle(SHORT),
    )
}

fn nothing_ever_comes(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.pass(PASSES);
    assert_eq!(client.end(), End::Closed);
}

fn a_head_takes_too_long(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HTTP/1.1\r\nHo");
    harness.pass(PASSES);
    let response = client.response();
    assert!(response.status == 408 && response.closes());
    assert_eq!(client.end(), End::Closed);
}

fn a_later_head_takes_too_long(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /");
    assert_eq!(client.response().status, 200);
    harness.pass(PASSES);
    assert_eq!(client.response().status, 408);
    assert_eq!(client.end(), End::Closed);
}

fn a_body_takes_too_long(harness: &mut Harness) {
    for target in ["/whole", "/pieces", "/elsewhere"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), "Content-Length: 100\r\n");
        client.send("begun");
        harness.pass(PASSES);
        let response = client.response();
        assert!(response.status == 408 && response.closes(), "{target}");
        assert_eq!(client.end(), End::Closed);
    }
}

fn a_body_stalls_under_a_response(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /echo", "Content-Length: 100\r\n");
    client.send("begun");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| reader.response.body == b"begun").unwrap();
    harness.pass(PASSES);
    assert!(client.read_until(&mut reader, Reader::is_done).is_err());
}

/// A handler that has dropped the body has all it needs, and so has its response.
fn a_body_nobody_reads(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /held/a", "Content-Length: 5\r\nExpect: 100-continue\r\n");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| reader.response.body == b"begun ").unwrap();
    outlast(harness);
    harness.stage.open("a");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.text(), "begun ended");
}

/// It is the server's turn to ask for the body.
fn a_body_held_back(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /late/a", "Content-Length: 5\r\nExpect: 100-continue\r\n");
    harness.wait_for("waiting", 1);
    outlast(harness);
    assert!(client.has_nothing());
    harness.stage.open("a");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| !reader.response.interim.is_empty()).unwrap();
    client.send("hello");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.text(), "hello");
}

/// Waits until another connection's body has timed out.
fn outlast(harness: &Harness) {
    let mut other = harness.connect();
    other.request("POST /pieces", "Content-Length: 5\r\n");
    harness.pass(PASSES);
    assert_eq!(other.response().status, 408);
}

fn an_unread_body_never_ends(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /ignore", "Content-Length: 100\r\n");
    client.send("begun");
    assert_eq!(client.response().text(), "ignored");
    harness.pass(PASSES);
    assert_eq!(client.end(), End::Closed);
}

fn an_idle_connection(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
    harness.pass(PASSES);
    assert_eq!(client.end(), End::Closed);
}

fn a_response_nobody_takes(harness: &mut Harness) {
    let (mut client, mut reader) = take_the_head_of(harness, "/large");
    // Some was taken since it began, so that there is some time more.
    harness.pass(PASSES);
    harness.pass(PASSES);
    harness.wait_for("producer gone", 1);
    assert!(client.read_until(&mut reader, Reader::is_done).is_err());
}

fn a_body_that_comes_too_slowly(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /whole", "Content-Length: 5\r\n");
    client.send("hell");
    harness.pass(PASSES);
    assert_eq!(client.response().status, 408);
    client.shut();
    harness.wait_for_close(CloseReason::Limit(Limit::BodyRate));
}

fn a_body_with_time(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /patient", "Content-Length: 5\r\n");
    client.send("hell");
    let mut late = harness.connect();
    late.request("POST /patient/late", "Content-Length: 5\r\n");
    let mut slow = harness.connect();
    slow.request("POST /whole", "Content-Length: 5\r\n");
    harness.pass(PASSES);
    assert_eq!(slow.response().status, 408);
    client.send("o");
    assert_eq!(client.response().text(), "hello");
    late.send("hello");
    assert_eq!(late.response().text(), "hello", "what is said later counts as well");
}

/// Asks for a large response and takes no more than its head. Who wants the client not to close
/// keeps it.
fn take_the_head_of(harness: &Harness, target: &str) -> (Client, Reader) {
    let mut client = harness.connect();
    client.request(&format!("GET {target}"), "");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, Reader::has_head).unwrap();
    (client, reader)
}

fn a_response_taken_too_slowly(harness: &mut Harness) {
    let _client = take_the_head_of(harness, "/large");
    harness.pass(PASSES);
    harness.pass(PASSES);
    harness.wait_for_close(CloseReason::Limit(Limit::WriteRate));
}

fn a_response_with_a_deadline(harness: &mut Harness) {
    let _client = take_the_head_of(harness, "/impatient");
    harness.pass(PASSES);
    harness.pass(PASSES);
    harness.wait_for_close(CloseReason::Limit(Limit::Write));
}

fn a_silent_tunnel(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /upgrade", "Connection: upgrade\r\nUpgrade: echo\r\n");
    assert_eq!(client.response().status, 101);
    client.send("a");
    assert_eq!(client.bytes(1), "a");
    harness.pass(PASSES);
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Limit(Limit::Tunnel));
}

fn a_peer_that_never_closes(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("BAD\r\n\r\n");
    assert_eq!(client.response().status, 400);
    assert_eq!(client.end(), End::Closed, "the server's side");
    harness.pass(PASSES);
    harness.wait_for_close(CloseReason::Rejected(Reject::BadRequestLine));
    // The server's end is gone for good when it answers with a reset.
    client.wait_for_reset();
}

/// No deadline runs against a peer that has done its part.
fn a_handler_may_take_its_time(harness: &mut Harness) {
    let (mut client, mut idle) = (harness.connect(), harness.connect());
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    assert_eq!(idle.get("/").text(), "hello");
    harness.pass(PASSES);
    assert_eq!(idle.end(), End::Closed, "so long has it been");
    assert!(client.has_nothing());
    harness.stage.open("a");
    assert_eq!(client.response().text(), "through a");
}
