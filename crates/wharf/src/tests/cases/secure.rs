//! Cases: what there is over TLS alone, and every other case over TLS.
//!
//! Each driver, each number of workers and each mode, and not all with all. Not here: sessions
//! without connections (`tls/tests`).

use std::sync::Arc;
use std::time::Duration;

use super::super::client::{Client, End};
use super::super::harness::{Backend, Combination, Mode};
use super::super::secure::{FRAMES, H2, TLS, client_config, hello, layer_of, tls};
use super::super::site::{Stage, Witness, site};
use super::{Case, Harness, TABLES, check, frames, tcp};
use crate::{CloseReason, ConnectionState, Limit, Server, Service, Stream, Timeouts};

/// Short enough to wait for, and long enough for a busy machine to do what has to come before.
const SHORT: Duration = Duration::from_millis(200);
/// Longer than [`SHORT`], timers being rounded up.
const PASSES: Duration = Duration::from_millis(250);
/// More than any case takes.
const LONG: Duration = Duration::from_secs(3600);

/// All that a way to run a server has to do over TLS.
fn check_all(combination: Combination) {
    check(TABLES, combination);
    check(&[CASES], combination);
}

combinations! {
    TLS, check_all;
    every_case_over_tls_on_mio_with_1_worker_that_crawls: Mio, 1, Crawl;
    every_case_over_tls_on_mio_with_2_workers_that_are_started: Mio, 2, Start;
    every_case_over_tls_on_mio_with_1_worker_that_is_ticked: Mio, 1, Tick;
    every_case_over_tls_on_uring_with_1_worker_that_runs: Uring, 1, Run;
    every_case_over_tls_on_uring_with_2_workers_that_are_ticked: Uring, 2, Tick;
    every_case_over_tls_on_sim_with_1_worker_that_is_started: Sim, 1, Start;
    every_case_over_tls_on_sim_with_1_worker_that_crawls: Sim, 1, Crawl;
    every_case_over_tls_on_sim_with_2_workers_that_run: Sim, 2, Run;
    every_case_over_tls_on_sim_with_2_workers_that_are_ticked: Sim, 2, Tick;
}

combinations! {
    H2, |combination| check(TABLES, combination);
    every_case_over_http2_and_tls_on_mio_with_1_worker_that_runs: Mio, 1, Run;
    every_case_over_http2_and_tls_on_uring_with_2_workers_that_are_started: Uring, 2, Start;
    every_case_over_http2_and_tls_on_sim_with_1_worker_that_is_ticked: Sim, 1, Tick;
}

combinations! {
    FRAMES, frames::check_all;
    every_case_in_frames_over_tls_on_mio_with_1_worker_that_is_ticked: Mio, 1, Tick;
    every_case_in_frames_over_tls_on_uring_with_1_worker_that_runs: Uring, 1, Run;
    every_case_in_frames_over_tls_on_sim_with_2_workers_that_crawl: Sim, 2, Crawl;
}

const CASES: &[Case] = &[
    Case::new("a_client_that_never_begins", a_client_that_never_begins).with(short_handshake),
    Case::new("a_handshake_that_takes_too_long", a_handshake_too_long).with(short_handshake),
    Case::new("a_handshake_byte_by_byte", a_handshake_byte_by_byte),
    Case::new("plain_http_is_told_where_it_is", plain_http_is_told),
    Case::of("plain_http_is_sent_to_tls", redirecting, plain_http_is_sent_to_tls),
    Case::new("garbage_before_a_handshake", garbage_before_a_handshake),
    Case::new("garbage_instead_of_a_record", garbage_instead_of_a_record),
    Case::new("garbage_of_a_client_that_takes_nothing", garbage_and_nothing_taken)
        .with(short_write),
    Case::of("garbage_of_a_peer_that_takes_nothing", pours, garbage_and_nothing_taken)
        .with(short_write),
    Case::new("garbage_while_a_handler_waits", garbage_while_a_handler_waits),
    Case::new("nothing_in_common_to_speak", nothing_in_common_to_speak),
    Case::new("what_is_spoken_is_agreed_on", what_is_spoken_is_agreed_on),
    Case::new("cut_off_before_anything_was_said", cut_off_before_anything),
    Case::new("cut_off_in_a_handshake", cut_off_in_a_handshake),
    Case::new("cut_off_when_idle", cut_off_when_idle),
    Case::new("cut_off_in_a_secured_head", cut_off_in_a_head),
    Case::new("cut_off_behind_a_request", cut_off_behind_a_request),
    Case::new("cut_off_in_a_secured_body", cut_off_in_a_body),
    Case::of("cut_off_in_a_secured_stream", tells_of_ends, cut_off_in_a_stream),
    Case::new("goodbye_comes_behind_large_bodies", goodbye_comes_behind_large_bodies),
    Case::new("goodbye_comes_when_killed", goodbye_comes_when_killed),
    Case::new("listed_in_a_handshake", listed_in_a_handshake),
    Case::new("too_many_handshakes", too_many_handshakes).with(two_handshakes),
    Case::new("a_drain_lets_hands_be_shaken", a_drain_lets_hands_be_shaken).with(long_grace),
    Case::new("a_drain_ends_in_a_handshake", a_drain_ends_in_a_handshake),
];

fn short_handshake(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_handshake(SHORT))
}

fn long_grace(server: Server) -> Server {
    server
        .timeouts(Timeouts::default().with_drain_grace(LONG).with_idle(LONG).with_first_byte(LONG))
}

fn a_client_that_never_begins(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    harness.pass(PASSES);
    assert_eq!(client.end(), End::Reset);
    harness.wait_for_close(CloseReason::Limit(Limit::Handshake));
}

/// Bytes do not hold the deadline off.
fn a_handshake_too_long(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    for byte in &hello()[..20] {
        client.send([*byte]);
        harness.pass(SHORT / 10);
    }
    assert_eq!(client.end(), End::Reset);
    harness.wait_for_close(CloseReason::Limit(Limit::Handshake));
}

fn a_handshake_byte_by_byte(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    for byte in hello() {
        client.send([byte]);
    }
    // A handshake record: its greeting.
    assert_eq!(client.bytes(2), "\x16\x03");
}

fn plain_http_is_told(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    client.request("GET /", "");
    let response = client.response();
    assert_eq!((response.status, response.closes()), (400, true));
    assert!(response.text().contains("https"));
    assert_eq!(client.end(), End::Closed);
    // What comes late is no reason for a reset.
    client.send("late");
    client.shut();
    harness.wait_for_close(CloseReason::Tls);
}

fn redirecting(stage: &Arc<Stage>) -> Service {
    Service::http(site(stage)).tls(tls().redirect_http())
}

fn plain_http_is_sent_to_tls(harness: &mut Harness) {
    let rows = [
        ("GET / HTTP/1.1\r\nHost: a:8443\r\n", 308, Some("https://a:8443/")),
        ("POST /b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n", 308, Some("https://a/b?c=d")),
        ("GET //evil.example/ HTTP/1.1\r\nHost: a\r\n", 308, Some("https://a//evil.example/")),
        ("GET http://a:80/b HTTP/1.1\r\nHost: a:80\r\n", 308, Some("https://a:80/b")),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n", 400, None),
        ("GET / HTTP/1.1\r\nHost: a b\r\n", 400, None),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n", 400, None),
        ("GET / HTTP/1.1\r\nHost:\r\n", 400, None),
        ("GET / HTTP/1.0\r\n", 400, None),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n", 400, None),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n", 400, None),
        ("BAD\r\n", 400, None),
    ];
    for (head, status, location) in rows {
        let mut client = harness.connect_plainly();
        client.send(format!("{head}\r\n"));
        let response = client.response();
        assert_eq!((response.status, response.field("location")), (status, location), "{head}");
        assert!(response.closes(), "{head}");
        assert_eq!(client.end(), End::Closed, "{head}");
    }
    let mut client = harness.connect_plainly();
    for byte in b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.response().field("location"), Some("https://b/a"));
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn garbage_before_a_handshake(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    // It looks like a greeting, and is none.
    client.send(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00");
    // An alert.
    assert_eq!(client.bytes(2), "\x15\x03");
    client.try_end();
    client.shut();
    harness.wait_for_close(CloseReason::Tls);
}

fn garbage_instead_of_a_record(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    client.send_plainly(b"\x17\x03\x03\x00\x20................................");
    assert_eq!(client.end(), End::Failed);
    client.shut();
    harness.wait_for_close(CloseReason::Tls);
}

fn short_write(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_write(SHORT).with_write_rate(0))
}

/// Writes more than sockets hold.
fn pours(_: &Arc<Stage>) -> Service {
    Service::tcp(async |mut stream: Stream| stream.write_all(&vec![b'x'; 32 << 20]).await)
}

/// Whatever it was to be told of that, it is not waited for.
fn garbage_and_nothing_taken(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /large", "");
    harness.wait_until_stuck("anything");
    client.send_plainly(b"\x17\x03\x03\x00\x20................................");
    harness.wait_until_stuck("anything");
    // On a busy machine it may have taken too long before that came.
    let reasons = [CloseReason::Tls, CloseReason::Limit(Limit::Write)];
    let is_over = |harness: &Harness| {
        reasons.iter().any(|reason| harness.stage.count(&format!("close: {reason:?}")) > 0)
    };
    for _ in 0..10_000 {
        if is_over(harness) {
            break;
        }
        harness.pass(PASSES);
        harness.report();
        harness.stage.wait(Duration::from_millis(1));
    }
    assert!(is_over(harness), "it is waited for without an end");
    drop(client);
}

fn garbage_while_a_handler_waits(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    client.send_plainly(b"\x17\x03\x03\x00\x20................................");
    assert_eq!(client.end(), End::Failed);
    harness.wait_for("handler gone", 1);
    client.shut();
    harness.wait_for_close(CloseReason::Tls);
}

fn nothing_in_common_to_speak(harness: &mut Harness) {
    let mut client = harness.connect_plainly().through(layer_of(&client_config(&["gopher"])));
    assert_eq!(client.end(), End::Failed);
    client.shut();
    harness.wait_for_close(CloseReason::Tls);
}

fn what_is_spoken_is_agreed_on(harness: &mut Harness) {
    let config = client_config(&["gopher", "http/1.1"]);
    let mut client = harness.connect_plainly().through(layer_of(&config));
    assert_eq!(client.get("/").text(), "hello");
}

fn cut_off_before_anything(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn cut_off_in_a_handshake(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    client.send(&hello()[..100]);
    client.shut();
    client.try_end();
    harness.wait_for_close(CloseReason::Lost);
}

fn cut_off_when_idle(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    client.cut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn cut_off_in_a_head(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HT");
    client.cut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Lost);
}

/// The request is there in full, whoever has cut off what would have come.
fn cut_off_behind_a_request(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /page/1", "");
    client.cut();
    assert_eq!(client.response().text(), "page 1");
    assert_eq!(client.end(), End::Closed);
}

/// Whose handler reads it is told, and not answered with success.
fn cut_off_in_a_body(harness: &mut Harness) {
    for target in ["/whole", "/pieces"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), "Content-Length: 100\r\n");
        client.send([b'x'; 99]);
        client.cut();
        let response = client.response();
        assert_eq!((response.status, response.closes()), (400, true), "{target}");
        assert_eq!(client.end(), End::Closed, "{target}");
    }
    harness.wait_for("reader gone", 1);
    harness.wait_for("close: Lost", 2);
}

/// Notes if the peer says that no more comes.
fn tells_of_ends(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        let _witness = Witness(Arc::clone(&stage), "handler gone");
        let mut buffer = [0; 100];
        while stream.read(&mut buffer).await? > 0 {
            stage.add("read", 1);
        }
        stage.add("ended", 1);
        Ok::<_, std::io::Error>(())
    })
}

/// Its handler is given up, and never told that it has all.
fn cut_off_in_a_stream(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("said");
    harness.wait_for("read", 1);
    client.cut();
    harness.wait_for_close(CloseReason::Lost);
    harness.wait_for("handler gone", 1);
    assert_eq!((client.end(), harness.stage.count("ended")), (End::Reset, 0));
    let mut client = harness.connect();
    client.send("said");
    harness.wait_for("read", 2);
    client.shut();
    harness.wait_for("ended", 1);
    assert_eq!(client.end(), End::Closed);
}

/// What is written while a body is encrypted in parts is behind it and before the end.
fn goodbye_comes_behind_large_bodies(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /megabyte", "");
    client.request("GET /megabyte", "");
    client.request("GET /bye", "");
    assert_eq!(client.response().body.len(), 1 << 20);
    assert_eq!(client.response().body.len(), 1 << 20);
    assert_eq!(client.response().text(), "bye");
    assert_eq!(client.end(), End::Closed);
}

fn goodbye_comes_when_killed(harness: &mut Harness) {
    if harness.connections().is_none() {
        return;
    }
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    let connection = harness.wait_for_state(&client, ConnectionState::Idle);
    assert!(harness.kill(connection.id));
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Killed);
}

fn listed_in_a_handshake(harness: &mut Harness) {
    if harness.connections().is_none() {
        return;
    }
    let mut client = harness.connect_plainly();
    client.send(&hello()[..100]);
    let connection = harness.wait_for_state(&client, ConnectionState::Handshaking);
    assert_eq!(connection.requests, 0);
    assert!(harness.kill(connection.id));
    client.try_end();
    harness.wait_for_close(CloseReason::Killed);
}

fn two_handshakes(server: Server) -> Server {
    server.max_handshakes(2)
}

/// Who began first goes, and who is quick gets through.
fn too_many_handshakes(harness: &mut Harness) {
    // All are one worker's where there is one.
    let is_alone = harness.combination.workers == 1;
    let mut silent = [(); 4].map(|()| harness.connect_plainly());
    let mut begun = [(); 4].map(|()| {
        let mut client = harness.connect_plainly();
        client.send(&hello()[..100]);
        client
    });
    for _ in 0..10 {
        assert_eq!(harness.connect().get("/").text(), "hello");
    }
    if is_alone {
        harness.wait_for("close: Limit(Handshakes)", 3);
        let ended =
            begun.iter_mut().filter_map(|client| (!client.has_nothing()).then(|| client.end()));
        assert_eq!(ended.collect::<Vec<_>>(), [End::Reset; 3]);
    }
    assert!(silent.iter_mut().all(Client::has_nothing));
}

fn a_drain_lets_hands_be_shaken(harness: &mut Harness) {
    let mut client = harness.knock();
    harness.wait_for("open", 1);
    harness.drain(LONG);
    let response = client.get("/");
    assert_eq!((response.text().as_str(), response.closes()), ("hello", true));
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
}

fn a_drain_ends_in_a_handshake(harness: &mut Harness) {
    let mut client = harness.connect_plainly();
    client.send(&hello()[..100]);
    harness.wait_for("open", 1);
    harness.drain(SHORT);
    harness.pass(PASSES);
    client.try_end();
    harness.wait_for_end();
    harness.wait_for_close(CloseReason::Stopped);
}

/// A raw service over TLS is reached by either kind of address.
#[test]
fn a_secured_echo_over_both_kinds_of_addresses() {
    for backend in [crate::Backend::Epoll, crate::Backend::IoUring] {
        let echo = Service::tcp(async |mut stream: Stream| {
            let mut buffer = [0; 100];
            loop {
                match stream.read(&mut buffer).await? {
                    0 => return Ok::<_, std::io::Error>(()),
                    len => stream.write_all(&buffer[..len]).await?,
                }
            }
        });
        let server = Server::with(echo.tls(tls())).backend(backend);
        let server = server.listen("127.0.0.1:0").and_then(|server| server.listen("[::1]:0"));
        let handle = match server.and_then(Server::start) {
            Err(error @ crate::Error::Backend(_)) => {
                eprintln!("skipped on {backend:?}: {error}");
                continue;
            }
            started => started.expect("both are there"),
        };
        assert_eq!(handle.local_addrs().len(), 2);
        for addr in handle.local_addrs() {
            let mut client = Client::over_tcp(addr, None).through(layer_of(&client_config(&[])));
            client.send("hello");
            assert_eq!(client.bytes(5), "hello");
            client.shut();
            assert_eq!(client.end(), End::Closed);
        }
    }
}
