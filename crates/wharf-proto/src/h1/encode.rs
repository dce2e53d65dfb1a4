//! Response heads and chunk framing, to bytes.
//!
//! Status lines are prebuilt, the caller's fields are copied as one block, and the fields that
//! decide where the message ends are written here and nowhere else. Not here: whether a response
//! may be sent (`state.rs`).

use http::StatusCode;

use crate::Headers;
use crate::trailers::is_forbidden_trailer;

/// The length of a date as in `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
pub const DATE_BYTES: usize = 29;

/// How most heads begin: everything before the number of bytes, with a place for the date.
const USUAL_START: &[u8; 70] =
    b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: ";

/// Where the line of the date begins in it.
const DATE_LINE_AT: usize = b"HTTP/1.1 200 OK\r\n".len();

/// The length of that line.
const DATE_LINE_BYTES: usize = b"Date: ".len() + DATE_BYTES + b"\r\n".len();

/// A date as it stands in responses. Made once a second, it serves all that are sent meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateField {
    start: [u8; USUAL_START.len()],
}

impl DateField {
    /// The field with this value.
    #[must_use]
    pub fn new(date: &[u8; DATE_BYTES]) -> Self {
        let mut start = *USUAL_START;
        let line = start.get_mut(DATE_LINE_AT..).unwrap_or_default();
        for (place, &byte) in line.iter_mut().skip(b"Date: ".len()).zip(date) {
            *place = byte;
        }
        Self { start }
    }

    /// The date itself.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.line()
            .get(b"Date: ".len()..)
            .and_then(|line| line.get(..DATE_BYTES))
            .unwrap_or_default()
    }

    fn line(&self) -> &[u8] {
        let line = self.start.get(DATE_LINE_AT..).unwrap_or_default();
        line.get(..DATE_LINE_BYTES).unwrap_or_default()
    }
}

/// How the end of a response body is marked on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// The status or the method forbids a body, and no length is announced.
    Bodiless,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The connection closes: for HTTP/1.0 peers.
    Close,
}

/// What `Connection` should say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// The default of the version holds: no field.
    Implied,
    /// `keep-alive`, for HTTP/1.0 peers that asked.
    KeepAlive,
    Close,
    /// `upgrade`, with the response that changes the protocol.
    Upgrade,
}

/// Appends status line and fields with the empty line behind them.
#[inline(always)]
pub(super) fn response_head(
    status: StatusCode,
    headers: &Headers,
    date: Option<&DateField>,
    delimiter: Delimiter,
    persistence: Persistence,
    out: &mut Vec<u8>,
) {
    match (status, headers.plain_lines(), date, delimiter, persistence) {
        (
            StatusCode::OK,
            Some(lines),
            Some(date),
            Delimiter::Length(length),
            Persistence::Implied,
        ) => {
            // Copied without a call, since its length is known here.
            out.extend_from_slice(&date.start);
            number_line(length, out);
            out.extend_from_slice(lines);
            out.extend_from_slice(b"\r\n");
        }
        _ => other_response_head(status, headers, date, delimiter, persistence, out),
    }
}

/// As [`response_head`], for those that are not like most.
#[cold]
fn other_response_head(
    status: StatusCode,
    headers: &Headers,
    date: Option<&DateField>,
    delimiter: Delimiter,
    persistence: Persistence,
    out: &mut Vec<u8>,
) {
    let managed = headers.managed();
    status_line(status, out);
    if let Some(date) = date
        && !managed.date()
    {
        out.extend_from_slice(date.line());
    }
    match delimiter {
        Delimiter::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            any_number_line(length, out);
        }
        Delimiter::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Delimiter::Bodiless | Delimiter::Close => {}
    }
    if persistence != Persistence::Implied || managed.upgrade() {
        connection_line(persistence, managed.upgrade(), out);
    }
    fields(headers, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends `Connection`. RFC 9110 section 7.8: whoever sends `Upgrade` names it there.
fn connection_line(persistence: Persistence, has_upgrade: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(match (persistence, has_upgrade) {
        (Persistence::Implied, false) => b"",
        (Persistence::Implied, true) | (Persistence::Upgrade, _) => b"Connection: upgrade\r\n",
        (Persistence::KeepAlive, false) => b"Connection: keep-alive\r\n",
        (Persistence::KeepAlive, true) => b"Connection: keep-alive, upgrade\r\n",
        (Persistence::Close, false) => b"Connection: close\r\n",
        (Persistence::Close, true) => b"Connection: close, upgrade\r\n",
    });
}

/// Appends an interim response (RFC 9110 section 15.2), which has neither body nor `Date`.
pub(super) fn interim_head(status: StatusCode, headers: &Headers, out: &mut Vec<u8>) {
    status_line(status, out);
    fields(headers, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends a chunk. `data` must not be empty: that would be the last one.
pub(super) fn chunk(data: &[u8], out: &mut Vec<u8>) {
    // All of it is made room for at once, with that of the longest size line.
    out.reserve(data.len() + 20);
    chunk_size(u64::try_from(data.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the size line of a chunk. What has a fixed length is appended in one step, and those of
/// small chunks have.
fn chunk_size(len: u64, out: &mut Vec<u8>) {
    match len {
        0..=0xf => out.extend_from_slice(&[hex(len), b'\r', b'\n']),
        0x10..=0xff => out.extend_from_slice(&[hex(len >> 4), hex(len), b'\r', b'\n']),
        0x100..=0xfff => {
            out.extend_from_slice(&[hex(len >> 8), hex(len >> 4), hex(len), b'\r', b'\n']);
        }
        0x1000.. => {
            chunk_size_digits(len >> 12, out);
            out.extend_from_slice(&[hex(len >> 8), hex(len >> 4), hex(len), b'\r', b'\n']);
        }
    }
}

/// Appends the digits of a number that is not 0.
fn chunk_size_digits(number: u64, out: &mut Vec<u8>) {
    for digit in (0..number.ilog2() / 4 + 1).rev() {
        out.push(hex(number >> (4 * digit)));
    }
}

/// The last digit of a number.
#[inline]
fn hex(number: u64) -> u8 {
    let digit = u8::try_from(number & 0xf).unwrap_or(0);
    digit + if digit < 10 { b'0' } else { b'a' - 10 }
}

/// Appends the last chunk with its trailer section.
pub(super) fn last_chunk(trailers: Option<&Headers>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if !is_forbidden_trailer(name.as_bytes()) {
            field(name, value, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the caller's fields without those that are ours alone.
fn fields(headers: &Headers, out: &mut Vec<u8>) {
    let managed = headers.managed();
    let has_ours = managed.connection() || managed.content_length() || managed.transfer_encoding();
    match headers.lines() {
        Some(lines) if !has_ours => out.extend_from_slice(lines),
        _ => fields_but_ours(headers, out),
    }
}

fn fields_but_ours(headers: &Headers, out: &mut Vec<u8>) {
    let ours = ["connection", "content-length", "transfer-encoding"];
    for (name, value) in headers {
        if !ours.iter().any(|our| our.eq_ignore_ascii_case(name)) {
            field(name, value, out);
        }
    }
}

fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a number and a line end. What has a fixed length is appended in one step.
#[inline(always)]
fn number_line(number: u64, out: &mut Vec<u8>) {
    match number {
        0..=9 => out.extend_from_slice(&[decimal(number), b'\r', b'\n']),
        10..=99 => {
            out.extend_from_slice(&[decimal(number / 10), decimal(number), b'\r', b'\n']);
        }
        100..=999 => {
            let (hundreds, tens) = (decimal(number / 100), decimal(number / 10));
            out.extend_from_slice(&[hundreds, tens, decimal(number), b'\r', b'\n']);
        }
        1000.. => any_number_line(number, out),
    }
}

/// The last digit of a number.
#[inline]
fn decimal(number: u64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

/// Appends a number and a line end. They are made aside with room for any number, and then cut.
#[inline(never)]
fn any_number_line(number: u64, out: &mut Vec<u8>) {
    let mut line = *b"00000000000000000000\r\n";
    let longest = line.len();
    let (mut digits, mut rest) = (1, number);
    while rest >= 10 {
        rest /= 10;
        digits += 1;
    }
    rest = number;
    if let Some((text, line_end)) =
        line.get_mut(..digits + 2).and_then(<[u8]>::split_last_chunk_mut)
    {
        *line_end = *b"\r\n";
        for digit in text.iter_mut().rev() {
            *digit = decimal(rest);
            rest /= 10;
        }
    }
    out.extend_from_slice(&line);
    out.truncate(out.len() - (longest - digits - 2));
}

/// Appends the status line: prebuilt for the statuses that have a name.
fn status_line(status: StatusCode, out: &mut Vec<u8>) {
    let line: &[u8] = match status.as_u16() {
        200 => b"HTTP/1.1 200 OK\r\n",
        100 => b"HTTP/1.1 100 Continue\r\n",
        101 => b"HTTP/1.1 101 Switching Protocols\r\n",
        103 => b"HTTP/1.1 103 Early Hints\r\n",
        201 => b"HTTP/1.1 201 Created\r\n",
        204 => b"HTTP/1.1 204 No Content\r\n",
        206 => b"HTTP/1.1 206 Partial Content\r\n",
        301 => b"HTTP/1.1 301 Moved Permanently\r\n",
        302 => b"HTTP/1.1 302 Found\r\n",
        303 => b"HTTP/1.1 303 See Other\r\n",
        304 => b"HTTP/1.1 304 Not Modified\r\n",
        400 => b"HTTP/1.1 400 Bad Request\r\n",
        403 => b"HTTP/1.1 403 Forbidden\r\n",
        404 => b"HTTP/1.1 404 Not Found\r\n",
        405 => b"HTTP/1.1 405 Method Not Allowed\r\n",
        500 => b"HTTP/1.1 500 Internal Server Error\r\n",
        _ => return unusual_status_line(status, out),
    };
    out.extend_from_slice(line);
}

#[cold]
fn unusual_status_line(status: StatusCode, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    // RFC 9112 section 4: the space stays where the reason phrase is absent.
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prebuilt_status_lines_are_those_that_would_be_built() {
        for code in 100..=999 {
            let status = StatusCode::from_u16(code).unwrap();
            let (mut line, mut built) = (Vec::new(), Vec::new());
            status_line(status, &mut line);
            unusual_status_line(status, &mut built);
            assert_eq!(String::from_utf8(line), String::from_utf8(built));
        }
    }

    #[test]
    fn numbers_are_those_that_the_library_writes() {
        let powers = (0..64).map(|power| 1_u64 << power);
        for number in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX]) {
            let mut out = Vec::new();
            number_line(number, &mut out);
            let line = format!("{number}\r\n");
            assert_eq!(String::from_utf8(out).unwrap(), line);
            let mut out = Vec::new();
            any_number_line(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), line);
            let mut out = Vec::new();
            chunk_size(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{number:x}\r\n"));
        }
    }
}
