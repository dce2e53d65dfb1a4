//! Limits on Unix. Not here: anything that only some Unixes have.

use rustix::process::{Resource, getrlimit};

/// How many descriptors the process may have open; `None` if there is no limit.
pub(crate) fn open_file_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
