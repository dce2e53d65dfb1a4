//! A server in a loop around `mio`, beside a socket of the program's own:
//! `cargo run --example mio_loop`, or with `-- --visit` for three requests and an end.
//!
//! The program answers datagrams with what they say, and serves HTTP between them, all on one
//! thread. `mio` tells of changes (edge-triggered): after each wait, whoever has something left
//! to do says so by a deadline that has passed.

#![expect(clippy::print_stdout, reason = "an example may talk")]

mod visitor;

use std::error::Error;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use wharf::{Server, StopSwitch};

const SERVER: Token = Token(0);
const ECHO: Token = Token(1);

fn main() -> Result<(), Box<dyn Error>> {
    let switch = StopSwitch::new();
    let server = Server::new("served between datagrams\n").stop_switch(&switch);
    let mut ticker = server.listen("127.0.0.1:0")?.into_ticker()?;
    let addr = ticker.local_addrs()[0];
    let mut echo = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    println!("http://{addr}/, and echoes from {}", echo.local_addr()?);

    let mut poll = Poll::new()?;
    let server_fd = ticker.as_raw_fd();
    poll.registry().register(&mut SourceFd(&server_fd), SERVER, Interest::READABLE)?;
    poll.registry().register(&mut echo, ECHO, Interest::READABLE)?;

    let visits = std::env::args().any(|arg| arg == "--visit");
    let visitor = visits.then(|| visitor::visit(addr, "/", 3, switch));
    let mut events = Events::with_capacity(16);
    loop {
        let due = ticker.next_deadline();
        let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
        match poll.poll(&mut events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        if events.iter().any(|event| event.token() == ECHO) {
            answer_all(&echo)?;
        }
        // Without anything to do this is one system call, so that it need not be asked for.
        if !ticker.tick(Duration::ZERO)? {
            break;
        }
    }
    visitor.map_or(Ok(()), |visitor| visitor.join().expect("it does not panic"))?;
    Ok(())
}

fn answer_all(echo: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 2048];
    loop {
        match echo.recv_from(&mut buffer) {
            Ok((len, peer)) => echo.send_to(&buffer[..len], peer).map(drop)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
