//! Memory of whole pages that the kernel may be told of: it stays where it is until it is dropped.
//!
//! Not here: what is in it.

use std::ffi::c_void;
use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Zeroed pages. They take up memory once they are used.
pub(super) struct Mapping {
    start: NonNull<c_void>,
    len: usize,
}

// SAFETY: the pages belong to this value alone, and are reached through it only.
unsafe impl Send for Mapping {}

impl Mapping {
    pub(super) fn new(len: usize) -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the system chooses the place, so that nobody else's memory is replaced.
        let start = unsafe { mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE) }?;
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, len })
    }

    /// The first byte, which begins a page.
    pub(super) const fn start(&self) -> *mut u8 {
        self.start.as_ptr().cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` mapped these pages, and what was reached through this value is gone with
        // it. Whoever told the kernel of them has waited until the kernel was through.
        let _ = unsafe { munmap(self.start.as_ptr(), self.len) };
    }
}
