//! CPU time of the whole machine.
//!
//! Not here: who used it; the caller subtracts those it knows.

use std::fs;

use anyhow::{Context, Result, bail};

/// What one tick of `/proc/stat` is worth: `USER_HZ` is 100 on every architecture Rust runs on.
pub(crate) const TICK_NS: u64 = 10_000_000;

/// Returns how long all cores together have been busy, in nanoseconds, to 10 ms.
///
/// Time stolen by the hypervisor counts as busy: to a measurement, a neighbour in another
/// machine is like one in this machine.
///
/// # Errors
///
/// When `/proc/stat` cannot be read.
pub fn machine_busy_ns() -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    Ok(busy_ticks_in(&stat)? * TICK_NS)
}

fn busy_ticks_in(stat: &str) -> Result<u64> {
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The guests' time behind these is contained in user and nice.
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = ticks[..] else {
        bail!("/proc/stat begins with {line:?}");
    };
    Ok(user + nice + system + irq + softirq + steal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_and_guests_are_left_out() {
        let stat = "cpu  1 2 4 1000 2000 8 16 32 5000 6000\ncpu0 9 9 9 9 9 9 9 9 9 9\n";
        assert_eq!(busy_ticks_in(stat).unwrap(), 63);
        assert!(busy_ticks_in("cpu 1 2 3").is_err());
    }
}
