//! A server that is drained and started again under load, and clients that lose nothing by it.
//!
//! `WHARF_DRAINS=200` is how often, in place of a few. Not here: each step of a drain
//! (`src/tests/cases/drain.rs`).

#![expect(clippy::print_stderr, reason = "says what was measured, and what is skipped")]

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use wharf::{Backend, BodyWriter, Closed, Request, Response, Router, Server};

/// More than any drain takes.
const LONG: Duration = Duration::from_secs(30);
/// What those drains are given whose clients never end by themselves.
const SHORT: Duration = Duration::from_millis(100);

/// What all clients saw.
#[derive(Default)]
struct Tally {
    served: AtomicU64,
    streams: AtomicU64,
    silent: AtomicU64,
    refused: AtomicU64,
    lost: Mutex<Vec<String>>,
}

impl Tally {
    fn lose(&self, what: &str, error: &io::Error) {
        self.lost.lock().expect("no panic").push(format!("{what}: {error}"));
    }
}

/// Connects as soon as there is a server. `None` if there will be none.
fn connect(addr: SocketAddr, is_over: &AtomicBool, tally: &Tally) -> Option<TcpStream> {
    while !is_over.load(Ordering::Relaxed) {
        match TcpStream::connect(addr) {
            Ok(stream) => {
                stream.set_nodelay(true).expect("it is connected");
                return Some(stream);
            }
            Err(_) => {
                tally.refused.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
            }
        }
    }
    None
}

/// Reads a response with a length, and says whether its connection closes.
fn read_response(stream: &mut TcpStream) -> io::Result<bool> {
    let (mut response, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        response.extend_from_slice(&buffer[..len]);
        if response.ends_with(b"\r\n\r\nhello") {
            return Ok(response.windows(17).any(|window| window == b"Connection: close"));
        }
    }
}

/// Sends as many requests on each connection as the server takes, one after the other.
fn keep_alive(addr: SocketAddr, is_over: &AtomicBool, tally: &Tally) {
    while let Some(mut stream) = connect(addr, is_over, tally) {
        loop {
            let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            match asked.and_then(|()| read_response(&mut stream)) {
                Ok(closes) => {
                    tally.served.fetch_add(1, Ordering::Relaxed);
                    if closes || is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Err(error) => {
                    tally.lose("a request", &error);
                    break;
                }
            }
        }
    }
}

/// Follows a stream to its end, which comes in order.
fn follow(addr: SocketAddr, is_over: &AtomicBool, tally: &Tally) {
    while let Some(mut stream) = connect(addr, is_over, tally) {
        let mut text = String::new();
        let asked = stream.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
        match asked.and_then(|()| stream.read_to_string(&mut text)) {
            Ok(_) if text.ends_with("\r\n0\r\n\r\n") => {
                tally.streams.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => tally.lose("a stream", &ErrorKind::UnexpectedEof.into()),
            Err(error) => tally.lose("a stream", &error),
        }
    }
}

/// Says nothing, and waits for the end.
fn stay_silent(addr: SocketAddr, is_over: &AtomicBool, tally: &Tally) {
    while let Some(mut stream) = connect(addr, is_over, tally) {
        match stream.read_to_end(&mut Vec::new()) {
            Ok(_) => {
                tally.silent.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tally.lose("a silent connection", &error),
        }
    }
}

fn site() -> Router {
    Router::new().get("/", "hello").get("/events", |request: Request| {
        let draining = request.draining();
        Response::stream(async move |mut writer: BodyWriter| {
            writer.write("event").await?;
            draining.await;
            writer.write("bye").await?;
            writer.finish()
        })
    })
}

fn drains(backend: Backend) {
    let count = env::var("WHARF_DRAINS").ok().and_then(|count| count.parse().ok()).unwrap_or(4);
    let (tally, is_over) = (Tally::default(), AtomicBool::new(false));
    let server = |addr: SocketAddr| Server::new(site()).workers(2).backend(backend).listen(addr);
    let mut handle = server(([127, 0, 0, 1], 0).into()).expect("a port").start().expect("threads");
    let addr = handle.local_addrs()[0];
    thread::scope(|scope| {
        for client in [keep_alive, keep_alive, keep_alive, keep_alive, follow, stay_silent] {
            let (is_over, tally) = (&is_over, &tally);
            scope.spawn(move || client(addr, is_over, tally));
        }
        for round in 0..count {
            let target = tally.served.load(Ordering::Relaxed) + 1_000;
            while tally.served.load(Ordering::Relaxed) < target {
                thread::yield_now();
            }
            let report = handle.drain(LONG);
            assert!(report.is_clean(), "{report}");
            if round + 1 < count {
                handle = server(addr).expect("the port is free").start().expect("threads");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let lost = tally.lost.into_inner().expect("no panic");
    eprintln!(
        "{count} drains: {} requests, {} streams, {} silent connections; refused {} times; lost {}",
        tally.served.into_inner(),
        tally.streams.into_inner(),
        tally.silent.into_inner(),
        tally.refused.into_inner(),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn nothing_is_lost() {
    drains(Backend::Epoll);
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_lost_on_the_ring() {
    let is_here = Server::new("").listen("127.0.0.1:0").expect("a port").backend(Backend::IoUring);
    if let Err(error) = is_here.start() {
        eprintln!("skipped: {error}");
        return;
    }
    drains(Backend::IoUring);
}

/// Streams that do not mind are cut, and how late that is can be read in what the test prints.
#[test]
fn the_deadline_is_kept() {
    let endless = |_: Request| {
        Response::stream::<_, _, Closed>(async |mut writer: BodyWriter| {
            loop {
                writer.write(&[b'x'; 1000][..]).await?;
            }
        })
    };
    let mut late = Vec::new();
    for _ in 0..5 {
        let server = Server::new(endless).workers(2).listen("127.0.0.1:0").expect("a port");
        let handle = server.start().expect("threads");
        let mut clients = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(handle.local_addrs()[0]).expect("it listens");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
            stream.read_exact(&mut [0; 5000]).expect("it flows");
            clients.push(thread::spawn(move || io::copy(&mut stream, &mut io::sink())));
        }
        let began = Instant::now();
        let report = handle.drain(SHORT);
        late.push(began.elapsed().saturating_sub(SHORT));
        assert_eq!((report.cut, report.blocked_workers), (4, 0), "{report}");
        for client in clients {
            assert!(client.join().expect("no panic").is_err(), "a stream that is cut is reset");
        }
    }
    eprintln!("over the deadline: {late:?}");
}
