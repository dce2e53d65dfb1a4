//! Several services of one server: what each connection speaks is up to its listener, and
//! everything else they have in common.
//!
//! Not here: the services themselves (`src/tests/cases`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use wharf::{
    Backend, BoxError, CloseReason, Dispatch, Error, Io, Protocol, ProtocolKind, Request, Router,
    Server, Service, Stream, Timeouts,
};

/// Sends each line back.
struct Lines;

impl Protocol for Lines {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        io.write(&bytes[..whole]);
        Ok(whole)
    }
}

async fn greet(mut stream: Stream) -> std::io::Result<()> {
    stream.write_all(b"hello\n").await
}

fn ask(addr: SocketAddr, question: &str) -> (TcpStream, String) {
    let mut client = TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.write_all(question.as_bytes()).unwrap();
    let mut answer = [0; 256];
    let len = read(&mut client, &mut answer);
    (client, String::from_utf8_lossy(&answer[..len]).into_owned())
}

/// A thread that has made a ring is interrupted when the kernel has something to tell about it.
fn read(client: &mut TcpStream, buffer: &mut [u8]) -> usize {
    loop {
        match client.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.unwrap(),
        }
    }
}

/// Every way in which connections come to workers, on every backend that there is.
fn servers() -> impl Iterator<Item = Server> {
    let backends = [Backend::Epoll, Backend::IoUring];
    let dispatches = [Dispatch::PerWorkerListener, Dispatch::LeastConnections];
    backends.into_iter().flat_map(move |backend| {
        dispatches.into_iter().map(move |dispatch| {
            let moment = Duration::from_millis(20);
            let timeouts = Timeouts::default().with_drain_grace(moment).with_linger(moment);
            let server = Server::new(|_: Request| "http").timeouts(timeouts).workers(2);
            server.backend(backend).dispatch(dispatch)
        })
    })
}

#[test]
fn each_listener_has_its_service_and_all_have_one_end() {
    for server in servers() {
        let server = server.listen("127.0.0.1:0").unwrap();
        let server = server.listen_for("127.0.0.1:0", Service::protocol(|| Lines)).unwrap();
        let server = server.listen_for("127.0.0.1:0", Service::tcp(greet)).unwrap();
        // Where the system has no io_uring there is nothing to be tested with it.
        let Ok(handle) = server.start() else { continue };
        let addrs = handle.local_addrs();
        for _ in 0..8 {
            let (_http, answer) = ask(addrs[0], "GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            assert!(answer.ends_with("http"), "{answer}");
            let (_lines, answer) = ask(addrs[1], "GET / HTTP/1.1\r\n");
            assert_eq!(answer, "GET / HTTP/1.1\r\n");
            let (_greeting, answer) = ask(addrs[2], "");
            assert_eq!(answer, "hello\n");
        }
        let questions = ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a line\n"];
        let clients: Vec<_> = (0..4).map(|at| ask(addrs[at % 2], questions[at % 2])).collect();
        assert_eq!(clients.len(), 4);
        let list = handle.connections().list;
        assert!(list.iter().any(|open| open.protocol == ProtocolKind::Raw));
        let report = handle.drain(Duration::from_secs(20));
        assert!(report.is_clean(), "{report}");
        let stats = handle.stats();
        assert_eq!(stats.connections, 0);
        assert_eq!(stats.closed(CloseReason::Killed), 0);
        for mut client in clients.into_iter().map(|(client, _)| client) {
            assert_eq!(read(&mut client, &mut [0; 64]), 0, "an end and no reset");
        }
    }
}

#[test]
fn a_server_that_runs_listens_for_more_services() {
    for server in servers() {
        let Ok(handle) = server.listen("127.0.0.1:0").unwrap().start() else { continue };
        let lines = handle.listen_for("127.0.0.1:0", Service::protocol(|| Lines)).unwrap();
        let greetings = handle.listen_for("127.0.0.1:0", Service::tcp(greet)).unwrap();
        let [lines, greetings] = [lines, greetings].map(|addrs| addrs[0].socket_addr().unwrap());
        for _ in 0..8 {
            let (_http, answer) = ask(handle.local_addrs()[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert!(answer.ends_with("http"), "{answer}");
            assert_eq!(ask(lines, "a line\n").1, "a line\n");
            assert_eq!(ask(greetings, "").1, "hello\n");
        }
        let conflict = Router::new().get("/", "one").get("/", "other");
        let refused = handle.listen_for("127.0.0.1:0", Service::http(conflict));
        assert!(matches!(refused, Err(Error::Handler(_))));
        assert_eq!(handle.listen_addrs().len(), 3);
    }
}

#[test]
fn a_ticker_listens_for_more_services_from_its_next_tick_on() {
    let server = Server::new("http").listen("127.0.0.1:0").unwrap();
    let mut ticker = server.into_ticker().unwrap();
    let addrs = ticker.listen_for("127.0.0.1:0", Service::tcp(greet)).unwrap();
    let addr = addrs[0].socket_addr().unwrap();
    let client = thread::spawn(move || ask(addr, "").1);
    while !client.is_finished() {
        ticker.tick(Duration::from_millis(10)).unwrap();
    }
    assert_eq!(client.join().unwrap(), "hello\n");
}

/// RFC 9113 section 3.4, and SETTINGS without a setting.
const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";

#[test]
fn http2_is_spoken_unless_it_is_not_wanted() {
    let server = Server::new(|_: Request| "http").max_streams(7).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    let (_client, answer) = ask(handle.local_addrs()[0], PREFACE);
    // SETTINGS, with MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2) among them.
    assert_eq!(answer.as_bytes().get(3), Some(&4), "{answer:?}");
    assert!(answer.contains("\0\u{3}\0\0\0\u{7}"), "{answer:?}");

    let server = Server::new(|_: Request| "http").http2(false).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    let (_client, answer) = ask(handle.local_addrs()[0], PREFACE);
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer:?}");
}
