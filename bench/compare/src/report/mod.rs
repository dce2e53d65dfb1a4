//! The result for people and programs: `table.rs` for the terminal, `html.rs` with `chart.rs` for
//! a browser, `json.rs` for whatever comes next.
//!
//! Not here: what the figures are (`summary.rs`, `cell.rs`).

mod chart;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod table;

use crate::cell::{Cell, Pace};

/// What the cells of one row have in common, in words.
fn title(cell: &Cell) -> String {
    let workload = cell.workload;
    match cell.pace {
        Pace::Closed => format!("{}: {}", workload.name, workload.about),
        Pace::Percent(percent) => {
            let (name, about) = (workload.name, workload.about);
            format!("{name}, open loop at {percent}% of each server's own rate: {about}")
        }
        Pace::Rate(rate) => {
            let (name, about) = (workload.name, workload.about);
            format!("{name}, open loop at {rate:.0} requests/s: {about}")
        }
    }
}

/// The cells that are compared with each other; they are neighbours.
fn rows(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(Cell::is_beside)
}

/// A figure, or a dash where there is none.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}
