//! All that was measured, in memory and as JSON.
//!
//! Not here: the table for people (`table.rs`).

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde::Serialize;

use crate::args::Options;
use crate::programs::{HYPER, LIMIT};
use crate::sample::Sample;
use crate::summary::Summary;
use crate::workload::Workload;

/// One server under one workload.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) workload: &'static Workload,
    pub(crate) server: String,
    pub(crate) samples: Vec<Sample>,
    /// Why samples are missing.
    pub(crate) failures: Vec<String>,
}

impl Cell {
    pub(crate) fn new(workload: &'static Workload, server: &str) -> Self {
        let server = server.to_owned();
        Self { workload, server, samples: Vec::new(), failures: Vec::new() }
    }

    pub(crate) fn record(&mut self, round: usize, sample: Result<Sample>) {
        match sample {
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.failures.push(format!("round {round}: {error:#}")),
        }
    }
}

/// The medians that a workload's other medians are divided by, where they were measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Yardsticks {
    limit_us: Option<f64>,
    hyper_us: Option<f64>,
}

impl Yardsticks {
    /// Picks them from `cells`, those of the same workload as `cell`.
    pub(crate) fn of(cell: &Cell, cells: &[Cell]) -> Self {
        let median_us = |server| {
            let same =
                |other: &&Cell| other.workload.name == cell.workload.name && other.server == server;
            let summary = cells.iter().find(same).and_then(|cell| Summary::of(&cell.samples));
            summary.map(|summary| summary.median_us)
        };
        Self { limit_us: median_us(LIMIT), hyper_us: median_us(HYPER) }
    }

    pub(crate) fn to_limit(self, summary: &Summary) -> Option<f64> {
        self.limit_us.map(|limit_us| summary.median_us / limit_us)
    }

    pub(crate) fn to_hyper(self, summary: &Summary) -> Option<f64> {
        self.hyper_us.map(|hyper_us| summary.median_us / hyper_us)
    }
}

/// Writes everything to `path`, whose directory is made if it is missing.
pub(crate) fn write(path: &Path, options: &Options, cells: &[Cell]) -> Result<()> {
    let report = Report {
        unix_seconds: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        rounds: options.rounds,
        sample_seconds: options.sample.as_secs_f64(),
        seed: options.seed,
        results: cells.iter().map(|cell| CellReport::of(cell, cells)).collect(),
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    Ok(())
}

#[derive(Serialize)]
struct Report {
    unix_seconds: u64,
    kernel: String,
    rounds: usize,
    sample_seconds: f64,
    seed: u64,
    results: Vec<CellReport>,
}

#[derive(Serialize)]
struct CellReport {
    workload: &'static str,
    connections: usize,
    depth: usize,
    server: String,
    summary: Option<Summary>,
    ratio_to_limit: Option<f64>,
    ratio_to_hyper: Option<f64>,
    samples: Vec<SampleReport>,
    failures: Vec<String>,
}

impl CellReport {
    fn of(cell: &Cell, cells: &[Cell]) -> Self {
        let summary = Summary::of(&cell.samples);
        let yardsticks = Yardsticks::of(cell, cells);
        Self {
            workload: cell.workload.name,
            connections: cell.workload.connections,
            depth: cell.workload.depth,
            server: cell.server.clone(),
            summary,
            ratio_to_limit: summary.and_then(|summary| yardsticks.to_limit(&summary)),
            ratio_to_hyper: summary.and_then(|summary| yardsticks.to_hyper(&summary)),
            samples: cell.samples.iter().map(SampleReport::of).collect(),
            failures: cell.failures.clone(),
        }
    }
}

#[derive(Serialize)]
struct SampleReport {
    cost_us: f64,
    user_share: Option<f64>,
    responses: u64,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    others_cores: f64,
    disturbed: bool,
}

impl SampleReport {
    fn of(sample: &Sample) -> Self {
        let micros = |quantile| sample.latency_ns.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            cost_us: sample.cost_us(),
            user_share: sample.cpu.user_share(),
            responses: sample.responses,
            requests_per_second: sample.rate,
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            others_cores: sample.others,
            disturbed: sample.is_disturbed(),
        }
    }
}
