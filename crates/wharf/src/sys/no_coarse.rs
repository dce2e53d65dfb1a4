//! Systems of which no cheaper clock is known than the exact one. Not here: Linux.

use std::sync::LazyLock;
use std::time::Instant;

/// The nanoseconds since some beginning.
pub(crate) fn coarse_nanos() -> u64 {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
