//! Runs servers side by side and reports what a request costs each of them.
//!
//! All servers are up at once, on one core; the load runs on another, on each server in turn, in
//! short samples whose order is shuffled anew in every round. A machine that changes its mind
//! about its speed does so to all of them.
//!
//! `args.rs` says what to run, `workload.rs` what is asked of which service (`service.rs`),
//! `programs.rs` and `configured/` how each server is started, `server.rs` keeps one running.
//! `measure.rs` takes all samples, `sample.rs` one, `passes/` what is not CPU time. `summary.rs`
//! decides which samples count, `cell.rs` compares, `report/` presents the result.
//!
//! Not here: sending requests (the `loadgen` crate, and h2load: `h2load.rs`), reading `/proc` (the
//! `meter` crate).

mod args;
mod cell;
mod configured;
mod cores;
mod h2load;
mod measure;
mod passes;
mod programs;
mod report;
mod sample;
mod server;
mod service;
mod summary;
mod workload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::{Command, Options};
use crate::report::{html, json, table};

/// The descriptors we, or a server, need beside the connections'.
const SPARE_FILES: usize = 256;

fn main() -> Result<()> {
    match args::parse(std::env::args_os())? {
        Command::Help => println!("{}", args::USAGE),
        Command::List(options) => list(&options)?,
        Command::Run(options) => run(&options)?,
    }
    Ok(())
}

fn list(options: &Options) -> Result<()> {
    println!("{}", workload::list());
    let known = programs::known(options)?;
    let mut names: Vec<&str> = known.programs.iter().map(|program| program.name.as_str()).collect();
    // One that speaks several things is listed behind itself.
    names.dedup();
    println!("servers: {}", names.join(", "));
    for reason in known.missing {
        println!("left out: {reason}");
    }
    Ok(())
}

fn run(options: &Options) -> Result<()> {
    let stop = Stop::on_signals().context("cannot handle signals")?;
    let files = options.workloads.iter().map(|workload| workload.files()).max().unwrap_or(0);
    let files = files.max(options.passes.memory.unwrap_or(0)) + SPARE_FILES;
    loadgen::raise_file_limit(files as u64)?;
    let results = measure::everything(options, &stop)?;
    table::print(&results);
    if let Some(path) = &options.json {
        json::write(path, options, &results)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.html {
        html::write(path, options, &results)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let failures = results.cells.iter().flat_map(|cell| &cell.failures).count();
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
