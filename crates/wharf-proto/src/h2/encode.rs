//! Response heads to header blocks, most of which were encoded before.
//!
//! Programs answer with the same fields again and again. As long as the table of the encoder is the
//! same, so are the bytes, which are kept for the last head, the last date and the last length. Not
//! here: how a field is encoded (`hpack/`), and the frame around a block (`frame/headers.rs`).

use http::StatusCode;

use super::hpack::{Block, Encoder};
use crate::Headers;
use crate::trailers::is_forbidden_trailer;

/// A longer head is encoded each time.
const MAX_CACHED_BYTES: usize = 2048;

/// Encodes the heads of one connection's responses.
#[derive(Debug)]
pub(super) struct HeadEncoder {
    encoder: Encoder,
    /// The generation of the table after the last head: what is encoded first after a change may
    /// say so, and must not be repeated.
    settled: u64,
    head: CachedHead,
    date: CachedField,
    length: CachedField,
}

/// Status and fields as they were given, and as they were encoded.
#[derive(Debug, Default)]
struct CachedHead {
    generation: u64,
    status: u16,
    lines: Vec<u8>,
    block: Vec<u8>,
}

/// A field that has an index.
#[derive(Debug, Default)]
struct CachedField {
    generation: u64,
    value: FieldValue,
    bytes: [u8; 3],
    /// 0 if nothing is kept.
    len: u8,
}

/// What the values that are kept are compared by.
type FieldValue = [u8; DATE_BYTES];

/// As in `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_BYTES: usize = 29;

/// As many digits as the largest number has.
const MAX_DIGITS: usize = 20;

impl HeadEncoder {
    pub(super) fn new() -> Self {
        Self {
            encoder: Encoder::new(),
            settled: 0,
            head: CachedHead::default(),
            date: CachedField::default(),
            length: CachedField::default(),
        }
    }

    pub(super) fn set_max_table_bytes(&mut self, bytes: u32) {
        self.encoder.set_max_table_bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    pub(super) fn storage_bytes(&self) -> usize {
        self.encoder.storage_bytes() + self.head.lines.capacity() + self.head.block.capacity()
    }

    /// Appends the block of a response head. `Date` is left out where the fields have one.
    #[inline]
    pub(super) fn head(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        date: Option<&[u8]>,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        let lines = headers.lines();
        let is_cached = lines.is_some_and(|lines| {
            self.head.generation == self.encoder.generation()
                && self.head.status == status.as_u16()
                && self.head.lines == lines
                && !self.head.block.is_empty()
        });
        if is_cached {
            out.extend_from_slice(&self.head.block);
        } else {
            self.new_head(status, headers, lines, out);
        }
        if let Some(date) = date
            && !headers.managed().date()
        {
            self.date.put(b"date", date, &mut self.encoder, out);
        }
        if let Some(length) = length {
            let mut digits = [b'0'; MAX_DIGITS];
            let digits = decimal(length, &mut digits);
            self.length.put(b"content-length", digits, &mut self.encoder, out);
        }
        self.settled = self.encoder.generation();
    }

    #[cold]
    fn new_head(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        lines: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        let (at, was_settled) = (out.len(), self.settled == self.encoder.generation());
        let mut block = self.encoder.block(out);
        block.status(status.as_u16());
        fields(headers, &mut block);
        let Some(lines) = lines.filter(|lines| lines.len() <= MAX_CACHED_BYTES) else { return };
        if was_settled && self.settled == self.encoder.generation() {
            let head = &mut self.head;
            (head.generation, head.status) = (self.settled, status.as_u16());
            head.lines.clear();
            head.lines.extend_from_slice(lines);
            head.block.clear();
            head.block.extend_from_slice(out.get(at..).unwrap_or_default());
        }
    }

    /// Appends the block of an interim response.
    pub(super) fn interim(&mut self, status: StatusCode, headers: &Headers, out: &mut Vec<u8>) {
        let mut block = self.encoder.block(out);
        block.status(status.as_u16());
        fields(headers, &mut block);
    }

    /// Appends the block of a trailer section.
    pub(super) fn trailers(&mut self, trailers: &Headers, out: &mut Vec<u8>) {
        let mut block = self.encoder.block(out);
        for (name, value) in trailers {
            if !is_forbidden_trailer(name.as_bytes()) {
                block.field(name.as_bytes(), value);
            }
        }
    }
}

impl CachedField {
    #[inline]
    fn put(&mut self, name: &[u8], value: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
        let mut key = [0; DATE_BYTES];
        let Some(place) = key.get_mut(..value.len()) else {
            return encoder.block(out).field(name, value);
        };
        place.copy_from_slice(value);
        if self.len > 0 && self.generation == encoder.generation() && self.value == key {
            out.extend_from_slice(self.bytes.get(..usize::from(self.len)).unwrap_or_default());
            return;
        }
        let (at, before) = (out.len(), encoder.generation());
        encoder.block(out).field(name, value);
        let bytes = out.get(at..).unwrap_or_default();
        self.len = 0;
        if before == encoder.generation()
            && let Some(place) = self.bytes.get_mut(..bytes.len())
        {
            place.copy_from_slice(bytes);
            (self.generation, self.value) = (before, key);
            self.len = u8::try_from(bytes.len()).unwrap_or(0);
        }
    }
}

/// Appends the caller's fields without those that are ours alone, and those that are about one
/// connection (RFC 9113 section 8.2.2).
fn fields(headers: &Headers, block: &mut Block<'_>) {
    let ours = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    for (name, value) in headers {
        if !ours.iter().any(|our| our.eq_ignore_ascii_case(name)) {
            block.field(name.as_bytes(), value);
        }
    }
}

/// The digits of a number.
fn decimal(number: u64, digits: &mut [u8; MAX_DIGITS]) -> &[u8] {
    let (mut rest, mut len) = (number, 0);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        len += 1;
        if rest == 0 {
            break;
        }
    }
    digits.get(MAX_DIGITS - len..).unwrap_or_default()
}
