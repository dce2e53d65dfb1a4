//! Workers as a program sees them: who serves what, under which name, and what is told of each.
//!
//! Not here: how the system spreads connections over listeners (tested inside of the crate), and
//! handlers that block (`src/tests/cases/blocking.rs`).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wharf::{Dispatch, Request, Server, ServerHandle};

fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    let mut response = vec![0; 4096];
    let len = stream.read(&mut response).expect("it is answered");
    String::from_utf8_lossy(&response[..len]).into_owned()
}

/// A client whose connection has its worker.
fn client(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    assert!(ask(&mut stream).starts_with("HTTP/1.1 200"));
    stream
}

fn connections(handle: &ServerHandle) -> Vec<u64> {
    handle.stats().workers().iter().map(|worker| worker.connections).collect()
}

/// Handlers that are no futures need no lock among themselves then.
#[test]
fn one_worker_calls_one_handler_at_a_time() {
    static AT_WORK: AtomicUsize = AtomicUsize::new(0);
    let handler = |_: Request| {
        assert_eq!(AT_WORK.fetch_add(1, Ordering::SeqCst), 0);
        thread::yield_now();
        assert_eq!(AT_WORK.fetch_sub(1, Ordering::SeqCst), 1);
        thread::current().name().unwrap_or("none").to_owned()
    };
    let server = Server::new(handler).workers(1).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    let addr = handle.local_addrs()[0];
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut stream = client(addr);
                for _ in 0..20 {
                    assert!(ask(&mut stream).ends_with("wharf-0"));
                }
            });
        }
    });
    assert_eq!(handle.stats().requests, 210);
}

#[test]
fn a_connection_goes_to_the_worker_with_the_fewest() {
    let name = |_: Request| thread::current().name().unwrap_or("none").to_owned();
    let server = Server::new(name).workers(3).dispatch(Dispatch::LeastConnections);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let addr = handle.local_addrs()[0];
    let mut clients: Vec<_> = (0..9).map(|_| client(addr)).collect();
    assert_eq!(connections(&handle), [3, 3, 3]);
    // Those of one worker go, and all who come then are its own.
    clients.retain_mut(|stream| !ask(stream).ends_with("wharf-1"));
    while connections(&handle) != [3, 0, 3] {
        thread::yield_now();
    }
    for _ in 0..3 {
        let mut stream = client(addr);
        assert!(ask(&mut stream).ends_with("wharf-1"));
        clients.push(stream);
    }
    assert_eq!(connections(&handle), [3, 3, 3]);
}

#[test]
fn the_report_tells_what_each_worker_has() {
    let server = Server::new("hello").workers(3).dispatch(Dispatch::LeastConnections);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let report = "workers 3, with connections 0\n\
                  connections 0, accepted 0, requests 0\n\
                  worker 0 (wharf-0): connections 0, accepted 0, requests 0\n\
                  worker 1 (wharf-1): connections 0, accepted 0, requests 0\n\
                  worker 2 (wharf-2): connections 0, accepted 0, requests 0\n";
    // A thread tells its name at its first turn.
    while handle.stats().workers().iter().any(|worker| worker.thread.is_none()) {
        thread::yield_now();
    }
    assert_eq!(handle.stats().to_string(), report);
    let _clients = [(); 2].map(|()| client(handle.local_addrs()[0]));
    let report = "workers 3, with connections 2\n\
                  connections 2, accepted 2, requests 2\n\
                  worker 0 (wharf-0): connections 1, accepted 2, requests 1\n\
                  worker 1 (wharf-1): connections 1, accepted 0, requests 1\n\
                  worker 2 (wharf-2): connections 0, accepted 0, requests 0\n";
    assert_eq!(handle.stats().to_string(), report);
}
