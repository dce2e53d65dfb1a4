//! Load on one server, by hand.
//!
//! Not here: CPU time and comparisons, which are `compare`'s.

mod args;

use anyhow::{Context, Result, bail};
use loadgen::{Crowd, Load, Outcome, raise_file_limit};

/// The descriptors we need beside the connections'.
const SPARE_FILES: usize = 64;

fn main() -> Result<()> {
    let Some(options) = args::parse(std::env::args_os())? else {
        println!("{}", args::USAGE);
        return Ok(());
    };
    let plan = &options.plan;
    raise_file_limit((plan.connections + options.idle + SPARE_FILES) as u64)?;
    let crowd = Crowd::open(plan.address, &plan.request, options.idle)
        .context("cannot open idle connections")?;
    let mut load = Load::open(plan).with_context(|| format!("cannot load {}", plan.address))?;
    let outcome = match options.rate {
        None => load.run(options.duration)?,
        Some(rate) => load.run_at(rate, options.duration)?,
    };
    crowd.ensure_open()?;
    report(&outcome);
    match outcome.first_fault {
        Some(fault) => bail!(
            "{} of the connections given up, the first because {fault}",
            outcome.bad_statuses + outcome.errors
        ),
        None => Ok(()),
    }
}

fn report(outcome: &Outcome) {
    let micros = |quantile| outcome.latency_ns.value_at_quantile(quantile) as f64 / 1e3;
    println!("responses   {}", outcome.responses);
    println!("requests/s  {:.0}", outcome.rate());
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("{name:<11} {:.1} us", micros(quantile));
    }
    println!("max         {:.1} us", outcome.latency_ns.max() as f64 / 1e3);
    println!("not 200     {}", outcome.bad_statuses);
    println!("errors      {}", outcome.errors);
    println!("unsent      {}", outcome.unsent);
}
