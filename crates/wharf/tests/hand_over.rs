//! Listeners go from server to server, whatever the backends, and stay where they are if the
//! successor fails.
//!
//! All servers are in one process, which makes no difference to them. Not here: hand-over between
//! processes under load (`crates/wharf-cli/tests/hand_over.rs`).

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test, also outside of its test functions")]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wharf::{Backend, Error, Server, ServerHandle};

/// How long something may take before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// A new directory for the test of that name.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hand_over").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A server with a Unix socket and a port.
fn server(name: &'static str, backend: Backend, directory: &Path) -> Server {
    let socket = format!("unix:{}", directory.join("site.sock").display());
    let server = Server::new(name).backend(backend).workers(2);
    let server = server.hand_over(directory.join("next"), PATIENCE).unwrap();
    server.listen("127.0.0.1:0").unwrap().listen(socket).unwrap()
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    Ok(body.to_owned())
}

fn ask_both(addr: SocketAddr, directory: &Path) -> [String; 2] {
    let unix = UnixStream::connect(directory.join("site.sock")).unwrap();
    [ask(TcpStream::connect(addr).unwrap()).unwrap(), ask(unix).unwrap()]
}

/// Asks again and again, until told otherwise.
fn pester(addr: SocketAddr, directory: &Path, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        ask_both(addr, directory);
    }
}

fn pass_on(first: ServerHandle, backends: [Backend; 4], directory: &Path) {
    let addr = first.local_addrs()[0];
    let mut current = first;
    for backend in backends {
        let mut kept = TcpStream::connect(addr).unwrap();
        let next = server("next", backend, directory).start().unwrap();
        assert_eq!(next.local_addrs(), [addr]);
        assert_eq!(next.listen_addrs(), current.listen_addrs());
        // A connection from before may send its request still.
        kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_ne!(kept.read(&mut [0; 1000]).unwrap(), 0);
        drop(kept);
        assert!(current.wait(Some(PATIENCE)), "it drains");
        assert!(current.report().is_clean(), "{}", current.report());
        current = next;
    }
    assert_eq!(ask_both(addr, directory), ["next", "next"]);
    assert!(current.drain(PATIENCE).is_clean());
}

#[test]
fn listeners_go_from_backend_to_backend_under_load() {
    use Backend::{Epoll, IoUring};

    let directory = directory("backends");
    let first = match server("first", IoUring, &directory).start() {
        Ok(first) => Ok((first, [Epoll, Epoll, IoUring, IoUring])),
        Err(error) => {
            eprintln!("skipped: io_uring can't be used here: {error}");
            server("first", Epoll, &directory).start().map(|first| (first, [Epoll; 4]))
        }
    };
    let (first, backends) = first.unwrap();
    let addr = first.local_addrs()[0];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| pester(addr, &directory, &is_over)));
        let mut current = first;
        for backend in backends {
            let next = server("next", backend, &directory).start().unwrap();
            assert!(current.wait(Some(PATIENCE)), "it drains");
            assert!(current.report().is_clean(), "{}", current.report());
            current = next;
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
        pass_on(current, backends, &directory);
    });
    let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_successor_that_fails_changes_nothing() {
    let directory = directory("fails");
    let first = server("first", Backend::Epoll, &directory).start().unwrap();
    let addr = first.local_addrs()[0];
    for _ in 0..3 {
        // One that takes over and never serves, and one that is gone before it asks for anything.
        drop(server("second", Backend::Epoll, &directory));
        drop(UnixStream::connect(directory.join("next")).unwrap());
        assert_eq!(ask_both(addr, &directory), ["first", "first"]);
    }
    // One that has it hold, and is gone then: who has come meanwhile is served afterwards.
    let mut stream = UnixStream::connect(directory.join("next")).unwrap();
    stream.write_all(b"h").unwrap();
    let mut said = [0; 256];
    let mut len = 0;
    while !said[..len].ends_with(b"w") {
        len = stream.read(&mut said).unwrap();
    }
    let waiting = TcpStream::connect(addr).unwrap();
    drop(stream);
    assert_eq!(ask(waiting).unwrap(), "first");
    assert_eq!(ask_both(addr, &directory), ["first", "first"]);
    assert!(first.is_running());
    // And one that does it right.
    let second = server("second", Backend::Epoll, &directory).start().unwrap();
    assert!(first.wait(Some(PATIENCE)));
    assert_eq!(ask_both(addr, &directory), ["second", "second"]);
    second.stop();
}

#[test]
fn what_the_successor_does_not_want_is_closed() {
    let directory = directory("wants_less");
    let first = server("first", Backend::Epoll, &directory).start().unwrap();
    let addr = first.local_addrs()[0];
    let second = Server::new("second").hand_over(directory.join("next"), PATIENCE).unwrap();
    let second = second.listen("127.0.0.2:0").unwrap().start().unwrap();
    assert!(first.wait(Some(PATIENCE)));
    drop(first);
    let refused = TcpStream::connect(addr).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(ask(TcpStream::connect(second.local_addrs()[0]).unwrap()).unwrap(), "second");
    second.stop();
}

#[test]
fn a_ticked_server_hands_over() {
    let directory = directory("ticked");
    let mut ticker = server("first", Backend::Epoll, &directory).into_ticker().unwrap();
    let addr = ticker.local_addrs()[0];
    let place = directory.clone();
    let next = thread::spawn(move || server("second", Backend::Epoll, &place).start().unwrap());
    while ticker.tick(Duration::from_millis(5)).unwrap() {}
    let second = next.join().unwrap();
    assert_eq!(ask_both(addr, &directory), ["second", "second"]);
    second.stop();
}

#[test]
fn what_is_no_predecessor_is_an_error() {
    let directory = directory("no_predecessor");
    let path = directory.join("next");
    let stranger = UnixListener::bind(&path).unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = stranger.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let error = Server::new("").hand_over(&path, PATIENCE).err().unwrap();
    assert!(matches!(error, Error::HandOver { .. }), "{error:?}");
    answering.join().unwrap();
    let missing = directory.join("missing/next");
    assert!(matches!(Server::new("").hand_over(missing, PATIENCE), Err(Error::HandOver { .. })));
}
