//! One sample: a short run against one server, and what everybody used meanwhile.
//!
//! Not here: which samples count (`summary.rs`).

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use loadgen::{Crowd, Load, Outcome, Plan, Then, dial, empty_histogram};
use meter::{Cpu, Processes, machine_busy_ns};

use crate::args::Options;
use crate::h2load;
use crate::server::Server;
use crate::workload::{Generator, Workload};

/// More than this part of a core used by others marks a sample as disturbed.
const MAX_OTHERS: f64 = 0.1;

/// Long enough for connections that end after a few requests to do so.
const PROBE: Duration = Duration::from_millis(10);

/// What one run measured.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) responses: u64,
    /// Requests of an open loop that were due and never sent.
    pub(crate) unsent: u64,
    pub(crate) rate: f64,
    /// Empty if the generator did not tell.
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
    rate: Option<f64>,
    options: &Options,
) -> Result<Sample> {
    if let Generator::H2load(arguments) = workload.generator {
        return take_by_h2load(server, all, workload, arguments, options);
    }
    let address = server.address();
    let crowd = Crowd::open(address, &workload.request, workload.idle)
        .context("cannot open idle connections")?;
    let mut load = Load::open(&workload.plan(address)).context("cannot open the connections")?;
    let mut run = |duration| match rate {
        None => load.run(duration),
        Some(rate) => load.run_at(rate, duration),
    };
    check(run(options.warmup)?)?;
    let before = Reading::now(server, all, None)?;
    let outcome = check(run(options.sample)?)?;
    let used = Reading::now(server, all, None)?.since(&before);
    crowd.ensure_open()?;
    Ok(Sample {
        responses: outcome.responses,
        unsent: outcome.unsent,
        rate: outcome.rate(),
        latency_ns: outcome.latency_ns,
        cpu: used.cpu,
        others: used.others,
    })
}

fn take_by_h2load(
    server: &Server,
    all: &[Server],
    workload: &Workload,
    arguments: &[&str],
    options: &Options,
) -> Result<Sample> {
    let times = (options.warmup, options.sample);
    let (counted, before, after) =
        h2load::run(server.address(), workload, arguments, times, |pid| {
            Reading::now(server, all, Some(pid))
        })?;
    let used = after.since(&before);
    Ok(Sample {
        responses: counted.responses,
        unsent: 0,
        rate: counted.responses as f64 / counted.elapsed.as_secs_f64(),
        latency_ns: empty_histogram(),
        cpu: used.cpu,
        others: used.others,
    })
}

/// Fails if a response was wrong or missing, or if there was none.
pub(crate) fn check(outcome: Outcome) -> Result<Outcome> {
    if let Some(fault) = &outcome.first_fault {
        let Outcome { bad_statuses, errors, .. } = outcome;
        bail!("{bad_statuses} bad statuses and {errors} errors, the first: {fault}");
    }
    if outcome.responses == 0 {
        bail!("no responses");
    }
    Ok(outcome)
}

/// Fails if `server` can't serve `workload` at all, so that nobody waits for its samples.
pub(crate) fn probe(server: &Server, workload: &Workload) -> Result<()> {
    if let Generator::H2load(arguments) = workload.generator {
        return h2load::probe(server.address(), arguments);
    }
    let plan = Plan { connections: 1, ..workload.plan(server.address()) };
    let mut stream = dial(plan.address)?;
    let answer = plan.request.exchange(&mut stream, plan.address, Then::KeepAlive)?;
    workload.check(&answer)?;
    check(Load::open(&plan)?.run(PROBE)?)?;
    Ok(())
}

/// A quantile in microseconds, unless there is nothing.
pub(crate) fn micros(latency_ns: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (!latency_ns.is_empty()).then(|| latency_ns.value_at_quantile(quantile) as f64 / 1e3)
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
    /// With what a process that makes the load has used, if that is not us.
    fn now(server: &Server, all: &[Server], load: Option<u32>) -> Result<Self> {
        let mut ours_ns = Cpu::of(&Processes::own())?.busy_ns;
        if let Some(pid) = load {
            ours_ns += meter::ended_busy_ns(pid).context("the load is gone")?;
        }
        for each in all {
            // One that has ended by itself uses nothing; its own samples fail below.
            ours_ns += Cpu::of(each.processes()).map_or(0, |cpu| cpu.busy_ns);
        }
        Ok(Self {
            at: Instant::now(),
            server: Cpu::of(server.processes()).context("it has ended")?,
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
