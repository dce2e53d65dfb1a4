//! Load by h2load of nghttp2, where it takes HTTP/2 or TLS, which ours does not speak.
//!
//! Connections that are kept are loaded for a time, behind a warm-up: h2load says when that time
//! begins and when it is over, and counts the responses in between, so the server's CPU time is
//! read at these moments. Connections of one request are made at a fixed rate and counted from the
//! start of h2load to its end. It tells no quantiles of latencies, so there are none. Not here:
//! checking bodies; statuses are.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::workload::Workload;

/// What h2load says when what it counts begins and is over.
const BEGINS: &str = "Main benchmark duration is started";
const ENDS: &str = "Main benchmark duration is over";

/// What h2load says when TLS has agreed on another version than the one that is wanted.
const FALLS_BACK: &str = "Application protocol: http/1.1";

/// New connections per [`PERIOD`], where each has one request: less than any server or h2load
/// itself can do, so that they do not pile up.
const NEW: u64 = 64;
const PERIOD: Duration = Duration::from_millis(100);

/// Among a workload's arguments, this one is for us.
pub(crate) const TLS: &str = "tls";

/// Has h2load offer HTTP/1.1 alone.
pub(crate) const HTTP1: &str = "--h1";

/// What one run counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) responses: u64,
    pub(crate) elapsed: Duration,
}

/// Tells whether a server can do `workload` at all.
pub(crate) fn probe(address: SocketAddr, arguments: &[&str]) -> Result<()> {
    let mut h2load = H2load::start(address, arguments, &["-c1", "-n2"])?;
    let said = h2load.listen()?;
    let falls_back = said.contains(FALLS_BACK) && !arguments.contains(&HTTP1);
    ensure!(!falls_back, "it does not speak HTTP/2 over TLS");
    h2load.finish_with(&said).map(drop)
}

/// Loads a server, and calls `read` with the id of h2load when what is counted begins and when it
/// is over.
pub(crate) fn run<T>(
    address: SocketAddr,
    workload: &Workload,
    arguments: &[&str],
    (warmup, sample): (Duration, Duration),
    mut read: impl FnMut(u32) -> Result<T>,
) -> Result<(Counted, T, T)> {
    if workload.per_connection.is_some() {
        return run_new(address, arguments, sample, read);
    }
    let clients = format!("-c{}", workload.connections);
    let streams = format!("-m{}", workload.depth);
    let (warmup, duration) = (
        format!("--warm-up-time={}ms", warmup.as_millis()),
        format!("--duration={}ms", sample.as_millis()),
    );
    let mut h2load = H2load::start(address, arguments, &[&clients, &streams, &warmup, &duration])?;
    h2load.wait_for(BEGINS)?;
    let (start, before) = (Instant::now(), read(h2load.child.id())?);
    h2load.wait_for(ENDS)?;
    let (elapsed, after) = (start.elapsed(), read(h2load.child.id())?);
    let responses = h2load.finish()?;
    Ok((Counted { responses, elapsed }, before, after))
}

/// Has each request sent on a connection of its own, by a client of its own: one that connects
/// again resumes its session of TLS, and nobody would shake hands in full.
fn run_new<T>(
    address: SocketAddr,
    arguments: &[&str],
    sample: Duration,
    mut read: impl FnMut(u32) -> Result<T>,
) -> Result<(Counted, T, T)> {
    let requests = requests_for(sample);
    let (clients, requests) = (format!("-c{requests}"), format!("-n{requests}"));
    let (rate, period) = (format!("-r{NEW}"), format!("--rate-period={}ms", PERIOD.as_millis()));
    let mut h2load = H2load::start(address, arguments, &[&clients, &requests, &rate, &period])?;
    let (start, before) = (Instant::now(), read(h2load.child.id())?);
    let said = h2load.listen()?;
    let (elapsed, after) = (start.elapsed(), read(h2load.child.id())?);
    let responses = h2load.finish_with(&said)?;
    Ok((Counted { responses, elapsed }, before, after))
}

/// How many requests last for `sample`.
fn requests_for(sample: Duration) -> u64 {
    let periods = sample.as_nanos().div_ceil(PERIOD.as_nanos());
    NEW * u64::try_from(periods).unwrap_or(u64::MAX).clamp(1, 1 << 10)
}

/// A running h2load, ended when dropped.
struct H2load {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl H2load {
    fn start(address: SocketAddr, arguments: &[&str], more: &[&str]) -> Result<Self> {
        let scheme = if arguments.contains(&TLS) { "https" } else { "http" };
        let mut child = Command::new("h2load")
            .arg("-t1")
            .args(more)
            .args(arguments.iter().filter(|argument| **argument != TLS))
            .arg(format!("{scheme}://{address}/"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run h2load")?;
        let output = child.stdout.take().context("its output is not kept")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    fn wait_for(&mut self, what: &str) -> Result<()> {
        let mut line = String::new();
        while !line.starts_with(what) {
            line.clear();
            ensure!(self.output.read_line(&mut line)? > 0, "h2load has ended early");
        }
        Ok(())
    }

    /// The rest of what it says. It has ended then, and is still there to be looked at.
    fn listen(&mut self) -> Result<String> {
        let mut said = String::new();
        self.output.read_to_string(&mut said)?;
        Ok(said)
    }

    fn finish(mut self) -> Result<u64> {
        let said = self.listen()?;
        self.finish_with(&said)
    }

    fn finish_with(mut self, said: &str) -> Result<u64> {
        ensure!(self.child.wait()?.success(), "h2load has failed");
        count_in(said)
    }
}

impl Drop for H2load {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Fails only if it has just ended.
            let _ended = self.child.kill();
            let _ended = self.child.wait();
        }
    }
}

/// The number of responses, if all that was asked was answered well.
fn count_in(said: &str) -> Result<u64> {
    let line = |start: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(start));
        found.with_context(|| format!("h2load says nothing of {start:?}"))
    };
    let number = |line: &str, name: &str| {
        let found = line.split(',').find_map(|part| part.trim().strip_suffix(name));
        found
            .and_then(|number| number.trim().parse::<u64>().ok())
            .with_context(|| format!("h2load says {line:?}"))
    };
    let requests = line("requests: ")?;
    for fault in ["failed", "errored", "timeout"] {
        let faults = number(requests, fault)?;
        ensure!(faults == 0, "{faults} requests {fault}");
    }
    // Good ones are not compared: a status is counted when it comes and a response when it ends,
    // and a warm-up may be over in between.
    let statuses = line("status codes: ")?;
    for status in ["3xx", "4xx", "5xx"] {
        let bad = number(statuses, status)?;
        ensure!(bad == 0, "{bad} statuses {status}");
    }
    let done = number(requests, "done")?;
    ensure!(done > 0 && number(requests, "succeeded")? == done, "not all responses are good");
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(requests: &str, statuses: &str) -> String {
        format!("finished in 1s\nrequests: {requests}\nstatus codes: {statuses}\ntraffic: 1B\n")
    }

    #[test]
    fn responses_count_if_all_are_good() {
        let good = "9 total, 9 started, 9 done, 9 succeeded, 0 failed, 0 errored, 0 timeout";
        let statuses = "9 2xx, 0 3xx, 0 4xx, 0 5xx";
        assert_eq!(count_in(&said(good, statuses)).unwrap(), 9);
        assert_eq!(count_in(&said(good, "10 2xx, 0 3xx, 0 4xx, 0 5xx")).unwrap(), 9);
        for (requests, statuses) in [
            (good, "8 2xx, 0 3xx, 1 4xx, 0 5xx"),
            ("9 total, 9 started, 9 done, 8 succeeded, 1 failed, 0 errored, 0 timeout", statuses),
            ("9 total, 9 started, 9 done, 8 succeeded, 0 failed, 1 errored, 0 timeout", statuses),
            ("0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout", statuses),
            ("9 total, 9 started, 9 done, 8 succeeded, 0 failed, 0 errored, 0 timeout", statuses),
            ("nothing", statuses),
        ] {
            assert!(count_in(&said(requests, statuses)).is_err(), "{requests} {statuses}");
        }
        assert!(count_in("").is_err());
    }

    #[test]
    fn a_sample_of_new_connections_lasts_as_long_as_others() {
        assert_eq!(requests_for(Duration::from_secs(1)), 640);
        assert_eq!(requests_for(Duration::from_millis(1)), 64);
    }
}
