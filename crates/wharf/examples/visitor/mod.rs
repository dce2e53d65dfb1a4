//! Clients of the examples, on threads of their own, for who wants to see them work.
//!
//! Not here: servers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};

use wharf::StopSwitch;

/// Asks for `path` so many times, prints each answer, and stops the server.
pub(crate) fn visit(
    addr: SocketAddr,
    path: &'static str,
    count: usize,
    switch: StopSwitch,
) -> JoinHandle<io::Result<()>> {
    thread::spawn(move || {
        let result = (0..count).try_for_each(|_| {
            let mut stream = TcpStream::connect(addr)?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let body = answer.split("\r\n\r\n").nth(1).unwrap_or(&answer);
            println!("a visitor was told: {}", body.trim_end());
            Ok(())
        });
        switch.stop();
        result
    })
}
