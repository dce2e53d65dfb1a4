//! What a response must look like to be counted.
//!
//! The first response of a connection is read with its head and `Content-Length`; from then on
//! only the status line and the number of bytes are checked, because a generator that parses as
//! much as a server would be the bottleneck.
//!
//! Not here: sockets that do not block, which `connection.rs` reads.

use std::io::{Read, Write};
use std::net::TcpStream;

use memchr::memmem;

use crate::Fault;

/// How every response begins; the space keeps out the status 2000.
const STATUS_LINE: &[u8] = b"HTTP/1.1 200 ";

/// Where the status begins in it: before, a difference means that this is not HTTP/1.1.
const STATUS_AT: usize = 9;

/// Enough for any hello-world server's head and body.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// Sends `request` on a blocking `stream`, reads the response and returns its length in bytes.
///
/// # Errors
///
/// When the response does not arrive, is not a 200, or has no `Content-Length`.
pub fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<usize, Fault> {
    stream.write_all(request)?;
    let mut input = [0; MAX_RESPONSE_BYTES];
    let mut filled = 0;
    loop {
        match stream.read(&mut input[filled..])? {
            0 if filled == input.len() => return Err(Fault::HeadTooLarge),
            0 => return Err(Fault::Closed),
            received => filled += received,
        }
        match response_bytes(&input[..filled])? {
            Some(bytes) if bytes < filled => return Err(Fault::Surplus),
            Some(bytes) if bytes == filled => return Ok(bytes),
            Some(_) | None => {}
        }
    }
}

/// The length that the response at the start of `input` has or will have, as soon as its head
/// is complete.
fn response_bytes(input: &[u8]) -> Result<Option<usize>, Fault> {
    check_status(0, &input[..input.len().min(STATUS_LINE.len())])?;
    let Some(end) = memmem::find(input, b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&input[..end]).map_err(|_| Fault::Garbage)?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    let body_bytes: usize = length.ok_or(Fault::NoLength)?;
    Ok(Some((end + 4).checked_add(body_bytes).ok_or(Fault::NoLength)?))
}

/// Checks `input`, which lies `at` bytes into a response, against the status line.
fn check_status(at: usize, input: &[u8]) -> Result<(), Fault> {
    let expected = &STATUS_LINE[at..][..input.len()];
    let Some(differs) = expected.iter().zip(input).position(|(a, b)| a != b) else {
        return Ok(());
    };
    Err(if at + differs < STATUS_AT { Fault::Garbage } else { Fault::Status })
}

/// How far into a response of known length a connection has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    at: usize,
}

impl Progress {
    /// Takes in the next bytes of the stream and returns how many responses they completed.
    pub(crate) fn feed(&mut self, response_bytes: usize, mut input: &[u8]) -> Result<u64, Fault> {
        let mut complete = 0;
        while !input.is_empty() {
            if self.at < STATUS_LINE.len() {
                let checked = input.len().min(STATUS_LINE.len() - self.at);
                check_status(self.at, &input[..checked])?;
            }
            let taken = input.len().min(response_bytes - self.at);
            input = &input[taken..];
            self.at += taken;
            if self.at == response_bytes {
                self.at = 0;
                complete += 1;
            }
        }
        Ok(complete)
    }

    /// Whether the stream is between two responses.
    pub(crate) fn is_between(self) -> bool {
        self.at == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn the_length_is_known_once_the_head_is_complete() {
        for len in 0..GOOD.len() {
            let expect = (len >= GOOD.len() - 3).then_some(GOOD.len());
            assert_eq!(response_bytes(&GOOD[..len]).unwrap(), expect, "cut at {len}");
        }
    }

    #[test]
    fn responses_that_cannot_be_counted_are_told_apart() {
        for (input, expect) in [
            (&b"HTTP/1.1 503 No\r\n"[..], "status"),
            (b"HTTP/1.1 2000 \r\n", "status"),
            (b"HTTP/1.0 200 OK\r\n", "not an HTTP/1.1"),
            (b"hello", "not an HTTP/1.1"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "content-length"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "content-length"),
        ] {
            let fault = response_bytes(input).expect_err("none of them counts").to_string();
            assert!(fault.contains(expect), "{}: {fault}", input.escape_ascii());
        }
    }

    #[test]
    fn responses_count_however_the_stream_is_cut() {
        let stream = GOOD.repeat(5);
        for piece in 1..=stream.len() {
            let mut progress = Progress::default();
            let counts = stream.chunks(piece).map(|cut| progress.feed(GOOD.len(), cut).unwrap());
            assert_eq!(counts.sum::<u64>(), 5, "pieces of {piece}");
            assert!(progress.is_between());
        }
    }

    #[test]
    fn a_bad_status_is_seen_however_the_stream_is_cut() {
        let stream = [GOOD, b"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc"].concat();
        for piece in 1..=stream.len() {
            let mut progress = Progress::default();
            let fault = stream.chunks(piece).find_map(|cut| progress.feed(GOOD.len(), cut).err());
            assert!(matches!(fault, Some(Fault::Status)), "pieces of {piece}: {fault:?}");
        }
    }
}
