//! [`Stats`]: how often each thing happened, and the counters of each worker behind it.
//!
//! A counter is written by its worker alone and read by anybody, so that counting costs a load and
//! a store. Not here: rates and histograms, which are for those who scrape.

use std::sync::atomic::{AtomicU64, Ordering};

use wharf_proto::Reject;

use super::close::CloseReason;
use super::limit::Limit;

const REJECTS: usize = Reject::ALL.len();
const LIMITS: usize = Limit::ALL.len();

/// The counters of one worker. They stand alone in their cache lines, since others only read them.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    accepted: AtomicU64,
    requests: AtomicU64,
    closes: [AtomicU64; CloseReason::KINDS],
    rejects: [AtomicU64; REJECTS],
    limits: [AtomicU64; LIMITS],
}

/// Adds one, for the only thread that writes.
fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn count_accepted(&self) {
        count(&self.accepted);
    }

    pub(crate) fn count_request(&self) {
        count(&self.requests);
    }

    pub(crate) fn count_close(&self, reason: CloseReason) {
        count(&self.closes[reason.kind()]);
    }

    /// Counts a rejection, and the bound that it speaks of.
    pub(crate) fn count_reject(&self, reject: Reject) {
        count(&self.rejects[reject as usize]);
        if let Some(limit) = Limit::of(reject) {
            self.count_limit(limit);
        }
    }

    pub(crate) fn count_limit(&self, limit: Limit) {
        count(&self.limits[limit as usize]);
    }
}

/// How often each thing happened since the server began, and what there is at the moment.
///
/// The counts of several workers are read one after the other while they go on.
///
/// ```
/// use wharf::{Limit, Server};
///
/// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
/// let stats = handle.stats();
/// assert_eq!(stats.connections, 0);
/// for (limit, count) in stats.limits() {
///     println!("{limit:?} {count}");
/// }
/// assert_eq!(stats.reached(Limit::HeadBytes), 0);
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Requests whose head came in full.
    pub requests: u64,
    closes: [u64; CloseReason::KINDS],
    rejects: [u64; REJECTS],
    limits: [u64; LIMITS],
}

/// Adds the counters of all workers up.
pub(crate) fn snapshot<'c>(
    connections: usize,
    workers: impl Iterator<Item = &'c Counters>,
) -> Stats {
    let mut stats = Stats { connections: connections as u64, ..Stats::default() };
    let add = |sums: &mut [u64], counters: &[AtomicU64]| {
        for (sum, counter) in sums.iter_mut().zip(counters) {
            *sum += counter.load(Ordering::Relaxed);
        }
    };
    for worker in workers {
        stats.accepted += worker.accepted.load(Ordering::Relaxed);
        stats.requests += worker.requests.load(Ordering::Relaxed);
        add(&mut stats.closes, &worker.closes);
        add(&mut stats.rejects, &worker.rejects);
        add(&mut stats.limits, &worker.limits);
    }
    stats
}

impl Stats {
    /// How many connections ended for that reason. The details of
    /// [`Rejected`](CloseReason::Rejected) and [`Limit`](CloseReason::Limit) are not told apart;
    /// [`rejected`](Self::rejected) and [`reached`](Self::reached) do that.
    #[must_use]
    pub const fn closed(&self, reason: CloseReason) -> u64 {
        self.closes[reason.kind()]
    }

    /// How many requests were refused with that rejection.
    #[must_use]
    pub const fn rejected(&self, reject: Reject) -> u64 {
        self.rejects[reject as usize]
    }

    /// How often that bound was reached.
    #[must_use]
    pub const fn reached(&self, limit: Limit) -> u64 {
        self.limits[limit as usize]
    }

    /// Every rejection with its count.
    pub fn rejects(&self) -> impl Iterator<Item = (Reject, u64)> {
        Reject::ALL.into_iter().zip(self.rejects)
    }

    /// Every bound with its count.
    pub fn limits(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.iter().copied().zip(self.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_workers_are_added_up() {
        let workers = [Counters::default(), Counters::default()];
        for worker in &workers {
            worker.count_accepted();
            worker.count_request();
            worker.count_reject(Reject::BodyTooLarge);
            worker.count_reject(Reject::BadHost);
            worker.count_close(CloseReason::of(Reject::BodyTooLarge));
        }
        workers[0].count_limit(Limit::Linger);
        let stats = snapshot(3, workers.iter());
        assert_eq!((stats.connections, stats.accepted, stats.requests), (3, 2, 2));
        assert_eq!(stats.rejected(Reject::BadHost), 2);
        assert_eq!(stats.reached(Limit::BodyBytes), 2);
        assert_eq!(stats.reached(Limit::Linger), 1);
        assert_eq!(stats.closed(CloseReason::Limit(Limit::BodyBytes)), 2);
        assert_eq!(stats.closed(CloseReason::PeerClosed), 0);
        assert_eq!(stats.limits().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!(stats.rejects().map(|(_, count)| count).sum::<u64>(), 4);
    }

    #[test]
    fn every_limit_stands_at_its_place_and_has_a_text_of_its_own() {
        let mut texts: Vec<_> = Limit::ALL.iter().map(ToString::to_string).collect();
        assert!(Limit::ALL.iter().enumerate().all(|(at, limit)| *limit as usize == at));
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Limit::ALL.len());
    }
}
