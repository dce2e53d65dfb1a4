//! What is measured beside CPU time, each in a pass of its own because it would disturb that.
//!
//! Not here: samples (`sample.rs`).

pub(crate) mod allocations;
pub(crate) mod memory;
pub(crate) mod syscalls;

use std::time::Duration;

use anyhow::{Context, Result};
use loadgen::{Crowd, Load, Outcome};

use crate::sample;
use crate::server::Server;
use crate::workload::Workload;

/// How long servers are watched. What is counted per request does not depend on it.
const WATCHED: Duration = Duration::from_secs(1);

/// Loads `server` between two calls that look at it.
fn watch<A>(
    server: &Server,
    workload: &Workload,
    warmup: Duration,
    before: impl FnOnce() -> Result<A>,
) -> Result<(A, Outcome)> {
    let address = server.address();
    let crowd = Crowd::open(address, &workload.request, workload.idle)
        .context("cannot open idle connections")?;
    let mut load = Load::open(&workload.plan(address)).context("cannot open the connections")?;
    sample::check(load.run(warmup)?)?;
    let watching = before()?;
    let outcome = sample::check(load.run(WATCHED)?)?;
    crowd.ensure_open()?;
    Ok((watching, outcome))
}
