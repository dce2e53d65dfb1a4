//! Header blocks to fields (RFC 7541 sections 3 and 6).
//!
//! Each text is written once, to where the caller keeps it. What a block can cost is bounded by its
//! own length and by the size that the list of its fields may have: of fields beyond that, only
//! what the table needs is looked at. Not here: which fields a request may have and what they mean,
//! frames, the bound of a block's own length.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;

use super::dynamic_table::{DEFAULT_BYTES, DynamicTable, ENTRY_OVERHEAD, MOST_BYTES, Note};
use super::primitives::{take_integer, take_string};
use super::{Known, static_table};
use crate::headers::{is_field_value, is_token};

/// A block may begin with the smallest size of the table since the last one, and with the last
/// (RFC 7541 section 4.2).
const MOST_SIZE_UPDATES: usize = 2;

/// What fields are written to and told.
pub trait Fields {
    /// Where texts are appended. Fields that were taken are never moved or changed.
    fn block(&mut self) -> &mut Vec<u8>;

    /// Takes a field whose text ends the block. To break means that this and all further fields of
    /// the header block are of no interest; its text is removed from the block.
    fn field(&mut self, field: Decoded) -> ControlFlow<()>;
}

/// Where a field stands in the block: its value directly behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Where the name begins.
    pub name_at: usize,
    /// The length of the name, in bytes.
    pub name_len: usize,
    /// The length of the value, in bytes.
    pub value_len: usize,
    /// Which name it is.
    pub known: Known,
    /// The name is a token without capital letters, or one behind a colon, and the value holds no
    /// control byte and neither begins nor ends with a blank (RFC 9113 section 8.2.1).
    pub is_well_formed: bool,
}

/// How much of a header block came to the [`Fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of its fields.
    Complete,
    /// Those before the list became larger than allowed.
    TooLarge,
    /// Those before one at which they broke off.
    Stopped,
}

/// What is wrong with a header block: a connection error of type `COMPRESSION_ERROR`, since the two
/// sides no longer have the same table (RFC 9113 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// A string has EOS in it or does not end in a few ones (RFC 7541 section 5.2).
    Huffman,
    /// There is no field of that index (RFC 7541 section 2.3.3).
    Index,
    /// An integer needs more than 32 bits (RFC 7541 section 5.1).
    Integer,
    /// The table's size changes to more than was allowed, behind a field, or more than twice
    /// (RFC 7541 sections 4.2 and 6.3).
    TableSize,
    /// The table's size must change and does not (RFC 7541 section 4.2).
    TableSizeMissing,
    /// The block ends within a field.
    Truncated,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Huffman => "malformed huffman code",
            Self::Index => "no field of that index",
            Self::Integer => "integer too large",
            Self::TableSize => "table size not allowed here",
            Self::TableSizeMissing => "table size not reduced",
            Self::Truncated => "header block ends within a field",
        })
    }
}

impl Error for DecodeError {}

/// Decodes the header blocks that a peer sends on one connection.
///
/// ```
/// use std::ops::ControlFlow;
/// use wharf_proto::h2::hpack::{Decoded, Decoder, Fields, Known, Outcome};
///
/// #[derive(Default)]
/// struct Request {
///     block: Vec<u8>,
///     path: Option<Decoded>,
/// }
///
/// impl Fields for Request {
///     fn block(&mut self) -> &mut Vec<u8> {
///         &mut self.block
///     }
///
///     fn field(&mut self, field: Decoded) -> ControlFlow<()> {
///         if field.known == Known::Path {
///             self.path = Some(field);
///         }
///         ControlFlow::Continue(())
///     }
/// }
///
/// let mut request = Request::default();
/// let outcome = Decoder::new(16_384).decode(b"\x82\x44\x03/ab\x87", &mut request)?;
/// assert_eq!(outcome, Outcome::Complete);
/// assert_eq!(request.block, b":methodGET:path/ab:schemehttps");
/// assert_eq!(request.path.unwrap().value_len, 3);
/// # Ok::<(), wharf_proto::h2::hpack::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    table: DynamicTable,
    /// The largest table that the peer may choose.
    allowed_bytes: usize,
    /// The peer must choose a smaller one before it sends the next field.
    is_update_due: bool,
    pub(super) max_list_bytes: usize,
}

/// A field of one of the tables.
struct Found<'t> {
    text: &'t [u8],
    name_len: usize,
    note: Note,
}

impl Decoder {
    /// A decoder with a table of up to 4,096 bytes, as connections begin, for heads of up to
    /// `max_list_bytes`: names, values, and 32 bytes for each field (RFC 9113 section 6.5.2).
    #[must_use]
    pub const fn new(max_list_bytes: usize) -> Self {
        Self {
            table: DynamicTable::new(),
            allowed_bytes: DEFAULT_BYTES,
            is_update_due: false,
            max_list_bytes,
        }
    }

    /// The peer has acknowledged `SETTINGS_HEADER_TABLE_SIZE`, in bytes: at most 65,535 are used.
    pub fn set_max_table_bytes(&mut self, max_table_bytes: usize) {
        self.allowed_bytes = max_table_bytes.min(MOST_BYTES);
        // A smaller one that was made larger again would also have to be confirmed. That can't be
        // told from a peer that knew of both at once, as there is no acknowledgement for each.
        self.is_update_due = self.table.max_bytes() > self.allowed_bytes;
    }

    /// How many bytes of storage are held, used or not.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        self.table.storage_bytes()
    }

    #[cfg(any(test, fuzzing))]
    pub(super) const fn table(&self) -> &DynamicTable {
        &self.table
    }

    /// Decodes one header block, which must be whole.
    ///
    /// Every block that comes must be decoded, those too whose fields nobody wants: later ones
    /// refer to them.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the block is malformed. The connection can't go on then, and the block
    /// of `fields` may end in text that is part of no field.
    pub fn decode(
        &mut self,
        block: &[u8],
        fields: &mut impl Fields,
    ) -> Result<Outcome, DecodeError> {
        let mut rest = block;
        self.take_size_updates(&mut rest)?;
        let mut list = List { fields, left: self.max_list_bytes, outcome: Outcome::Complete };
        while let Some(&first) = rest.first() {
            match first {
                0x80.. => {
                    let found = self.find(take_integer(&mut rest, 7)?)?;
                    list.take_found(&found);
                }
                0x40.. => self.take_literal(&mut rest, 6, &mut list)?,
                0x20.. => return Err(DecodeError::TableSize),
                // Without indexing, and never indexed: the difference is for those who pass it on.
                _ => self.take_literal(&mut rest, 4, &mut list)?,
            }
        }
        Ok(list.outcome)
    }

    fn take_size_updates(&mut self, rest: &mut &[u8]) -> Result<(), DecodeError> {
        for _ in 0..MOST_SIZE_UPDATES {
            let Some(0x20..0x40) = rest.first() else { break };
            let max_bytes = take_integer(rest, 5)?;
            if max_bytes > self.allowed_bytes {
                return Err(DecodeError::TableSize);
            }
            self.table.set_max_bytes(max_bytes);
            self.is_update_due = false;
        }
        if self.is_update_due {
            return Err(DecodeError::TableSizeMissing);
        }
        Ok(())
    }

    #[inline]
    fn find(&self, index: usize) -> Result<Found<'_>, DecodeError> {
        if let Some(age) = index.checked_sub(static_table::LEN + 1) {
            let found = self.table.get(age).ok_or(DecodeError::Index)?;
            return Ok(Found { text: found.text, name_len: found.name_len, note: found.note });
        }
        let found = static_table::get(index).ok_or(DecodeError::Index)?;
        let note = Note { known: found.known, is_name_good: true, is_value_good: true };
        Ok(Found { text: found.text, name_len: found.name_len, note })
    }

    fn take_literal(
        &mut self,
        rest: &mut &[u8],
        prefix_bits: u32,
        list: &mut List<'_, impl Fields>,
    ) -> Result<(), DecodeError> {
        let index = take_integer(rest, prefix_bits)?;
        let block = list.fields.block();
        let at = block.len();
        let (known, is_name_good) = if index == 0 {
            take_string(rest, block)?;
            let name = block.get(at..).unwrap_or_default();
            (Known::of(name), is_good_name(name))
        } else {
            let found = self.find(index)?;
            block.extend_from_slice(found.text.get(..found.name_len).unwrap_or_default());
            (found.note.known, found.note.is_name_good)
        };
        let value_at = block.len();
        take_string(rest, block)?;
        let value = block.get(value_at..).unwrap_or_default();
        let note = Note { known, is_name_good, is_value_good: is_good_value(value) };
        if prefix_bits == 6 {
            let name = block.get(at..value_at).unwrap_or_default();
            self.table.insert(name, value, note);
        }
        list.take_written(at, value_at - at, note);
        Ok(())
    }
}

/// Where the fields of one header block go.
struct List<'f, F> {
    fields: &'f mut F,
    /// How much larger the list may become.
    left: usize,
    outcome: Outcome,
}

impl<F: Fields> List<'_, F> {
    #[inline]
    fn take_found(&mut self, found: &Found<'_>) {
        if self.admits(found.text.len()) {
            let block = self.fields.block();
            let at = block.len();
            block.extend_from_slice(found.text);
            self.offer(at, found.name_len, found.text.len() - found.name_len, found.note);
        }
    }

    /// Takes a field whose text has been written already.
    fn take_written(&mut self, at: usize, name_len: usize, note: Note) {
        let len = self.fields.block().len() - at;
        if self.admits(len) {
            self.offer(at, name_len, len - name_len, note);
        } else {
            self.fields.block().truncate(at);
        }
    }

    fn admits(&mut self, len: usize) -> bool {
        if self.outcome != Outcome::Complete {
            return false;
        }
        match self.left.checked_sub(len + ENTRY_OVERHEAD) {
            Some(left) => self.left = left,
            None => self.outcome = Outcome::TooLarge,
        }
        self.outcome == Outcome::Complete
    }

    fn offer(&mut self, name_at: usize, name_len: usize, value_len: usize, note: Note) {
        let is_well_formed = note.is_name_good && note.is_value_good;
        let field = Decoded { name_at, name_len, value_len, known: note.known, is_well_formed };
        if self.fields.field(field).is_break() {
            self.fields.block().truncate(name_at);
            self.outcome = Outcome::Stopped;
        }
    }
}

fn is_good_name(name: &[u8]) -> bool {
    let token = name.strip_prefix(b":").unwrap_or(name);
    !token.is_empty() && token.iter().all(|&byte| is_token(byte) && !byte.is_ascii_uppercase())
}

fn is_good_value(value: &[u8]) -> bool {
    // All bytes are looked at, many at once, which takes less time than to stop at a bad one.
    let is_text = value.iter().fold(true, |good, &byte| good & is_field_value(byte));
    is_text && !matches!(value, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}
