//! One server under one workload at one pace: its samples, and how it compares to its neighbours.
//!
//! Not here: what samples come to (`summary.rs`), presenting any of it (`table.rs`, `report/`).

use anyhow::Result;

use crate::programs::{LIMIT_EPOLL, LIMIT_URING, Role};
use crate::sample::Sample;
use crate::server::Server;
use crate::summary::Summary;
use crate::workload::Workload;

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// When the one before is answered.
    Closed,
    /// At so many percent of the rate that each server reached in a closed loop.
    Percent(u8),
    /// At so many per second.
    Rate(f64),
}

/// One server under one workload.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) workload: &'static Workload,
    pub(crate) pace: Pace,
    pub(crate) server: String,
    /// Its index among those that are running.
    pub(crate) server_at: usize,
    pub(crate) role: Role,
    /// Requests per second, of an open loop.
    pub(crate) rate: Option<f64>,
    pub(crate) samples: Vec<Sample>,
    /// Why samples are missing.
    pub(crate) failures: Vec<String>,
    /// Why there are none.
    pub(crate) left_out: Option<String>,
}

impl Cell {
    pub(crate) fn new(
        workload: &'static Workload,
        pace: Pace,
        server: &Server,
        server_at: usize,
    ) -> Self {
        Self {
            workload,
            pace,
            server: server.name().to_owned(),
            server_at,
            role: server.role(),
            rate: None,
            samples: Vec::new(),
            failures: Vec::new(),
            left_out: None,
        }
    }

    pub(crate) fn record(&mut self, round: usize, sample: Result<Sample>) {
        match sample {
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.failures.push(format!("round {round}: {error:#}")),
        }
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.samples)
    }

    /// Whether both are compared with each other.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.workload.name == other.workload.name && self.pace == other.pace
    }
}

/// The medians that others under the same workload are divided by, where they were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Yardsticks<'c> {
    pub(crate) epoll_us: Option<f64>,
    pub(crate) uring_us: Option<f64>,
    /// The rival with the lowest median.
    pub(crate) best: Option<(&'c str, f64)>,
}

impl<'c> Yardsticks<'c> {
    /// Picks them from the cells of one workload and pace.
    pub(crate) fn of(row: &'c [Cell]) -> Self {
        Self::among(
            row.iter().filter_map(|cell| {
                Some((cell.server.as_str(), cell.role, cell.summary()?.median_us))
            }),
        )
    }

    fn among(medians: impl Iterator<Item = (&'c str, Role, f64)>) -> Self {
        let mut yardsticks = Self { epoll_us: None, uring_us: None, best: None };
        for (name, role, median_us) in medians {
            match (role, name) {
                (Role::Limit, LIMIT_EPOLL) => yardsticks.epoll_us = Some(median_us),
                (Role::Limit, LIMIT_URING) => yardsticks.uring_us = Some(median_us),
                (Role::Limit | Role::Wharf, _) => {}
                (Role::Rival, _) => {
                    if yardsticks.best.is_none_or(|(_, best_us)| median_us < best_us) {
                        yardsticks.best = Some((name, median_us));
                    }
                }
            }
        }
        yardsticks
    }

    pub(crate) fn to_epoll(self, median_us: f64) -> Option<f64> {
        self.epoll_us.map(|limit_us| median_us / limit_us)
    }

    pub(crate) fn to_uring(self, median_us: f64) -> Option<f64> {
        self.uring_us.map(|limit_us| median_us / limit_us)
    }

    pub(crate) fn to_best(self, median_us: f64) -> Option<f64> {
        self.best.map(|(_, best_us)| median_us / best_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rival_is_neither_a_limit_nor_wharf() {
        let medians = [
            (LIMIT_EPOLL, Role::Limit, 4.0),
            ("wharf", Role::Wharf, 5.0),
            ("slow", Role::Rival, 10.0),
            ("fast", Role::Rival, 8.0),
        ];
        let yardsticks = Yardsticks::among(medians.into_iter());
        assert_eq!(yardsticks.best, Some(("fast", 8.0)));
        assert_eq!(yardsticks.to_epoll(5.0), Some(1.25));
        assert_eq!(yardsticks.to_uring(5.0), None);
        assert_eq!(yardsticks.to_best(4.0), Some(0.5));
    }

    #[test]
    fn without_neighbours_there_is_nothing_to_compare_with() {
        let yardsticks = Yardsticks::among(std::iter::empty());
        assert_eq!(yardsticks.to_best(1.0).or(yardsticks.to_epoll(1.0)), None);
    }
}
