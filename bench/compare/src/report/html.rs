//! The result for a browser: one file that needs nothing else.
//!
//! Not here: drawing (`chart.rs`).

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;

use super::chart::{Bar, bars, escape};
use super::{figure, rows, table, title};
use crate::args::Options;
use crate::cell::{Cell, Pace, Yardsticks};
use crate::measure::{Counted, Results};
use crate::passes::memory::MemoryCell;
use crate::passes::syscalls::Calls;
use crate::programs::Role;
use crate::service::Idle;

const STYLE: &str = include_str!("style.css");

/// What the heads of a row's table say.
const COLUMNS: [&str; 14] = [
    "server", "CPU us", "least", "user", "x epoll", "x uring", "x best", "req/s", "p50 us",
    "p99 us", "p99.9 us", "max us", "others", "samples",
];

/// Writes everything to `path`, whose directory is made if it is missing.
pub(crate) fn write(path: &Path, options: &Options, results: &Results) -> Result<()> {
    make_folder(path)?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let about = format!(
        "Linux {}. {} rounds of {:.1} s per server and workload, seed {}; servers on one core with \
         one worker, load on another.",
        kernel.trim(),
        options.rounds,
        options.sample.as_secs_f64(),
        options.seed
    );
    fs::write(path, page(&about, results))?;
    Ok(())
}

/// Makes the folder that `path` is to be in.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder != Path::new("") => fs::create_dir_all(folder),
        Some(_) | None => Ok(()),
    }
}

fn page(about: &str, results: &Results) -> String {
    let mut body = format!(
        "<h1>What a request costs</h1>\n<p>{}</p>\n<p>Bars are the server's CPU time per request, \
         the median of the samples, shorter is better; the darker part is user space (from \
         ticks of 10 ms, so coarse). Samples during which others used over 10% of a core are \
         left out where at least 3 remain; (!) marks figures where they had to be used.</p>\n",
        escape(about)
    );
    for row in rows(&results.cells) {
        push_row(&mut body, row);
    }
    for idle in Idle::ALL {
        let cells: Vec<_> = results.memory.iter().filter(|cell| cell.idle == idle).collect();
        push_memory(&mut body, idle, &cells);
    }
    push_syscalls(&mut body, &results.syscalls);
    push_allocations(&mut body, &results.allocations);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>What a request costs</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\
         </body>\n</html>\n"
    )
}

fn push_row(body: &mut String, row: &[Cell]) {
    let Some(first) = row.first() else { return };
    let yardsticks = Yardsticks::of(row);
    let measured = || row.iter().filter_map(|cell| Some((cell, cell.summary()?)));
    let drawn = measured().map(|(cell, summary)| match cell.pace {
        Pace::Closed => Bar {
            name: &cell.server,
            role: cell.role,
            value: summary.median_us,
            part: summary.user_us,
            label: format!(
                "{:.2} us{}",
                summary.median_us,
                if summary.is_disturbed(cell.samples.len()) { " (!)" } else { "" }
            ),
        },
        Pace::Percent(_) | Pace::Rate(_) => Bar {
            name: &cell.server,
            role: cell.role,
            value: summary.p99_us.unwrap_or_default(),
            part: summary.p50_us,
            label: format!(
                "p99 {} us, p50 {} us at {:.0}/s",
                figure(summary.p99_us, 0),
                figure(summary.p50_us, 0),
                summary.requests_per_second
            ),
        },
    });
    let heading = escape(&title(first));
    push(body, format_args!("<h2>{heading}</h2>\n"));
    if first.pace != Pace::Closed {
        push(body, format_args!("<p>Bars are p99, counted from when requests were due.</p>\n"));
    }
    push(body, format_args!("{}", bars(drawn.collect())));
    push_table(body, row, yardsticks);
}

fn push_table(body: &mut String, row: &[Cell], yardsticks: Yardsticks<'_>) {
    push(body, format_args!("<details><summary>figures</summary><table><tr>"));
    for column in COLUMNS {
        push(body, format_args!("<th>{column}</th>"));
    }
    push(body, format_args!("</tr>\n"));
    for cell in row {
        let class = if cell.role == Role::Wharf { " class=\"wharf\"" } else { "" };
        push(body, format_args!("<tr{class}><td>{}</td>", escape(&cell.server)));
        let Some(summary) = cell.summary() else {
            let reason = cell.left_out.as_deref().unwrap_or("all samples failed");
            let width = COLUMNS.len() - 1;
            let reason = escape(reason);
            push(body, format_args!("<td class=\"text\" colspan=\"{width}\">{reason}</td></tr>\n"));
            continue;
        };
        let median_us = summary.median_us;
        let cells = [
            format!("{median_us:.3}"),
            format!("{:.3}", summary.minimum_us),
            figure(summary.user_us, 2),
            figure(yardsticks.to_epoll(median_us), 2),
            figure(yardsticks.to_uring(median_us), 2),
            figure(yardsticks.to_best(median_us), 2),
            format!("{:.0}", summary.requests_per_second),
            figure(summary.p50_us, 1),
            figure(summary.p99_us, 1),
            figure(summary.p999_us, 1),
            figure(summary.max_us, 1),
            format!("{:.1}%", summary.others_cores * 100.0),
            format!("{} of {}", summary.used, cell.samples.len() + cell.failures.len()),
        ];
        for figure in cells {
            push(body, format_args!("<td>{figure}</td>"));
        }
        push(body, format_args!("</tr>\n"));
    }
    push(body, format_args!("</table></details>\n"));
}

fn push_memory(body: &mut String, what: Idle, cells: &[&MemoryCell]) {
    let Some(first) = cells.first() else { return };
    let connections = first.connections;
    push(body, format_args!("<h2>Resident bytes per {what}, {connections} of them</h2>"));
    let drawn = cells.iter().filter_map(|cell| {
        let (growth, all) = (cell.growth()?, cell.all()?);
        Some(Bar {
            name: &cell.server,
            role: cell.role,
            value: growth.max(0.0),
            part: None,
            label: format!("{growth:.0}, {all:.0} with what was there before"),
        })
    });
    push(body, format_args!("{}", bars(drawn.collect())));
}

fn push_syscalls(body: &mut String, counted: &[Counted<Calls>]) {
    for row in counted.chunk_by(|a, b| a.workload.name == b.workload.name) {
        let name = row[0].workload.name;
        push(body, format_args!("<h2>System calls per request under strace, {name}</h2>"));
        push_counts(body, row, |calls| (calls.all, table::names(calls)));
    }
}

fn push_allocations(body: &mut String, counted: &[Counted<f64>]) {
    for row in counted.chunk_by(|a, b| a.workload.name == b.workload.name) {
        let name = row[0].workload.name;
        push(body, format_args!("<h2>Allocations per request, {name}</h2>"));
        push_counts(body, row, |&allocations| (allocations, String::new()));
    }
}

fn push_counts<T>(body: &mut String, row: &[Counted<T>], say: impl Fn(&T) -> (f64, String)) {
    push(body, format_args!("<table>\n"));
    for cell in row {
        let (figure, more) = match &cell.per_response {
            Ok(counted) => {
                let (all, more) = say(counted);
                (format!("{all:.3}"), more)
            }
            Err(failure) => ("-".to_owned(), failure.clone()),
        };
        let (server, more) = (escape(&cell.server), escape(&more));
        push(
            body,
            format_args!(
                "<tr><td>{server}</td><td>{figure}</td><td class=\"text\">{more}</td></tr>\n"
            ),
        );
    }
    push(body, format_args!("</table>\n"));
}

fn push(body: &mut String, text: std::fmt::Arguments<'_>) {
    body.write_fmt(text).expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_shows_what_servers_say_as_text() {
        let mut results = Results::default();
        results.memory.push(MemoryCell {
            server: "<b>".to_owned(),
            idle: Idle::Echo,
            role: Role::Wharf,
            connections: 10,
            bytes: Some((0, 1000)),
            failure: None,
        });
        let page = page("here & now", &results);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(page.contains("here &amp; now") && page.contains("&lt;b&gt;"));
        assert!(!page.contains("<b>") && !page.contains("http"));
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    }
}
