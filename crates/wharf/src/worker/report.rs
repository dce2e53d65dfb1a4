//! [`DrainReport`]: what became of what was under way when a server was told to end.
//!
//! Not here: who decides it (`drain.rs`).

use std::fmt;

use crate::observe::OpenConnection;

/// Of how many connections it is told what they were doing. Others are counted.
const MAX_DETAILS: usize = 1_000;

/// What became of what was under way when a server was told to end.
///
/// It is about connections that were open when the server heard of its end, and those that it
/// accepted afterwards.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DrainReport {
    /// Connections that came to their end by themselves, before the deadline: most of them
    /// answered, others left by their peers.
    pub finished: u64,
    /// Connections whose handler was cancelled at the deadline. They were answered with 503, but
    /// for those whose client had disconnected before.
    pub cancelled: u64,
    /// Connections that were cut off in the middle of something.
    pub cut: u64,
    /// Workers that were not over when the report was asked for, so that nothing is known of their
    /// connections. After the deadline, handlers block them.
    pub blocked_workers: u64,
    /// What those that did not finish were doing, up to 1,000 of them.
    pub unfinished: Vec<Unfinished>,
}

/// A connection that was cancelled or cut.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unfinished {
    /// What it was doing.
    pub connection: OpenConnection,
    /// Whether it was cut off. If not, its handler was cancelled and its peer answered.
    pub was_cut: bool,
}

impl DrainReport {
    /// Whether everything came to its end in order.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cancelled == 0 && self.cut == 0 && self.blocked_workers == 0
    }

    pub(super) fn note(&mut self, unfinished: Unfinished) {
        if unfinished.was_cut {
            self.cut += 1;
        } else {
            self.cancelled += 1;
        }
        if self.unfinished.len() < MAX_DETAILS {
            self.unfinished.push(unfinished);
        }
    }

    /// Adds that of another worker.
    pub(super) fn add(&mut self, other: Self) {
        self.finished += other.finished;
        self.cancelled += other.cancelled;
        self.cut += other.cut;
        let room = MAX_DETAILS - self.unfinished.len();
        self.unfinished.extend(other.unfinished.into_iter().take(room));
    }
}

/// `finished 12, cancelled 0, cut 1`, and a line for each that did not finish.
impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "finished {}, cancelled {}, cut {}", self.finished, self.cancelled, self.cut)?;
        if self.blocked_workers > 0 {
            write!(f, ", {} workers are blocked", self.blocked_workers)?;
        }
        for one in &self.unfinished {
            let what = if one.was_cut { "cut" } else { "cancelled" };
            write!(f, "\n{what}: {}", one.connection)?;
        }
        Ok(())
    }
}
