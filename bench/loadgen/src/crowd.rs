//! Many idle connections at once, more than one address has ports for if need be.
//!
//! Not here: what they cost, which the `idle` and `compare` tools find out.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::request::{Request, Then};

/// Connecting and answering take microseconds; a server that needs seconds holds no more.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Addresses in 127.0.0.0/24 to connect from.
const SOURCES: std::ops::RangeInclusive<u8> = 1..=254;

/// Lets us, and what we start from now on, open `files` descriptors, raising the hard limit too
/// if we may.
///
/// # Errors
///
/// When the system does not let us.
pub fn raise_file_limit(files: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    limit.current = Some(files);
    limit.maximum = limit.maximum.map(|maximum| maximum.max(files));
    setrlimit(Resource::Nofile, limit).with_context(|| format!("cannot have {files} files open"))
}

/// Connections that have had one request answered each and ask for nothing more.
#[derive(Debug)]
pub struct Crowd {
    streams: Vec<TcpStream>,
}

impl Crowd {
    /// Opens `count` connections and has `request` answered on each.
    ///
    /// # Errors
    ///
    /// When one of them is not accepted or not answered.
    pub fn open(address: SocketAddr, request: &Request, count: usize) -> Result<Self> {
        let mut sources = SOURCES;
        let mut source = sources.next();
        let mut streams = Vec::with_capacity(count);
        while streams.len() < count {
            let Some(last) = source else { bail!("no ports left after {}", streams.len()) };
            let number = streams.len() + 1;
            let mut stream = match dial(last, address) {
                Ok(stream) => stream,
                // This source's ports are used up.
                Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => {
                    source = sources.next();
                    continue;
                }
                Err(error) => return Err(error).with_context(|| format!("connection {number}")),
            };
            request
                .exchange(&mut stream, address, Then::KeepAlive)
                .with_context(|| format!("request {number}"))?;
            streams.push(stream);
        }
        Ok(Self { streams })
    }

    /// Makes sure that the server has kept every connection open.
    ///
    /// # Errors
    ///
    /// When it has not, so that a figure for so many connections means nothing.
    pub fn ensure_open(&self) -> Result<()> {
        let mut closed = 0;
        for stream in &self.streams {
            stream.set_nonblocking(true)?;
            // Nothing was asked for, so anything but "not yet" is the end.
            let peeked = stream.peek(&mut [0]);
            let waits = peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            closed += usize::from(!waits);
        }
        ensure!(closed == 0, "the server closed {closed} idle connections");
        Ok(())
    }
}

fn dial(source: u8, address: SocketAddr) -> rustix::io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(TIMEOUT))?;
    // On Linux this one bounds connecting, too.
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(TIMEOUT))?;
    // IPv6 has a single loopback address, and the first of IPv4 is the one used without asking.
    if address.is_ipv4() && source != *SOURCES.start() {
        bind(&socket, &SocketAddr::from((Ipv4Addr::new(127, 0, 0, source), 0)))?;
    }
    connect(&socket, &address)?;
    Ok(TcpStream::from(socket))
}
