//! Answers that leave nothing but bytes to be sent, and peers that do not take them at once.
//!
//! Not here: bodies that are not copied behind their head, which other tests have (`inside.rs`).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::harness::{SimTicker, plan};
use super::inside::{read, ticked};
use crate::driver::sim::{Faults, Pace, SimClient, SimNet, clock};
use crate::{Budget, Limit, Request, Response, Server, Timeouts};

/// Longer than the windows here, and short enough to be copied.
const BODY: &[u8] = &[b'x'; 5000];

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// How many bytes of a body the client takes while so much time passes before each look.
fn take(server: &mut SimTicker, client: &mut SimClient, looks: u32, pause: Duration) -> usize {
    let mut text = String::new();
    for _ in 0..looks {
        server.pass(pause);
        server.settle();
        text.push_str(&read(client));
    }
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    text.matches('x').count()
}

#[test]
fn an_answer_that_there_is_no_room_for_is_gone_on_with() {
    let mut server = ticked(Server::new(BODY));
    server.net.set_window(100);
    let mut client = server.net.connect().unwrap();
    for _ in 0..3 {
        client.write(GET).unwrap();
        assert_eq!(take(&mut server, &mut client, 80, Duration::ZERO), BODY.len());
    }
    assert_eq!(server.net.open_connections(), 1);
}

#[test]
fn what_comes_behind_an_answer_that_waits_is_answered_behind_it() {
    let mut server = ticked(Server::new(BODY));
    server.net.set_window(100);
    let mut client = server.net.connect().unwrap();
    client.write(GET).unwrap();
    server.settle();
    client.write(&GET[..10]).unwrap();
    server.settle();
    client.write(&GET[10..]).unwrap();
    assert_eq!(take(&mut server, &mut client, 160, Duration::ZERO), 2 * BODY.len());
}

#[test]
fn who_takes_nothing_of_an_answer_is_reset_in_time() {
    let timeouts = Timeouts::default().with_write(Duration::from_secs(10)).with_write_rate(0);
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let plans = plan(&net, Server::new(BODY).timeouts(timeouts), 1, true);
    let shared = Arc::clone(&plans[0].shared);
    let mut server = SimTicker::new(net, plans, Budget::new());
    server.net.set_window(100);
    let mut client = server.net.connect().unwrap();
    client.write(GET).unwrap();
    server.settle();
    server.pass(Duration::from_secs(9));
    assert_eq!(server.net.open_connections(), 1);
    // Each time that something is taken, it begins anew.
    assert_eq!(take(&mut server, &mut client, 1, Duration::ZERO), 0, "a head");
    server.pass(Duration::from_secs(9));
    assert_eq!(server.net.open_connections(), 1);
    server.pass(Duration::from_secs(2));
    assert_eq!(server.net.open_connections(), 0);
    assert_eq!(shared.stats().reached(Limit::Write), 1);
}

/// How many of some clients, who ask at the same time, have just been answered when each handler
/// has taken so many nanoseconds.
fn answered(count: usize, nanos: u64, path: &str) -> Vec<usize> {
    let clients = Arc::new(Mutex::new(Vec::<SimClient>::new()));
    let counts = Arc::new(Mutex::new(Vec::new()));
    let (asking, seen) = (Arc::clone(&clients), Arc::clone(&counts));
    let mut server = ticked(Server::new(move |request: Request| {
        clock::pass(nanos);
        let mut clients = clients.lock().unwrap();
        let count =
            clients.iter_mut().filter_map(|client| client.read(&mut [0; 1000]).ok()).count();
        counts.lock().unwrap().push(count);
        match request.path() {
            "/stream" => Response::stream(async |mut writer| {
                writer.write("a piece").await?;
                writer.finish()
            }),
            _ => Response::text("whole"),
        }
    }));
    for _ in 0..count {
        asking.lock().unwrap().push(server.net.connect().unwrap());
    }
    server.settle();
    for client in asking.lock().unwrap().iter_mut() {
        client.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    }
    server.settle();
    let counts = seen.lock().unwrap().clone();
    let texts: Vec<_> = asking.lock().unwrap().iter_mut().map(read).collect();
    let rest = texts.iter().filter(|text| text.starts_with("HTTP/1.1 200 OK\r\n")).count();
    assert_eq!(counts.iter().sum::<usize>() + rest, count, "{texts:?}");
    counts
}

#[test]
fn an_answer_does_not_wait_for_handlers_that_take_their_time() {
    for path in ["/whole", "/stream"] {
        assert_eq!(answered(3, 1_000, path), [0, 0, 0], "{path}");
        assert_eq!(answered(3, 1_000_000, path), [0, 1, 1], "{path}");
        assert_eq!(answered(4, 600_000, path), [0, 0, 2, 0], "{path}");
    }
}
