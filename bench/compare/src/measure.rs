//! Everything that is asked for, in order: samples, open loops, and the passes beside them.
//!
//! Not here: how one thing is measured (`sample.rs`, `passes/`).

use anyhow::Result;
use fastrand::Rng;

use crate::Stop;
use crate::args::Options;
use crate::cell::{Cell, Pace};
use crate::passes::memory::MemoryCell;
use crate::passes::syscalls::Calls;
use crate::passes::{allocations, memory, syscalls};
use crate::programs::{self, Program};
use crate::sample;
use crate::server::{Output, Server};
use crate::workload::{Generator, Workload};

/// Shares of the rate measured in the closed loop at which an open loop is run, in percent: one
/// where queues are short, and one where they are not.
const SHARES: [u8; 2] = [50, 80];

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) cells: Vec<Cell>,
    pub(crate) memory: Vec<MemoryCell>,
    pub(crate) syscalls: Vec<Counted<Calls>>,
    pub(crate) allocations: Vec<Counted<f64>>,
}

/// Something counted per response.
#[derive(Debug)]
pub(crate) struct Counted<T> {
    pub(crate) workload: &'static Workload,
    pub(crate) server: String,
    pub(crate) per_response: Result<T, String>,
}

pub(crate) fn everything(options: &Options, stop: &Stop) -> Result<Results> {
    let programs = programs::selected(options)?;
    let mut results = Results::default();
    let passes = &options.passes;
    if passes.samples || passes.rate.is_some() || passes.syscalls {
        with_all_up(&programs, options, stop, &mut results)?;
    }
    for program in &programs {
        if let Some(connections) = passes.memory {
            for &idle in program.service.idle() {
                stop.check()?;
                eprintln!("memory of {}, {idle}", program.name);
                results.memory.push(memory::of(program, idle, connections, options));
            }
        }
        for workload in &options.workloads {
            let is_counted = program.counts_allocations
                && program.service == workload.service
                && workload.generator == Generator::Ours;
            if passes.allocations && is_counted {
                stop.check()?;
                eprintln!("allocations of {}, {}", program.name, workload.name);
                let counted = allocations::of(program, workload, options);
                results.allocations.push(Counted::of(workload, &program.name, counted));
            }
        }
    }
    Ok(results)
}

impl<T> Counted<T> {
    fn of(workload: &'static Workload, server: &str, counted: Result<T>) -> Self {
        let per_response = counted.map_err(|error| format!("{error:#}"));
        Self { workload, server: server.to_owned(), per_response }
    }
}

/// The passes for which all servers are up at once.
fn with_all_up(
    programs: &[Program],
    options: &Options,
    stop: &Stop,
    results: &mut Results,
) -> Result<()> {
    let mut servers = Vec::with_capacity(programs.len());
    for program in programs {
        stop.check()?;
        match Server::start(program, Output::Dropped, options) {
            Ok(server) => servers.push(server),
            Err(error) => eprintln!("left out: {}: {error:#}", program.name),
        }
    }
    if servers.is_empty() {
        return Ok(());
    }
    let probed = probe(&servers, options, stop)?;
    settle(&mut servers);
    let mut rng = Rng::with_seed(options.seed);
    if options.passes.samples {
        let mut cells = probed.cells(Pace::Closed, &servers, |_| None);
        announce("closed loop", &cells, options);
        take_samples(&mut cells, &servers, options, &mut rng, stop)?;
        results.cells.append(&mut cells);
    }
    for percent in SHARES.into_iter().filter(|_| options.passes.open_loop) {
        let closed = &results.cells;
        let share = f64::from(percent) / 100.0;
        let mut cells = probed.cells(Pace::Percent(percent), &servers, |cell| {
            let same = |other: &&Cell| {
                other.pace == Pace::Closed
                    && other.server == cell.server
                    && other.workload.name == cell.workload.name
            };
            Some(closed.iter().find(same)?.summary()?.requests_per_second * share)
        });
        announce(&format!("open loop, {percent}%"), &cells, options);
        take_samples(&mut cells, &servers, options, &mut rng, stop)?;
        results.cells.append(&mut cells);
    }
    if let Some(rate) = options.passes.rate {
        let mut cells = probed.cells(Pace::Rate(rate), &servers, |_| Some(rate));
        announce(&format!("open loop, {rate:.0} requests/s"), &cells, options);
        take_samples(&mut cells, &servers, options, &mut rng, stop)?;
        results.cells.append(&mut cells);
    }
    if options.passes.syscalls {
        results.syscalls = count_syscalls(&probed, &servers, options, stop)?;
    }
    Ok(())
}

/// Has what is counted be what is there once all have answered. A server that is gone fails its
/// samples.
fn settle(servers: &mut [Server]) {
    for server in servers {
        if let Err(error) = server.settle() {
            eprintln!("{}: {error:#}", server.name());
        }
    }
}

/// Why servers can't do a workload: one row per workload, with an entry for each server that speaks
/// what it takes, by its index.
struct Probed {
    rows: Vec<(&'static Workload, Vec<Reason>)>,
}

type Reason = (usize, Option<String>);

fn probe(servers: &[Server], options: &Options, stop: &Stop) -> Result<Probed> {
    let mut rows = Vec::with_capacity(options.workloads.len());
    for &workload in &options.workloads {
        let mut row = Vec::with_capacity(servers.len());
        for (index, server) in servers.iter().enumerate() {
            if server.service() != workload.service {
                continue;
            }
            stop.check()?;
            let reason = sample::probe(server, workload).err().map(|error| format!("{error:#}"));
            if let Some(reason) = &reason {
                eprintln!("left out: {} for {}: {reason}", server.name(), workload.name);
            }
            row.push((index, reason));
        }
        rows.push((workload, row));
    }
    Ok(Probed { rows })
}

impl Probed {
    /// A cell for each server and workload, with the rate that `rate` says.
    fn cells(
        &self,
        pace: Pace,
        servers: &[Server],
        rate: impl Fn(&Cell) -> Option<f64>,
    ) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (workload, reasons) in &self.rows {
            for (index, reason) in reasons {
                let mut cell = Cell::new(workload, pace, &servers[*index], *index);
                cell.left_out.clone_from(reason);
                cell.rate = rate(&cell);
                if pace != Pace::Closed && workload.generator != Generator::Ours {
                    cell.left_out = Some("h2load knows no open loop".to_owned());
                }
                if pace != Pace::Closed && cell.rate.is_none() && cell.left_out.is_none() {
                    cell.left_out = Some("its rate is not known".to_owned());
                }
                cells.push(cell);
            }
        }
        cells
    }
}

fn announce(what: &str, cells: &[Cell], options: &Options) {
    let cells = cells.iter().filter(|cell| cell.left_out.is_none()).count();
    let sample = options.warmup + options.sample;
    println!(
        "{what}: {cells} servers and workloads x {} rounds of {:.1} s: at least {:.0} s; seed {}",
        options.rounds,
        options.sample.as_secs_f64(),
        sample.as_secs_f64() * (cells * options.rounds) as f64,
        options.seed,
    );
}

/// Takes all samples. Rounds are the outer loop, so that each workload's samples are spread over
/// the whole time, and servers the inner, so that those compared are neighbours in time.
fn take_samples(
    cells: &mut [Cell],
    servers: &[Server],
    options: &Options,
    rng: &mut Rng,
    stop: &Stop,
) -> Result<()> {
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for row in cells.chunk_by_mut(Cell::is_beside) {
            let mut row: Vec<&mut Cell> = row.iter_mut().collect();
            rng.shuffle(&mut row);
            for cell in row {
                stop.check()?;
                if cell.left_out.is_none() {
                    let server = &servers[cell.server_at];
                    let sample = sample::take(server, servers, cell.workload, cell.rate, options);
                    cell.record(round, sample);
                }
            }
        }
    }
    Ok(())
}

fn count_syscalls(
    probed: &Probed,
    servers: &[Server],
    options: &Options,
    stop: &Stop,
) -> Result<Vec<Counted<Calls>>> {
    let mut counted = Vec::new();
    for (workload, reasons) in &probed.rows {
        eprintln!("system calls, {}", workload.name);
        for (index, reason) in reasons {
            stop.check()?;
            let server = &servers[*index];
            if reason.is_none() && workload.generator == Generator::Ours {
                let calls = syscalls::of(server, workload, options);
                counted.push(Counted::of(workload, server.name(), calls));
            }
        }
    }
    Ok(counted)
}
