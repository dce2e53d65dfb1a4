//! The result for people: one table per workload.

use crate::report::{Cell, Yardsticks};
use crate::summary::Summary;

/// Prints `cells`, of which those of one workload are neighbours.
pub(crate) fn print(cells: &[Cell]) {
    println!(
        "CPU time of the server per request in us, user space included and apart; latency in us"
    );
    for row in cells.chunk_by(|a, b| a.workload.name == b.workload.name) {
        print_workload(row);
    }
    print_notes(cells);
}

fn print_workload(row: &[Cell]) {
    let Some(first) = row.first() else { return };
    let workload = first.workload;
    println!("\n{}: {} connections, depth {}", workload.name, workload.connections, workload.depth);
    println!(
        "{:<16} {:>8} {:>8} {:>7} {:>8} {:>8} {:>10} {:>8} {:>8}  samples",
        "server", "median", "minimum", "user", "x limit", "x hyper", "req/s", "p50", "p99"
    );
    for cell in row {
        match Summary::of(&cell.samples) {
            Some(summary) => print_cell(cell, &summary, Yardsticks::of(cell, row)),
            None => println!("{:<16} all {} samples failed", cell.server, cell.failures.len()),
        }
    }
}

fn print_cell(cell: &Cell, summary: &Summary, yardsticks: Yardsticks) {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    println!(
        "{:<16} {:>8.3} {:>8.3} {:>7} {:>8} {:>8} {:>10.0} {:>8.1} {:>8.1}  {} of {}{}{}",
        cell.server,
        summary.median_us,
        summary.minimum_us,
        figure(summary.user_us),
        figure(yardsticks.to_limit(summary)),
        figure(yardsticks.to_hyper(summary)),
        summary.requests_per_second,
        summary.p50_us,
        summary.p99_us,
        summary.used,
        cell.samples.len() + cell.failures.len(),
        if summary.is_disturbed(cell.samples.len()) { " (!)" } else { "" },
        if cell.failures.is_empty() { "" } else { " FAILED" },
    );
}

/// Says what the marks in the last column mean, if there are any.
fn print_notes(cells: &[Cell]) {
    let summaries = || cells.iter().filter_map(|cell| Some((cell, Summary::of(&cell.samples)?)));
    let disturbed: usize = summaries().map(|(_, summary)| summary.disturbed).sum();
    let samples: usize = cells.iter().map(|cell| cell.samples.len()).sum();
    println!(
        "\n{disturbed} of {samples} samples were disturbed: other processes took more than 10% of \
         a core.\nThey are left out where at least 3 others remain."
    );
    if summaries().any(|(cell, summary)| summary.is_disturbed(cell.samples.len())) {
        println!("(!) fewer than 3 remained, so all were used: do not rely on these figures.");
    }
    for cell in cells {
        for failure in &cell.failures {
            println!("FAILED {} {}, {failure}", cell.workload.name, cell.server);
        }
    }
}
