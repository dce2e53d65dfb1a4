//! Which processor a thread runs on, where the system is Linux. Not here: who is to run where.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Whether threads can be pinned.
pub(crate) const CAN_PIN: bool = true;

/// Has the calling thread where it may run only for as long as this exists, and its new threads for
/// good.
#[must_use = "dropping it undoes it"]
#[derive(Debug)]
pub(crate) struct Pinned {
    before: CpuSet,
}

/// Has the calling thread run on one of the processors that it may use: the one of that number,
/// counted round and round.
pub(crate) fn pin_this_thread(number: usize) -> io::Result<Pinned> {
    let before = sched_getaffinity(None)?;
    let allowed = cpus(&before);
    let cpu = number.checked_rem(allowed.len()).map(|at| allowed[at]);
    let mut one = CpuSet::new();
    one.set(cpu.ok_or(io::ErrorKind::NotFound)?);
    sched_setaffinity(None, &one)?;
    Ok(Pinned { before })
}

/// Where a thread may run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(CpuSet);

impl Place {
    /// Where the calling thread may run; `None` if the system does not tell.
    pub(crate) fn of_this_thread() -> Option<Self> {
        sched_getaffinity(None).ok().map(Self)
    }

    /// Has the calling thread run there.
    pub(crate) fn enter(&self) {
        // It fails only where none of these processors is left, and then the system has chosen.
        let _ = sched_setaffinity(None, &self.0);
    }
}

fn cpus(set: &CpuSet) -> Vec<usize> {
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect()
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // It fails only where none of these processors is left, and then the system has chosen.
        let _ = sched_setaffinity(None, &self.before);
    }
}

/// Where the calling thread may run.
#[cfg(test)]
pub(super) fn cpus_of_this_thread() -> Vec<usize> {
    cpus(&sched_getaffinity(None).unwrap())
}
