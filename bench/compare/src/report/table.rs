//! The result for the terminal: one table per workload.
//!
//! Not here: which samples count (`summary.rs`).

use super::{figure, rows, title};
use crate::cell::{Cell, Yardsticks};
use crate::measure::{Counted, Results};
use crate::passes::memory::MemoryCell;
use crate::passes::syscalls::Calls;
use crate::service::Idle;
use crate::summary::Summary;

/// Prints everything.
pub(crate) fn print(results: &Results) {
    if !results.cells.is_empty() {
        println!(
            "\nCPU time of the server per request in us: median and least disturbed of the samples\
             \n(schedstat), and the part of the median in user space (utime of stat, 10 ms ticks).\
             \nLatency in us; others: CPU that neither servers nor load used, in % of a core."
        );
        rows(&results.cells).for_each(print_row);
        print_notes(&results.cells);
    }
    print_memory(&results.memory);
    print_syscalls(&results.syscalls);
    print_allocations(&results.allocations);
}

fn print_row(row: &[Cell]) {
    let Some(first) = row.first() else { return };
    println!("\n{}", title(first));
    let yardsticks = Yardsticks::of(row);
    let best = yardsticks.best.map_or("rival", |(name, _)| name);
    println!(
        "{:<12} {:>9} {:>9} {:>6} {:>7} {:>7} {:>7} {:>9} {:>8} {:>8} {:>8} {:>9} {:>6}  samples",
        "server",
        "median",
        "minimum",
        "user",
        "x epoll",
        "x uring",
        "x best",
        "req/s",
        "p50",
        "p99",
        "p99.9",
        "max",
        "others"
    );
    for cell in row {
        match (&cell.left_out, cell.summary()) {
            (Some(reason), _) => println!("{:<12} left out: {reason}", cell.server),
            (None, Some(summary)) => print_cell(cell, &summary, yardsticks),
            (None, None) => {
                println!("{:<12} all {} samples failed", cell.server, cell.failures.len());
            }
        }
    }
    println!("best: {best}");
}

fn print_cell(cell: &Cell, summary: &Summary, yardsticks: Yardsticks<'_>) {
    let median_us = summary.median_us;
    println!(
        "{:<12} {:>9.3} {:>9.3} {:>6} {:>7} {:>7} {:>7} {:>9.0} {:>8} {:>8} {:>8} {:>9} \
         {:>5.1}%  {} of {}{}{}{}",
        cell.server,
        median_us,
        summary.minimum_us,
        figure(summary.user_us, 2),
        figure(yardsticks.to_epoll(median_us), 2),
        figure(yardsticks.to_uring(median_us), 2),
        figure(yardsticks.to_best(median_us), 2),
        summary.requests_per_second,
        figure(summary.p50_us, 1),
        figure(summary.p99_us, 1),
        figure(summary.p999_us, 1),
        figure(summary.max_us, 1),
        summary.others_cores * 100.0,
        summary.used,
        cell.samples.len() + cell.failures.len(),
        if summary.is_disturbed(cell.samples.len()) { " (!)" } else { "" },
        if summary.unsent_share > 0.0 { " BEHIND" } else { "" },
        if cell.failures.is_empty() { "" } else { " FAILED" },
    );
}

/// Says what the marks in the last column mean, if there are any.
fn print_notes(cells: &[Cell]) {
    let summaries = || cells.iter().filter_map(|cell| Some((cell, cell.summary()?)));
    let disturbed: usize = summaries().map(|(_, summary)| summary.disturbed).sum();
    let samples: usize = cells.iter().map(|cell| cell.samples.len()).sum();
    println!(
        "\n{disturbed} of {samples} samples were disturbed: other processes took more than 10% of \
         a core.\nThey are left out where at least 3 others remain."
    );
    if summaries().any(|(cell, summary)| summary.is_disturbed(cell.samples.len())) {
        println!("(!) fewer than 3 remained, so all were used: do not rely on these figures.");
    }
    if summaries().any(|(_, summary)| summary.unsent_share > 0.0) {
        println!("BEHIND: requests that were due were never sent; the server does not keep up.");
    }
    for cell in cells {
        for failure in &cell.failures {
            println!("FAILED {} {}, {failure}", cell.workload.name, cell.server);
        }
    }
}

fn print_memory(cells: &[MemoryCell]) {
    for idle in Idle::ALL {
        let cells: Vec<_> = cells.iter().filter(|cell| cell.idle == idle).collect();
        print_memory_of(&cells, idle);
    }
}

fn print_memory_of(cells: &[&MemoryCell], what: Idle) {
    let Some(first) = cells.first() else { return };
    println!("\nResident bytes per {what}, {} of them", first.connections);
    println!("{:<12} {:>9} {:>9}  all: with what was there before", "server", "growth", "all");
    for cell in cells {
        match &cell.failure {
            Some(failure) => println!("{:<12} failed: {failure}", cell.server),
            None => println!(
                "{:<12} {:>9} {:>9}",
                cell.server,
                figure(cell.growth(), 0),
                figure(cell.all(), 0)
            ),
        }
    }
}

fn print_syscalls(counted: &[Counted<Calls>]) {
    for row in counted.chunk_by(|a, b| a.workload.name == b.workload.name) {
        println!("\nSystem calls per request under strace, {}", row[0].workload.name);
        for cell in row {
            match &cell.per_response {
                Ok(calls) => println!("{:<12} {:>8.3}  {}", cell.server, calls.all, names(calls)),
                Err(failure) => println!("{:<12} failed: {failure}", cell.server),
            }
        }
    }
}

/// The calls that make up the sum, as one line.
pub(super) fn names(calls: &Calls) -> String {
    let named = calls.by_name.iter().map(|(name, calls)| format!("{name} {calls:.3}"));
    named.collect::<Vec<_>>().join(", ")
}

fn print_allocations(counted: &[Counted<f64>]) {
    if !counted.is_empty() {
        println!("\nAllocations per request");
    }
    for cell in counted {
        let (workload, server) = (cell.workload.name, &cell.server);
        match &cell.per_response {
            Ok(allocations) => println!("{server:<12} {workload:<16} {allocations:>9.3}"),
            Err(failure) => println!("{server:<12} {workload:<16} failed: {failure}"),
        }
    }
}
