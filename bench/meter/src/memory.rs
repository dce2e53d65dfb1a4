//! Resident memory of processes.
//!
//! Not here: memory the kernel holds for their sockets, which no server can change.

use std::fs;

use anyhow::{Context, Result};

use crate::Processes;

/// Resident memory at one moment, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All resident pages, shared ones counted in each process.
    pub resident_bytes: u64,
    /// Pages written to by one process alone: what goes away when it ends.
    pub private_dirty_bytes: u64,
}

impl Memory {
    /// Sums up what `processes` hold now, from their `smaps_rollup`.
    ///
    /// # Errors
    ///
    /// When one of them has ended or belongs to somebody else.
    pub fn of(processes: &Processes) -> Result<Self> {
        let mut sum = Self::default();
        for pid in processes.pids() {
            let path = format!("/proc/{pid}/smaps_rollup");
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
            sum.resident_bytes += bytes_in(&text, "Rss:")?;
            sum.private_dirty_bytes += bytes_in(&text, "Private_Dirty:")?;
        }
        Ok(sum)
    }
}

fn bytes_in(rollup: &str, name: &str) -> Result<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib
        .and_then(|kib| kib.parse().ok())
        .with_context(|| format!("no {name} in smaps_rollup"))?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_scaled() {
        let rollup = "5-7 ---p 0 00:00 0 [rollup]\nRss:       1748 kB\nPrivate_Dirty:    108 kB\n";
        assert_eq!(bytes_in(rollup, "Rss:").unwrap(), 1748 * 1024);
        assert_eq!(bytes_in(rollup, "Private_Dirty:").unwrap(), 108 * 1024);
        assert!(bytes_in(rollup, "Swap:").is_err());
    }

    #[test]
    fn we_hold_some_memory() {
        let own = Memory::of(&Processes::own()).unwrap();
        assert!(own.resident_bytes >= own.private_dirty_bytes && own.private_dirty_bytes > 0);
    }
}
