//! Whole lines in their usual form, each taken in one pass: what nearly all heads consist of.
//!
//! Nothing is decided here that the parser in `parse.rs` would decide otherwise, and nothing is
//! refused: a line that is incomplete, unusual or wrong is left to it, from its first byte. So such
//! a line is looked at twice, but not more often, since that parser does not come back with it.

use http::{Method, Version};
use wharf_scan::{BLOCK_BYTES, Block};

use super::framing::Framing;
use super::looks;
use crate::head::Span;
use crate::headers::Field;
use crate::scan::{
    block, is_no_digit, is_outside_of_path, is_unprintable, is_unusual_in_host, is_unusual_in_name,
    path_end, target_end, token_end,
};
use crate::{Headers, Reject, RequestHead};

/// How long the parts of a head may be, and how many fields there may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) target: usize,
    /// Without the line end.
    pub(super) line: usize,
    pub(super) fields: u32,
}

/// How much of a head was taken.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    /// Where the first byte stands that was not taken.
    pub(super) at: usize,
    /// How many fields were taken.
    pub(super) fields: u32,
    /// The empty line behind the fields was taken too.
    pub(super) is_end: bool,
}

/// Takes the lines of a head from `taken.at` on, while they are there in full and of the usual
/// form, with the empty line. If a field is refused, it and what stands behind it is not taken.
#[inline(always)]
pub(super) fn take(
    input: &[u8],
    taken: &mut Taken,
    bounds: Bounds,
    head: &mut RequestHead,
    framing: &mut Framing,
) -> Result<(), Reject> {
    if taken.at == 0 {
        taken.at = request_line(input, bounds.target, head).unwrap_or_default();
        if taken.at == 0 {
            return Ok(());
        }
    }
    fields(input, taken, bounds, &mut head.headers, framing)
}

/// Takes field lines, and the empty line if it is behind one of them.
#[inline(always)]
fn fields(
    input: &[u8],
    taken: &mut Taken,
    bounds: Bounds,
    headers: &mut Headers,
    framing: &mut Framing,
) -> Result<(), Reject> {
    let mut rest = input.get(taken.at..).unwrap_or_default();
    let mut fields = 0;
    let mut result = Ok(());
    while fields < bounds.fields
        && let Some(line) = field_line(input, rest, bounds.line)
    {
        if Framing::may_matter(rest, line.name_len) {
            result = note(input, rest, &line, framing);
            if result.is_err() {
                break;
            }
        }
        let at = input.len() - rest.len();
        headers.push_received(Field {
            name_at: place(at),
            name_len: place(line.name_len),
            value_at: place(at + line.name_len + PADDED_COLON_BYTES),
            value_len: place(line.value_len),
        });
        fields += 1;
        rest = line.behind;
        if line.is_last {
            taken.is_end = true;
            rest = rest.get(LINE_END_BYTES..).unwrap_or_default();
            break;
        }
    }
    taken.at = input.len() - rest.len();
    taken.fields = fields;
    result
}

/// The length of a version between a blank and a line end.
const LINE_TAIL_BYTES: usize = b" HTTP/1.1\r\n".len();

/// Takes a request line of the usual form: a method that is frequent, a path, and a version that we
/// speak. Returns its length.
#[inline(always)]
fn request_line(input: &[u8], max_target: usize, head: &mut RequestHead) -> Option<usize> {
    let target_at = if input.starts_with(b"GET ") { 4 } else { other_method(input, head)? };
    let target = input.get(target_at..)?;
    let start = target.first_chunk().map(|bytes| is_outside_of_path(Block::new(bytes)));
    let path_len = match start.and_then(|outside| outside.found().first()) {
        Some(len) => len,
        None => path_end(target),
    };
    let (path, mut behind) = target.split_at_checked(path_len)?;
    let mut query = None;
    if let [b'?', text @ ..] = behind {
        let len = target_end(text);
        query = Some(Span { at: place(target_at + path_len + 1), len: place(len) });
        behind = text.get(len..)?;
    }
    let len = target.len() - behind.len();
    looks::count(len + 1);
    let tail: &[u8; LINE_TAIL_BYTES] = behind.first_chunk()?;
    let version = if tail == b" HTTP/1.1\r\n" {
        Version::HTTP_11
    } else if tail == b" HTTP/1.0\r\n" {
        Version::HTTP_10
    } else {
        return None;
    };
    if path.first() != Some(&b'/') || len > max_target {
        return None;
    }
    head.version = version;
    head.target = Span { at: place(target_at), len: place(len) };
    head.path = Span { at: place(target_at), len: place(path_len) };
    head.query = query;
    Some(target_at + len + LINE_TAIL_BYTES)
}

/// Takes a frequent method that is not GET, which a cleared head has. Returns its length with the
/// blank.
#[inline(never)]
fn other_method(input: &[u8], head: &mut RequestHead) -> Option<usize> {
    let (method, len) = match input.first_chunk()? {
        b"HEAD " => (Method::HEAD, 5),
        b"POST " => (Method::POST, 5),
        [b'P', b'U', b'T', b' ', _] => (Method::PUT, 4),
        _ => return None,
    };
    // Should the line turn out to be unusual, the parser finds the same method again.
    head.method = method;
    Some(len)
}

const LINE_END_BYTES: usize = b"\r\n".len();

/// Those of the last field line and of the empty one.
const LINE_ENDS: u32 = u32::from_le_bytes(*b"\r\n\r\n");

/// What stands between the name and the value of a usual field line.
const PADDED_COLON: [u8; 2] = *b": ";
const PADDED_COLON_BYTES: usize = PADDED_COLON.len();

/// A field line of the usual form.
struct FieldLine<'i> {
    name_len: usize,
    value_len: usize,
    /// The value and what follows it.
    value: &'i [u8],
    /// What follows the line.
    behind: &'i [u8],
    /// That begins with the empty line.
    is_last: bool,
}

/// The field line at the start of `rest`, the end of `input`, if it is of the usual form: a blank
/// behind the colon, a value of printable ASCII that is not empty, CR LF, and as many bytes again.
#[inline(always)]
fn field_line<'i>(input: &'i [u8], rest: &'i [u8], max_len: usize) -> Option<FieldLine<'i>> {
    let start = block(input, rest);
    // The end of the line does not wait for that of the name, for the next line waits for it.
    let line_len = match is_unprintable(start).found().first() {
        Some(len) => len,
        None => long_line_len(rest)?,
    };
    let name_len = match is_unusual_in_name(start).found().first() {
        Some(len) => len,
        None => token_end(rest),
    };
    looks::count(line_len + LINE_END_BYTES + name_len + PADDED_COLON_BYTES);
    let (line, behind) = rest.split_at_checked(line_len)?;
    let ends = u32::from_le_bytes(*behind.first_chunk()?);
    let (colon, value) = line.get(name_len..)?.split_first_chunk()?;
    let is_ended = ends & 0xffff == LINE_ENDS & 0xffff;
    if !is_ended || colon != &PADDED_COLON || name_len == 0 || line_len > max_len {
        return None;
    }
    if value.first()? == &b' ' || value.last()? == &b' ' {
        return None;
    }
    Some(FieldLine {
        name_len,
        value_len: value.len(),
        value: rest.get(name_len + PADDED_COLON_BYTES..)?,
        behind: behind.get(LINE_END_BYTES..)?,
        is_last: ends == LINE_ENDS,
    })
}

/// The length of the line at the start of `rest` as far as it is usual, where its first block is.
#[inline(always)]
fn long_line_len(rest: &[u8]) -> Option<usize> {
    let mut behind = rest.get(BLOCK_BYTES..)?;
    while let Some((bytes, next)) = behind.split_first_chunk() {
        if let Some(at) = is_unprintable(Block::new(bytes)).found().first() {
            return Some(rest.len() - behind.len() + at);
        }
        behind = next;
    }
    // The last block begins with bytes of which it is known that they are usual.
    let at = is_unprintable(Block::new(rest.last_chunk()?)).found().first()?;
    Some(rest.len() - BLOCK_BYTES + at)
}

/// Has framing take note of the field line at the start of `rest`, the end of `input`.
#[inline(always)]
fn note(
    input: &[u8],
    rest: &[u8],
    line: &FieldLine<'_>,
    framing: &mut Framing,
) -> Result<(), Reject> {
    let FieldLine { name_len, value_len, value, .. } = *line;
    if is_host(rest, name_len) && is_usual_host(input, value, value_len) {
        return framing.valid_host();
    }
    note_other(rest, name_len, value, value_len, framing)
}

#[inline(never)]
fn note_other(
    rest: &[u8],
    name_len: usize,
    value: &[u8],
    value_len: usize,
    framing: &mut Framing,
) -> Result<(), Reject> {
    let name = rest.get(..name_len).unwrap_or_default();
    framing.note(name, value.get(..value_len).unwrap_or_default())
}

/// Whether the first `name_len` bytes of `line`, a token, are `Host` in any case.
#[inline(always)]
fn is_host(line: &[u8], name_len: usize) -> bool {
    const LOWER: u32 = u32::from_le_bytes(*b"host");
    let is_lower = |name: [u8; 4]| u32::from_le_bytes(name) | 0x2020_2020 == LOWER;
    name_len == LOWER.to_le_bytes().len() && line.first_chunk().is_some_and(|&name| is_lower(name))
}

/// Whether the first `len` bytes of `value`, the end of `input` with CR behind them, are the name
/// of a host, maybe with a port, that is short and has no unusual character.
#[inline(always)]
fn is_usual_host(input: &[u8], value: &[u8], len: usize) -> bool {
    let start = block(input, value);
    let Some(name_len) = is_unusual_in_host(start).found().first() else { return false };
    if name_len == len {
        return true;
    }
    let has_port = 0 < name_len && name_len < len && value.get(name_len) == Some(&b':');
    if !has_port || len >= BLOCK_BYTES {
        return false;
    }
    let port_at = name_len + 1;
    is_no_digit(start).found().behind(port_at).first() == Some(len - port_at)
}

/// A place in a section, or a length.
#[expect(clippy::cast_possible_truncation, reason = "sections are no longer than 1 MiB")]
const fn place(at: usize) -> u32 {
    at as u32
}
