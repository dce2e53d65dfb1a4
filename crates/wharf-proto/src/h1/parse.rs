//! Request line and field lines to [`RequestHead`], and trailer sections to [`Headers`].
//!
//! The parser keeps the place where it ran out of bytes, so that each byte is looked at once
//! however slowly a peer sends, and so that where the bytes are cut never changes what is seen.
//! Body length is `framing.rs`; chunks are `chunked.rs`.

use http::{Method, Version};

use super::framing::Framing;
use super::{authority, looks};
use crate::head::Span;
use crate::headers::{Field, is_field_value, is_token, offset, slice};
use crate::{Headers, Limits, Reject, RequestHead, TargetForm};

/// The longest method. The registered ones have at most 17 characters.
const MAX_METHOD_BYTES: usize = 64;

/// `HTTP/1.1`
const VERSION_BYTES: usize = 8;

/// More than [`Limits`] allows is not taken from them, so that places can be added up.
const MAX_SECTION_BYTES: u32 = 1 << 20;

/// What the parser is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Method,
    Target,
    Version,
    RequestLineEnd,
    LineStart,
    Name,
    Padding,
    Value,
    LineEnd,
    End,
}

/// Where in a head the parser is. Places count from the first byte of the head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadParser {
    part: Part,
    /// The next byte to look at.
    at: usize,
    /// The first byte of the line.
    line_at: usize,
    /// The first byte of the part.
    part_at: usize,
    name_len: usize,
    fields: u32,
    skipped_empty_line: bool,
}

/// Bounds on one section of field lines.
#[derive(Clone, Copy)]
struct SectionLimits {
    bytes: u32,
    too_large: Reject,
}

impl HeadParser {
    /// A parser that begins with a field line: for trailer sections.
    pub(super) fn at_fields() -> Self {
        Self { part: Part::LineStart, ..Self::default() }
    }

    /// Whether nothing has been looked at.
    pub(super) fn is_fresh(&self) -> bool {
        self.at == 0
    }

    /// Whether `input` begins with an empty line that is to be skipped: one before the request line
    /// is, and leaves the connection as idle as it was (RFC 9112 section 2.2).
    pub(super) fn skip_empty_line(&mut self, input: &[u8]) -> bool {
        let skips = self.is_fresh() && !self.skipped_empty_line && input.starts_with(b"\r\n");
        self.skipped_empty_line |= skips;
        skips
    }

    /// Parses on, where `input` begins with the first byte of the head, however often this is
    /// called. Returns the length of the head once it is complete. Until then, and if it is
    /// refused, `head` holds what was understood so far.
    pub(super) fn request_head(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        let result = match self.request_line(input, limits, head) {
            Ok(true) => {
                let bytes = limits.max_head_bytes.min(MAX_SECTION_BYTES);
                let section = SectionLimits { bytes, too_large: Reject::HeadTooLarge };
                let note = |name: &[u8], value: &[u8]| framing.note(name, value);
                self.fields(input, limits, section, &mut head.headers, note)
            }
            Ok(false) => Ok(None),
            Err(reject) => Err(reject),
        };
        head.headers.extend_received(input.get(..self.at).unwrap_or(input));
        result
    }

    /// Parses on in a trailer section, where `input` begins with its first byte. Returns its
    /// length, with the empty line behind it, once it is complete.
    pub(super) fn trailers(
        &mut self,
        input: &[u8],
        limits: &Limits,
        headers: &mut Headers,
    ) -> Result<Option<usize>, Reject> {
        // The empty line is no part of the section (RFC 9112 section 7.1).
        let bytes = limits.max_trailer_bytes.min(MAX_SECTION_BYTES) + 2;
        let section = SectionLimits { bytes, too_large: Reject::TrailersTooLarge };
        let result = self.fields(input, limits, section, headers, |_, _| Ok(()));
        headers.extend_received(input.get(..self.at).unwrap_or(input));
        result
    }

    /// Parses a section of field lines up to and with its empty line, and returns its length.
    fn fields(
        &mut self,
        input: &[u8],
        limits: &Limits,
        section: SectionLimits,
        headers: &mut Headers,
        mut note: impl FnMut(&[u8], &[u8]) -> Result<(), Reject>,
    ) -> Result<Option<usize>, Reject> {
        let window = input.get(..section.bytes as usize).unwrap_or(input);
        let max_line = limits.max_field_bytes.min(MAX_SECTION_BYTES) as usize + 1;
        loop {
            let line_cap = self.line_at + max_line;
            match self.part {
                Part::LineStart => match self.look(window, 0) {
                    Some(b'\r') => self.enter(Part::End, 1),
                    Some(_) if self.fields == limits.max_fields => {
                        return Err(Reject::TooManyFields);
                    }
                    Some(_) => self.enter(Part::Name, 0),
                    None => return self.wait(section),
                },
                Part::Name => match self.scan(window, line_cap, token_end) {
                    Some(b':') if self.at > self.part_at => {
                        self.name_len = self.at - self.part_at;
                        self.enter(Part::Padding, 1);
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait_in_line(line_cap, section),
                },
                Part::Padding => match self.scan(window, line_cap, padding_end) {
                    Some(_) => self.enter(Part::Value, 0),
                    None => return self.wait_in_line(line_cap, section),
                },
                Part::Value => match self.scan(window, line_cap, value_end) {
                    Some(b'\r') => {
                        self.field(window, headers, &mut note)?;
                        match self.look(window, 1) {
                            Some(b'\n') => self.next_line(2),
                            _ => self.enter(Part::LineEnd, 1),
                        }
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait_in_line(line_cap, section),
                },
                Part::LineEnd => match self.look(window, 0) {
                    Some(b'\n') => self.next_line(1),
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait(section),
                },
                Part::End => match self.look(window, 0) {
                    Some(b'\n') => {
                        self.at += 1;
                        return Ok(Some(self.at));
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait(section),
                },
                Part::Method | Part::Target | Part::Version | Part::RequestLineEnd => {
                    unreachable!("the request line comes first")
                }
            }
        }
    }

    /// Waits for more of a section, unless it is as long as it may be.
    fn wait(&self, section: SectionLimits) -> Result<Option<usize>, Reject> {
        if self.at >= section.bytes as usize { Err(section.too_large) } else { Ok(None) }
    }

    /// Waits for more of a field line, unless it is as long as it may be.
    fn wait_in_line(
        &self,
        line_cap: usize,
        section: SectionLimits,
    ) -> Result<Option<usize>, Reject> {
        if self.at >= line_cap { Err(Reject::FieldTooLarge) } else { self.wait(section) }
    }

    /// Parses the request line and says whether it is complete (RFC 9112 section 3).
    fn request_line(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<bool, Reject> {
        let max = limits.max_head_bytes.min(MAX_SECTION_BYTES) as usize;
        let window = input.get(..max).unwrap_or(input);
        loop {
            match self.part {
                Part::Method => match self.scan(window, MAX_METHOD_BYTES + 1, token_end) {
                    Some(b' ') if self.at > 0 => {
                        head.method = window
                            .get(..self.at)
                            .and_then(|method| Method::from_bytes(method).ok())
                            .ok_or(Reject::BadRequestLine)?;
                        self.enter(Part::Target, 1);
                    }
                    Some(_) => return Err(Reject::BadRequestLine),
                    None if self.at > MAX_METHOD_BYTES => return Err(Reject::MethodTooLong),
                    None if self.at >= max => return Err(Reject::HeadTooLarge),
                    None => return Ok(false),
                },
                Part::Target => {
                    let max_target = limits.max_target_bytes.min(MAX_SECTION_BYTES) as usize;
                    let cap = self.part_at + max_target + 1;
                    match self.scan(window, cap, target_end) {
                        Some(b' ') if self.at > self.part_at => {
                            let len = offset(self.at - self.part_at);
                            head.target = Span { at: offset(self.part_at), len };
                            split_target(window, head)?;
                            self.enter(Part::Version, 1);
                        }
                        Some(_) => return Err(Reject::BadRequestLine),
                        None if self.at >= cap => return Err(Reject::TargetTooLong),
                        None if self.at >= max => return Err(Reject::HeadTooLarge),
                        None => return Ok(false),
                    }
                }
                Part::Version => match self.peek::<VERSION_BYTES>(window) {
                    Ok(text) => {
                        head.version = version(text)?;
                        self.enter(Part::RequestLineEnd, VERSION_BYTES);
                    }
                    Err(_) if self.at + VERSION_BYTES > max => return Err(Reject::HeadTooLarge),
                    // A peer that sends too little would else wait for an answer for ever.
                    Err(text) if !text.iter().all(u8::is_ascii_graphic) => {
                        return Err(Reject::BadRequestLine);
                    }
                    Err(_) => return Ok(false),
                },
                Part::RequestLineEnd => match self.peek::<2>(window) {
                    Ok(b"\r\n") => self.next_line(2),
                    Ok(_) => return Err(Reject::BadRequestLine),
                    Err(_) if self.at + 2 > max => return Err(Reject::HeadTooLarge),
                    Err([] | [b'\r']) => return Ok(false),
                    Err(_) => return Err(Reject::BadRequestLine),
                },
                Part::LineStart
                | Part::Name
                | Part::Padding
                | Part::Value
                | Part::LineEnd
                | Part::End => return Ok(true),
            }
        }
    }

    /// Ends the current part `skip` bytes further on and begins `part` there.
    fn enter(&mut self, part: Part, skip: usize) {
        self.at += skip;
        self.part_at = self.at;
        self.part = part;
    }

    /// Begins a line `skip` bytes further on.
    fn next_line(&mut self, skip: usize) {
        self.enter(Part::LineStart, skip);
        self.line_at = self.at;
    }

    /// The byte that is `ahead` bytes further on.
    fn look(&self, input: &[u8], ahead: usize) -> Option<u8> {
        looks::count(1);
        input.get(self.at + ahead).copied()
    }

    /// The next `N` bytes, or those that have come.
    fn peek<'i, const N: usize>(&self, input: &'i [u8]) -> Result<&'i [u8; N], &'i [u8]> {
        looks::count(N);
        let rest = input.get(self.at..).unwrap_or_default();
        rest.first_chunk().ok_or(rest)
    }

    /// Moves to the first byte below `cap` that ends the part and returns it.
    #[inline]
    fn scan(&mut self, input: &[u8], cap: usize, end: impl Fn(&[u8]) -> usize) -> Option<u8> {
        let rest = input.get(self.at..cap.min(input.len())).unwrap_or_default();
        let len = end(rest);
        looks::count(len + 1);
        self.at += len;
        rest.get(len).copied()
    }

    /// Stores the field whose value ends before the CR at `self.at`.
    fn field(
        &mut self,
        input: &[u8],
        headers: &mut Headers,
        note: &mut impl FnMut(&[u8], &[u8]) -> Result<(), Reject>,
    ) -> Result<(), Reject> {
        let value = input.get(self.part_at..self.at).unwrap_or_default().trim_ascii_end();
        let field = Field {
            name_at: offset(self.line_at),
            name_len: offset(self.name_len),
            value_at: offset(self.part_at),
            value_len: offset(value.len()),
        };
        self.fields += 1;
        headers.push_received(field);
        note(slice(input, field.name_at, field.name_len), value)
    }
}

/// `HTTP/1.1`, `HTTP/1.0`, or a later minor version, which is taken as 1.1 (RFC 9110 section 2.5).
fn version(text: &[u8; VERSION_BYTES]) -> Result<Version, Reject> {
    match text {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            if *major == b'1' {
                Ok(Version::HTTP_11)
            } else {
                Err(Reject::UnsupportedVersion)
            }
        }
        _ => Err(Reject::BadRequestLine),
    }
}

/// Finds authority, path and query, and refuses forms that the method does not allow
/// (RFC 9112 section 3.2).
fn split_target(input: &[u8], head: &mut RequestHead) -> Result<(), Reject> {
    let target = slice(input, head.target.at, head.target.len);
    let path_at = if head.method == Method::CONNECT {
        head.form = TargetForm::Authority;
        head.authority = head.target;
        if !authority::is_valid_with_port(target) {
            return Err(Reject::BadTarget);
        }
        target.len()
    } else if target.first() == Some(&b'/') {
        head.form = TargetForm::Origin;
        0
    } else if target == b"*" {
        head.form = TargetForm::Asterisk;
        if head.method != Method::OPTIONS {
            return Err(Reject::BadTarget);
        }
        0
    } else {
        head.form = TargetForm::Absolute;
        let scheme_len = scheme_len(target).ok_or(Reject::BadTarget)?;
        let rest = target.get(scheme_len..).unwrap_or_default();
        let len = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
        if !rest.get(..len).is_some_and(authority::is_valid) {
            return Err(Reject::BadTarget);
        }
        head.authority = Span { at: head.target.at + offset(scheme_len), len: offset(len) };
        scheme_len + len
    };
    let rest = target.get(path_at..).unwrap_or_default();
    let path_len = rest.iter().position(|&byte| byte == b'?').unwrap_or(rest.len());
    head.path = Span { at: head.target.at + offset(path_at), len: offset(path_len) };
    head.query = (path_len < rest.len()).then(|| Span {
        at: head.path.at + head.path.len + 1,
        len: offset(rest.len() - path_len - 1),
    });
    Ok(())
}

/// The length of `http://` or `https://` at the start of an absolute form.
fn scheme_len(target: &[u8]) -> Option<usize> {
    ["http://", "https://"].iter().map(|scheme| scheme.len()).find(|&len| {
        let scheme = target.get(..len).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"http://") || scheme.eq_ignore_ascii_case(b"https://")
    })
}

fn token_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is_token(byte)).unwrap_or(bytes.len())
}

fn padding_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte != b' ' && byte != b'\t').unwrap_or(bytes.len())
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks bytes below `bound`. Only the lowest mark is exact: a borrow may set those above it.
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGH
}

/// Marks bytes equal to `byte`. Only the lowest mark is exact.
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// The first place that `marks` finds, eight bytes at a time, and that `stops` confirms.
#[inline]
fn find(bytes: &[u8], marks: impl Fn(u64) -> u64, stops: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    while let Some(&word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = marks(u64::from_le_bytes(word));
        if found == 0 {
            at += 8;
            continue;
        }
        at += found.trailing_zeros() as usize / 8;
        match bytes.get(at) {
            Some(&byte) if !stops(byte) => at += 1,
            _ => return at,
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| stops(byte)).unwrap_or(rest.len())
}

fn value_end(bytes: &[u8]) -> usize {
    find(bytes, |word| below(word, b' ') | equal(word, 0x7f), |byte| !is_field_value(byte))
}

/// The end of visible ASCII without `#`, which never belongs to a request-target (RFC 9112
/// section 3.2.1). Characters that a URI should have percent-encoded are let through, since
/// browsers send some of them and none is ambiguous.
fn target_end(bytes: &[u8]) -> usize {
    find(
        bytes,
        |word| below(word, b'!') | equal(word, 0x7f) | equal(word, b'#') | (word & HIGH),
        |byte| !byte.is_ascii_graphic() || byte == b'#',
    )
}
