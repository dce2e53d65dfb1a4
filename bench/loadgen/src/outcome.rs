//! What a run counted.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Fault;

/// The result of one run.
#[derive(Debug)]
pub struct Outcome {
    /// Responses that arrived complete and with status 200.
    pub responses: u64,
    /// Connections given up because of a response with another status.
    pub bad_statuses: u64,
    /// Connections given up for any other reason.
    pub errors: u64,
    /// The first reason for which a connection was given up.
    pub first_fault: Option<Fault>,
    /// From the first request to the last response.
    pub elapsed: Duration,
    /// From the write of a batch to the read of each of its responses, in nanoseconds.
    pub latency_ns: Histogram<u64>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self {
            responses: 0,
            bad_statuses: 0,
            errors: 0,
            first_fault: None,
            elapsed: Duration::ZERO,
            latency_ns: empty_histogram(),
        }
    }

    pub(crate) fn record_responses(&mut self, count: u64, latency: Duration) {
        self.responses += count;
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency_ns.saturating_record_n(nanos, count);
    }

    pub(crate) fn record_fault(&mut self, fault: Fault) {
        match fault {
            Fault::Status => self.bad_statuses += 1,
            _ => self.errors += 1,
        }
        self.first_fault.get_or_insert(fault);
    }

    /// Responses per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.responses as f64 / self.elapsed.as_secs_f64()
    }
}

/// Returns a histogram with the bounds of all of ours, so that they can be added up: from a
/// microsecond to a minute, to three digits.
#[must_use]
pub fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).expect("the bounds are in order")
}
