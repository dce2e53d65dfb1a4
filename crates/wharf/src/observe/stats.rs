//! [`Stats`]: how often each thing happened, and the counters of each worker behind it.
//!
//! A counter is written by its worker alone and read by anybody, so that counting costs a load and
//! a store. Not here: rates and histograms, which are for those who scrape.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use wharf_proto::Reject;
use wharf_proto::h2::ConnectionError;

use super::close::CloseReason;
use super::limit::Limit;
use crate::tls::TlsError;

const REJECTS: usize = Reject::ALL.len();
const H2_ERRORS: usize = ConnectionError::ALL.len();
const TLS_ERRORS: usize = TlsError::KIND_TEXTS.len();
const LIMITS: usize = Limit::ALL.len();

/// The counters of one worker. They stand alone in their cache lines, since others only read them.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    accepted: AtomicU64,
    requests: AtomicU64,
    orphans: AtomicU64,
    handshakes: AtomicU64,
    resumptions: AtomicU64,
    tls_errors: [AtomicU64; TLS_ERRORS],
    closes: [AtomicU64; CloseReason::KINDS],
    rejects: [AtomicU64; REJECTS],
    h2_errors: [AtomicU64; H2_ERRORS],
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

    /// Notes how many handlers go on without their client.
    pub(crate) fn set_orphans(&self, count: usize) {
        self.orphans.store(count as u64, Ordering::Relaxed);
    }

    /// Counts a handshake of TLS that is over.
    pub(crate) fn count_handshake(&self, is_resumed: bool) {
        count(&self.handshakes);
        if is_resumed {
            count(&self.resumptions);
        }
    }

    pub(crate) fn count_tls_error(&self, kind: usize) {
        count(&self.tls_errors[kind]);
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

    pub(crate) fn count_h2_error(&self, error: ConnectionError) {
        count(&self.h2_errors[error as usize]);
    }

    pub(crate) fn count_limit(&self, limit: Limit) {
        count(&self.limits[limit as usize]);
    }
}

/// How often each thing happened since the server began, and what there is at the moment.
///
/// The counts of several workers are read one after the other while they go on. It prints as a
/// report for people, which leaves out what never happened.
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
    /// Handlers that go on although their client has disconnected and their connection is closed
    /// ([`OnDisconnect::Finish`](crate::OnDisconnect::Finish)).
    pub orphans: u64,
    /// Handshakes of TLS that succeeded.
    pub handshakes: u64,
    /// Those among them that took an earlier session up again.
    pub resumptions: u64,
    pub(crate) tls_errors: [u64; TLS_ERRORS],
    workers: Vec<WorkerStats>,
    closes: [u64; CloseReason::KINDS],
    rejects: [u64; REJECTS],
    h2_errors: [u64; H2_ERRORS],
    limits: [u64; LIMITS],
}

/// What one worker has and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStats {
    /// The name of its thread; `None` if it has none, or runs where the program ticks.
    pub thread: Option<String>,
    /// Whether it is over although the server is not
    /// ([`ErrorKind::Worker`](crate::ErrorKind::Worker)).
    pub has_failed: bool,
    /// Connections that it has.
    pub connections: u64,
    /// Connections that it accepted, those among them that it gave to other workers.
    pub accepted: u64,
    /// Requests whose head came to it in full.
    pub requests: u64,
}

/// Adds the counters of all workers up, each given with what else is known of it.
pub(crate) fn snapshot<'c>(
    connections: usize,
    workers: impl Iterator<Item = (WorkerStats, &'c Counters)>,
) -> Stats {
    let mut stats = Stats { connections: connections as u64, ..Stats::default() };
    let add = |sums: &mut [u64], counters: &[AtomicU64]| {
        for (sum, counter) in sums.iter_mut().zip(counters) {
            *sum += counter.load(Ordering::Relaxed);
        }
    };
    for (mut one, worker) in workers {
        one.accepted = worker.accepted.load(Ordering::Relaxed);
        one.requests = worker.requests.load(Ordering::Relaxed);
        stats.accepted += one.accepted;
        stats.requests += one.requests;
        stats.workers.push(one);
        stats.orphans += worker.orphans.load(Ordering::Relaxed);
        stats.handshakes += worker.handshakes.load(Ordering::Relaxed);
        stats.resumptions += worker.resumptions.load(Ordering::Relaxed);
        add(&mut stats.tls_errors, &worker.tls_errors);
        add(&mut stats.closes, &worker.closes);
        add(&mut stats.rejects, &worker.rejects);
        add(&mut stats.h2_errors, &worker.h2_errors);
        add(&mut stats.limits, &worker.limits);
    }
    stats
}

impl Stats {
    /// What each worker has and did. [`ConnectionId::worker`](crate::ConnectionId::worker) is a
    /// place in it.
    #[must_use]
    pub fn workers(&self) -> &[WorkerStats] {
        &self.workers
    }

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

    /// How many connections of HTTP/2 ended because their peers broke that rule of it.
    #[must_use]
    pub const fn http2_failed(&self, error: ConnectionError) -> u64 {
        self.h2_errors[error as usize]
    }

    /// Every rule of HTTP/2 with its count.
    pub fn http2_errors(&self) -> impl Iterator<Item = (ConnectionError, u64)> {
        ConnectionError::ALL.into_iter().zip(self.h2_errors)
    }

    /// Every bound with its count.
    pub fn limits(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.iter().copied().zip(self.limits)
    }
}

/// The workers, busy ones counted; each worker; then how often what happened.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let busy = self.workers.iter().filter(|worker| worker.connections > 0).count();
        writeln!(f, "workers {}, with connections {busy}", self.workers.len())?;
        let (connections, accepted) = (self.connections, self.accepted);
        writeln!(f, "connections {connections}, accepted {accepted}, requests {}", self.requests)?;
        for (index, worker) in self.workers.iter().enumerate() {
            writeln!(f, "worker {index}{worker}")?;
        }
        tell(f, "TLS", &"handshakes", self.handshakes)?;
        tell(f, "TLS", &"handshakes that took a session up again", self.resumptions)?;
        for (what, count) in TlsError::KIND_TEXTS.into_iter().zip(self.tls_errors) {
            tell(f, "TLS", &what, count)?;
        }
        for (reason, count) in CloseReason::KIND_TEXTS.into_iter().zip(self.closes) {
            tell(f, "closed", &reason, count)?;
        }
        for (limit, count) in self.limits() {
            tell(f, "limit", &limit, count)?;
        }
        for (reject, count) in self.rejects() {
            tell(f, "refused", &reject, count)?;
        }
        for (error, count) in self.http2_errors() {
            tell(f, "HTTP/2", &error, count)?;
        }
        Ok(())
    }
}

/// A line about what has happened.
fn tell(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    which: &dyn fmt::Display,
    count: u64,
) -> fmt::Result {
    if count == 0 { Ok(()) } else { writeln!(f, "{what}: {which} {count}") }
}

/// ` (wharf-0): connections 1, accepted 2, requests 3`
impl fmt::Display for WorkerStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(thread) = &self.thread {
            write!(f, " ({})", thread.escape_debug())?;
        }
        let Self { connections, accepted, requests, .. } = self;
        write!(f, ": connections {connections}, accepted {accepted}, requests {requests}")
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
        let each = workers.iter().zip([Some("wharf-0".to_owned()), None]);
        let each = each.map(|(worker, thread)| {
            (WorkerStats { thread, connections: 1, ..WorkerStats::default() }, worker)
        });
        let stats = snapshot(3, each);
        assert_eq!((stats.connections, stats.accepted, stats.requests), (3, 2, 2));
        assert_eq!(stats.rejected(Reject::BadHost), 2);
        assert_eq!(stats.reached(Limit::BodyBytes), 2);
        assert_eq!(stats.reached(Limit::Linger), 1);
        assert_eq!(stats.closed(CloseReason::Limit(Limit::BodyBytes)), 2);
        assert_eq!(stats.closed(CloseReason::PeerClosed), 0);
        assert_eq!(stats.limits().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!(stats.rejects().map(|(_, count)| count).sum::<u64>(), 4);
        assert_eq!(
            stats.to_string(),
            "workers 2, with connections 2\n\
             connections 3, accepted 2, requests 2\n\
             worker 0 (wharf-0): connections 1, accepted 1, requests 1\n\
             worker 1: connections 1, accepted 1, requests 1\n\
             closed: bound reached 2\n\
             limit: body too large 2\n\
             limit: peer did not close 1\n\
             refused: missing, repeated, malformed or contradicted host 2\n\
             refused: body too large 2\n"
        );
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
