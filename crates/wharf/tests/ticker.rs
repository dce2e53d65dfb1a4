//! A ticker as a loop of the program's own sees it: its descriptor, its deadline, and its budget.
//!
//! Not here: what a tick does of what there is to do (`src/tests/budget.rs`).

#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use wharf::{Backend, Budget, Error, Server, StopSwitch, Ticker};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A ticker on each backend that there is here, with so many workers.
fn tickers(workers: usize) -> impl Iterator<Item = Ticker> {
    [Backend::Epoll, Backend::IoUring].into_iter().filter_map(move |backend| {
        let server = Server::new("hello").backend(backend).workers(workers);
        match server.listen("127.0.0.1:0").expect("a free port").into_ticker() {
            Err(Error::Backend(error)) => {
                eprintln!("skipped: {error}");
                None
            }
            ticker => Some(ticker.expect("it is made")),
        }
    })
}

/// Whether the descriptor is readable now, whenever it became so.
fn is_readable(ticker: &Ticker) -> bool {
    let mut poll = Poll::new().expect("the system does it");
    let (fd, mut events) = (ticker.as_raw_fd(), Events::with_capacity(1));
    poll.registry()
        .register(&mut SourceFd(&fd), Token(0), Interest::READABLE)
        .expect("the system does it");
    poll.poll(&mut events, Some(Duration::ZERO)).expect("the system does it");
    !events.is_empty()
}

fn is_due(ticker: &Ticker) -> bool {
    ticker.next_deadline().is_some_and(|at| at <= Instant::now())
}

fn clients(ticker: &Ticker, count: usize) -> Vec<TcpStream> {
    (0..count)
        .map(|_| TcpStream::connect(ticker.local_addrs()[0]).expect("the system does it"))
        .collect()
}

#[test]
fn the_descriptor_is_readable_while_work_is_left() {
    for workers in [1, 2] {
        for mut ticker in tickers(workers) {
            ticker.set_budget(Budget::new().events(1));
            let mut clients = clients(&ticker, 10);
            clients.iter_mut().for_each(|client| client.write_all(REQUEST).unwrap());
            let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(1));
            let fd = ticker.as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE).unwrap();
            let start = Instant::now();
            while ticker.stats().requests < 10 {
                assert!(start.elapsed() < PATIENCE, "{:?}", ticker.stats());
                // A loop that trusts in the descriptor alone hears of what is left.
                poll.poll(&mut events, Some(PATIENCE)).unwrap();
                let before = ticker.stats().requests;
                ticker.tick(Duration::ZERO).unwrap();
                assert!(ticker.stats().requests <= before + 1);
                assert!(!is_due(&ticker) || is_readable(&ticker));
            }
        }
    }
}

#[test]
fn all_are_answered_whatever_the_budget() {
    let budgets = [
        Budget::new(),
        Budget::new().events(1),
        Budget::new().events(7),
        Budget::new().time(Duration::ZERO),
        Budget::new().time(Duration::from_micros(50)).events(100),
    ];
    for (workers, budget) in [1, 2].into_iter().flat_map(|workers| budgets.map(|b| (workers, b))) {
        for mut ticker in tickers(workers) {
            ticker.set_budget(budget);
            let mut clients = clients(&ticker, 20);
            for client in &mut clients {
                client.write_all(&REQUEST.repeat(10)).unwrap();
                client.set_nonblocking(true).unwrap();
            }
            let (mut answers, start) = (vec![Vec::new(); clients.len()], Instant::now());
            let is_answered = |answer: &Vec<u8>| {
                answer.windows(9).filter(|bytes| bytes == b"\r\n\r\nhello").count() == 10
            };
            while !answers.iter().all(is_answered) {
                assert!(start.elapsed() < PATIENCE, "{budget:?}, {:?}", ticker.stats());
                ticker.tick(Duration::from_millis(1)).unwrap();
                for (client, answer) in clients.iter_mut().zip(&mut answers) {
                    // What has not come yet will come in another round.
                    let _ = client.read_to_end(answer);
                }
            }
        }
    }
}

#[test]
fn a_tick_waits_until_it_is_told_or_there_is_something_to_do() {
    for mut ticker in tickers(1) {
        let start = Instant::now();
        ticker.tick_until(start).unwrap();
        ticker.tick_until(start - Duration::from_millis(1)).unwrap();
        while is_due(&ticker) {
            ticker.tick(Duration::ZERO).unwrap();
        }
        let until = Instant::now() + Duration::from_millis(3);
        while Instant::now() < until {
            ticker.tick_until(until).unwrap();
        }
        let mut client = clients(&ticker, 1).remove(0);
        client.write_all(REQUEST).unwrap();
        let start = Instant::now();
        while ticker.stats().requests == 0 {
            ticker.tick_until(start + PATIENCE).unwrap();
        }
        assert!(start.elapsed() < PATIENCE, "it does not wait in vain");
    }
}

#[test]
fn the_descriptor_has_one_number_and_tells_of_other_threads() {
    for mut ticker in tickers(1) {
        let fd = ticker.as_raw_fd();
        assert_eq!(fd, ticker.as_fd().as_raw_fd());
        while is_due(&ticker) || is_readable(&ticker) {
            ticker.tick(Duration::ZERO).unwrap();
        }
        let switch: StopSwitch = ticker.stop_switch();
        std::thread::spawn(move || switch.stop()).join().unwrap();
        assert!(is_readable(&ticker));
        assert!(!ticker.tick(Duration::ZERO).unwrap());
        assert_eq!(fd, ticker.as_raw_fd());
    }
}
