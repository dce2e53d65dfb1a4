//! What an idle keep-alive connection costs a server in memory.
//!
//! Opens many connections, has one request answered on each (or a few bytes echoed), keeps them all
//! open and compares the server's resident memory with that before.
//!
//! Not here: opening them (the `wire` and `loadgen` crates), starting the server (`compare
//! --memory` does), or the kernel's memory for the sockets, which is the same for every server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;
use loadgen::{Request, raise_file_limit};
use meter::{Memory, Processes};
use wire::{Transport, Version};

const USAGE: &str = "\
idle --connect ADDR --pid PID [--connections 10000] [--echo BYTES | [--http2] [--tls-cert FILE]]

FILE holds the certificate of the server, which has to be one for localhost.";

/// Time for a server to give back what it needed for the last requests. More than any of them
/// takes; a server that keeps it for longer may as well be said to need it.
const SETTLE: Duration = Duration::from_secs(2);

/// The descriptors we need beside the connections'.
const SPARE_FILES: u64 = 64;

struct Options {
    address: SocketAddr,
    pid: u32,
    connections: usize,
    spoken: Spoken,
}

/// What is said on each connection before it is idle.
enum Spoken {
    Http(Transport, Version),
    Echo(Request),
}

fn main() -> Result<()> {
    let Some(options) = parse()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let processes = Processes::of(options.pid)?;
    raise_file_limit(options.connections as u64 + SPARE_FILES)?;
    let before = Memory::of(&processes)?;
    let (address, count) = (options.address, options.connections);
    let after = match &options.spoken {
        Spoken::Http(transport, version) => {
            let mut crowd = wire::Crowd::open(address, transport, *version, count)?;
            let after = settle(&processes)?;
            crowd.ensure_open()?;
            after
        }
        Spoken::Echo(echo) => {
            let crowd = loadgen::Crowd::open(address, echo, count)?;
            let after = settle(&processes)?;
            crowd.ensure_open()?;
            after
        }
    };
    report(&options, &processes, before, after);
    Ok(())
}

fn settle(processes: &Processes) -> Result<Memory> {
    thread::sleep(SETTLE);
    Memory::of(processes)
}

fn report(options: &Options, processes: &Processes, before: Memory, after: Memory) {
    println!(
        "{} idle connections to {}, {} process(es)",
        options.connections,
        options.address,
        processes.pids().len()
    );
    println!(
        "{:<14} {:>12} {:>12} {:>14} {:>14}",
        "", "before", "after", "growth/conn", "all/conn"
    );
    line("Rss", options.connections, before.resident_bytes, after.resident_bytes);
    line(
        "Private_Dirty",
        options.connections,
        before.private_dirty_bytes,
        after.private_dirty_bytes,
    );
    println!(
        "in bytes; the last column also counts what was there before, like slots made at start"
    );
}

fn line(name: &str, connections: usize, before: u64, after: u64) {
    let connections = connections as f64;
    let growth = (after as f64 - before as f64) / connections;
    let all = after as f64 / connections;
    println!("{name:<14} {before:>12} {after:>12} {growth:>14.0} {all:>14.0}");
}

fn parse() -> Result<Option<Options>> {
    let (mut address, mut pid, mut connections) = (None, None, 10_000);
    let (mut version, mut echo, mut chain) = (Version::Http1, None, None);
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("connect") => address = Some(args.value()?.parse::<SocketAddr>()?),
            Long("pid") => pid = Some(args.value()?.parse()?),
            Long("connections") => connections = args.value()?.parse()?,
            Long("echo") => echo = Some(Request::echo(args.value()?.parse()?)),
            Long("http2") => version = Version::Http2,
            Long("tls-cert") => chain = Some(PathBuf::from(args.value()?)),
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    ensure!(connections > 0, "--connections is at least 1");
    let address = address.context("--connect ADDR is required")?;
    ensure!(address.ip().is_loopback(), "only a server on this machine has a pid to look at");
    let pid = pid.context("--pid PID is required")?;
    let spoken = match (echo, chain) {
        (Some(echo), _) => Spoken::Echo(echo),
        (None, Some(chain)) => Spoken::Http(Transport::trusting(&chain, version)?, version),
        (None, None) => Spoken::Http(Transport::Plain, version),
    };
    Ok(Some(Options { address, pid, connections, spoken }))
}
