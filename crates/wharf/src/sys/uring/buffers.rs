//! The buffers that the kernel receives into: one ring of them for all connections of a worker.
//!
//! A buffer is the kernel's until a completion brings it, and this side's until it is given back;
//! the list of lengths says which. Only this side's can be looked at. Not here: completions
//! (`mod.rs`).

use std::io;
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

use super::mapping::Mapping;

/// The number that the kernel knows the ring of buffers by. There is no other.
pub(super) const GROUP: u16 = 0;

/// A ring of buffers.
pub(super) struct Buffers {
    /// What the kernel is told: where buffers are, and how many of the places are valid.
    entries: Mapping,
    space: Mapping,
    /// A power of two.
    count: u16,
    size: u32,
    /// How many buffers were given to the kernel so far.
    tail: u16,
    /// How much is in each of this side's buffers. Zero: it is the kernel's.
    filled: Box<[u32]>,
}

impl Buffers {
    /// Buffers of `size` bytes each, all of them the kernel's once the ring is registered.
    pub(super) fn new(count: u16, size: u32) -> io::Result<Self> {
        assert!(count.is_power_of_two(), "places are found by masking");
        let entries = Mapping::new(usize::from(count) * size_of::<BufRingEntry>())?;
        let space = Mapping::new(usize::from(count) * size as usize)?;
        let filled = vec![0; usize::from(count)].into();
        let mut buffers = Self { entries, space, count, size, tail: 0, filled };
        for id in 0..count {
            buffers.give(id);
        }
        Ok(buffers)
    }

    /// Tells the kernel of the buffers.
    ///
    /// # Safety
    ///
    /// They must not be dropped before the submitter's ring has no request left that receives.
    pub(super) unsafe fn register(&self, submitter: &Submitter<'_>) -> io::Result<()> {
        let start = self.entries.start() as u64;
        // SAFETY: the mapping has a place for each of the entries, begins a page, and stays for as
        // long as the caller guarantees.
        unsafe { submitter.register_buf_ring_with_flags(start, self.count, GROUP, 0) }
    }

    /// Takes note that the kernel has filled a buffer. One that it has left empty is given back.
    ///
    /// # Panics
    ///
    /// If it was not the kernel's to fill.
    pub(super) fn note_filled(&mut self, id: u16, len: u32) {
        let filled = &mut self.filled[usize::from(id)];
        assert!(*filled == 0 && len <= self.size, "the kernel fills what it was given");
        *filled = len;
        if len == 0 {
            self.give(id);
        }
    }

    /// What is in a buffer: nothing, if it is the kernel's.
    pub(super) fn bytes(&self, id: u16) -> &[u8] {
        let index = usize::from(id);
        let len = self.filled[index] as usize;
        let start = self.space.start().wrapping_add(index * self.size as usize);
        // SAFETY: `filled` has a length for this side's buffers only, which the kernel does not
        // touch until `recycle` gives them back, for which nobody may look at them any more. The
        // length is at most the buffer's, and all of the mapping is initialised.
        unsafe { slice::from_raw_parts(start, len) }
    }

    /// Gives a buffer back to the kernel.
    pub(super) fn recycle(&mut self, id: u16) {
        if std::mem::take(&mut self.filled[usize::from(id)]) > 0 {
            self.give(id);
        }
    }

    fn give(&mut self, id: u16) {
        let entries: *mut BufRingEntry = self.entries.start().cast();
        let place = entries.wrapping_add(usize::from(self.tail & (self.count - 1)));
        // SAFETY: the mapping holds `count` entries, all of them zeroed at first. The kernel reads
        // none from the tail on, and there are never more buffers given than places.
        let place = unsafe { &mut *place };
        place.set_addr(self.space.start() as u64 + u64::from(id) * u64::from(self.size));
        place.set_len(self.size);
        place.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: this is the first entry of the ring, and initialised.
        let tail = unsafe { BufRingEntry::tail(entries) };
        // SAFETY: the tail lies within the mapping and is aligned; the kernel reads it, and nobody
        // but this method writes to it.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // What was written to the entry has to be there before the kernel is told of it.
        tail.store(self.tail, Ordering::Release);
    }
}
