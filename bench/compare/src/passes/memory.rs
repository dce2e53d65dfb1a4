//! What an idle keep-alive connection costs in resident memory.
//!
//! Each server is started for it and has had one request on each connection, or a few bytes to
//! echo. Not here: the kernel's memory for sockets, which is the same for all.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use meter::Memory;
use serde::Serialize;
use wire::Transport;

use crate::args::Options;
use crate::programs::{Program, Role};
use crate::server::{Output, Server};
use crate::service::Idle;

/// Time for a server to give back what it needed for the last requests. More than any of them
/// takes; a server that keeps it for longer may as well be said to need it.
const SETTLE: Duration = Duration::from_secs(2);

/// Resident memory of one server.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MemoryCell {
    pub(crate) server: String,
    /// What the connections spoke.
    pub(crate) idle: Idle,
    pub(crate) role: Role,
    pub(crate) connections: usize,
    /// Resident bytes before and after the connections were opened.
    pub(crate) bytes: Option<(u64, u64)>,
    pub(crate) failure: Option<String>,
}

impl MemoryCell {
    /// What came with the connections, per connection.
    pub(crate) fn growth(&self) -> Option<f64> {
        let (before, after) = self.bytes?;
        Some((after as f64 - before as f64) / self.connections as f64)
    }

    /// All of it, so that slots made at start count too.
    pub(crate) fn all(&self) -> Option<f64> {
        Some(self.bytes?.1 as f64 / self.connections as f64)
    }
}

pub(crate) fn of(
    program: &Program,
    idle: Idle,
    connections: usize,
    options: &Options,
) -> MemoryCell {
    let measured = measure(program, idle, connections, options);
    MemoryCell {
        server: program.name.clone(),
        idle,
        role: program.role,
        connections,
        bytes: measured.as_ref().ok().copied(),
        failure: measured.err().map(|error| format!("{error:#}")),
    }
}

fn measure(
    program: &Program,
    idle: Idle,
    connections: usize,
    options: &Options,
) -> Result<(u64, u64)> {
    let server = Server::start(program, Output::Dropped, options)?;
    let before = Memory::of(server.processes())?;
    let mut crowd = Crowd::open(program, idle, server.address(), connections)
        .context("cannot open connections")?;
    thread::sleep(SETTLE);
    let after = Memory::of(server.processes())?;
    crowd.ensure_open()?;
    Ok((before.resident_bytes, after.resident_bytes))
}

/// Idle connections.
enum Crowd {
    Http(wire::Crowd),
    Echo(loadgen::Crowd),
}

impl Crowd {
    fn open(program: &Program, idle: Idle, address: SocketAddr, count: usize) -> Result<Self> {
        let (transport, version) = match idle {
            Idle::Echo => {
                let echo = program.service.request().context("it has no echo")?;
                return Ok(Self::Echo(loadgen::Crowd::open(address, &echo, count)?));
            }
            Idle::Cleartext(version) => (Transport::Plain, version),
            Idle::Tls(version) => (program.certificate().transport(version)?, version),
        };
        Ok(Self::Http(wire::Crowd::open(address, &transport, version, count)?))
    }

    fn ensure_open(&mut self) -> Result<()> {
        match self {
            Self::Http(crowd) => crowd.ensure_open(),
            Self::Echo(crowd) => crowd.ensure_open(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_leaves_out_what_was_there_before() {
        let cell = MemoryCell {
            server: "wharf".to_owned(),
            idle: Idle::Echo,
            role: Role::Wharf,
            connections: 10,
            bytes: Some((1000, 3000)),
            failure: None,
        };
        assert_eq!((cell.growth(), cell.all()), (Some(200.0), Some(300.0)));
    }
}
