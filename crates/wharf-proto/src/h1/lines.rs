//! Whole lines in their usual form, each taken in one pass: what nearly all heads consist of.
//!
//! Nothing is decided here that the parser in `parse.rs` would decide otherwise, and nothing is
//! refused: a line that is incomplete, unusual or wrong is left to it, from its first byte. So such
//! a line is looked at twice, but not more often, since that parser does not come back with it.

use http::{Method, Version};

use super::framing::Framing;
use super::looks;
use super::scan::{past_path, past_target, past_token, past_usual_value};
use crate::head::Span;
use crate::headers::Field;
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
#[inline]
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

/// Takes field lines and the empty line behind them.
#[inline(never)]
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
    while fields < bounds.fields {
        let Some(line) = field_line(rest, bounds.line) else {
            if let [b'\r', b'\n', behind @ ..] = rest {
                rest = behind;
                taken.is_end = true;
            }
            break;
        };
        if Framing::may_matter(rest, line.name_len) {
            result = note(rest, line.name_len, line.value_len, framing);
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
    }
    taken.at = input.len() - rest.len();
    taken.fields = fields;
    result
}

/// The length of a version between a blank and a line end.
const LINE_TAIL_BYTES: usize = b" HTTP/1.1\r\n".len();

/// Takes a request line of the usual form: a method that is frequent, a path, and a version that we
/// speak. Returns its length.
#[inline(never)]
fn request_line(input: &[u8], max_target: usize, head: &mut RequestHead) -> Option<usize> {
    let (method, target_at) = frequent_method(input)?;
    let target = input.get(target_at..)?;
    let behind_path = past_path(target);
    let path_len = target.len() - behind_path.len();
    let mut query = None;
    let mut behind = behind_path;
    if let [b'?', text @ ..] = behind_path {
        behind = past_target(text);
        let len = text.len() - behind.len();
        query = Some(Span { at: place(target_at + path_len + 1), len: place(len) });
    }
    let target_len = target.len() - behind.len();
    looks::count(target_len + 1);
    let tail: &[u8; LINE_TAIL_BYTES] = behind.first_chunk()?;
    let version = if tail == b" HTTP/1.1\r\n" {
        Version::HTTP_11
    } else if tail == b" HTTP/1.0\r\n" {
        Version::HTTP_10
    } else {
        return None;
    };
    if target.first() != Some(&b'/') || target_len > max_target {
        return None;
    }
    if let Some(method) = method {
        head.method = method;
    }
    head.version = version;
    head.target = Span { at: place(target_at), len: place(target_len) };
    head.path = Span { at: place(target_at), len: place(path_len) };
    head.query = query;
    Some(target_at + target_len + LINE_TAIL_BYTES)
}

/// A frequent method, if it is not that of a cleared head, and its length with the blank.
#[inline(always)]
fn frequent_method(input: &[u8]) -> Option<(Option<Method>, usize)> {
    let start: &[u8; 5] = input.first_chunk()?;
    match start {
        [b'G', b'E', b'T', b' ', _] => Some((None, 4)),
        [b'P', b'U', b'T', b' ', _] => Some((Some(Method::PUT), 4)),
        b"HEAD " => Some((Some(Method::HEAD), 5)),
        b"POST " => Some((Some(Method::POST), 5)),
        _ => None,
    }
}

/// What stands between the name and the value of a usual field line.
const PADDED_COLON_BYTES: usize = b": ".len();

/// A field line of the usual form, and what follows it.
struct FieldLine<'i> {
    name_len: usize,
    value_len: usize,
    behind: &'i [u8],
}

/// The field line at the start of `input`, if it is of the usual form: a blank behind the colon, a
/// value of printable ASCII that is not empty, and CR LF.
#[inline(always)]
fn field_line(input: &[u8], max_len: usize) -> Option<FieldLine<'_>> {
    let behind_name = past_token(input);
    let name_len = input.len() - behind_name.len();
    looks::count(name_len + 1);
    let [b':', b' ', value @ ..] = behind_name else { return None };
    let behind_value = past_usual_value(value);
    let value_len = value.len() - behind_value.len();
    looks::count(value_len + 1);
    let ends = behind_name.get(value_len + 1..)?.split_first_chunk();
    // The last byte of an empty value is the blank before it.
    let Some((&[last, b'\r', b'\n'], behind)) = ends else { return None };
    let has_blanks = value.first() == Some(&b' ') || last == b' ';
    if name_len == 0 || has_blanks || name_len + PADDED_COLON_BYTES + value_len > max_len {
        return None;
    }
    Some(FieldLine { name_len, value_len, behind })
}

/// Has framing take note of the field line at the start of `input`.
#[cold]
fn note(
    input: &[u8],
    name_len: usize,
    value_len: usize,
    framing: &mut Framing,
) -> Result<(), Reject> {
    let (name, behind) = input.split_at_checked(name_len).unwrap_or_default();
    let value = behind.get(PADDED_COLON_BYTES..).and_then(|value| value.get(..value_len));
    framing.note(name, value.unwrap_or_default())
}

/// A place in a section, or a length.
#[expect(clippy::cast_possible_truncation, reason = "sections are no longer than 1 MiB")]
const fn place(at: usize) -> u32 {
    at as u32
}
