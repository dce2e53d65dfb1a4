//! Request line and field lines to [`RequestHead`], and trailer sections to [`Headers`].
//!
//! The parser keeps the place where it ran out of bytes, so that each byte is looked at once
//! however slowly a peer sends, and so that where the bytes are cut never changes what is seen.
//! Body length is `framing.rs`; chunks are `chunked.rs`.

use http::{Method, Version};

use super::framing::Framing;
use crate::head::Span;
use crate::headers::{Field, is_field_value, is_token, offset, slice};
use crate::{Headers, Limits, Reject, RequestHead, TargetForm};

/// The longest method. The registered ones have at most 17 characters.
const MAX_METHOD_BYTES: usize = 64;

/// `HTTP/1.1`
const VERSION_BYTES: usize = 8;

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
}

/// Bounds on one section of field lines.
#[derive(Clone, Copy)]
pub(super) struct SectionLimits {
    pub(super) bytes: u32,
    pub(super) too_large: Reject,
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

    /// Parses on, where `input` begins with the first byte of the head, however often this is
    /// called. Returns the length of the head once it is complete.
    pub(super) fn request_head(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        if self.part as u8 <= Part::RequestLineEnd as u8
            && !self.request_line(input, limits, head)?
        {
            return Ok(None);
        }
        let section =
            SectionLimits { bytes: limits.max_head_bytes, too_large: Reject::HeadTooLarge };
        let headers = &mut head.headers;
        let Some(len) = self.fields(input, limits, section, headers, |name, value| {
            framing.note(name, value)
        })?
        else {
            return Ok(None);
        };
        headers.set_received(input.get(..len).unwrap_or(input));
        Ok(Some(len))
    }

    /// Parses a section of field lines up to and with its empty line, and returns its length.
    /// The fields' places refer to `input`; the caller makes it their block.
    pub(super) fn fields(
        &mut self,
        input: &[u8],
        limits: &Limits,
        section: SectionLimits,
        headers: &mut Headers,
        mut note: impl FnMut(&[u8], &[u8]) -> Result<(), Reject>,
    ) -> Result<Option<usize>, Reject> {
        let max = section.bytes as usize;
        let window = input.get(..max).unwrap_or(input);
        let max_field = limits.max_field_bytes as usize;
        loop {
            let line_cap = self.line_at + max_field + 1;
            let stop = match self.part {
                Part::LineStart => match window.get(self.at) {
                    Some(b'\r') => {
                        self.enter(Part::End, 1);
                        continue;
                    }
                    Some(_) if self.fields == limits.max_fields => {
                        return Err(Reject::TooManyFields);
                    }
                    Some(_) => {
                        self.line_at = self.at;
                        self.enter(Part::Name, 0);
                        continue;
                    }
                    None => None,
                },
                Part::Name => match self.scan(window, line_cap, token_end) {
                    Some(b':') if self.at > self.part_at => {
                        self.name_len = self.at - self.part_at;
                        self.enter(Part::Padding, 1);
                        continue;
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => Some(line_cap),
                },
                Part::Padding => match self.scan(window, line_cap, padding_end) {
                    Some(_) => {
                        self.enter(Part::Value, 0);
                        continue;
                    }
                    None => Some(line_cap),
                },
                Part::Value => match self.scan(window, line_cap, value_end) {
                    Some(b'\r') => {
                        self.field(window, headers, &mut note)?;
                        self.enter(Part::LineEnd, 1);
                        continue;
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => Some(line_cap),
                },
                Part::LineEnd => match window.get(self.at) {
                    Some(b'\n') => {
                        self.enter(Part::LineStart, 1);
                        self.line_at = self.at;
                        continue;
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => None,
                },
                Part::End => match window.get(self.at) {
                    Some(b'\n') => return Ok(Some(self.at + 1)),
                    Some(_) => return Err(Reject::BadField),
                    None => None,
                },
                Part::Method | Part::Target | Part::Version | Part::RequestLineEnd => {
                    unreachable!("the request line comes first")
                }
            };
            if stop.is_some_and(|cap| self.at >= cap) {
                return Err(Reject::FieldTooLarge);
            }
            return if self.at >= max { Err(section.too_large) } else { Ok(None) };
        }
    }

    /// Parses the request line and says whether it is complete (RFC 9112 section 3).
    fn request_line(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<bool, Reject> {
        let max = limits.max_head_bytes as usize;
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
                    None if self.at > MAX_METHOD_BYTES => return Err(Reject::BadRequestLine),
                    None => return Ok(false),
                },
                Part::Target => {
                    let cap = self.part_at + limits.max_target_bytes as usize + 1;
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
                Part::Version => {
                    let end = self.part_at + VERSION_BYTES;
                    match window.get(self.part_at..end) {
                        Some(text) => {
                            head.version = version(text)?;
                            self.enter(Part::RequestLineEnd, VERSION_BYTES);
                        }
                        None if end > max => return Err(Reject::HeadTooLarge),
                        None => return Ok(false),
                    }
                }
                Part::RequestLineEnd => match window.get(self.part_at..self.part_at + 2) {
                    Some(b"\r\n") => {
                        self.enter(Part::LineStart, 2);
                        self.line_at = self.at;
                        return Ok(true);
                    }
                    Some(_) => return Err(Reject::BadRequestLine),
                    None if self.part_at + 2 > max => return Err(Reject::HeadTooLarge),
                    None => return Ok(false),
                },
                Part::LineStart
                | Part::Name
                | Part::Padding
                | Part::Value
                | Part::LineEnd
                | Part::End => unreachable!("field lines come after the request line"),
            }
        }
    }

    /// Ends the current part `skip` bytes further on and begins `part` there.
    fn enter(&mut self, part: Part, skip: usize) {
        self.at += skip;
        self.part_at = self.at;
        self.part = part;
    }

    /// Moves to the first byte below `cap` that ends the part and returns it.
    #[inline]
    fn scan(&mut self, input: &[u8], cap: usize, end: impl Fn(&[u8]) -> usize) -> Option<u8> {
        let rest = input.get(self.at..cap.min(input.len())).unwrap_or_default();
        let len = end(rest);
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
fn version(text: &[u8]) -> Result<Version, Reject> {
    match text {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            if *major == b'1' { Ok(Version::HTTP_11) } else { Err(Reject::UnsupportedVersion) }
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
        let port_at = target.iter().rposition(|&byte| byte == b':');
        let port = port_at.and_then(|at| target.get(at + 1..)).unwrap_or_default();
        if port.is_empty() || !port.iter().all(u8::is_ascii_digit) || target.contains(&b'/') {
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
        if len == 0 {
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
