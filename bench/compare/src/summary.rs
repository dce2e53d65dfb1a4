//! Which samples count, and what they come to.
//!
//! Not here: ratios between servers (`cell.rs`).

use meter::Cpu;
use serde::Serialize;

use crate::sample::{self, Sample};

/// Disturbed samples are dropped if at least this many others remain: a median of fewer is no
/// better than a disturbed one.
const MIN_CALM: usize = 3;

/// The samples of one server under one workload, in a few figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// CPU time per response, in microseconds.
    pub(crate) median_us: f64,
    pub(crate) minimum_us: f64,
    /// The part of the median in user space, in microseconds; absent if the runs were too short
    /// to tell.
    pub(crate) user_us: Option<f64>,
    pub(crate) requests_per_second: f64,
    /// Medians of the samples' quantiles, if the generator told of latencies: a sample in which the
    /// machine itself stood still counts as one, not by how many requests waited for it.
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    pub(crate) p999_us: Option<f64>,
    /// Of all samples.
    pub(crate) max_us: Option<f64>,
    /// Requests of an open loop that were due and never sent, per request that was.
    pub(crate) unsent_share: f64,
    /// CPU that others used meanwhile, in cores, on average over the samples used.
    pub(crate) others_cores: f64,
    /// Samples these figures come from.
    pub(crate) used: usize,
    /// Samples taken while other processes ran.
    pub(crate) disturbed: usize,
}

impl Summary {
    /// Returns `None` if there are no samples.
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let calm: Vec<&Sample> = samples.iter().filter(|sample| !sample.is_disturbed()).collect();
        let disturbed = samples.len() - calm.len();
        let used = if calm.len() >= MIN_CALM { calm } else { samples.iter().collect() };
        let median_of = |figure: &dyn Fn(&Sample) -> f64| {
            median(&used.iter().map(|sample| figure(sample)).collect::<Vec<_>>())
        };
        let median_us = median_of(&Sample::cost_us)?;
        let mut cpu = Cpu::default();
        let (mut responses, mut unsent) = (0, 0);
        for sample in &used {
            cpu += sample.cpu;
            responses += sample.responses;
            unsent += sample.unsent;
        }
        let quantiles = |quantile| -> Vec<f64> {
            let micros = |sample: &&Sample| sample::micros(&sample.latency_ns, quantile);
            used.iter().filter_map(micros).collect()
        };
        Some(Self {
            median_us,
            minimum_us: used.iter().map(|sample| sample.cost_us()).fold(f64::INFINITY, f64::min),
            user_us: cpu.user_share().map(|share| share * median_us),
            requests_per_second: median_of(&|sample| sample.rate)?,
            p50_us: median(&quantiles(0.5)),
            p99_us: median(&quantiles(0.99)),
            p999_us: median(&quantiles(0.999)),
            max_us: quantiles(1.0).into_iter().reduce(f64::max),
            unsent_share: unsent as f64 / responses as f64,
            others_cores: used.iter().map(|sample| sample.others).sum::<f64>() / used.len() as f64,
            used: used.len(),
            disturbed,
        })
    }

    /// Whether disturbed samples are among those used, for want of others.
    pub(crate) fn is_disturbed(&self, samples: usize) -> bool {
        self.disturbed > 0 && self.used == samples
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use loadgen::empty_histogram;

    use super::*;

    fn sample(cost_us: u64, others: f64) -> Sample {
        let cpu = Cpu { busy_ns: cost_us * 1000, user_ticks: 1, system_ticks: 3 };
        let latency_ns = empty_histogram();
        Sample { responses: 1, unsent: 1, rate: 1.0, latency_ns, cpu, others }
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn disturbed_samples_are_dropped_if_three_others_remain() {
        let samples = [sample(9, 0.5), sample(1, 0.0), sample(2, 0.05), sample(3, 0.0)];
        let summary = Summary::of(&samples).unwrap();
        assert_eq!((summary.median_us, summary.minimum_us), (2.0, 1.0));
        assert_eq!((summary.used, summary.disturbed), (3, 1));
        assert_eq!(summary.user_us, Some(0.5));
        assert_eq!(summary.unsent_share, 1.0);
        assert!((summary.others_cores - 0.05 / 3.0).abs() < 1e-9);
        assert!(!summary.is_disturbed(samples.len()));
    }

    #[test]
    fn disturbed_samples_are_used_and_marked_for_want_of_others() {
        let samples = [sample(9, 0.5), sample(1, 0.0), sample(2, 0.05), sample(8, 0.2)];
        let summary = Summary::of(&samples).unwrap();
        assert_eq!(summary.median_us, 5.0);
        assert_eq!((summary.used, summary.disturbed), (4, 2));
        assert!(summary.is_disturbed(samples.len()));
    }

    #[test]
    fn latencies_are_those_of_the_sample_in_the_middle() {
        let samples = [[100, 300], [200, 400], [150, 90_000]].map(|latencies_us| {
            let mut sample = sample(1, 0.0);
            for latency_us in latencies_us {
                sample.latency_ns.record(latency_us * 1000).unwrap();
            }
            sample
        });
        let summary = Summary::of(&samples).unwrap();
        let is_about = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap() / expected - 1.0).abs() < 0.01, "{found:?}, not {expected}");
        };
        is_about(summary.p50_us, 150.0);
        is_about(summary.p99_us, 400.0);
        is_about(summary.max_us, 90_000.0);
    }

    #[test]
    fn no_samples_have_no_summary() {
        assert_eq!(Summary::of(&[]), None);
    }
}
