//! What an idle keep-alive connection costs a server in memory.
//!
//! Opens many connections, has one request answered on each (or a few bytes echoed), keeps them all
//! open and compares the server's resident memory with that before.
//!
//! Not here: opening them (the `loadgen` crate), starting the server (`compare --memory` does), or
//! the kernel's memory for the sockets, which is the same for every server.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;
use loadgen::{Crowd, Request, raise_file_limit};
use meter::{Memory, Processes};

const USAGE: &str = "idle --connect ADDR --pid PID [--connections 10000] [--echo BYTES]";

/// Time for a server to give back what it needed for the last requests. More than any of them
/// takes; a server that keeps it for longer may as well be said to need it.
const SETTLE: Duration = Duration::from_secs(2);

/// The descriptors we need beside the connections'.
const SPARE_FILES: u64 = 64;

struct Options {
    address: SocketAddr,
    pid: u32,
    connections: usize,
    request: Request,
}

fn main() -> Result<()> {
    let Some(options) = parse()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let processes = Processes::of(options.pid)?;
    raise_file_limit(options.connections as u64 + SPARE_FILES)?;
    let before = Memory::of(&processes)?;
    let crowd = Crowd::open(options.address, &options.request, options.connections)?;
    thread::sleep(SETTLE);
    let after = Memory::of(&processes)?;
    crowd.ensure_open()?;
    report(&options, &processes, before, after);
    Ok(())
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
    let mut request = Request::get("/");
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("connect") => address = Some(args.value()?.parse::<SocketAddr>()?),
            Long("pid") => pid = Some(args.value()?.parse()?),
            Long("connections") => connections = args.value()?.parse()?,
            Long("echo") => request = Request::echo(args.value()?.parse()?),
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    ensure!(connections > 0, "--connections is at least 1");
    let address = address.context("--connect ADDR is required")?;
    ensure!(address.ip().is_loopback(), "only a server on this machine has a pid to look at");
    let pid = pid.context("--pid PID is required")?;
    Ok(Some(Options { address, pid, connections, request }))
}
