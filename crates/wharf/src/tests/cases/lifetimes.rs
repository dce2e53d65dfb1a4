//! Cases: clients that disconnect, what becomes of their handlers, and who is told.
//!
//! Not here: bounds that only virtual time shows (`inside.rs`).

use super::super::client::{Client, End};
use super::super::features::TIME_LIMIT;
use super::super::response::Reader;
use super::{Case, Harness};
use crate::{CloseReason, OnDisconnect, Server};

pub(super) const CASES: &[Case] = &[
    Case::new("the_method_says_who_is_cancelled", the_method_says_who_is_cancelled),
    Case::new("a_route_says_who_is_cancelled", a_route_says_who_is_cancelled),
    Case::new("a_server_says_who_is_cancelled", a_server_says_who_is_cancelled).with(all_finish),
    Case::new("a_client_that_closes", a_client_that_closes),
    Case::new("a_client_that_closes_half", a_client_that_closes_half),
    Case::new("a_client_of_http_1_0_that_closes_half", a_client_of_http_1_0_that_closes_half),
    Case::new("half_closes_that_count", half_closes_that_count).with(no_half_closes),
    Case::new("half_closes_behind_requests", half_closes_behind_requests).with(no_half_closes),
    Case::new("half_closes_after_the_response", half_closes_after).with(no_half_closes),
    Case::new("who_goes_on_has_its_time", who_goes_on_has_its_time),
    Case::new("who_goes_on_sees_a_body_that_fails", who_goes_on_sees_a_body_that_fails),
    Case::new("who_goes_on_ends_with_the_server", who_goes_on_ends_with_the_server),
    Case::new("a_disconnect_is_told", a_disconnect_is_told),
    Case::new("an_answer_is_told_as_well", an_answer_is_told_as_well),
    Case::new("who_asks_too_late_is_told_at_once", who_asks_too_late_is_told_at_once),
    Case::new("handlers_have_the_state_of_their_server", handlers_have_the_state),
    Case::new("workers_have_a_state_of_their_own", workers_have_a_state_of_their_own),
    Case::new("handlers_know_their_server", handlers_know_their_server),
    Case::new("a_handler_ends_its_server", a_handler_ends_its_server),
    Case::new("connections_have_extensions", connections_have_extensions),
    Case::new("requests_have_extensions", requests_have_extensions),
    Case::new("connections_are_told_of", connections_are_told_of),
    Case::new("hooks_of_a_request", hooks_of_a_request),
    Case::new("hooks_of_who_goes_on", hooks_of_who_goes_on),
    Case::new("hooks_at_a_stop", hooks_at_a_stop),
];

fn all_finish(server: Server) -> Server {
    server.on_disconnect(OnDisconnect::Finish)
}

fn no_half_closes(server: Server) -> Server {
    server.allow_half_close(false)
}

/// A client whose handler waits at the gate `a`.
fn waiting(harness: &Harness, line: &str) -> Client {
    let before = harness.stage.count("waiting");
    let mut client = harness.connect();
    client.request(line, "");
    harness.wait_for("waiting", before + 1);
    client
}

fn resets_and_is_cancelled(harness: &Harness, line: &str) {
    let (gone, finished) =
        (harness.stage.count("handler gone"), harness.stage.count("handler finished"));
    waiting(harness, line).reset();
    harness.wait_for("handler gone", gone + 1);
    assert_eq!(harness.stage.count("handler finished"), finished, "{line}");
}

/// Its gate is no other's.
fn resets_and_goes_on(harness: &Harness, method: &str, route: &str) {
    let stage = &harness.stage;
    let (gone, finished) = (stage.count("handler gone"), stage.count("handler finished"));
    let gate = format!("{method}{finished}");
    let closed = stage.count("close: Lost");
    waiting(harness, &format!("{method} {route}/{gate}")).reset();
    harness.wait_for("close: Lost", closed + 1);
    assert_eq!(stage.count("handler gone"), gone, "{method} {route}");
    stage.open(&gate);
    harness.wait_for("handler finished", finished + 1);
    harness.wait_for("handler gone", gone + 1);
}

fn the_method_says_who_is_cancelled(harness: &mut Harness) {
    for method in ["GET", "HEAD", "OPTIONS"] {
        resets_and_is_cancelled(harness, &format!("{method} /rule/default/a"));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "PURGE"] {
        resets_and_goes_on(harness, method, "/rule/default");
    }
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn a_route_says_who_is_cancelled(harness: &mut Harness) {
    resets_and_is_cancelled(harness, "POST /rule/cancel/a");
    resets_and_goes_on(harness, "GET", "/rule/finish");
}

fn a_server_says_who_is_cancelled(harness: &mut Harness) {
    resets_and_is_cancelled(harness, "POST /rule/cancel/a");
    resets_and_goes_on(harness, "GET", "/rule/default");
}

fn a_client_that_closes(harness: &mut Harness) {
    let client = waiting(harness, "GET /rule/default/a");
    drop(client);
    harness.wait_for("handler gone", 1);
    harness.wait_for_close(CloseReason::Lost);
    // One that goes on does so with its connection for as long as that seems to be there.
    let client = waiting(harness, "POST /rule/default/b");
    drop(client);
    harness.wait_for("close: Lost", 2);
    harness.stage.open("b");
    harness.wait_for("handler finished", 1);
}

fn a_client_that_closes_half(harness: &mut Harness) {
    let mut client = waiting(harness, "GET /rule/default/a");
    client.shut();
    let mut reader = Reader::new(false);
    let is_asked = |reader: &Reader| !reader.response.interim.is_empty();
    client.read_until(&mut reader, is_asked).unwrap();
    harness.stage.open("a");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(
        (reader.response.text(), &reader.response.interim[..]),
        ("finished".into(), &[100][..])
    );
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn a_client_of_http_1_0_that_closes_half(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET /rule/default/a HTTP/1.0\r\n\r\n");
    harness.wait_for("waiting", 1);
    client.shut();
    assert!(client.has_nothing());
    harness.stage.open("a");
    let response = client.response();
    assert_eq!((response.text(), response.interim.len()), ("finished".to_owned(), 0));
    assert_eq!(client.end(), End::Closed);
}

fn half_closes_that_count(harness: &mut Harness) {
    let mut client = waiting(harness, "GET /rule/default/a");
    client.shut();
    harness.wait_for("handler gone", 1);
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Lost);
    let mut client = waiting(harness, "POST /rule/default/b");
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.stage.open("b");
    harness.wait_for("handler finished", 1);
    let mut client = waiting(harness, "GET /held/a");
    client.shut();
    harness.wait_for("producer gone", 1);
    assert!(client.try_response(false).is_err(), "it is seen to be incomplete");
    // Only a reset tells that where the end of the connection is that of the response.
    let mut client = harness.connect();
    client.send("GET /held/a HTTP/1.0\r\n\r\n");
    harness.wait_for("waiting", 4);
    client.shut();
    harness.wait_for("producer gone", 2);
    assert_eq!(client.try_response(false).unwrap_err(), End::Reset);
}

fn half_closes_behind_requests(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    client.request("GET /rule/default/a", "");
    client.shut();
    for _ in 0..3 {
        assert_eq!(client.response().text(), "hello");
    }
    harness.wait_for("handler gone", 1);
    assert_eq!(client.end(), End::Closed);
}

/// What was answered is sent, however long that takes.
fn half_closes_after(harness: &mut Harness) {
    // What takes more than one turn may be cut off by it.
    for target in ["/megabyte", "/"] {
        let mut client = harness.connect();
        client.request(&format!("GET {target}"), "");
        client.shut();
        assert_eq!(client.response().status, 200);
        assert_eq!(client.end(), End::Closed);
    }
}

fn who_goes_on_has_its_time(harness: &mut Harness) {
    waiting(harness, "POST /rule/quick/a").reset();
    harness.wait_for_close(CloseReason::Lost);
    harness.pass(TIME_LIMIT * 2);
    harness.wait_for("handler gone", 1);
    assert_eq!(harness.stage.count("handler finished"), 0);
}

fn who_goes_on_sees_a_body_that_fails(harness: &mut Harness) {
    // At once where it waits for the body, and as soon as it asks where it does not.
    let mut client = harness.connect();
    client.request("POST /pieces", "Content-Length: 100\r\n");
    client.send("begun");
    harness.wait_for("body bytes", 5);
    client.reset();
    harness.wait_for("reader gone", 1);
    for (gate, shuts) in [("a", false), ("b", true)] {
        let (waiting, gone) = (harness.stage.count("waiting"), harness.stage.count("late gone"));
        let mut client = harness.connect();
        client.request(&format!("POST /late/{gate}"), "Content-Length: 100\r\n");
        client.send("begun");
        harness.wait_for("waiting", waiting + 1);
        if shuts {
            client.shut();
            assert_eq!(client.response().status, 400);
            drop(client);
        } else {
            client.reset();
            harness.wait_for("close: Lost", 2);
        }
        assert_eq!(harness.stage.count("late gone"), gone);
        harness.stage.open(gate);
        harness.wait_for("late gone", gone + 1);
    }
}

fn who_goes_on_ends_with_the_server(harness: &mut Harness) {
    waiting(harness, "POST /rule/default/a").reset();
    harness.wait_for_close(CloseReason::Lost);
    let client = waiting(harness, "POST /rule/default/a");
    harness.stop();
    assert_eq!(harness.stage.count("handler gone"), 2);
    assert_eq!(harness.stage.count("handler finished"), 0);
    drop(client);
}

fn a_disconnect_is_told(harness: &mut Harness) {
    waiting(harness, "POST /watched").reset();
    harness.wait_for("told", 1);
    for method in ["GET", "POST"] {
        let told = harness.stage.count("told");
        waiting(harness, &format!("{method} /watched/thread")).reset();
        harness.wait_for("told", told + 1);
    }
    // Also where the connection seems to be there.
    drop(waiting(harness, "POST /watched"));
    harness.wait_for("told", 4);
}

fn an_answer_is_told_as_well(harness: &mut Harness) {
    let mut client = waiting(harness, "GET /watched/thread");
    harness.wait_for("waiting", 2);
    assert_eq!(harness.stage.count("told"), 0);
    harness.stage.open("watched");
    assert_eq!(client.response().text(), "answered");
    harness.wait_for("told", 1);
    assert_eq!(client.get("/").text(), "hello");
}

fn who_asks_too_late_is_told_at_once(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/watched/late").text(), "answered");
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    harness.stage.add("asked", 1);
    harness.wait_for("told", 1);
    harness.stage.open("a");
    assert_eq!(client.response().text(), "through a");
}

fn handlers_have_the_state(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/state").text(), "second Some(7) None");
    assert_eq!(client.get("/state/thread").text(), "Some(\"second\") false false true");
    assert_eq!(client.get("/state").text(), "second Some(7) None");
}

fn workers_have_a_state_of_their_own(harness: &mut Harness) {
    let mut client = harness.connect();
    for count in 1..4 {
        assert_eq!(client.get("/state/worker").text(), count.to_string());
    }
    drop(client);
    assert_eq!(harness.stage.count("worker state gone"), 0);
    harness.stop();
    let count = harness.stage.count("worker state");
    assert_eq!(harness.stage.count("worker state gone"), count, "on their threads");
}

fn handlers_know_their_server(harness: &mut Harness) {
    let mut client = harness.connect();
    let knows_addr = harness.connect().get("/server").text();
    assert!(["1 true", "2 true", "1 false", "2 false"].contains(&knows_addr.as_str()));
    assert!(crate::ServerRef::current().is_none(), "nor does this thread serve");
    assert_eq!(client.get("/server/connections").text(), "true");
    client.request("POST /server/kill", "Content-Length: 0\r\n");
    assert!(client.try_response(false).is_err(), "its handler is dropped, not left to itself");
    harness.wait_for_close(CloseReason::Killed);
    harness.wait_for("handler gone", 1);
}

fn a_handler_ends_its_server(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.post("/server/stop", b"");
    assert_eq!(response.text(), "as you wish");
    assert_eq!(client.end(), End::Closed);
}

fn connections_have_extensions(harness: &mut Harness) {
    let mut client = harness.connect();
    for count in 1..5 {
        assert_eq!(client.get("/attach").text(), count.to_string());
        assert_eq!(client.get("/").text(), "hello");
    }
    assert_eq!(harness.connect().get("/attach").text(), "1");
    harness.wait_for("attached gone", 1);
    client.send("GET /attach HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    for count in 5..8 {
        assert_eq!(client.response().text(), count.to_string());
    }
    assert_eq!(harness.stage.count("attached gone"), 1);
    client.reset();
    harness.wait_for("attached gone", 2);
    // At the end of the server as well.
    let mut client = harness.connect();
    assert_eq!(client.get("/attach").text(), "1");
    harness.stop();
    assert_eq!(harness.stage.count("attached gone"), 3);
}

fn requests_have_extensions(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..3 {
        assert_eq!(client.get("/extensions").text(), "None Some(7)");
    }
}

fn connections_are_told_of(harness: &mut Harness) {
    let before = harness.stage.count("open");
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(harness.stage.count("open"), before + 1);
}

/// Three hooks of one exchange or connection were called, in the reverse order.
fn assert_called(harness: &Harness, what: &str, times: usize) {
    harness.wait_for(what, times * 3);
    for (at, name) in ["first", "second", "last"].into_iter().enumerate() {
        let name = format!("{name} {what} as {at}");
        harness.wait_for(&name, times);
        assert_eq!(harness.stage.count(&name), times, "{name}");
    }
}

fn hooks_of_a_request(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/hooked/returns").text(), "returns");
    assert_called(harness, "ended", 1);
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(harness.stage.count("closed"), 0);
    drop(client);
    assert_called(harness, "closed", 1);
    let mut client = harness.connect();
    assert_eq!(client.get("/hooked/panics").status, 500);
    assert_called(harness, "ended", 2);
    drop(client);
    assert_called(harness, "closed", 2);
    waiting(harness, "GET /hooked/a").reset();
    assert_called(harness, "ended", 3);
    assert_called(harness, "closed", 3);
    // A response that is a stream is over when that is.
    let mut client = waiting(harness, "GET /hooked/streams");
    assert_eq!(harness.stage.count("ended"), 9);
    harness.stage.open("stream");
    assert_eq!(client.response().text(), "begun");
    assert_called(harness, "ended", 4);
}

fn hooks_of_who_goes_on(harness: &mut Harness) {
    waiting(harness, "POST /hooked/a").reset();
    assert_called(harness, "closed", 1);
    assert_eq!(harness.stage.count("ended"), 0, "it goes on");
    harness.stage.open("a");
    assert_called(harness, "ended", 1);
}

fn hooks_at_a_stop(harness: &mut Harness) {
    let client = waiting(harness, "POST /hooked/a");
    waiting(harness, "POST /hooked/a").reset();
    assert_called(harness, "closed", 1);
    harness.stop();
    assert_called(harness, "closed", 2);
    assert_called(harness, "ended", 2);
    drop(client);
}
