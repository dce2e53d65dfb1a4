//! Systems without descriptor limits. Not here: Unix.

/// How many descriptors the process may have open; `None` if there is no limit.
pub(crate) const fn open_file_limit() -> Option<u64> {
    None
}
