//! Runs servers side by side and prints what a request costs each of them.
//!
//! All servers are up at once, on one core; the load runs on another, on each server in turn, in
//! short samples whose order is shuffled anew in every round. A machine that changes its mind
//! about its speed does so to all of them.
//!
//! `args.rs` says what to run, `programs.rs` and `nginx.rs` how each server is started,
//! `server.rs` keeps one running, `sample.rs` measures once, `summary.rs` decides which samples
//! count, `table.rs` and `report.rs` present the result.
//!
//! Not here: sending requests (the `loadgen` crate), reading `/proc` (the `meter` crate), memory
//! (the `idle` tool).

mod args;
mod cores;
mod nginx;
mod programs;
mod report;
mod sample;
mod server;
mod summary;
mod table;
mod workload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::Options;
use crate::report::Cell;
use crate::server::Server;

fn main() -> Result<()> {
    let Some(options) = args::parse()? else {
        println!("{}", args::USAGE);
        return Ok(());
    };
    let stop = Stop::on_signals().context("cannot handle signals")?;
    let servers = start(&options, &stop)?;
    announce(&options, &servers);
    let cells = measure(&options, &servers, &stop)?;
    table::print(&cells);
    if let Some(path) = &options.json {
        report::write(path, &options, &cells)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let failures = cells.iter().flat_map(|cell| &cell.failures).count();
    ensure!(failures == 0, "{failures} samples failed");
    Ok(())
}

/// Set when somebody wants us to end. Checked between samples, so that ending is returning and
/// the servers are ended with us.
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn on_signals() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}

/// Starts all servers on their core and leaves us on the load's.
fn start(options: &Options, stop: &Stop) -> Result<Vec<Server>> {
    let programs = programs::selected(options)?;
    // Children inherit the core, and with it every thread they will ever start.
    cores::pin(options.server_core)?;
    let mut servers = Vec::with_capacity(programs.len());
    for program in programs {
        stop.check()?;
        let name = program.name.clone();
        servers.push(Server::start(program).with_context(|| format!("cannot start {name}"))?);
    }
    cores::pin(options.load_core)?;
    Ok(servers)
}

fn announce(options: &Options, servers: &[Server]) {
    let cells = servers.len() * options.workloads.len();
    let sample = options.warmup + options.sample;
    println!(
        "{} servers x {} workloads x {} rounds of {:.1} s: about {:.0} s; seed {}",
        servers.len(),
        options.workloads.len(),
        options.rounds,
        options.sample.as_secs_f64(),
        sample.as_secs_f64() * (cells * options.rounds) as f64,
        options.seed,
    );
}

/// Takes all samples. Rounds are the outer loop, so that each workload's samples are spread over
/// the whole time, and servers the inner, so that those compared are neighbours in time.
fn measure(options: &Options, servers: &[Server], stop: &Stop) -> Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = options
        .workloads
        .iter()
        .flat_map(|workload| servers.iter().map(|server| Cell::new(workload, server.name())))
        .collect();
    let mut rng = Rng::with_seed(options.seed);
    let mut order: Vec<usize> = (0..servers.len()).collect();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for (row, workload) in cells.chunks_mut(servers.len()).zip(&options.workloads) {
            rng.shuffle(&mut order);
            for &index in &order {
                stop.check()?;
                let sample = sample::take(&servers[index], servers, workload, options);
                row[index].record(round, sample);
            }
        }
    }
    Ok(cells)
}
