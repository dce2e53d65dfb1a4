//! The table of fields that were sent before (RFC 7541 sections 2.3.2 and 4).
//!
//! Texts lie one behind the other in one buffer: new ones are put behind its end, old ones are
//! forgotten at its beginning, and what is left moves down when the dead part has grown to half of
//! it. So every field is one slice, and each byte moves once in the long run. Nothing is allocated
//! before the first insertion. Not here: how an encoder finds fields (`lookup.rs`).

use std::collections::VecDeque;

use super::Known;

/// What each entry counts for beside its text (RFC 7541 section 4.1).
pub(super) const ENTRY_OVERHEAD: usize = 32;

/// The size that both sides begin with (RFC 9113 section 6.5.2).
pub(super) const DEFAULT_BYTES: usize = 4096;

/// The largest table that is supported, so that lengths in it fit 16 bits.
pub(super) const MOST_BYTES: usize = 65_535;

/// Fields that were inserted and have not been evicted.
#[derive(Debug)]
pub(super) struct DynamicTable {
    text: Vec<u8>,
    /// The oldest first.
    entries: VecDeque<Entry>,
    /// How much was dropped from the beginning of `text` so far, wrapping around.
    dropped: u32,
    /// As RFC 7541 section 4.1 counts.
    bytes: usize,
    max_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Counted from the beginning of all text that there ever was, wrapping around.
    at: u32,
    name_len: u16,
    value_len: u16,
    note: Note,
}

/// What is known of a field since it was inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) known: Known,
    /// The name may be sent in HTTP/2.
    pub(super) is_name_good: bool,
    /// The value may be sent in HTTP/2.
    pub(super) is_value_good: bool,
}

/// A field of the table, its value behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableField<'t> {
    pub(super) text: &'t [u8],
    pub(super) name_len: usize,
    pub(super) note: Note,
}

impl<'t> TableField<'t> {
    /// Its name and its value.
    pub(super) fn parts(self) -> Option<(&'t [u8], &'t [u8])> {
        self.text.split_at_checked(self.name_len)
    }
}

impl DynamicTable {
    pub(super) const fn new() -> Self {
        Self {
            text: Vec::new(),
            entries: VecDeque::new(),
            dropped: 0,
            bytes: 0,
            max_bytes: DEFAULT_BYTES,
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    pub(super) fn storage_bytes(&self) -> usize {
        self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// The field that was inserted as the last but `age`.
    #[inline]
    pub(super) fn get(&self, age: usize) -> Option<TableField<'_>> {
        let entry = self.entries.get(self.entries.len().checked_sub(age)?.checked_sub(1)?)?;
        let at = self.place(entry);
        let name_len = usize::from(entry.name_len);
        let text = self.text.get(at..at + name_len + usize::from(entry.value_len))?;
        Some(TableField { text, name_len, note: entry.note })
    }

    /// Evicts what is too much for the new size, at most [`MOST_BYTES`].
    pub(super) fn set_max_bytes(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes.min(MOST_BYTES);
        self.evict_down_to(self.max_bytes);
        if self.max_bytes == 0 {
            self.text = Vec::new();
            self.entries = VecDeque::new();
        }
    }

    /// Inserts a field and evicts what it takes the place of. One that is larger than the table
    /// empties it and is not inserted, which is no error (RFC 7541 section 4.4).
    ///
    /// Returns whether it is there now.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8], note: Note) -> bool {
        let bytes = name.len() + value.len() + ENTRY_OVERHEAD;
        let Some(left) = self.max_bytes.checked_sub(bytes) else {
            self.evict_down_to(0);
            return false;
        };
        let (Ok(name_len), Ok(value_len)) = (name.len().try_into(), value.len().try_into()) else {
            unreachable!("the table is too small for longer ones");
        };
        self.evict_down_to(left);
        self.make_room(name.len() + value.len());
        #[expect(clippy::cast_possible_truncation, reason = "places wrap around")]
        let at = self.dropped.wrapping_add(self.text.len() as u32);
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        self.entries.push_back(Entry { at, name_len, value_len, note });
        self.bytes += bytes;
        true
    }

    /// Makes the name that was inserted last lower case.
    pub(super) fn lower_last_name(&mut self) {
        let Some(entry) = self.entries.back() else { return };
        let at = self.place(entry);
        if let Some(name) = self.text.get_mut(at..at + usize::from(entry.name_len)) {
            name.make_ascii_lowercase();
        }
    }

    fn evict_down_to(&mut self, bytes: usize) {
        while self.bytes > bytes {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -=
                usize::from(entry.name_len) + usize::from(entry.value_len) + ENTRY_OVERHEAD;
        }
    }

    /// Drops dead text rather than let the buffer grow, where that makes up for what has to move.
    fn make_room(&mut self, len: usize) {
        if self.text.len() + len <= self.text.capacity() {
            return;
        }
        let dead = self.entries.front().map_or(self.text.len(), |oldest| self.place(oldest));
        if dead >= self.text.len() - dead {
            self.text.drain(..dead);
            #[expect(clippy::cast_possible_truncation, reason = "places wrap around")]
            {
                self.dropped = self.dropped.wrapping_add(dead as u32);
            }
        }
        if self.text.len() + len > self.text.capacity() {
            self.text.reserve_exact(len + self.text.len() / 2);
        }
    }

    fn place(&self, entry: &Entry) -> usize {
        entry.at.wrapping_sub(self.dropped) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: Note = Note { known: Known::Other, is_name_good: true, is_value_good: true };

    fn texts(table: &DynamicTable) -> Vec<String> {
        let fields = (0..table.len()).map(|age| table.get(age).unwrap());
        fields.map(|field| String::from_utf8(field.text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_oldest_fields_make_room_for_new_ones() {
        let mut table = DynamicTable::new();
        table.set_max_bytes(3 * 34);
        for value in [b"1", b"2", b"3"] {
            assert!(table.insert(b"a", value, NOTE));
        }
        assert_eq!(texts(&table), ["a3", "a2", "a1"]);
        assert!(table.insert(b"a", b"44", NOTE));
        assert_eq!(texts(&table), ["a44", "a3"]);
        table.set_max_bytes(35);
        assert_eq!(texts(&table), ["a44"]);
        assert!(!table.insert(b"a", b"too long", NOTE));
        assert_eq!((texts(&table).len(), table.bytes), (0, 0));
        assert!(table.get(0).is_none());
    }

    #[test]
    fn a_table_of_no_bytes_holds_nothing_and_no_storage() {
        let mut table = DynamicTable::new();
        assert_eq!(table.storage_bytes(), 0);
        table.insert(b"a", b"1", NOTE);
        table.set_max_bytes(0);
        assert!(!table.insert(b"", b"", NOTE));
        assert_eq!((table.len(), table.storage_bytes()), (0, 0));
    }

    #[test]
    fn storage_stays_bounded_while_fields_come_and_go() {
        for len in [0, 1, 40, 1000, 4064] {
            let mut table = DynamicTable::new();
            table.dropped = u32::MAX - 10_000;
            let value = vec![b'x'; len];
            for round in 0..1000_u32 {
                assert!(table.insert(b"", &value, NOTE), "{round}");
                assert!(table.get(0).unwrap().text == value, "{round}");
                assert!(table.get(table.len() - 1).unwrap().text == value, "{round}");
            }
            assert!(table.bytes <= DEFAULT_BYTES);
            assert!(table.storage_bytes() <= 4 * DEFAULT_BYTES, "{}", table.storage_bytes());
        }
    }
}
