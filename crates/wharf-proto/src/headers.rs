//! Header fields: ordered, multi-valued, case-insensitive views into one block of bytes.
//!
//! A received head is kept as the bytes that came, a head to be sent as the bytes that will go out;
//! in both, a field is a pair of ranges. Storage is kept across [`Headers::clear`], so a reused
//! value allocates nothing. Not here: parsing received bytes (`h1/parse.rs`), the meaning of
//! fields (`head.rs`, `h1/framing.rs`).

use std::fmt;

use crate::InvalidHeader;

/// Header fields in the order and the spelling in which they came or will be sent.
///
/// Look-ups ignore case and take `&str` or [`http::HeaderName`]; values may be `&str`, bytes or
/// [`http::HeaderValue`].
///
/// ```
/// use wharf_proto::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("Set-Cookie", "a=1")?;
/// headers.append("Set-Cookie", "b=2")?;
/// assert_eq!(headers.get("set-cookie"), Some("a=1"));
/// assert_eq!(headers.get_all("set-cookie").count(), 2);
/// assert!(headers.insert("X-Evil", "a\r\nb: c").is_err());
/// # Ok::<(), wharf_proto::InvalidHeader>(())
/// ```
#[derive(Default)]
pub struct Headers {
    /// For fields of our own making: whole lines, `name: value\r\n`, without gaps.
    /// For received ones: the head as it came, as far as it was parsed.
    block: Vec<u8>,
    fields: Vec<Field>,
    /// Noted for fields of our own making alone.
    managed: Managed,
    /// The block holds more than the fields, such as a request line.
    is_received: bool,
}

/// Where a field stands in the block. Heads are bounded far below 4 GiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name_at: u32,
    pub(crate) name_len: u32,
    pub(crate) value_at: u32,
    pub(crate) value_len: u32,
}

/// Which of the fields that the server manages itself are present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// A bit for each.
    marks: u8,
}

const CONNECTION: u8 = 1;
const CONTENT_LENGTH: u8 = 2;
const DATE: u8 = 4;
const TRANSFER_ENCODING: u8 = 8;
const UPGRADE: u8 = 16;

impl Managed {
    /// Whether `Connection` is present.
    #[must_use]
    pub const fn connection(self) -> bool {
        self.marks & CONNECTION != 0
    }

    /// Whether `Content-Length` is present.
    #[must_use]
    pub const fn content_length(self) -> bool {
        self.marks & CONTENT_LENGTH != 0
    }

    /// Whether `Date` is present.
    #[must_use]
    pub const fn date(self) -> bool {
        self.marks & DATE != 0
    }

    /// Whether `Transfer-Encoding` is present.
    #[must_use]
    pub const fn transfer_encoding(self) -> bool {
        self.marks & TRANSFER_ENCODING != 0
    }

    /// Whether `Upgrade` is present.
    #[must_use]
    pub const fn upgrade(self) -> bool {
        self.marks & UPGRADE != 0
    }

    #[inline(always)]
    fn note(&mut self, name: &[u8]) {
        self.marks |= match name.len() {
            4 if is_name(name, b"date") => DATE,
            7 if is_name(name, b"upgrade") => UPGRADE,
            10 if is_name(name, b"connection") => CONNECTION,
            14 if is_name(name, b"content-length") => CONTENT_LENGTH,
            17 if is_name(name, b"transfer-encoding") => TRANSFER_ENCODING,
            _ => 0,
        };
    }
}

impl Headers {
    /// No fields, no storage.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            block: Vec::new(),
            fields: Vec::new(),
            managed: Managed { marks: 0 },
            is_received: false,
        }
    }

    /// How many fields there are, repeated ones counted each time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first value of `name`, if it is there and is UTF-8.
    #[must_use]
    pub fn get(&self, name: impl AsRef<str>) -> Option<&str> {
        self.get_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of `name` as bytes.
    #[must_use]
    pub fn get_bytes(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        let name = name.as_ref().as_bytes();
        self.fields
            .iter()
            .find(|field| self.name(field).eq_ignore_ascii_case(name))
            .map(|field| self.value(field))
    }

    /// Every value of `name` as bytes, in order.
    pub fn get_all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        let name = name.as_bytes();
        self.fields
            .iter()
            .filter(move |field| self.name(field).eq_ignore_ascii_case(name))
            .map(|field| self.value(field))
    }

    /// Whether `name` is present.
    #[must_use]
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.get_bytes(name).is_some()
    }

    /// All fields as `(name, value)`, in order and in their original spelling.
    #[must_use]
    pub fn iter(&self) -> HeadersIter<'_> {
        HeadersIter { headers: self, fields: self.fields.iter() }
    }

    /// Adds a field behind those present.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the name is not a token or the value holds a control byte; nothing is
    /// added then. Blanks and tabs around the value are no part of it.
    pub fn append(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidHeader> {
        let name = name.as_ref().as_bytes();
        let value = trim_blanks(value.as_ref());
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err(InvalidHeader::Name);
        }
        if !value.iter().all(|&byte| is_field_value(byte)) {
            return Err(InvalidHeader::Value);
        }
        // A block beyond 4 GiB can't be addressed; no peer could take such a head anyway.
        let line_len = name.len() + value.len() + 4;
        let end = self.block.len().checked_add(line_len).ok_or(InvalidHeader::Value)?;
        if u32::try_from(end).is_err() {
            return Err(InvalidHeader::Value);
        }
        self.push_line(name, value);
        Ok(())
    }

    /// Replaces every field of that name by one.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); the fields are unchanged then.
    pub fn insert(
        &mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), InvalidHeader> {
        let name = name.as_ref();
        let present = self.contains(name);
        self.append(name, value)?;
        if present {
            let last = self.fields.len() - 1;
            self.retain_lines(|index, field_name| {
                index == last || !field_name.eq_ignore_ascii_case(name.as_bytes())
            });
        }
        Ok(())
    }

    /// Removes every field of that name and says whether there was one.
    pub fn remove(&mut self, name: impl AsRef<str>) -> bool {
        let name = name.as_ref();
        let present = self.contains(name);
        if present {
            self.retain_lines(|_, field_name| !field_name.eq_ignore_ascii_case(name.as_bytes()));
        }
        present
    }

    /// Removes all fields and keeps the storage.
    pub fn clear(&mut self) {
        self.block.clear();
        self.fields.clear();
        self.managed = Managed::default();
        self.is_received = false;
    }

    /// As [`clear`](Self::clear), for fields to be received.
    pub(crate) fn clear_to_receive(&mut self) {
        self.block.clear();
        self.fields.clear();
        self.is_received = true;
    }

    /// Which of the server's own fields are present.
    #[inline]
    #[must_use]
    pub fn managed(&self) -> Managed {
        if self.is_received { self.managed_of_received() } else { self.managed }
    }

    #[inline(never)]
    fn managed_of_received(&self) -> Managed {
        let mut managed = Managed::default();
        self.fields.iter().for_each(|field| managed.note(self.name(field)));
        managed
    }

    /// How many bytes of storage are held, used or not.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        self.block.capacity() + self.fields.capacity() * size_of::<Field>()
    }

    /// All fields as they go out, unless they were received: a received block holds more, and some
    /// of it would end the head of a message.
    pub(crate) fn lines(&self) -> Option<&[u8]> {
        (!self.is_received).then_some(&self.block)
    }

    /// As [`lines`](Self::lines), unless the server manages one of them itself.
    #[inline]
    pub(crate) fn plain_lines(&self) -> Option<&[u8]> {
        (!self.is_received && self.managed.marks == 0).then_some(&self.block)
    }

    /// The received bytes that the fields point into.
    pub(crate) fn received(&self) -> &[u8] {
        &self.block
    }

    /// Lets the block grow to `parsed`, whose beginning it holds from earlier calls.
    #[inline]
    pub(crate) fn extend_received(&mut self, parsed: &[u8]) {
        self.is_received = true;
        if let Some(rest) = parsed.get(self.block.len()..) {
            self.block.extend_from_slice(rest);
        }
    }

    /// The received block, for those who write decoded bytes to it.
    pub(crate) fn received_mut(&mut self) -> &mut Vec<u8> {
        self.is_received = true;
        &mut self.block
    }

    /// Adds a field that stands at these places of the received block, which must be extended to
    /// hold them before anyone looks.
    pub(crate) fn push_received(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Makes one field of all received ones of that name: their values with `between` in between.
    pub(crate) fn join_received(&mut self, name: &[u8], between: &[u8]) {
        let is_name =
            |block: &[u8], field: &Field| slice(block, field.name_at, field.name_len) == name;
        let value_at = self.block.len();
        for field in &self.fields {
            if is_name(&self.block, field) {
                if self.block.len() > value_at {
                    self.block.extend_from_slice(between);
                }
                let at = field.value_at as usize;
                self.block.extend_from_within(at..at + field.value_len as usize);
            }
        }
        let (at, len) = (offset(value_at), offset(self.block.len() - value_at));
        let (block, mut is_first) = (&self.block, true);
        self.fields.retain_mut(|field| {
            if !is_name(block, field) {
                return true;
            }
            (field.value_at, field.value_len) = (at, len);
            std::mem::replace(&mut is_first, false)
        });
    }

    /// Where name and value are known to the compiler, so is the line.
    #[inline(always)]
    fn push_line(&mut self, name: &[u8], value: &[u8]) {
        let name_at = offset(self.block.len());
        let (name_len, value_len) = (offset(name.len()), offset(value.len()));
        self.block.reserve(name.len() + value.len() + 4);
        self.block.extend_from_slice(name);
        self.block.extend_from_slice(b": ");
        self.block.extend_from_slice(value);
        self.block.extend_from_slice(b"\r\n");
        self.fields.push(Field { name_at, name_len, value_at: name_at + name_len + 2, value_len });
        self.managed.note(name);
    }

    /// Rebuilds the block from the lines that `keep` wants.
    fn retain_lines(&mut self, keep: impl Fn(usize, &[u8]) -> bool) {
        let old = std::mem::take(self);
        for (index, field) in old.fields.iter().enumerate() {
            let name = old.name(field);
            if keep(index, name) {
                self.push_line(name, old.value(field));
            }
        }
    }

    fn name(&self, field: &Field) -> &[u8] {
        slice(&self.block, field.name_at, field.name_len)
    }

    fn value(&self, field: &Field) -> &[u8] {
        slice(&self.block, field.value_at, field.value_len)
    }
}

impl Clone for Headers {
    fn clone(&self) -> Self {
        let mut clone = Self::new();
        clone.clone_from(self);
        clone
    }

    /// Keeps the storage.
    fn clone_from(&mut self, source: &Self) {
        self.block.clone_from(&source.block);
        self.fields.clone_from(&source.fields);
        self.managed = source.managed;
        self.is_received = source.is_received;
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lossy = |(name, value): (&str, &[u8])| {
            (name.to_owned(), String::from_utf8_lossy(value).into_owned())
        };
        f.debug_map().entries(self.iter().map(lossy)).finish()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl<'h> IntoIterator for &'h Headers {
    type Item = (&'h str, &'h [u8]);
    type IntoIter = HeadersIter<'h>;

    fn into_iter(self) -> HeadersIter<'h> {
        self.iter()
    }
}

/// The fields of [`Headers`], in order.
#[derive(Clone, Debug)]
pub struct HeadersIter<'h> {
    headers: &'h Headers,
    fields: std::slice::Iter<'h, Field>,
}

impl<'h> Iterator for HeadersIter<'h> {
    type Item = (&'h str, &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        let name = wharf_scan::ascii(self.headers.name(field)).expect("names are ASCII tokens");
        Some((name, self.headers.value(field)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether `name` is `lower` in any case, where `lower` has lower case letters and hyphens alone.
///
/// `name` must hold no CR, which this takes for a hyphen: names and values that were checked don't.
#[inline]
pub(crate) fn is_name<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    // The one bit that makes a letter lower case is set in hyphens anyway.
    name.try_into().is_ok_and(|name: &[u8; N]| {
        name.iter().zip(lower).fold(0, |differs, (&a, &b)| differs | (a | 0x20) ^ b) == 0
    })
}

/// Whether `byte` may stand in a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a byte is always an index into 256 entries")]
    TOKEN[byte as usize]
}

/// Whether `byte` may stand in a field value (RFC 9110 section 5.5): no control byte but HTAB.
pub(crate) const fn is_field_value(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "byte is below 256")]
        let char = byte as u8;
        table[byte] = char.is_ascii_alphanumeric()
            || matches!(
                char,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// A range of a block. Ranges are made by this crate and always lie inside.
pub(crate) fn slice(block: &[u8], at: u32, len: u32) -> &[u8] {
    let at = at as usize;
    block.get(at..at + len as usize).expect("fields lie inside of their block")
}

/// A place in a head, which `Limits` and `append` keep below 4 GiB.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("heads are shorter than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_spelling_and_repeats_are_kept() {
        let mut headers = Headers::new();
        for (name, value) in [("B", "1"), ("a", "2"), ("b", "3")] {
            headers.append(name, value).unwrap();
        }
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("B", &b"1"[..]), ("a", b"2"), ("b", b"3")]);
        assert_eq!(headers.get_all("b").collect::<Vec<_>>(), [b"1", b"3"]);
        assert_eq!(headers.lines(), Some(&b"B: 1\r\na: 2\r\nb: 3\r\n"[..]));
    }

    #[test]
    fn what_is_equal_and_how_it_is_shown_does_not_depend_on_the_storage() {
        let mut headers = Headers::new();
        headers.append("A", b"\xff").unwrap();
        headers.append("b", "c").unwrap();
        let mut same = Headers::new();
        same.append("b", "x").unwrap();
        same.insert("A", b"\xff").unwrap();
        assert_ne!(headers, same);
        same.insert("b", "c").unwrap();
        assert_eq!(headers, same);
        assert_eq!(format!("{headers:?}"), "{\"A\": \"\u{fffd}\", \"b\": \"c\"}");
        assert_eq!((&headers).into_iter().len(), headers.len());
        assert!(headers.storage_bytes() > 0 && Headers::new().storage_bytes() == 0);
    }

    #[test]
    fn insert_replaces_all_and_remove_removes_all() {
        let mut headers = Headers::new();
        headers.append("A", "1").unwrap();
        headers.append("x", "y").unwrap();
        headers.append("a", "2").unwrap();
        headers.insert("a", "3").unwrap();
        assert_eq!(headers.lines(), Some(&b"x: y\r\na: 3\r\n"[..]));
        assert!(headers.remove("X"));
        assert!(!headers.remove("X"));
        assert_eq!(headers.lines(), Some(&b"a: 3\r\n"[..]));
    }

    #[test]
    fn nothing_that_breaks_a_message_gets_in() {
        let mut headers = Headers::new();
        for name in ["", " ", "a b", "a:", "a\r\n", "ä"] {
            assert_eq!(headers.append(name, "v"), Err(InvalidHeader::Name), "{name:?}");
        }
        for value in ["a\r\nb: c", "a\nb", "a\0", "a\x7f", "a\rb", "a\r\n", "\x0ca"] {
            assert_eq!(headers.insert("n", value), Err(InvalidHeader::Value), "{value:?}");
        }
        assert!(headers.is_empty());
        assert_eq!(headers.lines(), Some(&b""[..]));
        headers.append("n", " \tpadded\t ").unwrap();
        assert_eq!(headers.get("N"), Some("padded"));
    }

    #[test]
    fn managed_fields_are_noted_until_removed() {
        let mut headers = Headers::new();
        assert_eq!(headers.managed(), Managed::default());
        headers.append("DATE", "now").unwrap();
        headers.append("content-LENGTH", "1").unwrap();
        assert!(headers.managed().date() && headers.managed().content_length());
        headers.remove("date");
        assert!(!headers.managed().date() && headers.managed().content_length());
    }

    #[test]
    fn received_fields_can_be_copied_changed_and_never_go_out_as_a_block() {
        let mut received = Headers::new();
        let head = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
        let field = Field { name_at: 16, name_len: 10, value_at: 28, value_len: 5 };
        received.push_received(field);
        received.extend_received(&head[..20]);
        received.extend_received(head);
        assert!(received.managed().connection());

        let mut copy = received.clone();
        copy.append("x", "y").unwrap();
        assert_eq!((copy.get("connection"), copy.get("x")), (Some("close"), Some("y")));
        assert_eq!(copy.lines(), None);
        copy.remove("connection");
        assert_eq!(copy.lines(), Some(&b"x: y\r\n"[..]));
        assert!(!copy.managed().connection());

        received.clear();
        assert_eq!(received.lines(), Some(&b""[..]));
    }

    #[test]
    fn names_and_values_of_the_http_crate_are_taken() {
        let mut headers = Headers::new();
        let value = http::HeaderValue::from_static("text/html");
        headers.insert(http::header::CONTENT_TYPE, value).unwrap();
        assert_eq!(headers.get(http::header::CONTENT_TYPE), Some("text/html"));
    }
}
