//! Where streams are kept: in slots that are used again, found by number through a small table.
//!
//! Numbers grow by two, so that half of a number is a good hash of it. Storage grows with the
//! streams that are open at once, and is kept until somebody says otherwise. Not here: what a
//! stream is (`stream.rs`).

use super::events::StreamKey;
use super::state::Closed;
use super::stream::Stream;

/// A slot that holds no stream, in the table.
const FREE: u16 = u16::MAX;

/// The size of the first table: twice the streams that fit before it grows.
const FIRST_TABLE_LEN: usize = 16;

/// How many closed streams are remembered, so that a frame that comes late is told from one that
/// must not come.
const CLOSED_LEN: usize = 64;

/// The streams that are open, and how some that were have ended.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    slots: Vec<Option<Stream>>,
    free: Vec<u16>,
    /// Slots by number, with linear probing. Its length is a power of two.
    table: Vec<u16>,
    len: usize,
    /// Numbers, halved, above two bits for how they ended.
    closed: [u32; CLOSED_LEN],
    next_closed: usize,
}

impl Streams {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            table: Vec::new(),
            len: 0,
            closed: [0; CLOSED_LEN],
            next_closed: 0,
        }
    }

    /// How many streams are open.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many bytes of storage are held, used or not.
    pub(super) fn storage_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Option<Stream>>()
            + (self.free.capacity() + self.table.capacity()) * size_of::<u16>()
    }

    /// Frees all storage, of which no stream needs any.
    pub(super) fn free_spares(&mut self) {
        debug_assert!(self.len == 0, "streams are open");
        (self.slots, self.free, self.table) = (Vec::new(), Vec::new(), Vec::new());
    }

    /// Adds a stream whose number is new.
    pub(super) fn insert(&mut self, stream: Stream) -> StreamKey {
        if self.table.len() <= 2 * self.len {
            self.grow();
        }
        let id = stream.id;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                if self.slots.capacity() == 0 {
                    // Many connections have one request at a time.
                    self.slots.reserve_exact(1);
                }
                self.slots.push(None);
                u16::try_from(self.slots.len() - 1).expect("streams are fewer than slots")
            }
        };
        *self.slots.get_mut(usize::from(slot)).expect("free slots exist") = Some(stream);
        self.len += 1;
        self.link(id, slot);
        StreamKey { id, slot }
    }

    /// The slot of an open stream.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<StreamKey> {
        let mask = self.table.len().checked_sub(1)?;
        let mut at = home(id, mask);
        loop {
            let slot = *self.table.get(at)?;
            if slot == FREE {
                return None;
            }
            if self.id_of(slot) == id {
                return Some(StreamKey { id, slot });
            }
            at = (at + 1) & mask;
        }
    }

    /// The stream, if it is open.
    #[inline]
    pub(super) fn get(&self, key: StreamKey) -> Option<&Stream> {
        self.slots.get(key.slot())?.as_ref().filter(|stream| stream.id == key.id)
    }

    /// The stream, if it is open.
    #[inline]
    pub(super) fn get_mut(&mut self, key: StreamKey) -> Option<&mut Stream> {
        self.slots.get_mut(key.slot())?.as_mut().filter(|stream| stream.id == key.id)
    }

    /// The stream in a slot that is known to hold one.
    pub(super) fn key_of(&self, slot: u16) -> StreamKey {
        StreamKey { id: self.id_of(slot), slot }
    }

    /// All open streams.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (StreamKey, &mut Stream)> {
        (0..).zip(&mut self.slots).filter_map(|(slot, stream)| {
            let stream = stream.as_mut()?;
            Some((StreamKey { id: stream.id, slot }, stream))
        })
    }

    /// Removes a stream that is over, and remembers how it ended.
    pub(super) fn remove(&mut self, key: StreamKey, how: Closed) {
        if self.get(key).is_none() {
            return;
        }
        self.unlink(key);
        if let Some(place) = self.slots.get_mut(key.slot()) {
            *place = None;
        }
        self.free.push(key.slot);
        self.len -= 1;
        self.note_closed(key.id, how);
    }

    /// Remembers how a stream ended.
    #[inline]
    pub(super) fn note_closed(&mut self, id: u32, how: Closed) {
        let bits = match how {
            Closed::Ended => 0,
            Closed::ByPeer => 1,
            Closed::ByUs => 2,
            Closed::Forgotten => 3,
        };
        if let Some(place) = self.closed.get_mut(self.next_closed % CLOSED_LEN) {
            *place = id >> 1 << 2 | bits;
        }
        self.next_closed = self.next_closed.wrapping_add(1);
    }

    /// How a stream ended that is not open, but was or was skipped.
    pub(super) fn how_closed(&self, id: u32) -> Closed {
        let known = self.closed.len().min(self.next_closed);
        let entry = self.closed.iter().take(known).find(|&&entry| entry >> 2 == id >> 1);
        match entry.map(|entry| entry & 3) {
            Some(0) => Closed::Ended,
            Some(1) => Closed::ByPeer,
            Some(2) => Closed::ByUs,
            _ => Closed::Forgotten,
        }
    }

    #[inline]
    fn id_of(&self, slot: u16) -> u32 {
        let stream = self.slots.get(usize::from(slot)).and_then(Option::as_ref);
        stream.map_or(0, |stream| stream.id)
    }

    #[cold]
    fn grow(&mut self) {
        let len = (self.table.len() * 2).max(FIRST_TABLE_LEN);
        self.table.clear();
        self.table.resize(len, FREE);
        for slot in 0..self.slots.len() {
            let slot = u16::try_from(slot).expect("streams are fewer than slots");
            let id = self.id_of(slot);
            if id != 0 {
                self.link(id, slot);
            }
        }
    }

    #[inline]
    fn link(&mut self, id: u32, slot: u16) {
        let mask = self.table.len().saturating_sub(1);
        let mut at = home(id, mask);
        while let Some(place) = self.table.get_mut(at) {
            if *place == FREE {
                *place = slot;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Takes a stream out of the table, and moves those up that had to stand behind it.
    #[inline]
    fn unlink(&mut self, key: StreamKey) {
        let mask = self.table.len().saturating_sub(1);
        let mut gap = home(key.id, mask);
        while self.table.get(gap).is_some_and(|&slot| slot != key.slot) {
            gap = (gap + 1) & mask;
        }
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let slot = self.table.get(at).copied().unwrap_or(FREE);
            if slot == FREE || at == gap {
                break;
            }
            let home = home(self.id_of(slot), mask);
            // It may move if that is not before its home.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                if let Some(place) = self.table.get_mut(gap) {
                    *place = slot;
                }
                gap = at;
            }
        }
        if let Some(place) = self.table.get_mut(gap) {
            *place = FREE;
        }
    }
}

/// Where a number stands in the table if nothing is in the way.
#[inline]
const fn home(id: u32, mask: usize) -> usize {
    (id >> 1) as usize & mask
}
