//! The addresses that a handler is told, on listeners for one address and for all.
//!
//! Not here: how addresses are bound (tested inside of the crate).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use wharf::{Backend, Error, Request, Server};

const LISTENERS: [&str; 3] = ["127.0.0.1:0", "0.0.0.0:0", "127.0.0.1:0"];

#[test]
fn a_handler_is_told_the_addresses_that_the_client_has() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        let addrs =
            |r: Request| format!("|{:?} {}", r.local_addr().expect("it has one"), r.peer_addr());
        let mut server = Server::new(addrs).backend(backend);
        for addr in LISTENERS {
            server = server.listen(addr).expect("a free port");
        }
        let running = match server.start() {
            Err(Error::Backend(error)) => {
                eprintln!("skipped: {backend:?} can't be used here: {error}");
                continue;
            }
            running => running.expect("threads"),
        };
        for addr in running.local_addrs() {
            let called = SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port()));
            let mut client = TcpStream::connect(called).expect("the server listens");
            let own = client.local_addr().expect("it is connected");
            let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            client.write_all(request).expect("it is sent");
            let mut response = String::new();
            client.read_to_string(&mut response).expect("it is answered");
            assert!(response.ends_with(&format!("|{called} {own}")), "{backend:?}: {response}");
        }
    }
}
