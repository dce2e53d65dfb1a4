//! How often a server allocates per request.
//!
//! The peers' own allocator counts and prints the count when it is sent SIGUSR1; that is built in
//! with the feature `count-alloc`. Not here: servers in other languages.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::watch;
use crate::args::Options;
use crate::programs::Program;
use crate::server::{Output, Server};
use crate::workload::Workload;

/// Returns the allocations per response of a server that is started for it.
pub(crate) fn of(program: &Program, workload: &Workload, options: &Options) -> Result<f64> {
    let mut server = Server::start(program, Output::Kept, options)?;
    let output = server.take_output().context("its output is not kept")?;
    let mut lines = BufReader::new(output);
    let (before, outcome) =
        watch(&server, workload, options.warmup, || count(&server, &mut lines))?;
    let after = count(&server, &mut lines)?;
    Ok(after.saturating_sub(before) as f64 / outcome.responses as f64)
}

fn count(server: &Server, lines: &mut BufReader<ChildStdout>) -> Result<u64> {
    server.signal(Signal::USR1)?;
    let mut line = String::new();
    lines.read_line(&mut line)?;
    parse(&line).with_context(|| format!("it says {line:?} instead of how often it allocated"))
}

fn parse(line: &str) -> Option<u64> {
    line.strip_prefix("allocations ")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_count_is_a_count() {
        assert_eq!(parse("allocations 42\n"), Some(42));
        assert_eq!(parse(""), None);
        assert_eq!(parse("allocations many\n"), None);
    }
}
