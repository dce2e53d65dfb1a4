//! What a run counted.
//!
//! Not here: what runs come to together, which the `compare` tool sums up.

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
    /// Requests of an open loop that were due and found no connection before the run was given up.
    pub unsent: u64,
    /// From the first request to the last response.
    pub elapsed: Duration,
    /// From the write of a batch, or from when it was due, to the read of each of its responses, in
    /// nanoseconds. Of a connection's first request, connecting is part.
    pub latency_ns: Histogram<u64>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self {
            responses: 0,
            bad_statuses: 0,
            errors: 0,
            first_fault: None,
            unsent: 0,
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
/// nanosecond to a minute, to three digits.
#[must_use]
pub fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list_to_three_digits() {
        // A fixed sequence with a long tail, spread over five decades.
        let mut state = 1_u64;
        let mut sorted: Vec<u64> = (0..10_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                1_000 + (state >> 34) / (1 + (state & 0xffff))
            })
            .collect();
        let mut outcome = Outcome::new();
        for &nanos in &sorted {
            outcome.record_responses(1, Duration::from_nanos(nanos));
        }
        sorted.sort_unstable();
        for (quantile, index) in [(0.5, 4_999), (0.99, 9_899), (0.999, 9_989), (1.0, 9_999)] {
            let (found, exact) =
                (outcome.latency_ns.value_at_quantile(quantile) as f64, sorted[index] as f64);
            assert!((found / exact - 1.0).abs() < 0.001, "{quantile}: {found} for {exact}");
        }
        assert_eq!(outcome.responses, 10_000);
    }

    #[test]
    fn each_response_of_a_batch_counts_with_the_latency_of_its_batch() {
        let mut outcome = Outcome::new();
        outcome.record_responses(3, Duration::from_micros(10));
        outcome.record_responses(1, Duration::from_micros(1000));
        assert_eq!(outcome.latency_ns.len(), 4);
        assert!(outcome.latency_ns.value_at_quantile(0.75) < 11_000);
    }
}
