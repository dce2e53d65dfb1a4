//! Counts the bytes that the parser looks at, so that tests can tell that a slow peer makes it look
//! at none of them again. Outside of tests this is nothing.

#[cfg(test)]
pub(super) use counting::{count, taken};

#[cfg(not(test))]
pub(super) const fn count(_bytes: usize) {}

#[cfg(test)]
mod counting {
    use std::cell::Cell;

    thread_local! {
        static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    pub(in crate::h1) fn count(bytes: usize) {
        LOOKS.set(LOOKS.get() + bytes);
    }

    /// How many looks there were on this thread since the last call.
    pub(in crate::h1) fn taken() -> usize {
        LOOKS.take()
    }
}
