//! Request line and field lines to [`RequestHead`], and trailer sections to [`Headers`].
//!
//! The parser keeps the place where it ran out of bytes, so that no byte is looked at more than
//! twice however slowly a peer sends, and so that where the bytes are cut never changes what is
//! seen. Lines that are there in full are taken by `lines.rs` where they have the usual form; what
//! is valid and what is refused is decided here. Body length is `framing.rs`; chunks are
//! `chunked.rs`.

use http::{Method, Version};

use super::framing::Framing;
use super::lines::{self, Bounds, Taken};
use super::section::{Fields, MAX_SECTION_BYTES, Section};
use super::{looks, target};
use crate::head::Span;
use crate::headers::{Field, offset, slice};
use crate::scan::{padding_end, target_end, token_end, value_end};
use crate::{Headers, Limits, Reject, RequestHead};

/// The longest method. The registered ones have at most 17 characters.
const MAX_METHOD_BYTES: usize = 64;

/// The longest word that is taken for a method, if only to say that it is too long. Who sends a
/// longer one does not speak HTTP.
const MAX_WORD_BYTES: usize = 256;

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
    skipped_empty_line: bool,
    /// A line may also end with a LF that has no CR before it (RFC 9112 section 2.2).
    bare_lf: bool,
}

/// How far a line was parsed.
enum Progress {
    /// To its end.
    Line,
    /// It was the empty one, and the section is so long.
    Section(usize),
    /// As far as it is there.
    Wait,
}

impl HeadParser {
    /// A parser of a head.
    pub(super) fn new(bare_lf: bool) -> Self {
        Self { bare_lf, ..Self::default() }
    }

    /// A parser that begins with a field line: for trailer sections.
    pub(super) fn at_fields(bare_lf: bool) -> Self {
        Self { part: Part::LineStart, bare_lf, ..Self::default() }
    }

    /// Whether nothing has been looked at.
    pub(super) fn is_fresh(&self) -> bool {
        self.at == 0
    }

    /// The length of an empty line at the start of `input` that is to be skipped: one before the
    /// request line is, and leaves the connection as idle as it was (RFC 9112 section 2.2).
    pub(super) fn skip_empty_line(&mut self, input: &[u8]) -> usize {
        let len = match input {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] if self.bare_lf => 1,
            _ => 0,
        };
        if len == 0 || !self.is_fresh() || self.skipped_empty_line {
            return 0;
        }
        self.skipped_empty_line = true;
        len
    }

    /// Parses on, where `input` begins with the first byte of the head, however often this is
    /// called. Returns the length of the head once it is complete. Until then, and if it is
    /// refused, `head` holds what was understood so far.
    #[inline(always)]
    pub(super) fn request_head(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        let window = Section::of_head(limits).window(input);
        let usual = self.usual_lines(window, limits, head, framing);
        if let Ok(Some(len)) = usual {
            head.headers.extend_received(window.get(..len).unwrap_or(window));
            return usual;
        }
        self.other_lines(usual.map(drop), input, limits, head, framing)
    }

    /// As [`request_head`](Self::request_head), where that was called before.
    #[cold]
    #[inline(never)]
    pub(super) fn rest_of_head(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        self.request_head(input, limits, head, framing)
    }

    /// Parses on in a trailer section, where `input` begins with its first byte. Returns its
    /// length, with the empty line behind it, once it is complete.
    pub(super) fn trailers(
        &mut self,
        input: &[u8],
        limits: &Limits,
        headers: &mut Headers,
    ) -> Result<Option<usize>, Reject> {
        let section = Section::of_trailers(limits);
        let window = section.window(input);
        let mut fields = Fields::Trailers(headers);
        let result = loop {
            match self.field_line(window, limits, section, &mut fields) {
                Ok(Progress::Line) => {}
                Ok(Progress::Section(len)) => break Ok(Some(len)),
                Ok(Progress::Wait) => break Ok(None),
                Err(reject) => break Err(reject),
            }
        };
        headers.extend_received(window.get(..self.at).unwrap_or(window));
        result
    }

    /// Parses on in a head that begins, or goes on, with a line that is not of the usual form, if
    /// the lines before it were `good`.
    #[cold]
    #[inline(never)]
    fn other_lines(
        &mut self,
        good: Result<(), Reject>,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        let section = Section::of_head(limits);
        let window = section.window(input);
        let result = good.and_then(|()| self.lines(window, limits, section, head, framing));
        let taken = if let Ok(Some(len)) = result { len } else { self.at };
        head.headers.extend_received(window.get(..taken).unwrap_or(window));
        result
    }

    /// Parses on line by line, where the next one is not of the usual form.
    fn lines(
        &mut self,
        window: &[u8],
        limits: &Limits,
        section: Section,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        loop {
            match self.any_line(window, limits, section, head, framing)? {
                Progress::Line => {}
                Progress::Section(len) => return Ok(Some(len)),
                Progress::Wait => return Ok(None),
            }
            if let Some(len) = self.usual_lines(window, limits, head, framing)? {
                return Ok(Some(len));
            }
        }
    }

    /// Takes the lines of the usual form that are there, if a line begins here. Returns the length
    /// of the head if it is complete with them.
    #[inline(always)]
    fn usual_lines(
        &mut self,
        window: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Option<usize>, Reject> {
        if self.part != Part::LineStart && !self.is_fresh() {
            return Ok(None);
        }
        let bounds = Bounds {
            target: limits.max_target_bytes as usize,
            line: limits.max_field_bytes as usize,
            fields: limits.max_fields.saturating_sub(self.fields),
        };
        let mut taken = Taken { at: self.at, fields: 0, is_end: false };
        let result = lines::take(window, &mut taken, bounds, head, framing);
        if taken.is_end {
            return Ok(Some(taken.at));
        }
        if taken.at > 0 {
            self.fields += taken.fields;
            self.next_line(taken.at);
        }
        result.map(|()| None)
    }

    /// Parses on in a line of a head, of any form.
    #[cold]
    fn any_line(
        &mut self,
        window: &[u8],
        limits: &Limits,
        section: Section,
        head: &mut RequestHead,
        framing: &mut Framing,
    ) -> Result<Progress, Reject> {
        match self.part {
            Part::Method | Part::Target | Part::Version | Part::RequestLineEnd => {
                self.request_line(window, limits, section, head)
            }
            Part::LineStart
            | Part::Name
            | Part::Padding
            | Part::Value
            | Part::LineEnd
            | Part::End => {
                self.field_line(window, limits, section, &mut Fields::Head(head, framing))
            }
        }
    }

    /// Parses on in a field line of any form, or the empty line behind them (RFC 9112 section 5).
    fn field_line(
        &mut self,
        window: &[u8],
        limits: &Limits,
        section: Section,
        fields: &mut Fields<'_>,
    ) -> Result<Progress, Reject> {
        let max_line = limits.max_field_bytes.min(MAX_SECTION_BYTES) as usize + 1;
        let line_cap = self.line_at + max_line;
        loop {
            match self.part {
                Part::LineStart => match self.look(window) {
                    Some(b'\r') => self.enter(Part::End, 1),
                    Some(b'\n') if self.bare_lf => return Ok(self.end_section()),
                    Some(_) if self.fields >= limits.max_fields => {
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
                        self.field(window, fields)?;
                        self.enter(Part::LineEnd, 1);
                    }
                    Some(b'\n') if self.bare_lf => {
                        self.field(window, fields)?;
                        return Ok(self.end_line(1));
                    }
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait_in_line(line_cap, section),
                },
                Part::LineEnd => match self.look(window) {
                    Some(b'\n') => return Ok(self.end_line(1)),
                    Some(_) => return Err(Reject::BadField),
                    None => return self.wait(section),
                },
                Part::End => match self.look(window) {
                    Some(b'\n') => return Ok(self.end_section()),
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
    fn wait(&self, section: Section) -> Result<Progress, Reject> {
        if self.at >= section.bytes as usize { Err(section.too_large) } else { Ok(Progress::Wait) }
    }

    /// Waits for more of a field line, unless it is as long as it may be.
    fn wait_in_line(&self, line_cap: usize, section: Section) -> Result<Progress, Reject> {
        if self.at >= line_cap { Err(Reject::FieldTooLarge) } else { self.wait(section) }
    }

    /// Parses on in a request line of any form (RFC 9112 section 3).
    fn request_line(
        &mut self,
        window: &[u8],
        limits: &Limits,
        section: Section,
        head: &mut RequestHead,
    ) -> Result<Progress, Reject> {
        let max = section.bytes as usize;
        loop {
            match self.part {
                Part::Method => match self.scan(window, MAX_WORD_BYTES + 1, token_end) {
                    Some(b' ') if self.at > MAX_METHOD_BYTES => return Err(Reject::MethodTooLong),
                    Some(b' ') if self.at > 0 => {
                        head.method = window
                            .get(..self.at)
                            .and_then(|method| Method::from_bytes(method).ok())
                            .ok_or(Reject::BadRequestLine)?;
                        self.enter(Part::Target, 1);
                    }
                    Some(_) => return Err(Reject::BadRequestLine),
                    None if self.at > MAX_WORD_BYTES => return Err(Reject::BadRequestLine),
                    None => return self.wait(section),
                },
                Part::Target => {
                    let max_target = limits.max_target_bytes.min(MAX_SECTION_BYTES) as usize;
                    let cap = self.part_at + max_target + 1;
                    match self.scan(window, cap, target_end) {
                        Some(b' ') if self.at > self.part_at => {
                            let len = offset(self.at - self.part_at);
                            head.target = Span { at: offset(self.part_at), len };
                            target::split(window, head)?;
                            self.enter(Part::Version, 1);
                        }
                        Some(_) => return Err(Reject::BadRequestLine),
                        None if self.at >= cap => return Err(Reject::TargetTooLong),
                        None => return self.wait(section),
                    }
                }
                Part::Version => match self.peek::<VERSION_BYTES>(window) {
                    Ok(text) => {
                        head.version = version(text)?;
                        target::check_preface(head)?;
                        self.enter(Part::RequestLineEnd, VERSION_BYTES);
                    }
                    Err(_) if self.at + VERSION_BYTES > max => return Err(Reject::HeadTooLarge),
                    // A peer that sends too little would else wait for an answer for ever.
                    Err(text) if !text.iter().all(u8::is_ascii_graphic) => {
                        return Err(Reject::BadRequestLine);
                    }
                    Err(_) => return Ok(Progress::Wait),
                },
                Part::RequestLineEnd => match self.peek::<2>(window) {
                    Ok(b"\r\n") => return Ok(self.end_line(2)),
                    Ok([b'\n', _]) | Err([b'\n']) if self.bare_lf => return Ok(self.end_line(1)),
                    Ok(_) => return Err(Reject::BadRequestLine),
                    Err(_) if self.at + 2 > max => return Err(Reject::HeadTooLarge),
                    Err([] | [b'\r']) => return Ok(Progress::Wait),
                    Err(_) => return Err(Reject::BadRequestLine),
                },
                Part::LineStart
                | Part::Name
                | Part::Padding
                | Part::Value
                | Part::LineEnd
                | Part::End => unreachable!("the request line comes first"),
            }
        }
    }

    /// Ends the current part `skip` bytes further on and begins `part` there.
    fn enter(&mut self, part: Part, skip: usize) {
        self.at += skip;
        self.part_at = self.at;
        self.part = part;
    }

    /// Ends the line behind the next `line_end_bytes` bytes.
    fn end_line(&mut self, line_end_bytes: usize) -> Progress {
        self.next_line(self.at + line_end_bytes);
        Progress::Line
    }

    /// Ends the section behind the next byte.
    fn end_section(&mut self) -> Progress {
        self.at += 1;
        Progress::Section(self.at)
    }

    /// Begins a line at `at`.
    fn next_line(&mut self, at: usize) {
        self.part = Part::LineStart;
        self.at = at;
        self.part_at = at;
        self.line_at = at;
    }

    /// The next byte.
    fn look(&self, input: &[u8]) -> Option<u8> {
        looks::count(1);
        input.get(self.at).copied()
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
    fn field(&mut self, input: &[u8], fields: &mut Fields<'_>) -> Result<(), Reject> {
        let value = input.get(self.part_at..self.at).unwrap_or_default().trim_ascii_end();
        let field = Field {
            name_at: offset(self.line_at),
            name_len: offset(self.name_len),
            value_at: offset(self.part_at),
            value_len: offset(value.len()),
        };
        self.fields += 1;
        fields.add(field, slice(input, field.name_at, field.name_len), value)
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
