//! Cases: what a program is told of connections that are open, and those that it has closed.
//!
//! Whoever is neither a handle nor a ticker has no one to ask, so that servers that `run` are left
//! out. Not here: workers that do not answer (`inspect.rs`).

use super::super::client::{Client, End};
use super::super::site::LARGE_BYTES;
use super::{Case, Harness};
use crate::{CloseReason, ConnectionState as State, OpenConnection, ProtocolKind};

pub(super) const CASES: &[Case] = &[
    Case::new("listed_idle", listed_idle),
    Case::new("listed_in_a_head", listed_in_a_head),
    Case::new("listed_in_a_body", listed_in_a_body),
    Case::new("listed_waiting", listed_waiting),
    Case::new("listed_after_a_head_in_pieces", listed_after_a_head_in_pieces),
    Case::new("listed_streaming", listed_streaming),
    Case::new("listed_blocked", listed_blocked),
    Case::new("listed_draining_a_body", listed_draining_a_body),
    Case::new("listed_tunnel", listed_tunnel),
    Case::new("listed_lingering", listed_lingering),
    Case::new("listed_one_by_one", listed_one_by_one),
    Case::new("known_by_one_name", known_by_one_name),
    Case::new("killed_idle", killed_idle),
    Case::new("killed_in_a_body", killed_in_a_body),
    Case::new("killed_waiting", killed_waiting),
    Case::new("killed_streaming", killed_streaming),
    Case::new("killed_blocked", killed_blocked),
    Case::new("killed_tunnel", killed_tunnel),
    Case::new("killed_lingering", killed_lingering),
    Case::new("killed_is_not_the_next_one", killed_is_not_the_next_one),
];

/// How a client gets its connection into a state.
type Begin = fn(&Harness, &mut Client);

/// A client, and its connection in that state. `None` where nobody can be asked.
fn begin(harness: &Harness, begin: Begin, state: State) -> Option<(Client, OpenConnection)> {
    harness.connections()?;
    let mut client = harness.connect();
    begin(harness, &mut client);
    let connection = harness.wait_for_state(&client, state);
    Some((client, connection))
}

/// The same, to be killed then.
fn kill(harness: &Harness, how: Begin, state: State) -> Option<Client> {
    let (client, connection) = begin(harness, how, state)?;
    assert!(harness.kill(connection.id));
    assert!(!harness.kill(connection.id), "it is closed");
    assert!(harness.connections()?.list.is_empty());
    Some(client)
}

fn target(connection: &OpenConnection) -> Option<&str> {
    connection.request.as_ref().map(|request| &*request.target)
}

fn idle(_: &Harness, client: &mut Client) {
    assert_eq!(client.get("/").text(), "hello");
}

fn in_a_head(_: &Harness, client: &mut Client) {
    client.send("GET / HT");
}

fn in_a_body(_: &Harness, client: &mut Client) {
    client.request("POST /pieces", "Content-Length: 100\r\n");
    client.send("hello");
}

fn waiting(harness: &Harness, client: &mut Client) {
    client.request("GET /gate/a?b", "");
    harness.wait_for("waiting", 1);
}

fn streaming(harness: &Harness, client: &mut Client) {
    client.request("GET /held/a", "");
    harness.wait_for("waiting", 1);
    let begun = client.bytes(17);
    assert!(begun.starts_with("HTTP/1.1 200 OK"), "{begun}");
}

fn blocked(harness: &Harness, client: &mut Client) {
    client.request("GET /large", "");
    harness.wait_for("produced", 1 << 17);
}

fn draining_a_body(_: &Harness, client: &mut Client) {
    client.request("POST /ignore", "Content-Length: 100\r\n");
    client.send("x");
    assert_eq!(client.response().text(), "ignored");
}

fn tunnel(_: &Harness, client: &mut Client) {
    client.request("GET /upgrade", "Connection: upgrade\r\nUpgrade: echo\r\n");
    assert_eq!(client.response().status, 101);
    client.send("ping");
    assert_eq!(client.bytes(4), "ping");
}

fn lingering(_: &Harness, client: &mut Client) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n");
    assert_eq!(client.response().status, 400);
}

fn listed_idle(harness: &mut Harness) {
    let Some((client, connection)) = begin(harness, idle, State::Idle) else { return };
    assert_eq!(connection.peer_addr, client.local_addr());
    assert_eq!((connection.requests, connection.protocol), (1, ProtocolKind::Http1));
    let request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    assert_carried(harness, connection.received_bytes, request.len());
    assert!(connection.sent_bytes > 20);
    assert_eq!(connection.request, None);
}

fn listed_in_a_head(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, in_a_head, State::ReceivingHead) else {
        return;
    };
    assert_eq!(connection.requests, 0);
    assert_carried(harness, connection.sent_bytes, 0);
    assert_carried(harness, connection.received_bytes, 8);
    assert_eq!(connection.request, None);
}

/// So many bytes went over the connection, or more where they are not all there is.
fn assert_carried(harness: &Harness, bytes: u64, said: usize) {
    if harness.combination.transport.is_plain {
        return assert_eq!(bytes, said as u64);
    }
    assert!(bytes > said as u64 + 100, "{bytes}");
}

fn listed_in_a_body(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, in_a_body, State::ReceivingBody) else {
        return;
    };
    assert_eq!((connection.requests, target(&connection)), (1, Some("/pieces")));
    assert_eq!(connection.request.unwrap().method, "POST");
}

fn listed_waiting(harness: &mut Harness) {
    let Some((mut client, connection)) = begin(harness, waiting, State::Handling) else { return };
    assert_eq!(target(&connection), Some("/gate/a?b"));
    harness.pass(std::time::Duration::from_secs(2));
    harness.stage.open("a");
    assert_eq!(client.response().text(), "through a");
    assert_eq!(client.get("/").text(), "hello");
    let connection = harness.wait_for_state(&client, State::Idle);
    assert_eq!((connection.requests, target(&connection)), (2, None));
}

fn listed_after_a_head_in_pieces(harness: &mut Harness) {
    let in_pieces: Begin = |harness, client| {
        client.send("GET /gate/a HTTP/1.1\r\nHost: a\r\nX: ");
        harness.wait_for_state(client, State::ReceivingHead);
        client.send("GET /b HTTP/1.1\r\n\r\n");
        harness.wait_for("waiting", 1);
    };
    let Some((_client, connection)) = begin(harness, in_pieces, State::Handling) else { return };
    assert_eq!(target(&connection), Some("/gate/a"));
}

fn listed_streaming(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, streaming, State::Sending) else { return };
    assert_eq!(target(&connection), Some("/held/a"));
}

fn listed_blocked(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, blocked, State::Sending) else { return };
    assert_eq!(target(&connection), Some("/large"));
    assert!(connection.sent_bytes < LARGE_BYTES as u64);
}

fn listed_draining_a_body(harness: &mut Harness) {
    let Some((mut client, connection)) = begin(harness, draining_a_body, State::DrainingBody)
    else {
        return;
    };
    assert_eq!(connection.requests, 1);
    client.send([b'x'; 99]);
    assert_eq!(client.get("/").text(), "hello");
}

fn listed_tunnel(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, tunnel, State::Open) else { return };
    assert_eq!((connection.protocol, connection.requests), (ProtocolKind::Raw, 1));
    assert_eq!(target(&connection), None);
}

fn listed_lingering(harness: &mut Harness) {
    let Some((_client, connection)) = begin(harness, lingering, State::Lingering) else { return };
    assert_eq!((connection.requests, target(&connection)), (0, None));
}

/// A connection is listed once, whichever worker has it.
fn listed_one_by_one(harness: &mut Harness) {
    if harness.connections().is_none() {
        return;
    }
    let mut clients: Vec<_> = (0..5).map(|_| harness.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "hello");
    }
    let connections = harness.connections().unwrap();
    assert_eq!(connections.silent_workers, []);
    let mut peers: Vec<_> = connections.list.iter().map(|one| one.peer_addr).collect();
    let mut expected: Vec<_> = clients.iter().map(Client::local_addr).collect();
    peers.sort_unstable();
    expected.sort_unstable();
    assert_eq!(peers, expected);
}

/// The list, a handler and the hook speak of the same connection.
fn known_by_one_name(harness: &mut Harness) {
    let mut client = harness.connect();
    let name = client.get("/id").text().to_owned();
    if let Some(connections) = harness.connections() {
        assert_eq!(connections.list[0].id.to_string(), name);
    }
    client.shut();
    harness.wait_for(&format!("closed: {name}"), 1);
}

fn killed_idle(harness: &mut Harness) {
    let Some(mut client) = kill(harness, idle, State::Idle) else { return };
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Killed);
}

fn killed_in_a_body(harness: &mut Harness) {
    let Some(mut client) = kill(harness, in_a_body, State::ReceivingBody) else { return };
    client.end();
    harness.wait_for("reader gone", 1);
    harness.wait_for_close(CloseReason::Killed);
}

fn killed_waiting(harness: &mut Harness) {
    let Some(mut client) = kill(harness, waiting, State::Handling) else { return };
    assert_eq!(client.end(), End::Closed);
    harness.wait_for("handler gone", 1);
    harness.wait_for_close(CloseReason::Killed);
}

fn killed_streaming(harness: &mut Harness) {
    let Some(mut client) = kill(harness, streaming, State::Sending) else { return };
    assert_eq!(client.try_end(), End::Reset, "it must not be taken for complete");
    harness.wait_for("producer gone", 1);
    harness.wait_for_close(CloseReason::Killed);
}

fn killed_blocked(harness: &mut Harness) {
    let Some(mut client) = kill(harness, blocked, State::Sending) else { return };
    assert_eq!(client.try_end(), End::Reset);
    harness.wait_for("producer gone", 1);
    harness.wait_for_close(CloseReason::Killed);
}

fn killed_tunnel(harness: &mut Harness) {
    let Some(mut client) = kill(harness, tunnel, State::Open) else { return };
    // The driver may not have said yet that all was sent.
    assert!([End::Closed, End::Reset].contains(&client.try_end()));
    harness.wait_for_close(CloseReason::Killed);
}

/// It had its reason before.
fn killed_lingering(harness: &mut Harness) {
    if kill(harness, lingering, State::Lingering).is_some() {
        harness.wait_for_close(CloseReason::Rejected(crate::Reject::BadField));
    }
}

fn killed_is_not_the_next_one(harness: &mut Harness) {
    let Some((mut client, connection)) = begin(harness, idle, State::Idle) else { return };
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
    let mut next = harness.connect();
    assert_eq!(next.get("/").text(), "hello");
    assert!(!harness.kill(connection.id));
    assert!(!harness.kill("99-0-0".parse().unwrap()), "there is no such worker");
    assert_eq!(next.get("/").text(), "hello");
}
