//! The result for programs.
//!
//! Not here: charts (`html.rs`).

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::Serialize;

use super::rows;
use crate::args::Options;
use crate::cell::{Cell, Pace, Yardsticks};
use crate::measure::{Counted, Results};
use crate::passes::memory::MemoryCell;
use crate::programs::Role;
use crate::sample::{self, Sample};
use crate::summary::Summary;

/// Writes everything to `path`, whose directory is made if it is missing.
pub(crate) fn write(path: &Path, options: &Options, results: &Results) -> Result<()> {
    let report = Report {
        unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        rounds: options.rounds,
        sample_seconds: options.sample.as_secs_f64(),
        seed: options.seed,
        results: rows(&results.cells).flat_map(reports).collect(),
        memory: &results.memory,
        syscalls: results.syscalls.iter().map(CountReport::of).collect(),
        allocations: results.allocations.iter().map(CountReport::of).collect(),
    };
    super::html::make_folder(path)?;
    fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    Ok(())
}

#[derive(Serialize)]
struct Report<'r> {
    unix_seconds: u64,
    kernel: String,
    rounds: usize,
    sample_seconds: f64,
    seed: u64,
    results: Vec<CellReport<'r>>,
    memory: &'r [MemoryCell],
    syscalls: Vec<CountReport<'r, crate::passes::syscalls::Calls>>,
    allocations: Vec<CountReport<'r, f64>>,
}

#[derive(Serialize)]
struct CellReport<'r> {
    workload: &'static str,
    about: &'static str,
    connections: usize,
    depth: usize,
    idle: usize,
    /// `closed`, `50%` or `rate`.
    pace: String,
    /// Requests per second that were due, in an open loop.
    rate: Option<f64>,
    server: &'r str,
    role: Role,
    left_out: Option<&'r str>,
    summary: Option<Summary>,
    ratio_to_epoll: Option<f64>,
    ratio_to_uring: Option<f64>,
    ratio_to_best: Option<f64>,
    best: Option<&'r str>,
    samples: Vec<SampleReport>,
    failures: &'r [String],
}

fn reports(row: &[Cell]) -> Vec<CellReport<'_>> {
    let yardsticks = Yardsticks::of(row);
    row.iter().map(|cell| CellReport::of(cell, yardsticks)).collect()
}

impl<'r> CellReport<'r> {
    fn of(cell: &'r Cell, yardsticks: Yardsticks<'r>) -> Self {
        let summary = cell.summary();
        let median_us = summary.map(|summary| summary.median_us);
        Self {
            workload: cell.workload.name,
            about: cell.workload.about,
            connections: cell.workload.connections,
            depth: cell.workload.depth,
            idle: cell.workload.idle,
            pace: match cell.pace {
                Pace::Closed => "closed".to_owned(),
                Pace::Percent(percent) => format!("{percent}%"),
                Pace::Rate(_) => "rate".to_owned(),
            },
            rate: cell.rate,
            server: &cell.server,
            role: cell.role,
            left_out: cell.left_out.as_deref(),
            summary,
            ratio_to_epoll: median_us.and_then(|median_us| yardsticks.to_epoll(median_us)),
            ratio_to_uring: median_us.and_then(|median_us| yardsticks.to_uring(median_us)),
            ratio_to_best: median_us.and_then(|median_us| yardsticks.to_best(median_us)),
            best: yardsticks.best.map(|(name, _)| name),
            samples: cell.samples.iter().map(SampleReport::of).collect(),
            failures: &cell.failures,
        }
    }
}

#[derive(Serialize)]
struct SampleReport {
    cost_us: f64,
    user_share: Option<f64>,
    responses: u64,
    unsent: u64,
    requests_per_second: f64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    p999_us: Option<f64>,
    max_us: Option<f64>,
    others_cores: f64,
    disturbed: bool,
}

impl SampleReport {
    fn of(sample: &Sample) -> Self {
        let micros = |quantile| sample::micros(&sample.latency_ns, quantile);
        Self {
            cost_us: sample.cost_us(),
            user_share: sample.cpu.user_share(),
            responses: sample.responses,
            unsent: sample.unsent,
            requests_per_second: sample.rate,
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            p999_us: micros(0.999),
            max_us: micros(1.0),
            others_cores: sample.others,
            disturbed: sample.is_disturbed(),
        }
    }
}

#[derive(Serialize)]
struct CountReport<'r, T> {
    workload: &'static str,
    server: &'r str,
    per_request: Option<&'r T>,
    failure: Option<&'r str>,
}

impl<'r, T> CountReport<'r, T> {
    fn of(counted: &'r Counted<T>) -> Self {
        Self {
            workload: counted.workload.name,
            server: &counted.server,
            per_request: counted.per_response.as_ref().ok(),
            failure: counted.per_response.as_ref().err().map(String::as_str),
        }
    }
}
