//! How many system calls a server makes per request, counted by `strace -c`.
//!
//! Tracing slows a server down so much that more requests wait for it than otherwise: what is
//! shared by the requests of a turn (waiting for events) counts for less than it does. Not here:
//! times, which mean nothing under it.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::watch;
use crate::args::Options;
use crate::server::Server;
use crate::workload::Workload;

/// How long strace may take to begin.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// The calls worth naming.
const NAMED: usize = 6;

/// System calls per response.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Calls {
    pub(crate) all: f64,
    /// The most frequent ones.
    pub(crate) by_name: Vec<(String, f64)>,
}

/// Counts the system calls of `server` under `workload`.
pub(crate) fn of(server: &Server, workload: &Workload, options: &Options) -> Result<Calls> {
    let report = NamedTempFile::new()?;
    let attach = || Strace::attach(server, &report);
    let (strace, outcome) = watch(server, workload, options.warmup, attach)?;
    strace.finish()?;
    let text = fs::read_to_string(report.path())?;
    calls_in(&text, outcome.responses).with_context(|| format!("strace says {text:?}"))
}

/// A running strace, ended when dropped so that no server stays traced.
struct Strace(Child);

impl Strace {
    fn attach(server: &Server, report: &NamedTempFile) -> Result<Self> {
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-q", "-U", "calls,name", "-o"]).arg(report.path());
        for pid in server.processes().pids() {
            command.arg("-p").arg(pid.to_string());
        }
        let child = command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run strace")?;
        let strace = Self(child);
        let deadline = Instant::now() + ATTACH_TIMEOUT;
        while !server.processes().pids().iter().all(|&pid| is_traced(pid)) {
            ensure!(Instant::now() < deadline, "strace does not attach");
            thread::sleep(POLL);
        }
        Ok(strace)
    }

    /// Has it write its report.
    fn finish(mut self) -> Result<()> {
        kill_process(self.pid(), Signal::INT)?;
        // Whatever it returns: being interrupted is the only way for it to end.
        self.0.wait()?;
        Ok(())
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        id.expect("the kernel's process ids are positive and fit")
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // It detaches when it is told to end, and must have before the server goes on.
            let _ended = kill_process(self.pid(), Signal::TERM);
            let _ended = self.0.wait();
        }
    }
}

/// Whether every thread of a process has a tracer.
fn is_traced(pid: u32) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    tasks.flatten().all(|task| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        tracer.is_some_and(|tracer| tracer.trim() != "0")
    })
}

/// Reads a summary with the columns calls and name, in any order of lines.
fn calls_in(summary: &str, responses: u64) -> Option<Calls> {
    let mut by_name: Vec<(String, f64)> = summary
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let calls: u64 = words.next()?.parse().ok()?;
            let name = words.next()?;
            (name != "total").then(|| (name.to_owned(), calls as f64 / responses as f64))
        })
        .collect();
    if by_name.is_empty() {
        return None;
    }
    let all = by_name.iter().map(|(_, calls)| calls).sum();
    by_name.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    by_name.truncate(NAMED);
    Some(Calls { all, by_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_per_response_and_named_by_frequency() {
        let summary = "    calls syscall\n--------- ----------------\n      100 recvfrom\n      \
            300 sendto\n--------- ----------------\n      400 total\n";
        let calls = calls_in(summary, 100).unwrap();
        assert_eq!(calls.all, 4.0);
        assert_eq!(calls.by_name, [("sendto".to_owned(), 3.0), ("recvfrom".to_owned(), 1.0)]);
        assert_eq!(calls_in("", 100), None);
    }
}
