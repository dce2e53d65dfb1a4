//! The processes of one server: the one that was started and its descendants.
//!
//! Not here: what they use (`cpu.rs`, `memory.rs`).

use std::fs;

use anyhow::{Context, Result, ensure};

/// Generations below the process that was started. nginx has one; a loop in the listing, read
/// while processes come and go, must not hang us.
const MAX_GENERATIONS: usize = 8;

/// A set of processes that are counted as one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processes {
    pids: Vec<u32>,
}

impl Processes {
    /// Returns `root` and all its descendants as they are now.
    ///
    /// Processes that start later are not in the set; one that ends makes later readings fail,
    /// so that a crashed worker is not taken for a thrifty one.
    ///
    /// # Errors
    ///
    /// When `root` does not exist or `/proc` cannot be listed.
    pub fn of(root: u32) -> Result<Self> {
        let parents = parents().context("cannot list /proc")?;
        ensure!(parents.iter().any(|&(pid, _)| pid == root), "there is no process {root}");
        let mut pids = vec![root];
        for _ in 0..MAX_GENERATIONS {
            let known = pids.len();
            for &(pid, parent) in &parents {
                if pids.contains(&parent) && !pids.contains(&pid) {
                    pids.push(pid);
                }
            }
            if pids.len() == known {
                break;
            }
        }
        Ok(Self { pids })
    }

    /// The process we are.
    #[must_use]
    pub fn own() -> Self {
        Self { pids: vec![std::process::id()] }
    }

    /// The ids, the started process first.
    #[must_use]
    pub fn pids(&self) -> &[u32] {
        &self.pids
    }
}

/// Every process of the machine with its parent.
fn parents() -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process that ended since it was listed has no file; it is not ours.
        if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
            found.push((pid, parent_in(&stat)?));
        }
    }
    Ok(found)
}

fn parent_in(stat: &str) -> Result<u32> {
    // The second field is the name in parentheses, which may itself hold any character.
    let (_, fields) = stat.rsplit_once(") ").context("no name in a stat file")?;
    fields.split(' ').nth(1).and_then(|ppid| ppid.parse().ok()).context("no parent in a stat file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_parent() {
        assert_eq!(parent_in("12 (a) b (c) S 7 12 12 0").unwrap(), 7);
    }

    #[test]
    fn we_are_among_the_processes() {
        let own = Processes::of(std::process::id()).unwrap();
        assert_eq!(own.pids()[0], std::process::id());
    }
}
