//! A path with a delay and a bandwidth between a client and a server, for machines whose kernel
//! emulates none.
//!
//! Each connection is passed on to the server. What is sent either way arrives after the delay, no
//! faster than the bandwidth, and as much is under way at a time as TCP would have: a window that
//! begins small, and grows by what was acknowledged a round trip later. `direction.rs` is one
//! direction of one connection.
//!
//! Not here: loss, packets, queues in routers, more bandwidth than a thread can copy.

mod direction;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;
use rustix::net::sockopt;

use crate::direction::{Direction, Path};

const USAGE: &str = "relay --to ADDR [--listen 127.0.0.1:0] [--delay-ms 25] [--mbit 500]";

/// What the system holds for a connection on either side: little, so that what is under way is
/// under way here.
const SOCKET_BYTES: usize = 128 << 10;

struct Options {
    listen: SocketAddr,
    to: SocketAddr,
    path: Path,
}

fn main() -> Result<()> {
    let Some(options) = parse()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let listener = TcpListener::bind(options.listen)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept()?;
        let to = options.to;
        let path = options.path;
        thread::spawn(move || {
            if let Err(error) = pass_on(client, to, path) {
                eprintln!("{error:#}");
            }
        });
    }
}

/// Passes a connection on until both sides are over.
fn pass_on(client: TcpStream, to: SocketAddr, path: Path) -> Result<()> {
    // The handshake of TCP takes a round trip.
    thread::sleep(path.delay * 2);
    let server = TcpStream::connect(to).with_context(|| format!("nobody is at {to}"))?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
        sockopt::set_socket_recv_buffer_size(socket, SOCKET_BYTES)?;
        sockopt::set_socket_send_buffer_size(socket, SOCKET_BYTES)?;
    }
    let (client, server) = (Arc::new(client), Arc::new(server));
    let mut threads = Vec::new();
    for (from, to) in [(&client, &server), (&server, &client)] {
        let direction = Arc::new(Direction::new(path));
        let (other, source, sink) = (Arc::clone(&direction), Arc::clone(from), Arc::clone(to));
        threads.push(thread::spawn(move || direction.take(&mut &*source)));
        threads.push(thread::spawn(move || {
            other.give(&mut &*sink);
            // Fails if the other side has ended first.
            let _ended = sink.shutdown(Shutdown::Write);
        }));
    }
    for thread in threads {
        thread.join().ok().context("a thread has failed")?;
    }
    Ok(())
}

fn parse() -> Result<Option<Options>> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let (mut to, mut delay_ms, mut mbit) = (None, 25_u64, 500_u64);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("listen") => listen = args.value()?.parse()?,
            Long("to") => to = Some(args.value()?.parse()?),
            Long("delay-ms") => delay_ms = args.value()?.parse()?,
            Long("mbit") => mbit = args.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    ensure!(delay_ms <= 10_000, "--delay-ms is at most 10,000");
    ensure!((1..=100_000).contains(&mbit), "--mbit is from 1 to 100,000");
    let to = to.context("--to ADDR is required")?;
    let path =
        Path { delay: Duration::from_millis(delay_ms), bytes_per_second: mbit * 1_000_000 / 8 };
    Ok(Some(Options { listen, to, path }))
}
