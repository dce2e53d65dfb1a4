//! Accepting when the system has no descriptors left. A process of its own uses them up.
//!
//! Not here: connections that the server itself does not want yet (`src/tests/cases/faults.rs`).

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wharf::{Backend, Error, ErrorKind, Server};

/// One test, since others would give descriptors back at the same time.
#[test]
fn a_lack_of_descriptors_is_told_and_delays_and_refuses_nobody() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let server = Server::new("hello").backend(backend).on_error(move |context| {
            assert_eq!(context.kind, ErrorKind::Accept);
            count.fetch_add(1, Ordering::Relaxed);
            None
        });
        let mut ticker = match server.listen("127.0.0.1:0").unwrap().into_ticker() {
            Err(Error::Backend(error)) => {
                eprintln!("skipped: {error}");
                continue;
            }
            ticker => ticker.unwrap(),
        };
        ticker.tick(Duration::ZERO).unwrap();
        let mut client = TcpStream::connect(ticker.local_addrs()[0]).unwrap();
        let mut hoard = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        while told.load(Ordering::Relaxed) < 2 {
            ticker.tick(Duration::from_millis(10)).unwrap();
        }
        assert_eq!(ticker.stats().accepted, 0, "{backend:?}");
        drop(hoard);
        while ticker.stats().requests == 0 {
            ticker.tick(Duration::from_millis(10)).unwrap();
        }
        let mut response = [0; 12];
        client.read_exact(&mut response).unwrap();
        assert_eq!(&response, b"HTTP/1.1 200");
    }
}
