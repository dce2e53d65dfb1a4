//! What a program or a peer may do at its worst, seen from outside: nobody else is harmed.
//!
//! Not here: what the protocol itself allows and forbids, and what needs a clock of its own
//! (both are tested inside of the crate).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wharf::{
    Access, Bytes, Dispatch, Request, Response, Server, ServerHandle, StatusCode, StopSwitch,
    Timeouts,
};

/// Only a guard against hanging for ever.
const PATIENCE: Duration = Duration::from_secs(10);

fn start(server: Server) -> (ServerHandle, SocketAddr) {
    let handle = server.listen("127.0.0.1:0").expect("a free port").start().expect("it starts");
    let addr = handle.local_addrs()[0];
    (handle, addr)
}

/// Sends a request head and reads all that comes.
fn ask(addr: SocketAddr, head: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{head}\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_longest_duration_is_as_good_as_none() {
    let all = Duration::MAX;
    let timeouts = Timeouts::default()
        .with_idle(all)
        .with_head(all)
        .with_body(all)
        .with_write(all)
        .with_linger(all);
    let (handle, addr) = start(Server::new("hello").timeouts(timeouts));
    for _ in 0..3 {
        assert!(ask(addr, "GET / HTTP/1.1").expect("an answer").ends_with("hello"));
    }
    assert!(!handle.wait(Some(Duration::ZERO)));
}

/// Bytes whose destructor panics.
struct Grenade(Vec<u8>);

impl AsRef<[u8]> for Grenade {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("a destructor of the program's"));
        }
    }
}

#[test]
fn a_body_that_panics_when_it_is_dropped_ends_no_worker() {
    let handler = |request: Request| match request.path() {
        "/small" => Bytes::from_owner(Grenade(vec![b'x'; 10])),
        "/medium" => Bytes::from_owner(Grenade(vec![b'x'; 20 << 10])),
        "/large" => Bytes::from_owner(Grenade(vec![b'x'; 30 << 20])),
        _ => Bytes::from_static(b"fine"),
    };
    let server = Server::new(handler).workers(2).dispatch(Dispatch::LeastConnections);
    let (handle, addr) = start(server);
    // Copied behind the head, sent from where it is at once, and in several turns.
    for target in ["/small", "/medium", "/large"] {
        for head in ["GET", "HEAD"] {
            // Whether this one gets an answer is not promised.
            let _ = ask(addr, &format!("{head} {target} HTTP/1.1"));
        }
        // Given up in the middle, so that the driver holds the rest.
        let mut stream = TcpStream::connect(addr).expect("it listens");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        let _ = stream.read(&mut [0; 10]);
    }
    for _ in 0..6 {
        assert!(ask(addr, "GET / HTTP/1.1").expect("an answer").ends_with("fine"));
    }
    assert!(!handle.wait(Some(Duration::ZERO)));
}

#[test]
fn a_server_that_ends_stops_no_other_that_shares_its_switch() {
    let switch = StopSwitch::new();
    let (first, first_addr) = start(Server::new("first").stop_switch(&switch));
    let (second, _) = start(Server::new("second").stop_switch(&switch));
    drop(second);
    assert!(!switch.is_stopped());
    assert!(ask(first_addr, "GET / HTTP/1.1").expect("an answer").ends_with("first"));
    switch.stop();
    assert!(first.wait(Some(PATIENCE)));
    first.join().expect("it ends well");
}

#[test]
fn a_handler_may_drop_the_handle_of_its_own_server() {
    let slot: Arc<Mutex<Option<ServerHandle>>> = Arc::default();
    let handler = {
        let slot = Arc::clone(&slot);
        move |_: Request| {
            drop(slot.lock().expect("nobody panics").take());
            "stopped"
        }
    };
    let (handle, addr) = start(Server::new(handler).workers(2));
    *slot.lock().expect("nobody panics") = Some(handle);
    // The stop may cut the answer off, but must not hang.
    let _ = ask(addr, "GET / HTTP/1.1");
    assert!(slot.lock().expect("nobody panics").is_none());
}

#[test]
fn head_tells_the_length_that_get_would_have() {
    let handler = |request: Request| match request.method().as_str() {
        "HEAD" => Response::new(StatusCode::OK).with_header("Content-Length", "1234"),
        _ => Response::text("x".repeat(1234)),
    };
    let (_handle, addr) = start(Server::new(handler));
    for method in ["GET", "HEAD"] {
        let answer = ask(addr, &format!("{method} / HTTP/1.1")).expect("an answer");
        assert!(answer.contains("\r\nContent-Length: 1234\r\n"), "{method}: {answer:.200}");
    }
}

#[test]
fn the_log_says_why_and_whether_a_response_was_cut_off() {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = {
        let lines = Arc::clone(&lines);
        move |access: &Access<'_>| {
            let failure = access.failure.map(ToString::to_string).unwrap_or_default();
            let line = format!("{} {} {failure}", access.target(), access.complete);
            lines.lock().expect("nobody panics").push(line);
        }
    };
    let handler = |request: Request| -> Response {
        match request.path() {
            "/panic" => std::panic::resume_unwind(Box::new("for this reason")),
            "/error" => Response::stream(async |mut writer| {
                writer.write("begun").await?;
                Err::<(), _>(io::Error::other("the source is gone"))
            }),
            _ => Response::from(wharf::Body::from(vec![b'x'; 30 << 20])),
        }
    };
    let (handle, addr) = start(Server::new(handler).access_log(log));
    let _ = ask(addr, "GET /panic HTTP/1.1");
    let _ = ask(addr, "GET /error HTTP/1.1");
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    stream.read_exact(&mut [0; 100]).expect("it has begun");
    drop(stream);
    handle.stop();
    handle.join().expect("it ends well");
    let mut lines = std::mem::take(&mut *lines.lock().expect("nobody panics"));
    lines.sort();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "/error false the source is gone");
    assert!(lines[1].starts_with("/large false"), "{lines:?}");
    assert_eq!(lines[2], "/panic true panicked: for this reason");
}

#[test]
fn a_handler_that_would_block_its_worker_for_ever_panics_instead() {
    let handler = |request: Request| -> Response {
        let (mut writer, body) = wharf::Body::channel();
        if request.path() == "/blocks" {
            for _ in 0..100 {
                let _ = writer.write_blocking(vec![b'x'; 10_000]);
            }
        }
        let _ = writer.finish();
        Response::from(body)
    };
    let (_handle, addr) = start(Server::new(handler).workers(1));
    assert!(ask(addr, "GET /blocks HTTP/1.1").expect("an answer").starts_with("HTTP/1.1 500"));
    assert!(ask(addr, "GET / HTTP/1.1").expect("an answer").starts_with("HTTP/1.1 200"));
}
