//! What a server leaves behind in its process: nothing. A process of its own counts descriptors.
//!
//! Not here: what becomes of connections when a server ends (tested inside of the crate).

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use wharf::{Backend, Bytes, Error, Request, Router, Server, Ticker};

/// More than sockets take at once.
const LARGE: usize = 16 << 20;

struct Owner(Arc<Vec<u8>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("it is mounted").count()
}

fn site(large: &Arc<Vec<u8>>) -> Router {
    let large = Arc::clone(large);
    Router::new()
        .get("/", "hello")
        .get("/never", async |_: Request| std::future::pending::<&str>().await)
        .get("/large", move |_: Request| Bytes::from_owner(Owner(Arc::clone(&large))))
        .post("/", |request: Request| request.into_body())
}

fn ask(addr: std::net::SocketAddr, request: &str) -> TcpStream {
    let mut client = TcpStream::connect(addr).expect("the server listens");
    write!(client, "{request}\r\nHost: a\r\n\r\n").expect("it is sent");
    client
}

/// A ticker with connections in the midst of everything.
fn busy(backend: Backend, large: &Arc<Vec<u8>>) -> Result<(Ticker, Vec<TcpStream>), Error> {
    let server = Server::new(site(large)).backend(backend).listen("127.0.0.1:0")?;
    let addr = server.local_addrs()[0];
    let mut ticker = server.into_ticker()?;
    let head = "POST / HTTP/1.1\r\nContent-Length: 100";
    let mut clients: Vec<_> =
        ["GET / HTTP/1.1", "GET /never HTTP/1.1", "GET /never HTTP/1.1\r\n\r\nGET", head, "GET /"]
            .map(|request| ask(addr, request))
            .into();
    let mut slow = ask(addr, "GET /large HTTP/1.1");
    slow.set_nonblocking(true).expect("a socket can be non-blocking");
    while slow.read(&mut [0; 1000]).is_err() {
        ticker.tick(Duration::from_millis(10)).expect("the loop runs");
    }
    clients.push(slow);
    for _ in 0..10 {
        ticker.tick(Duration::from_millis(1)).expect("the loop runs");
    }
    clients.push(TcpStream::connect(addr).expect("the server listens"));
    Ok((ticker, clients))
}

/// The backends that are here.
fn backends() -> Vec<Backend> {
    let server = Server::new("").backend(Backend::IoUring).listen("127.0.0.1:0");
    match server.and_then(Server::into_ticker) {
        Ok(_) => vec![Backend::Epoll, Backend::IoUring],
        Err(Error::Backend(_)) => vec![Backend::Epoll],
        Err(error) => panic!("{error}"),
    }
}

/// One test, since others would open and close descriptors at the same time.
#[test]
fn a_server_takes_all_descriptors_and_memory_along_and_says_if_there_are_none() {
    let backends = backends();
    let large = Arc::new(vec![b'x'; LARGE]);
    let before = open_descriptors();
    for &backend in &backends {
        // Whether it is told to stop or merely dropped.
        for stops in [false, true] {
            let (mut ticker, clients) = busy(backend, &large).expect("it starts");
            assert!(Arc::strong_count(&large) > 2, "a part is being sent");
            if stops {
                ticker.stop_switch().stop();
                assert!(!ticker.tick(Duration::ZERO).expect("the loop runs"));
                let own = open_descriptors() - before - clients.len();
                assert!(own <= 4, "{own} descriptors besides the clients: {backend:?}");
            }
            drop(ticker);
            drop(clients);
            assert_eq!(open_descriptors(), before, "{backend:?}");
            assert_eq!(Arc::strong_count(&large), 1, "{backend:?}");
        }
        let server = Server::new(site(&large)).backend(backend).workers(2);
        let handle = server.listen("127.0.0.1:0").and_then(Server::start).expect("it starts");
        let _client = ask(handle.local_addrs()[0], "GET /large HTTP/1.1").read(&mut [0; 1000]);
        handle.stop();
        handle.join().map_or_else(|error| panic!("{error}"), drop);
        assert_eq!(open_descriptors(), before, "{backend:?}");
    }
    for &backend in &backends {
        let server = Server::new("").backend(backend).listen("127.0.0.1:0").expect("a free port");
        let mut hoard = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        let ended = server.into_ticker();
        drop(hoard);
        match (backend, ended) {
            (Backend::IoUring, Err(Error::Backend(_)))
            | (Backend::Epoll, Err(Error::Worker(_))) => {}
            (_, ended) => panic!("{backend:?}: {ended:?}"),
        }
    }
}
