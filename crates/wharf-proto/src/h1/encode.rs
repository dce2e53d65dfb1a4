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
pub(super) fn response_head(
    status: StatusCode,
    headers: &Headers,
    date: Option<&[u8; DATE_BYTES]>,
    delimiter: Delimiter,
    persistence: Persistence,
    out: &mut Vec<u8>,
) {
    status_line(status, out);
    let managed = headers.managed();
    if let (Some(date), false) = (date, managed.date) {
        out.extend_from_slice(&date_line(date));
    }
    match delimiter {
        Delimiter::Length(length) => length_line(length, out),
        Delimiter::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Delimiter::Bodiless | Delimiter::Close => {}
    }
    // RFC 9110 section 7.8: whoever sends `Upgrade` names it in `Connection`.
    out.extend_from_slice(match (persistence, managed.upgrade) {
        (Persistence::Implied, false) => b"",
        (Persistence::Implied, true) | (Persistence::Upgrade, _) => b"Connection: upgrade\r\n",
        (Persistence::KeepAlive, false) => b"Connection: keep-alive\r\n",
        (Persistence::KeepAlive, true) => b"Connection: keep-alive, upgrade\r\n",
        (Persistence::Close, false) => b"Connection: close\r\n",
        (Persistence::Close, true) => b"Connection: close, upgrade\r\n",
    });
    fields(headers, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim response (RFC 9110 section 15.2), which has neither body nor `Date`.
pub(super) fn interim_head(status: StatusCode, headers: &Headers, out: &mut Vec<u8>) {
    status_line(status, out);
    fields(headers, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends the size line of a chunk; the data and [`CHUNK_END`] come behind it.
pub(super) fn chunk_size(len: u64, out: &mut Vec<u8>) {
    let digits = usize::try_from(16 - (len | 1).leading_zeros() / 4).unwrap_or(16);
    for digit in (0..digits).rev() {
        let nibble = len >> (4 * digit) & 0xf;
        out.push(char::from_digit(nibble.try_into().unwrap_or(0), 16).map_or(b'0', |c| c as u8));
    }
    out.extend_from_slice(b"\r\n");
}

/// What stands behind the data of a chunk.
pub(super) const CHUNK_END: &[u8] = b"\r\n";

/// Appends the last chunk with its trailer section.
pub(super) fn last_chunk(trailers: &Headers, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        if !is_forbidden_trailer(name.as_bytes()) {
            field(name, value, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the caller's fields without those that are ours alone.
fn fields(headers: &Headers, out: &mut Vec<u8>) {
    let managed = headers.managed();
    let has_ours = managed.connection || managed.content_length || managed.transfer_encoding;
    if let (Some(lines), false) = (headers.lines(), has_ours) {
        out.extend_from_slice(lines);
        return;
    }
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

/// `Date` as a line, made aside: what has a fixed length is appended in one step.
#[inline]
fn date_line(date: &[u8; DATE_BYTES]) -> [u8; DATE_BYTES + 8] {
    let mut line = *b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    if let Some(place) = line.last_chunk_mut::<{ DATE_BYTES + 2 }>()
        && let Some(place) = place.first_chunk_mut()
    {
        *place = *date;
    }
    line
}

/// Appends `Content-Length` as a line, which is made aside with room for any length and then cut.
#[inline]
fn length_line(length: u64, out: &mut Vec<u8>) {
    let mut line = *b"Content-Length: 00000000000000000000\r\n";
    let longest = line.len();
    let mut line_len = b"Content-Length: 0\r\n".len();
    let mut rest = length;
    while rest >= 10 {
        rest /= 10;
        line_len += 1;
    }
    if let Some((text, line_end)) = line.get_mut(..line_len).and_then(<[u8]>::split_last_chunk_mut)
    {
        *line_end = *b"\r\n";
        rest = length;
        for digit in text.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
    }
    out.extend_from_slice(&line);
    out.truncate(out.len() - (longest - line_len));
}

/// Appends the status line: prebuilt for the statuses that have a name.
#[inline]
fn status_line(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::OK {
        // Copied without a call, since its length is known here.
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    other_status_line(status, out);
}

fn other_status_line(status: StatusCode, out: &mut Vec<u8>) {
    let line: &[u8] = match status.as_u16() {
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
            length_line(number, &mut out);
            let line = format!("Content-Length: {number}\r\n");
            assert_eq!(String::from_utf8(out).unwrap(), line);
            let mut out = Vec::new();
            chunk_size(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{number:x}\r\n"));
        }
    }
}
