//! A system that lacks memory, and a clock that jumps as when a machine was asleep, in virtual
//! time.
//!
//! Not here: peers that are at fault (`cases/faults.rs`), faults by chance (`seeds`), and what real
//! systems do (`tests/faults.rs`).

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::harness::SimTicker;
use super::inside::{read, ticked};
use super::site::{Stage, site};
use crate::driver::sim::{Faults, SimClient};
use crate::worker::Leftovers;
use crate::{CloseReason, ErrorContext, ErrorKind, Limit, Server, StopSwitch, Timeouts};

const SECOND: Duration = Duration::from_secs(1);

/// As long as a machine may be asleep: over night, and for longer than timers can be ahead.
const NAPS: [Duration; 2] = [Duration::from_secs(10 * 3600), Duration::from_secs(100 * 86_400)];

/// A server of which everything is noted that goes wrong or ends.
struct Stand {
    server: SimTicker,
    stage: Arc<Stage>,
    switch: StopSwitch,
    errors: Arc<Mutex<Vec<ErrorKind>>>,
    closed: Arc<Mutex<Vec<CloseReason>>>,
}

impl Stand {
    fn new(timeouts: Timeouts) -> Self {
        let (stage, switch) = (Arc::new(Stage::default()), StopSwitch::new());
        let errors: Arc<Mutex<Vec<ErrorKind>>> = Arc::default();
        let closed: Arc<Mutex<Vec<CloseReason>>> = Arc::default();
        let (note, ends) = (Arc::clone(&errors), Arc::clone(&closed));
        let server = Server::new(site(&stage))
            .timeouts(timeouts)
            .stop_switch(&switch)
            .on_error(move |context: &ErrorContext<'_>| {
                note.lock().unwrap().push(context.kind);
                None
            })
            .on_close(move |connection| ends.lock().unwrap().push(connection.reason));
        Self { server: ticked(server), stage, switch, errors, closed }
    }

    fn connect(&self) -> SimClient {
        self.server.net.connect().unwrap()
    }

    fn ask(&self, target: &str) -> SimClient {
        let mut client = self.connect();
        ask(&mut client, target);
        client
    }

    fn errors(&self) -> Vec<ErrorKind> {
        self.errors.lock().unwrap().clone()
    }

    fn closed(&self) -> Vec<CloseReason> {
        self.closed.lock().unwrap().clone()
    }

    /// Has nobody run for so long, and then does what there is to do at once. Returns in how many
    /// ticks.
    fn sleep(&mut self, time: Duration) -> usize {
        self.server.net.pass(time);
        let mut ticks = 0;
        loop {
            let is_running =
                self.server.tick(Some(self.server.net.instant(self.server.net.time())));
            ticks += 1;
            if !is_running || !self.server.is_due() {
                return ticks;
            }
            assert!(ticks < 1000, "it does not come to rest");
        }
    }
}

fn ask(client: &mut SimClient, target: &str) {
    client.write(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
}

/// Whether the connection was broken off.
fn is_reset(client: &mut SimClient) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// Whatever it is that the system says, also where a listener that is dead looks like one peer
/// after another that has gone.
#[test]
fn accepts_that_fail_are_told_of_and_do_not_keep_the_worker_busy() {
    let kinds = [
        (io::ErrorKind::OutOfMemory, 0),
        // As the library has no name for a lack of buffers or descriptors.
        (io::ErrorKind::Other, 0),
        (io::ErrorKind::ConnectionAborted, 64),
    ];
    for (kind, at_once) in kinds {
        let mut stand = Stand::new(Timeouts::default());
        let mut open = stand.ask("/");
        stand.server.settle();
        assert!(read(&mut open).ends_with("hello"));
        stand.server.net.set_faults(Faults { accepting: Some(kind), ..Faults::default() });
        let mut waiting = [(); 3].map(|()| stand.ask("/"));
        stand.server.settle();
        for _ in 0..10 {
            stand.server.pass(SECOND);
            ask(&mut open, "/");
            stand.server.settle();
            assert!(read(&mut open).ends_with("hello"), "who is there is served");
        }
        let errors = stand.errors();
        assert!(errors.iter().all(|&error| error == ErrorKind::Accept));
        assert!((90..=101 + at_once).contains(&errors.len()), "{kind}: {}", errors.len());
        stand.server.net.set_faults(Faults::default());
        stand.server.pass(SECOND);
        for client in &mut waiting {
            assert!(read(client).ends_with("hello"), "who waits is served then");
        }
        assert_eq!(stand.errors().len(), errors.len());
    }
}

/// TCP itself waits for memory. Where a system says at once that it has none, nobody can tell how
/// much of the response has gone out: the connection ends, and no other.
#[test]
fn a_send_that_fails_ends_its_connection_alone() {
    let mut stand = Stand::new(Timeouts::default());
    let (mut other, mut late) = (stand.ask("/"), stand.connect());
    let mut large = stand.ask("/megabyte");
    stand.server.settle();
    assert!(read(&mut other).ends_with("hello"));
    let faults = Faults { sending: Some(io::ErrorKind::OutOfMemory), ..Faults::default() };
    stand.server.net.set_faults(faults);
    // One fails with its first byte, the other in the middle.
    ask(&mut late, "/");
    read(&mut large);
    stand.server.settle();
    assert!(is_reset(&mut late) && is_reset(&mut large));
    assert_eq!(stand.errors(), [ErrorKind::Io; 2]);
    assert_eq!(stand.closed(), [CloseReason::Lost; 2]);
    stand.server.net.set_faults(Faults::default());
    ask(&mut other, "/");
    stand.server.settle();
    assert!(read(&mut other).ends_with("hello"));
}

#[test]
fn after_a_long_sleep_each_deadline_fires_once_and_requests_are_answered() {
    for nap in NAPS {
        let timeouts = Timeouts::default()
            .with_first_byte(SECOND)
            .with_idle(10 * SECOND)
            .with_head(10 * SECOND);
        let mut stand = Stand::new(timeouts);
        let idle: Vec<_> = (0..50).map(|_| stand.ask("/")).collect();
        let mut begun = stand.connect();
        begun.write(b"GET /").unwrap();
        let mut waits = stand.ask("/gate/a");
        let mut busy = stand.ask("/");
        stand.server.settle();
        read(&mut busy);
        ask(&mut busy, "/");
        let mut new = stand.ask("/");
        let ticks = stand.sleep(nap);
        assert!(ticks < 20, "{ticks}");
        assert!(read(&mut busy).ends_with("hello"), "it had asked before its time was over");
        assert!(read(&mut new).ends_with("hello"));
        let closed = stand.closed();
        let idle_ones =
            closed.iter().filter(|&&reason| reason == CloseReason::Limit(Limit::Idle)).count();
        assert_eq!((idle_ones, idle.len()), (50, 50), "{closed:?}");
        assert!(read(&mut begun).starts_with("HTTP/1.1 408"));
        stand.stage.open("a");
        stand.server.settle();
        assert!(read(&mut waits).contains("through a"), "handlers have no deadline by default");
        let stats = stand.server.workers[0].stats();
        assert_eq!((stats.reached(Limit::Idle), stats.reached(Limit::Head)), (50, 1));
        // Those that are left have their whole time, from now on.
        stand.server.pass(9 * SECOND);
        assert_eq!(stand.server.net.open_connections(), 3);
        assert!(stand.sleep(nap) < 20);
        assert_eq!(stand.server.net.open_connections(), 0);
    }
}

#[test]
fn a_drain_whose_deadline_was_slept_through_is_over_at_once() {
    for nap in NAPS {
        let mut stand = Stand::new(Timeouts::default());
        let (mut waits, idle) = (stand.ask("/gate/a"), stand.ask("/"));
        stand.server.settle();
        let end = stand.server.net.instant(stand.server.net.time() + 30 * SECOND);
        stand.switch.drain_until(end);
        stand.server.settle();
        assert!(stand.server.tick(Some(stand.server.net.instant(stand.server.net.time()))));
        assert!(stand.sleep(nap) <= 2);
        assert!(!stand.server.tick(None), "it is over");
        assert!(read(&mut waits).starts_with("HTTP/1.1 503"));
        assert_eq!(stand.errors(), [ErrorKind::Stopped]);
        assert_eq!(stand.closed().len(), 2);
        assert_eq!(stand.server.net.open_connections(), 0);
        assert_eq!(stand.server.workers[0].leftovers(), Leftovers::default());
        drop(idle);
    }
}
