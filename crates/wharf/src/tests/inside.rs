//! What only virtual time and a look into the workers can show.
//!
//! Not here: what a client sees on every driver alike (`cases`).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::harness::{SimTicker, plan};
use super::site::{Stage, site, yield_once};
use crate::driver::sim::{Break, Faults, PATIENCE, Pace, SimClient, SimNet, clock};
use crate::{
    BlockingPool, BlockingStream, Budget, Bytes, ErrorContext, ErrorKind, Limit, Request, Response,
    Server, ServerHandle, StopSwitch, Timeouts,
};

/// A server on a simulated net without faults.
pub(super) fn ticked(server: Server) -> SimTicker {
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let plans = plan(&net, server, 1, true);
    SimTicker::new(net, plans, Budget::new())
}

impl SimTicker {
    /// Does all there is to do at once.
    pub(super) fn settle(&mut self) {
        let mut quiet_turns = 0;
        while quiet_turns < 5 {
            let before = self.net.fingerprint();
            self.tick(Some(self.net.instant(self.net.time())));
            quiet_turns = if self.net.fingerprint() == before { quiet_turns + 1 } else { 0 };
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.net.time() + time;
        while self.net.time() < end {
            self.tick(Some(self.net.instant(end)));
        }
    }
}

/// All that has come, as text.
pub(super) fn read(client: &mut SimClient) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(len @ 1..) = client.read(&mut buffer) {
        text.extend_from_slice(&buffer[..len]);
    }
    String::from_utf8(text).unwrap()
}

/// Whoever sends into a tunnel without reading what comes back is slowed down.
#[test]
fn a_tunnel_holds_no_more_than_its_channels() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    server.net.set_window(16 << 10);
    let mut client = server.net.connect().unwrap();
    let head = b"GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    client.write(head).unwrap();
    server.settle();
    let (mut sent, mut stuck) = (0, 0);
    while stuck < 3 {
        match client.write(&[0; 4096]) {
            Ok(len) => (sent, stuck) = (sent + len, 0),
            Err(_) => stuck += 1,
        }
        server.settle();
    }
    // Both directions, what is encoded, and what is on the way.
    assert!((64 << 10..400 << 10).contains(&sent), "{sent}");
    // The other direction has nothing to do with it.
    let mut buffer = vec![0; 64 << 10];
    let mut read = 0;
    while read < sent {
        read += client.read(&mut buffer).unwrap_or(0);
        server.settle();
    }
}

/// Each head takes two seconds at most, although at no time there is none.
#[test]
fn the_time_for_a_head_begins_with_that_head() {
    let timeouts = Timeouts::default().with_head(Duration::from_secs(10));
    let mut server = ticked(Server::new("hello").timeouts(timeouts));
    let mut client = server.net.connect().unwrap();
    client.write(b"GE").unwrap();
    for _ in 0..20 {
        server.pass(Duration::from_secs(1));
        client.write(b"T / HTTP/1.1\r\nHost: a\r\n\r\nGE").unwrap();
        server.settle();
        assert!(read(&mut client).starts_with("HTTP/1.1 200"));
    }
    server.pass(Duration::from_secs(9));
    assert_eq!(read(&mut client), "");
    server.pass(Duration::from_secs(2));
    assert!(read(&mut client).starts_with("HTTP/1.1 408"));
}

/// A turn begins late where a handler was slow, or the program that ticks had other things to do.
#[test]
fn a_request_that_is_read_in_a_late_turn_is_answered() {
    let timeouts = Timeouts::default().with_idle(Duration::from_secs(10));
    let handler = async |_: Request| {
        yield_once().await;
        "late"
    };
    let mut server = ticked(Server::new(handler).timeouts(timeouts));
    let mut client = server.net.connect().unwrap();
    for _ in 0..3 {
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        server.net.jump(Some(server.net.instant(server.net.time() + Duration::from_secs(20))));
        server.settle();
        assert!(read(&mut client).ends_with("late"));
    }
    server.pass(Duration::from_secs(11));
    assert_eq!(server.net.open_connections(), 0);
}

/// A hundred seconds in all, but never ten without a move.
#[test]
fn a_slow_peer_has_time_as_long_as_it_moves() {
    let stage = Arc::new(Stage::default());
    let second = Duration::from_secs(1);
    let timeouts =
        Timeouts::default().with_body(10 * second).with_write(10 * second).with_idle(10 * second);
    let timeouts = timeouts.with_body_rate(0).with_write_rate(0);
    let mut server = ticked(Server::new(site(&stage)).timeouts(timeouts));
    let mut client = server.net.connect().unwrap();
    client.write(b"POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n").unwrap();
    for _ in 0..12 {
        server.pass(8 * second);
        client.write(b"x").unwrap();
    }
    server.settle();
    assert!(read(&mut client).ends_with("xxxxxxxxxxxx"));
    client.write(b"GET /megabyte HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (mut len, mut buffer) = (0, vec![0; 100_000]);
    while len < 1 << 20 {
        server.pass(8 * second);
        len += client.read(&mut buffer).unwrap();
    }
    let mut client = server.net.connect().unwrap();
    for _ in 0..12 {
        server.pass(8 * second);
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        server.settle();
        assert!(read(&mut client).ends_with("hello"));
    }
}

/// What it sends meanwhile is no excuse.
#[test]
fn a_peer_that_takes_nothing_of_its_response_is_reset() {
    let stage = Arc::new(Stage::default());
    let second = Duration::from_secs(1);
    let timeouts = Timeouts::default().with_write(10 * second);
    let mut server = ticked(Server::new(site(&stage)).timeouts(timeouts));
    let mut client = server.net.connect().unwrap();
    client.write(b"GET /megabyte HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: ").unwrap();
    for _ in 0..3 {
        server.pass(4 * second);
        client.write(b"y").unwrap_or(0);
    }
    server.settle();
    assert_eq!(server.net.open_connections(), 0);
}

#[test]
fn a_body_is_not_taken_faster_than_it_is_read() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    server.net.set_window(1000);
    let mut client = server.net.connect().unwrap();
    client.write(b"POST /late/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    let mut sent = 0;
    while let Ok(len) = client.write(&[b'x'; 1000]) {
        sent += len;
        server.settle();
    }
    assert!(sent < 70_000, "{sent} bytes were taken and not read");
    stage.open("a");
    while sent < 1_000_000 {
        server.settle();
        sent += client.write(&[b'x'; 1000][..1000.min(1_000_000 - sent)]).unwrap();
    }
    let mut received = 0;
    while received < 1_000_000 {
        server.settle();
        received += read(&mut client).len();
    }
}

/// Waits until so many things of that name have happened on other threads.
fn wait_for(server: &mut SimTicker, stage: &Stage, name: &str, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while stage.count(name) < count {
        assert!(Instant::now() < deadline, "{name} happened {} times", stage.count(name));
        server.settle();
        stage.wait(Duration::from_millis(1));
    }
}

#[test]
fn a_body_is_not_taken_faster_than_a_blocking_handler_reads_it() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    server.net.set_window(1000);
    let mut client = server.net.connect().unwrap();
    let head = b"POST /blocking/late/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    client.write(head).unwrap();
    wait_for(&mut server, &stage, "waiting", 1);
    let mut sent = 0;
    while let Ok(len) = client.write(&[b'x'; 1000]) {
        sent += len;
        server.settle();
    }
    assert!(sent < 70_000, "{sent} bytes were taken and not read");
    stage.open("a");
    let deadline = Instant::now() + PATIENCE;
    while sent < 1_000_000 {
        assert!(Instant::now() < deadline, "{sent} bytes");
        server.settle();
        sent += client.write(&[b'x'; 1000][..1000.min(1_000_000 - sent)]).unwrap_or(0);
    }
    wait_for(&mut server, &stage, "read", 1);
    let (mut response, deadline) = (String::new(), Instant::now() + PATIENCE);
    while !response.ends_with("1000000 bytes") {
        assert!(Instant::now() < deadline, "{response}");
        server.settle();
        response += &read(&mut client);
    }
}

/// 100 ms and ten times 500 ms, on the worker's clock.
#[test]
fn a_request_waits_for_a_thread_as_long_as_is_said_and_no_longer() {
    let stage = Arc::new(Stage::default());
    let pool = BlockingPool::default().with_max_threads(1);
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let plans = plan(&net, Server::new(site(&stage)).blocking_pool(pool), 1, true);
    let shared = Arc::clone(&plans[0].shared);
    let mut server = SimTicker::new(net, plans, Budget::new());
    let mut clients = [(); 2].map(|()| server.net.connect().unwrap());
    clients[0].write(b"GET /blocking/gate/a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    wait_for(&mut server, &stage, "waiting", 1);
    clients[1].write(b"GET /blocking/gate/b HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    wait_for(&mut server, &stage, "asked", 2);
    server.pass(Duration::from_millis(5_099));
    assert_eq!(read(&mut clients[1]), "");
    server.pass(Duration::from_millis(10));
    let response = read(&mut clients[1]);
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(response.contains("\r\nRetry-After: 6\r\n"), "{response}");
    let stats = shared.stats();
    assert_eq!(stats.reached(Limit::BlockingWait), 1);
    assert_eq!(stats.reached(Limit::Handler), 0);
    stage.open("a");
    wait_for(&mut server, &stage, "passed", 1);
    assert_eq!(stage.count("waiting"), 1);
}

/// The same for a connection of another protocol, which is refused by its end.
#[test]
fn a_connection_waits_for_a_thread_as_long_as_is_said_and_no_longer() {
    let stage = Arc::new(Stage::default());
    let gate = Arc::clone(&stage);
    let gated = move |mut stream: BlockingStream| {
        gate.pass_blocking("a");
        stream.write_all(b"through")
    };
    let pool = BlockingPool::default().with_max_threads(1);
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let plans = plan(&net, Server::tcp(gated).blocking_pool(pool), 1, true);
    let shared = Arc::clone(&plans[0].shared);
    let mut server = SimTicker::new(net, plans, Budget::new());
    let mut first = server.net.connect().unwrap();
    wait_for(&mut server, &stage, "waiting", 1);
    let mut second = server.net.connect().unwrap();
    server.settle();
    server.pass(Duration::from_millis(5_099));
    assert_eq!(second.read(&mut [0]).map_err(|error| error.kind()), Err(io::ErrorKind::WouldBlock));
    server.pass(Duration::from_millis(10));
    assert_eq!(second.read(&mut [0]).unwrap(), 0);
    assert_eq!(shared.stats().reached(Limit::BlockingWait), 1);
    stage.open("a");
    let mut answer = String::new();
    while answer.is_empty() {
        server.settle();
        answer = read(&mut first);
    }
    assert_eq!(answer, "through");
    assert_eq!(stage.count("waiting"), 1);
}

#[test]
fn nobody_lingers_for_a_peer_that_has_closed() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    for sent in ["", "\r", "GET / HT", "GET /bye HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"] {
        let mut client = server.net.connect().unwrap();
        client.write(sent.as_bytes()).unwrap_or(0);
        client.shut();
        server.settle();
        assert_eq!(server.net.open_connections(), 0, "{sent:?}");
    }
}

#[test]
fn each_request_is_logged_once_with_its_own_numbers() {
    let (stage, log) = (Arc::new(Stage::default()), Arc::new(Mutex::new(Vec::new())));
    let entries = Arc::clone(&log);
    let mut server = ticked(Server::new(site(&stage)).access_log(move |access| {
        let status = access.status.map(|status| status.as_u16());
        let entry = (access.target().to_owned(), status, access.body_bytes, access.complete);
        entries.lock().unwrap().push(entry);
    }));
    let mut client = server.net.connect().unwrap();
    let targets = ["/shared", "/numbers", "/", "/declared", "/shared", "/gate/a"];
    for target in targets {
        client.write(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    }
    server.settle();
    drop(client);
    server.settle();
    let numbers = [(21, true), (3890, true), (5, true), (3890, true), (21, true)];
    let mut expected: Vec<_> = targets
        .iter()
        .zip(numbers)
        .map(|(target, (bytes, complete))| (target.to_string(), Some(200), bytes, complete))
        .collect();
    expected.push(("/gate/a".to_owned(), None, 0, false));
    assert_eq!(*log.lock().unwrap(), expected);
}

/// Without any patience everything takes too long.
#[test]
fn who_blocks_a_worker_is_named() {
    let (stage, named) = (Arc::new(Stage::default()), Arc::new(Mutex::new(Vec::new())));
    let names = Arc::clone(&named);
    let server = Server::new(site(&stage)).blocked_worker_after(Duration::ZERO);
    let server = server.on_error(move |context| {
        let ErrorKind::BlockedWorker(_) = context.kind else { return None };
        assert!(context.error.to_string().starts_with("the worker was blocked for "));
        let name = context.request.map(|head| format!("{} {}", head.method(), head.target()));
        names.lock().unwrap().push((context.peer_addr, name.unwrap_or_default()));
        Some(Response::text("nobody asked"))
    });
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let plans = plan(&net, server, 1, true);
    let shared = Arc::clone(&plans[0].shared);
    let mut server = SimTicker::new(net, plans, Budget::new());
    for line in ["GET /page/1", "POST /whole", "GET /shared", "GET /numbers"] {
        let mut client = server.net.connect().unwrap();
        client.write(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        server.settle();
        assert!(read(&mut client).starts_with("HTTP/1.1 200 "), "{line}");
        let mut named = named.lock().unwrap();
        assert_eq!(named[0], (Some(client.local_addr().into()), line.to_owned()));
        named.clear();
    }
    assert!(shared.stats().reached(Limit::BlockedWorker) >= 4);
}

/// A worker that sleeps is kept by nobody.
#[test]
fn who_is_told_of_a_drain_has_not_blocked_the_worker_that_slept() {
    let (net, switch) = (SimNet::new(Pace::Ticked, 0, Faults::default()), StopSwitch::new());
    let plans = plan(&net, Server::new("hello").stop_switch(&switch), 1, true);
    let shared = Arc::clone(&plans[0].shared);
    let mut server = SimTicker::new(net, plans, Budget::new());
    let mut client = server.net.connect().unwrap();
    client.write(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
    server.settle();
    clock::pass(1_000_000_000);
    switch.drain(Duration::from_secs(10));
    server.settle();
    client.write(b"\r\n").unwrap();
    server.settle();
    assert!(read(&mut client).starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(shared.stats().reached(Limit::BlockedWorker), 0);
}

/// What comes behind a response is no request of its own.
#[test]
fn a_body_that_is_bad_behind_its_response_is_not_logged_again() {
    let (stage, log) = (Arc::new(Stage::default()), Arc::new(Mutex::new(Vec::new())));
    let entries = Arc::clone(&log);
    let mut server = ticked(Server::new(site(&stage)).access_log(move |access| {
        entries.lock().unwrap().push(access.target().to_owned());
    }));
    let mut client = server.net.connect().unwrap();
    let head = b"POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe";
    client.write(head).unwrap();
    server.settle();
    assert!(read(&mut client).starts_with("HTTP/1.1 200"));
    client.write(b"lloX").unwrap();
    server.settle();
    drop(client);
    server.settle();
    assert_eq!(*log.lock().unwrap(), ["/ignore"]);
}

#[test]
fn a_worker_that_is_dropped_ends_what_it_has_begun() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    let mut client = server.net.connect().unwrap();
    client.write(b"GET /held/a HTTP/1.0\r\n\r\n").unwrap();
    let mut grenade = server.net.connect().unwrap();
    grenade.write(b"GET /grenade/waiting HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    server.settle();
    drop(server);
    assert_eq!(stage.count("producer gone"), 1);
    assert!(read(&mut client).ends_with("begun "));
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// Time stands still until a worker has nothing to do, so that a sleep can't be missed.
#[test]
fn a_worker_spins_for_as_long_as_it_is_told_and_sleeps_then() {
    let spin = Duration::from_micros(100);
    let net = SimNet::new(Pace::Threaded, 0, Faults::default());
    let switch = StopSwitch::new();
    let server = Server::new("hello").spin(spin).stop_switch(&switch);
    let handle = ServerHandle::start(plan(&net, server, 1, false)).unwrap();
    let mut client = net.connect().unwrap();
    for _ in 0..3 {
        let sleeps = net.sleeps();
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        net.advance(spin / 2);
        assert!(read(&mut client).ends_with("hello"));
        net.advance(Duration::ZERO);
        assert_eq!(net.sleeps(), sleeps, "it spins");
        net.advance(spin / 2);
        net.advance(Duration::ZERO);
        assert!(net.sleeps() > sleeps, "it sleeps");
    }
    handle.stop();
    assert!(handle.wait(Some(PATIENCE)));
}

/// A program's own bytes must not be kept by a connection that is gone.
#[test]
fn a_closed_connection_holds_no_body() {
    struct Owner(Arc<[u8]>);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    let bytes: Arc<[u8]> = vec![b'x'; 1 << 20].into();
    let owned = Arc::clone(&bytes);
    let handler = move |_: Request| Bytes::from_owner(Owner(Arc::clone(&owned)));
    let mut server = ticked(Server::new(handler));
    let mut client = server.net.connect().unwrap();
    for in_use in 1..=2 {
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        server.settle();
        assert_eq!(Arc::strong_count(&bytes), 2 + in_use);
    }
    client.reset();
    server.settle();
    assert_eq!(server.net.open_connections(), 0);
    assert_eq!(Arc::strong_count(&bytes), 2);
}

/// Each answers with the number of its worker, which is on a thread of its own.
fn threaded(net: &SimNet, hands_over: bool, errors: &Arc<Mutex<Vec<ErrorKind>>>) -> ServerHandle {
    let errors = Arc::clone(errors);
    let server = Server::new("hello").on_error(move |context: &ErrorContext<'_>| {
        errors.lock().unwrap().push(context.kind);
        None
    });
    ServerHandle::start(plan(net, server, 3, hands_over)).unwrap()
}

fn ask(net: &SimNet) -> String {
    let mut client = net.connect().unwrap();
    client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    net.advance(Duration::ZERO);
    read(&mut client)
}

#[test]
fn a_worker_that_fails_leaves_the_others() {
    for how in [Break::Error, Break::Panic] {
        for (hands_over, seat) in [(false, 0), (false, 2), (true, 1), (true, 2)] {
            let (net, errors) = (SimNet::new(Pace::Threaded, 0, Faults::default()), Arc::default());
            let handle = threaded(&net, hands_over, &errors);
            let idle: Vec<_> = (0..9).map(|_| net.connect().unwrap()).collect();
            net.break_driver(seat, how);
            while !handle.stats().workers()[seat].has_failed {
                net.advance(Duration::ZERO);
            }
            assert_eq!(*errors.lock().unwrap(), [ErrorKind::Worker]);
            for _ in 0..9 {
                assert!(ask(&net).ends_with("hello"), "{how:?} {hands_over} {seat}");
            }
            assert!(handle.is_running());
            drop(idle);
            handle.stop();
            assert!(handle.wait(Some(PATIENCE)));
            assert_eq!(handle.stats().connections, 0);
            assert!(handle.join().is_err(), "whoever asks is told");
        }
    }
}

#[test]
fn a_server_whose_acceptor_fails_is_over() {
    for how in [Break::Error, Break::Panic] {
        let (net, errors) = (SimNet::new(Pace::Threaded, 0, Faults::default()), Arc::default());
        let handle = threaded(&net, true, &errors);
        net.break_driver(0, how);
        assert!(handle.wait(Some(PATIENCE)));
        assert!(handle.join().is_err());
    }
}

#[test]
fn a_worker_that_fails_leaves_the_others_what_they_listen_on() {
    let (net, errors) = (SimNet::new(Pace::Threaded, 0, Faults::default()), Arc::default());
    let handle = threaded(&net, false, &errors);
    net.break_driver(1, Break::Panic);
    while handle.report().blocked_workers == 3 {
        net.advance(Duration::ZERO);
    }
    // The workers of a simulated net can't listen, but the server itself takes more.
    assert!(handle.listen("127.0.0.1:0").is_ok());
    handle.stop();
    assert!(handle.wait(Some(PATIENCE)));
    assert!(handle.listen("127.0.0.1:0").is_err());
}

#[test]
fn a_worker_whose_state_can_not_be_made_leaves_the_others() {
    for hands_over in [false, true] {
        let net = SimNet::new(Pace::Threaded, 0, Faults::default());
        let make = || {
            if std::thread::current().name() == Some("wharf-2") {
                std::panic::resume_unwind(Box::new("as asked for"));
            }
        };
        let server = Server::new("hello").with_worker_state(make);
        let handle = ServerHandle::start(plan(&net, server, 3, hands_over)).unwrap();
        while !handle.stats().workers()[2].has_failed {
            net.advance(Duration::ZERO);
        }
        for _ in 0..9 {
            assert!(ask(&net).ends_with("hello"), "{hands_over}");
        }
        // Nobody waits for what it would have accepted: no time passes.
        handle.stop_switch().drain(PATIENCE);
        assert!(handle.wait(Some(PATIENCE)), "{hands_over}");
    }
}

#[test]
fn the_calling_thread_waits_for_the_others_if_its_worker_fails() {
    for how in [Break::Error, Break::Panic] {
        let net = SimNet::new(Pace::Threaded, 0, Faults::default());
        let switch = StopSwitch::new();
        let server = Server::new("hello").stop_switch(&switch);
        let plans = plan(&net, server, 2, false);
        let shared = Arc::clone(&plans[0].shared);
        let runs = std::thread::spawn(move || crate::server::run_here(plans));
        net.break_driver(0, how);
        while !shared.stats().workers()[0].has_failed {
            net.advance(Duration::ZERO);
        }
        assert!(ask(&net).ends_with("hello"), "{how:?}");
        assert!(!runs.is_finished());
        switch.stop();
        assert!(runs.join().expect("it does not panic").is_err(), "{how:?}");
    }
}
