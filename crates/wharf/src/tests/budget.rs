//! What a tick does of what there is to do, in virtual time.
//!
//! Not here: that everything works with the smallest of budgets (`cases`, `seeds`), and descriptors
//! (`tests/ticker.rs`).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wharf_proto::h2::PREFACE;

use super::harness::{SimTicker, plan};
use super::http2::frame;
use crate::driver::sim::{Faults, Pace, SimClient, SimNet};
use crate::worker::Leftovers;
use crate::{Budget, Request, Router, Server, StopSwitch, Timeouts};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A server that writes down the paths of its requests, and takes `time` for each.
struct Stand {
    server: SimTicker,
    seen: Arc<Mutex<Vec<String>>>,
    switch: StopSwitch,
}

impl Stand {
    fn new(budget: Budget, time: Duration) -> Self {
        Self::with(budget, time, Timeouts::default())
    }

    fn with(budget: Budget, time: Duration, timeouts: Timeouts) -> Self {
        let net = SimNet::new(Pace::Ticked, 0, Faults::default());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (clock, paths) = (net.clone(), Arc::clone(&seen));
        let handler = move |request: Request| {
            paths.lock().unwrap().push(request.path().to_owned());
            clock.pass(time);
            "seen"
        };
        let switch = StopSwitch::new();
        let server = Server::new(Router::new().any("/{name}", handler));
        let server = server.timeouts(timeouts).stop_switch(&switch);
        let plans = plan(&net, server, 1, true);
        Self { server: SimTicker::new(net, plans, budget), seen, switch }
    }

    /// So many connections, which the server has taken on.
    fn clients(&mut self, count: usize) -> Vec<SimClient> {
        let clients = (0..count).map(|_| self.server.net.connect().unwrap()).collect();
        while self.is_due() {
            self.tick();
        }
        clients
    }

    /// A tick that does not wait. Returns how many requests were handled in it.
    fn tick(&mut self) -> usize {
        let before = self.seen.lock().unwrap().len();
        self.server.tick(Some(self.server.net.instant(self.server.net.time())));
        self.seen.lock().unwrap().len() - before
    }

    /// Whether there is something to do at once.
    fn is_due(&self) -> bool {
        self.server.is_due()
    }

    /// How many requests were handled in each tick, until there was nothing left to do. The last
    /// ticks, which find that out, count for none.
    fn ticks(&mut self) -> Vec<usize> {
        let mut counts = Vec::new();
        while self.is_due() {
            assert!(counts.len() < 1000, "it does not end");
            counts.push(self.tick());
        }
        let last = counts.iter().rposition(|count| *count > 0);
        counts.truncate(last.map_or(0, |last| last + 1));
        counts
    }
}

fn ask(client: &mut SimClient, path: &str) {
    client.write(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
}

/// How many answers have come.
fn answers(client: &mut SimClient) -> usize {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(len @ 1..) = client.read(&mut buffer) {
        text.extend_from_slice(&buffer[..len]);
    }
    String::from_utf8(text).unwrap().matches("\r\n\r\nseen").count()
}

#[test]
fn a_tick_deals_with_as_many_events_as_its_budget_has() {
    for (events, expected) in
        [(0, vec![1; 10]), (1, vec![1; 10]), (3, vec![3, 3, 3, 1]), (10, vec![10]), (99, vec![10])]
    {
        let mut stand = Stand::new(Budget::new().events(events), Duration::ZERO);
        let mut clients = stand.clients(10);
        clients.iter_mut().enumerate().for_each(|(at, client)| ask(client, &at.to_string()));
        assert_eq!(stand.ticks(), expected, "{events}");
        assert_eq!(
            *stand.seen.lock().unwrap(),
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].map(|name| format!("/{name}"))
        );
        assert!(clients.iter_mut().all(|client| answers(client) == 1));
    }
}

#[test]
fn what_was_dealt_with_is_answered_in_the_same_tick() {
    let mut stand = Stand::new(Budget::new().events(2), Duration::ZERO);
    let mut clients = stand.clients(6);
    clients.iter_mut().for_each(|client| ask(client, "x"));
    for _ in 0..3 {
        assert_eq!(stand.tick(), 2);
        assert_eq!(clients.iter_mut().map(answers).sum::<usize>(), 2);
    }
}

/// They come in one piece, and one call receives them.
#[test]
fn each_request_of_one_connection_is_an_event() {
    for (events, expected) in [(1, vec![1; 10]), (4, vec![4, 4, 2]), (10, vec![10])] {
        let mut stand = Stand::new(Budget::new().events(events), Duration::ZERO);
        let mut clients = stand.clients(1);
        let requests: String =
            (0..10).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
        clients[0].write(requests.as_bytes()).unwrap();
        clients[0].shut();
        assert_eq!(stand.ticks(), expected, "{events}");
        let names: Vec<_> = (0..10).map(|number| format!("/{number}")).collect();
        assert_eq!(*stand.seen.lock().unwrap(), names);
        assert_eq!(answers(&mut clients[0]), 10);
        assert_eq!(stand.server.net.open_connections(), 0);
    }
}

#[test]
fn each_request_of_http_2_is_an_event() {
    for (events, expected) in [(1, vec![1; 10]), (4, vec![4, 4, 2]), (10, vec![10])] {
        let mut stand = Stand::new(Budget::new().events(events), Duration::ZERO);
        let mut clients = stand.clients(1);
        let mut bytes = PREFACE.to_vec();
        frame::put(frame::SETTINGS, 0, 0, &[], &mut bytes);
        for number in 0..10 {
            let path = format!("/{number}");
            let target = [(":scheme", "http"), (":authority", "a"), (":path", &*path)];
            let fields = [&[(":method", "GET")], &target[..]].concat();
            let flags = frame::END_HEADERS | frame::END_STREAM;
            let id = 2 * number + 1;
            frame::put(frame::HEADERS, flags, id, &frame::block(&fields), &mut bytes);
        }
        clients[0].write(&bytes).unwrap();
        clients[0].shut();
        assert_eq!(stand.ticks(), expected, "{events}");
        let names: Vec<_> = (0..10).map(|number| format!("/{number}")).collect();
        assert_eq!(*stand.seen.lock().unwrap(), names);
        assert_eq!(stand.server.net.open_connections(), 0, "the end was not lost");
    }
}

/// A handler that takes a millisecond of virtual time, of which nothing else passes.
#[test]
fn a_tick_begins_nothing_when_its_time_is_over() {
    for (time, expected) in [
        (Duration::ZERO, vec![1; 10]),
        (MILLISECOND / 2, vec![1; 10]),
        (MILLISECOND, vec![1; 10]),
        (3 * MILLISECOND, vec![3, 3, 3, 1]),
        (Duration::MAX, vec![10]),
    ] {
        for is_pipelined in [false, true] {
            let mut stand = Stand::new(Budget::new().time(time), MILLISECOND);
            let mut clients = stand.clients(10);
            let places = if is_pipelined { 1 } else { 10 };
            (0..10).for_each(|at| ask(&mut clients[at % places], "x"));
            assert_eq!(stand.ticks(), expected, "{time:?}, {is_pipelined}");
        }
    }
}

#[test]
fn a_tick_without_a_budget_is_a_whole_turn() {
    let mut stand = Stand::new(Budget::new(), MILLISECOND);
    let mut clients = stand.clients(10);
    clients.iter_mut().for_each(|client| ask(client, "x"));
    assert_eq!(stand.ticks(), [10]);
}

/// Some clients always have another request, and more than a tick does.
#[test]
fn neither_a_new_connection_nor_a_deadline_waits_for_busy_ones() {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts::default().with_first_byte(10 * second);
    let budget = Budget::new().events(1);
    let mut stand = Stand::with(budget, Duration::ZERO, timeouts);
    let mut silent = stand.clients(1);
    let mut busy = stand.clients(5);
    stand.server.net.pass(11 * second);
    let mut late = None;
    let mut ticks_until = [None; 2];
    for tick in 0..100 {
        for client in &mut busy {
            answers(client);
            ask(client, "busy");
        }
        if tick == 10 {
            let mut client = stand.server.net.connect().unwrap();
            ask(&mut client, "late");
            late = Some(client);
        }
        stand.tick();
        assert!(stand.is_due());
        if late.as_mut().is_some_and(|client| answers(client) == 1) {
            ticks_until[0].get_or_insert(tick);
        }
        if matches!(silent[0].read(&mut [0]), Ok(0)) {
            ticks_until[1].get_or_insert(tick);
        }
    }
    assert!(ticks_until.iter().all(Option::is_some), "{ticks_until:?}");
}

/// The program has something else to do for long in the middle of a turn.
#[test]
fn deadlines_begin_when_something_happens_and_not_with_the_turn() {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts::default().with_idle(10 * second).with_first_byte(100 * second);
    let mut stand = Stand::with(Budget::new().events(1), Duration::ZERO, timeouts);
    let mut clients = stand.clients(3);
    clients.iter_mut().for_each(|client| ask(client, "x"));
    for (client, time) in clients.iter_mut().zip([20, 20, 9]) {
        assert_eq!(stand.tick(), 1);
        assert_eq!(answers(client), 1);
        stand.server.net.pass(time * second);
    }
    ask(&mut clients[2], "again");
    while stand.is_due() {
        stand.tick();
    }
    assert_eq!(answers(&mut clients[2]), 1, "it has a second left");
    assert_eq!(stand.server.net.open_connections(), 1);
}

#[test]
fn a_server_that_stops_in_the_middle_of_a_turn_leaves_nothing() {
    let mut stand = Stand::new(Budget::new().events(1), Duration::ZERO);
    let mut clients = stand.clients(5);
    clients.iter_mut().for_each(|client| ask(client, "x"));
    ask(&mut clients[0], "y");
    assert_eq!(stand.tick(), 1);
    stand.switch.stop();
    assert!(!stand.server.tick(None));
    assert_eq!(stand.server.net.open_connections(), 0);
    assert_eq!(stand.server.workers[0].leftovers(), Leftovers::default());
}
