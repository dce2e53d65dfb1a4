//! CPU time of processes, summed over all their threads.
//!
//! The scheduler's own account in `schedstat` is exact to the nanosecond but does not tell user
//! from system time; `stat` does, in ticks of 10 ms. So the cost comes from the first and the
//! share of user space from the second, over as long a run as there is.
//!
//! Not here: threads that ended, whose time is lost with them; servers keep theirs. Of a load that
//! may end meanwhile there is [`ended_busy_ns`].

use std::fs;
use std::io;
use std::ops::{Add, AddAssign, Sub};
use std::path::Path;

use anyhow::{Context, Result};

use crate::Processes;
use crate::machine::TICK_NS;

/// `ESRCH`, the same number on every Linux.
const NO_SUCH_PROCESS: i32 = 3;

/// CPU time used so far, or between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Time on a core, in nanoseconds.
    pub busy_ns: u64,
    /// Of it in user space, in ticks of 10 ms.
    pub user_ticks: u64,
    /// Of it in the kernel, in ticks of 10 ms.
    pub system_ticks: u64,
}

impl Cpu {
    /// Reads what `processes` have used since they started.
    ///
    /// # Errors
    ///
    /// When one of them has ended, or the kernel keeps no `schedstat`.
    pub fn of(processes: &Processes) -> Result<Self> {
        let mut sum = Self::default();
        for pid in processes.pids() {
            let tasks = format!("/proc/{pid}/task");
            let listing = fs::read_dir(&tasks).with_context(|| format!("process {pid} is gone"))?;
            for task in listing {
                match Self::of_task(&task?.path()) {
                    Ok(cpu) => sum += cpu,
                    Err(error) if has_ended(&error) => {}
                    Err(error) => return Err(error.context(format!("a thread of process {pid}"))),
                }
            }
        }
        Ok(sum)
    }

    /// The part of the time spent in user space, from 0 to 1; `None` below one tick.
    #[must_use]
    pub fn user_share(&self) -> Option<f64> {
        let ticks = self.user_ticks + self.system_ticks;
        (ticks > 0).then(|| self.user_ticks as f64 / ticks as f64)
    }

    fn of_task(task: &Path) -> Result<Self> {
        let busy_ns = busy_ns_in(&fs::read_to_string(task.join("schedstat"))?)?;
        let (user_ticks, system_ticks) = ticks_in(&fs::read_to_string(task.join("stat"))?)?;
        Ok(Self { busy_ns, user_ticks, system_ticks })
    }
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            busy_ns: self.busy_ns + other.busy_ns,
            user_ticks: self.user_ticks + other.user_ticks,
            system_ticks: self.system_ticks + other.system_ticks,
        }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Cpu {
    type Output = Self;

    /// The use between two readings. Saturates: the kernel derives ticks from samples and may
    /// take one back.
    fn sub(self, earlier: Self) -> Self {
        Self {
            busy_ns: self.busy_ns.saturating_sub(earlier.busy_ns),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
        }
    }
}

/// Returns what one process has used, threads that ended included, in nanoseconds to 10 ms. It may
/// have ended itself, as long as its parent has not asked for its status.
///
/// # Errors
///
/// When there is no such process.
pub fn ended_busy_ns(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    let (user, system) = ticks_in(&stat)?;
    Ok((user + system) * TICK_NS)
}

/// Whether reading failed because the thread ended after it was listed.
fn has_ended(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    // The kernel says the one before the file is opened and the other after.
    error.is_some_and(|error| {
        error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS)
    })
}

fn busy_ns_in(schedstat: &str) -> Result<u64> {
    let first = schedstat.split_whitespace().next();
    first.and_then(|ns| ns.parse().ok()).context("no run time in a schedstat file")
}

fn ticks_in(stat: &str) -> Result<(u64, u64)> {
    // Fields 14 and 15 of the file; counted from the third, which follows the name.
    let (_, fields) = stat.rsplit_once(") ").context("no name in a stat file")?;
    let mut ticks = fields.split(' ').skip(11).map(str::parse);
    match (ticks.next(), ticks.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok((user, system)),
        _ => anyhow::bail!("no times in a stat file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "9 (a) 1 2 (b) S 1 9 9 0 -1 4194560 100 0 0 0 31 42 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks_in(stat).unwrap(), (31, 42));
        assert_eq!(busy_ns_in("53826 17 1\n").unwrap(), 53_826);
    }

    #[test]
    fn working_costs_time() {
        let own = Processes::own();
        let before = Cpu::of(&own).unwrap();
        std::hint::black_box((0..20_000_000u64).fold(0, |sum, n| sum ^ std::hint::black_box(n)));
        assert!((Cpu::of(&own).unwrap() - before).busy_ns > 0);
    }
}
