//! Systems on which threads run where the system likes. Not here: Linux.

use std::io;

/// What lasts for as long as a thread is pinned.
#[must_use = "dropping it undoes it"]
#[derive(Debug)]
pub(crate) struct Pinned;

/// Has no effect, as is documented where it can be asked for.
pub(crate) const fn pin_this_thread(_number: usize) -> io::Result<Pinned> {
    Ok(Pinned)
}
