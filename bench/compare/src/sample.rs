//! One sample: a short run against one server, and what everybody used meanwhile.
//!
//! Not here: which samples count (`summary.rs`).

use std::time::Instant;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use loadgen::{Load, Outcome, Plan, Request};
use meter::{Cpu, Processes, machine_busy_ns};

use crate::args::Options;
use crate::server::Server;
use crate::workload::Workload;

/// More than this part of a core used by others marks a sample as disturbed.
const MAX_OTHERS: f64 = 0.1;

/// What one run measured.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) responses: u64,
    pub(crate) rate: f64,
    pub(crate) latency_ns: Histogram<u64>,
    /// Used by the server, all its processes and threads together.
    pub(crate) cpu: Cpu,
    /// Used by processes that are neither servers nor load, in cores.
    pub(crate) others: f64,
}

impl Sample {
    /// The server's CPU time per response, in microseconds.
    pub(crate) fn cost_us(&self) -> f64 {
        self.cpu.busy_ns as f64 / 1e3 / self.responses as f64
    }

    pub(crate) fn is_disturbed(&self) -> bool {
        self.others > MAX_OTHERS
    }
}

/// Loads `server`, one of `all` that are running.
///
/// Fails if a single response is wrong or missing: what such a server does for its CPU time is
/// not what the others do.
pub(crate) fn take(
    server: &Server,
    all: &[Server],
    workload: &Workload,
    options: &Options,
) -> Result<Sample> {
    let plan = Plan {
        address: server.address(),
        connections: workload.connections,
        depth: workload.depth,
        request: Request { headers: workload.headers, ..Request::get("/") },
        per_connection: None,
    };
    let mut load = Load::open(&plan).context("cannot open the connections")?;
    check(load.run(options.warmup)?)?;
    let before = Reading::now(server, all)?;
    let outcome = check(load.run(options.sample)?)?;
    let used = Reading::now(server, all)?.since(&before);
    Ok(Sample {
        responses: outcome.responses,
        rate: outcome.rate(),
        latency_ns: outcome.latency_ns,
        cpu: used.cpu,
        others: used.others,
    })
}

fn check(outcome: Outcome) -> Result<Outcome> {
    if let Some(fault) = &outcome.first_fault {
        let Outcome { bad_statuses, errors, .. } = outcome;
        bail!("{bad_statuses} bad statuses and {errors} errors, the first: {fault}");
    }
    if outcome.responses == 0 {
        bail!("no responses");
    }
    Ok(outcome)
}

/// All CPU accounts at one moment.
struct Reading {
    at: Instant,
    server: Cpu,
    /// Used by the load and all servers, in nanoseconds.
    ours_ns: u64,
    machine_ns: u64,
}

/// What was used between two readings.
struct Used {
    cpu: Cpu,
    others: f64,
}

impl Reading {
    fn now(server: &Server, all: &[Server]) -> Result<Self> {
        let mut ours_ns = Cpu::of(&Processes::own())?.busy_ns;
        for each in all {
            ours_ns += Cpu::of(each.processes())
                .with_context(|| format!("{} has ended", each.name()))?
                .busy_ns;
        }
        Ok(Self {
            at: Instant::now(),
            server: Cpu::of(server.processes())?,
            ours_ns,
            machine_ns: machine_busy_ns()?,
        })
    }

    fn since(&self, before: &Self) -> Used {
        let machine_ns = self.machine_ns.saturating_sub(before.machine_ns);
        let ours_ns = self.ours_ns.saturating_sub(before.ours_ns);
        // The machine's account is in ticks and ours is not, so the difference may be negative.
        let others_ns = machine_ns.saturating_sub(ours_ns) as f64;
        let elapsed_ns = (self.at - before.at).as_nanos() as f64;
        Used { cpu: self.server - before.server, others: others_ns / elapsed_ns }
    }
}
