//! Fields to header blocks (RFC 7541 section 6).
//!
//! Responses repeat themselves: a field that was sent before takes one or two bytes, and finding it
//! takes one look at the table. What is sent but once must not drive that out:
//!
//! * what may be secret is never indexed, neither here nor by those who pass it on (RFC 7541
//!   section 7.1.3): `authorization`, `proxy-authorization`, `cookie` and `set-cookie`. Who can
//!   make this side send guesses could learn from a table if they are right;
//! * what usually differs from response to response, such as lengths and validators, is indexed
//!   when it comes for the second time;
//! * what is larger than a quarter of the table is not indexed;
//! * anything else is indexed at once.
//!
//! Not here: the look-up (`lookup.rs`), which fields a response has, frames.

use super::dynamic_table::{DEFAULT_BYTES, DynamicTable, ENTRY_OVERHEAD, Note, TableField};
use super::lookup::{Lookup, fold, hash_field, hash_name};
use super::primitives::{put_integer, put_string};
use super::{Known, static_table};

const INDEXED: u8 = 0x80;
const WITH_INDEXING: u8 = 0x40;
const SIZE_UPDATE: u8 = 0x20;
const NEVER_INDEXED: u8 = 0x10;
const WITHOUT_INDEXING: u8 = 0x00;

/// How many hashes of fields that were not worth indexing yet are remembered.
const SEEN_LEN: usize = 32;

/// Encodes the heads that one side of a connection sends.
///
/// ```
/// use wharf_proto::h2::hpack::Encoder;
///
/// let mut encoder = Encoder::new();
/// let (mut first, mut second) = (Vec::new(), Vec::new());
/// for out in [&mut first, &mut second] {
///     let mut block = encoder.block(out);
///     block.status(200);
///     block.field(b"Content-Type", b"text/html");
/// }
/// assert_eq!(second, [0x88, 0xbe]);
/// assert!(first.len() > second.len());
/// ```
#[derive(Debug)]
pub struct Encoder {
    table: DynamicTable,
    lookup: Lookup,
    /// Hashes by their lowest bits; allocated with the first one.
    seen: Option<Box<[u32; SEEN_LEN]>>,
    /// The smallest size and the last one that the table took since the last block; `None` if it
    /// has kept its size.
    resized: Option<(usize, usize)>,
    generation: u64,
}

/// A header block that is being written. Fields that were written must be sent, and in this order
/// among the blocks of the connection, as later ones refer to them.
#[derive(Debug)]
pub struct Block<'e> {
    encoder: &'e mut Encoder,
    out: &'e mut Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder with a table of up to 4,096 bytes, as connections begin.
    #[must_use]
    pub fn new() -> Self {
        Self {
            table: DynamicTable::new(),
            lookup: Lookup::default(),
            seen: None,
            resized: None,
            generation: 0,
        }
    }

    /// The peer allows a table of so many bytes (`SETTINGS_HEADER_TABLE_SIZE`). At most 4,096 are
    /// used, which is enough for the fields of responses.
    pub fn set_max_table_bytes(&mut self, max_table_bytes: usize) {
        let bytes = max_table_bytes.min(DEFAULT_BYTES);
        if bytes == self.table.max_bytes() {
            return;
        }
        self.table.set_max_bytes(bytes);
        let smallest = self.resized.map_or(bytes, |(smallest, _)| smallest.min(bytes));
        self.resized = Some((smallest, bytes));
        self.generation += 1;
    }

    /// Changes whenever the table does. As long as it is the same, the same head takes the same
    /// bytes, so that bytes of one that changed nothing may be sent again.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How many bytes of storage are held, used or not.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |seen| size_of_val(&**seen));
        self.table.storage_bytes() + self.lookup.storage_bytes() + seen
    }

    /// Begins a header block at the end of `out`.
    pub fn block<'e>(&'e mut self, out: &'e mut Vec<u8>) -> Block<'e> {
        if let Some((smallest, last)) = self.resized.take() {
            put_integer(out, SIZE_UPDATE, 5, smallest);
            if last != smallest {
                put_integer(out, SIZE_UPDATE, 5, last);
            }
        }
        Block { encoder: self, out }
    }

    /// The index of a field of the dynamic table.
    #[inline]
    fn find(&self, name: &[u8], value: &[u8], hash: u32) -> Option<usize> {
        let age = self.lookup.find(hash, |age| {
            let parts = self.table.get(age).and_then(TableField::parts);
            parts.is_some_and(|(lower, text)| text == value && is_lower_of(lower, name))
        })?;
        Some(age + static_table::LEN + 1)
    }

    /// The index of a field of the dynamic table with that name.
    fn find_name(&self, name: &[u8], hash: u32) -> Option<usize> {
        let age = self.lookup.find(hash, |age| {
            let parts = self.table.get(age).and_then(TableField::parts);
            parts.is_some_and(|(lower, _)| is_lower_of(lower, name))
        })?;
        Some(age + static_table::LEN + 1)
    }

    /// Whether a field came before, as far as is remembered, and remembers it.
    fn was_seen(&mut self, hash: u32) -> bool {
        let seen = self.seen.get_or_insert_with(|| Box::new([0; SEEN_LEN]));
        seen.get_mut(hash as usize % SEEN_LEN)
            .is_some_and(|slot| std::mem::replace(slot, hash) == hash)
    }

    fn insert(&mut self, name: &[u8], value: &[u8], known: Known, hashes: [u64; 2]) {
        let [name_hash, field_hash] = hashes.map(fold);
        self.generation += 1;
        let note = Note { known, is_name_good: true, is_value_good: true };
        if !self.table.insert(name, value, note) {
            return;
        }
        self.table.lower_last_name();
        self.lookup.count_insertion();
        self.lookup.note(field_hash);
        if static_table::find_name(known).is_none() {
            self.lookup.note(name_hash);
        }
    }
}

impl Block<'_> {
    /// Appends `:status`, which must come first.
    #[inline]
    pub fn status(&mut self, status: u16) {
        match status {
            200 => self.out.push(INDEXED | 8),
            204 => self.out.push(INDEXED | 9),
            206 => self.out.push(INDEXED | 10),
            304 => self.out.push(INDEXED | 11),
            400 => self.out.push(INDEXED | 12),
            404 => self.out.push(INDEXED | 13),
            500 => self.out.push(INDEXED | 14),
            _ => {
                let digits = [status / 100 % 10, status / 10 % 10, status % 10];
                #[expect(clippy::cast_possible_truncation, reason = "they are digits")]
                self.field(b":status", &digits.map(|digit| b'0' + digit as u8));
            }
        }
    }

    /// Appends a field. Its name goes out in lower case, and both are taken as they are otherwise:
    /// the caller has checked them.
    #[inline]
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        let name_hash = hash_name(name);
        let hash = hash_field(name_hash, value);
        match self.encoder.find(name, value, fold(hash)) {
            Some(index) => put_integer(self.out, INDEXED, 7, index),
            None => self.new_field(name, value, [name_hash, hash]),
        }
    }

    /// A field that is not in the dynamic table.
    fn new_field(&mut self, name: &[u8], value: &[u8], hashes: [u64; 2]) {
        let known = known(name);
        if let Some(index) = static_table::find(known, value) {
            return put_integer(self.out, INDEXED, 7, index);
        }
        let [name_hash, hash] = hashes.map(fold);
        let bytes = name.len() + value.len() + ENTRY_OVERHEAD;
        let (flags, prefix_bits) = if is_secret(known) {
            (NEVER_INDEXED, 4)
        } else if bytes > self.encoder.table.max_bytes() / 4
            || (is_varied(known) && !self.encoder.was_seen(hash))
        {
            (WITHOUT_INDEXING, 4)
        } else {
            (WITH_INDEXING, 6)
        };
        let index =
            static_table::find_name(known).or_else(|| self.encoder.find_name(name, name_hash));
        put_integer(self.out, flags, prefix_bits, index.unwrap_or(0));
        if index.is_none() {
            put_string(self.out, name.iter().map(u8::to_ascii_lowercase));
        }
        put_string(self.out, value.iter().copied());
        if flags == WITH_INDEXING {
            self.encoder.insert(name, value, known, hashes);
        }
    }
}

/// What is known of a name in any case.
fn known(name: &[u8]) -> Known {
    // The longest name that is known has 27 bytes.
    let mut lower = [0; 32];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return Known::Other;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Known::of(lower)
}

/// Whether `lower` is what `name` is in lower case.
#[inline]
fn is_lower_of(lower: &[u8], name: &[u8]) -> bool {
    lower == name || lower.eq_ignore_ascii_case(name)
}

/// Whether only who may send it should know it.
const fn is_secret(known: Known) -> bool {
    matches!(
        known,
        Known::Authorization | Known::Cookie | Known::ProxyAuthorization | Known::SetCookie
    )
}

/// Whether its value usually is another one each time.
const fn is_varied(known: Known) -> bool {
    matches!(
        known,
        Known::Age
            | Known::ContentDisposition
            | Known::ContentLength
            | Known::ContentLocation
            | Known::ContentRange
            | Known::Etag
            | Known::IfModifiedSince
            | Known::IfNoneMatch
            | Known::LastModified
            | Known::Link
            | Known::Location
            | Known::Path
            | Known::Range
            | Known::Referer
    )
}
