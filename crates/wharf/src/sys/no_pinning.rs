//! Systems on which threads run where the system likes. Not here: Linux.

use std::io;

/// Whether threads can be pinned.
pub(crate) const CAN_PIN: bool = false;

/// What lasts for as long as a thread is pinned.
#[must_use = "dropping it undoes it"]
#[derive(Debug)]
pub(crate) struct Pinned;

/// Has no effect, as is documented where it can be asked for.
pub(crate) const fn pin_this_thread(_number: usize) -> io::Result<Pinned> {
    Ok(Pinned)
}

/// Where a thread may run, of which nothing is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place;

impl Place {
    /// Where the calling thread may run; `None` if the system does not tell.
    pub(crate) const fn of_this_thread() -> Option<Self> {
        None
    }

    /// Has the calling thread run there.
    pub(crate) const fn enter(&self) {}
}
