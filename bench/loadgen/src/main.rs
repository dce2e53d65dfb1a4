//! Load on one server, by hand.
//!
//! Not here: CPU time and comparisons, which are `compare`'s.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use loadgen::{Headers, Load, Plan};

const USAGE: &str = "\
loadgen --connect ADDR [--connections 64] [--depth 1] [--headers plain|browser] [--seconds 2]";

fn main() -> Result<()> {
    let Some((plan, duration)) = parse()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let mut load = Load::open(&plan).with_context(|| format!("cannot load {}", plan.address))?;
    let outcome = load.run(duration)?;
    let micros = |quantile| outcome.latency_ns.value_at_quantile(quantile) as f64 / 1e3;
    println!("responses   {}", outcome.responses);
    println!("requests/s  {:.0}", outcome.rate());
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("{name:<11} {:.1} us", micros(quantile));
    }
    println!("max         {:.1} us", outcome.latency_ns.max() as f64 / 1e3);
    println!("not 200     {}", outcome.bad_statuses);
    println!("errors      {}", outcome.errors);
    match outcome.first_fault {
        Some(fault) => bail!(
            "{} of the connections given up, the first because {fault}",
            outcome.bad_statuses + outcome.errors
        ),
        None => Ok(()),
    }
}

fn parse() -> Result<Option<(Plan, Duration)>> {
    let mut address = None;
    let (mut connections, mut depth, mut headers) = (64, 1, Headers::Plain);
    let mut seconds = 2.0;
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("connect") => address = Some(args.value()?.parse::<SocketAddr>()?),
            Long("connections") => connections = args.value()?.parse()?,
            Long("depth") => depth = args.value()?.parse()?,
            Long("headers") => {
                headers = args.value()?.parse_with(|name| match name {
                    "plain" => Ok(Headers::Plain),
                    "browser" => Ok(Headers::Browser),
                    _ => Err("neither plain nor browser"),
                })?;
            }
            Long("seconds") => seconds = args.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    let address = address.context("--connect ADDR is required")?;
    if connections == 0 || depth == 0 {
        bail!("--connections and --depth are at least 1");
    }
    let duration = Duration::try_from_secs_f64(seconds).context("--seconds is out of range")?;
    Ok(Some((Plan { address, connections, depth, headers }, duration)))
}
