//! Servers that come and go by the hundred in one process, in every way there is, and leave nothing
//! behind: no descriptor, no thread, no byte.
//!
//! Not here: what one server leaves that was ended in the midst of everything (`descriptors.rs`).

#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "says what is skipped, and what was counted by hand")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use wharf::{Backend, Error, Request, Router, Server, ShutdownPort, StopSwitch, blocking};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many servers there are. `WHARF_CYCLES=1000` has more.
const CYCLES: usize = 400;

/// How many bytes there may be more in the end than in the beginning, fewer than a pointer for each
/// server: what the library keeps for a thread or two that may not be quite over.
const SLACK: usize = 900;

/// Ways to run a server.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Run,
    Start,
    Tick,
}

/// Ways to end it.
#[derive(Clone, Copy, Debug)]
enum End {
    Drain,
    Stop,
    Drop,
    Port,
}

/// What one server is like: each combination comes up once in [`Way::ALL`] cycles.
#[derive(Clone, Copy, Debug)]
struct Way {
    backend: Backend,
    mode: Mode,
    end: End,
    /// A request is answered by the pool of threads.
    blocks: bool,
    workers: usize,
}

impl Way {
    const ALL: usize = 96;

    fn of(cycle: usize, backends: &[Backend]) -> Self {
        Self {
            backend: backends[cycle % backends.len()],
            mode: [Mode::Run, Mode::Start, Mode::Tick][cycle / 2 % 3],
            end: [End::Drain, End::Stop, End::Drop, End::Port][cycle / 6 % 4],
            blocks: (cycle / 24).is_multiple_of(2),
            workers: 1 + cycle / 48 % 2,
        }
    }

    fn server(self) -> (Server, StopSwitch, Option<SocketAddr>) {
        let site = Router::new().get("/", "hello").get("/block", blocking(|_: Request| "hello"));
        let switch = StopSwitch::new();
        let server = Server::new(site).backend(self.backend).workers(self.workers);
        let server = server.stop_switch(&switch).listen("127.0.0.1:0").expect("a free port");
        #[cfg(feature = "signals")]
        let server = server.signals(wharf::Signals::default());
        if !matches!(self.end, End::Port) {
            return (server, switch, None);
        }
        let port = ShutdownPort::loopback(0).expect("a free port");
        let addr = port.local_addr();
        (server.shutdown_port(port), switch, Some(addr))
    }

    /// Begins a server, asks it for something, and ends it.
    fn go(self) {
        let (server, switch, port) = self.server();
        let addr = server.local_addrs()[0];
        let visit = move || {
            ask(addr, if self.blocks { "/block" } else { "/" });
            match (self.end, port) {
                (End::Drain | End::Drop, _) => switch.drain(PATIENCE),
                (_, Some(port)) => drop(TcpStream::connect(port).expect("it listens")),
                (End::Stop | End::Port, None) => switch.stop(),
            }
        };
        match self.mode {
            Mode::Run => {
                let client = thread::spawn(visit);
                server.run().expect("it runs");
                client.join().expect("no panic");
            }
            Mode::Start => {
                let handle = server.start().expect("it starts");
                if matches!(self.end, End::Drop) {
                    ask(addr, "/");
                    return drop(handle);
                }
                visit();
                assert!(handle.wait(Some(PATIENCE)), "{self:?}");
                handle.join().expect("it ran");
            }
            Mode::Tick => {
                let mut ticker = server.into_ticker().expect("it starts");
                let client = thread::spawn(visit);
                while ticker.tick(Duration::from_millis(10)).expect("the loop runs") {
                    if matches!(self.end, End::Drop) && client.is_finished() {
                        break;
                    }
                }
                drop(ticker);
                client.join().expect("no panic");
            }
        }
    }
}

fn ask(addr: SocketAddr, path: &str) {
    let mut client = TcpStream::connect(addr).expect("it listens");
    write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut response = String::new();
    client.read_to_string(&mut response).expect("an answer");
    assert!(response.ends_with("hello"), "{response}");
}

/// The backends that are here.
fn backends() -> Vec<Backend> {
    let server = Server::new("").backend(Backend::IoUring).listen("127.0.0.1:0");
    match server.expect("a free port").into_ticker() {
        Err(Error::Backend(error)) => {
            eprintln!("skipped: io_uring can't be used here: {error}");
            vec![Backend::Epoll]
        }
        ticker => {
            drop(ticker.expect("it starts"));
            vec![Backend::Epoll, Backend::IoUring]
        }
    }
}

/// What the process has.
#[derive(Clone, Copy, Debug)]
struct Belongings {
    descriptors: usize,
    threads: usize,
    bytes: usize,
}

impl Belongings {
    fn now() -> Self {
        let count = |path| fs::read_dir(path).expect("it is mounted").count();
        let (descriptors, threads) = (count("/proc/self/fd"), count("/proc/self/task"));
        let stats = ALLOCATOR.stats();
        Self { descriptors, threads, bytes: stats.bytes_allocated - stats.bytes_deallocated }
    }

    /// What is left when threads have ended that nobody waits for, as that of a shutdown port, and
    /// those that were waited for are out of the system's list.
    fn once_no_more_than(before: Self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Self::now();
            let is_less = now.descriptors <= before.descriptors
                && now.threads <= before.threads
                && now.bytes <= before.bytes + SLACK;
            if is_less {
                return now;
            }
            assert!(Instant::now() < deadline, "{now:?} rather than {before:?}");
            thread::yield_now();
        }
    }
}

/// One test, since others would have threads and descriptors at the same time.
#[test]
fn servers_that_come_and_go_leave_nothing() {
    let backends = backends();
    let at_first = Belongings::now();
    // What the library and the system keep for good is there after each way was gone once.
    (0..Way::ALL).for_each(|cycle| Way::of(cycle, &backends).go());
    let few = Belongings { bytes: usize::MAX - SLACK, ..at_first };
    let few = Belongings::once_no_more_than(few);
    let count = env::var("WHARF_CYCLES").map_or(CYCLES, |count| count.parse().expect("a number"));
    (0..count).for_each(|cycle| Way::of(cycle, &backends).go());
    let left = Belongings::once_no_more_than(few);
    eprintln!("{left:?} after {count} servers, {few:?} before");
}
