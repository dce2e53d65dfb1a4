//! What a response must look like to be counted.
//!
//! The first response of a connection is read with its head and its framing. From then on, where
//! all responses look the same, only the status line and the number of bytes are checked, because
//! a generator that parses as much as a server would be the bottleneck. Where they don't (chunks,
//! the last response of a connection), every head is read.
//!
//! An echo's response is what was sent, and every byte of it is compared.
//!
//! Not here: chunks (`chunks.rs`), sockets that do not block, which `connection.rs` reads.

use std::io::{Read, Write};
use std::net::TcpStream;

use memchr::memmem;

use crate::Fault;
use crate::chunks::Chunks;

/// How every response begins; the space keeps out the status 2000.
const STATUS_LINE: &[u8] = b"HTTP/1.1 200 ";

/// Where the status begins in it: before, a difference means that this is not HTTP/1.1.
const STATUS_AT: usize = 9;

/// Enough for any server's head to one of our requests.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Enough for the largest response that is asked for, with its head and chunks.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// A response read in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its length, head included.
    pub bytes: usize,
    /// The length of its body, without what frames it.
    pub body_bytes: usize,
    /// Whether the body came in chunks.
    pub is_chunked: bool,
    /// What came behind the head, as it was on the wire.
    pub wire_body: Vec<u8>,
}

/// Sends `bytes` to an echo on a blocking `stream` and reads them back.
pub(crate) fn echo(stream: &mut TcpStream, bytes: &[u8]) -> Result<Answer, Fault> {
    stream.write_all(bytes)?;
    let mut received = vec![0; bytes.len()];
    stream.read_exact(&mut received)?;
    if received != bytes {
        return Err(Fault::Altered);
    }
    let bytes = received.len();
    Ok(Answer { bytes, body_bytes: bytes, is_chunked: false, wire_body: received })
}

/// Sends `request` on a blocking `stream` and reads the response.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<Answer, Fault> {
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut piece)? {
            0 => return Err(Fault::Closed),
            length => received.extend_from_slice(&piece[..length]),
        }
        match answer(&received)? {
            Some(answer) if answer.bytes < received.len() => return Err(Fault::Surplus),
            Some(answer) => return Ok(answer),
            None if received.len() > MAX_RESPONSE_BYTES => return Err(Fault::TooLarge),
            None => {}
        }
    }
}

/// The response at the start of `input`, once it is complete.
fn answer(input: &[u8]) -> Result<Option<Answer>, Fault> {
    check_status(0, &input[..input.len().min(STATUS_LINE.len())])?;
    let Some(head) = head_bytes(input, 0)? else { return Ok(None) };
    let (body_bytes, wire_bytes) = match framing(&input[..head])? {
        Framing::Sized(length) => (length, length),
        Framing::Chunked => {
            let mut chunks = Chunks::default();
            let used = chunks.feed(&input[head..])?;
            if !chunks.is_done() {
                return Ok(None);
            }
            (chunks.body_bytes, used)
        }
    };
    let bytes = head.checked_add(wire_bytes).ok_or(Fault::NoLength)?;
    if input.len() < bytes {
        return Ok(None);
    }
    let is_chunked = matches!(framing(&input[..head])?, Framing::Chunked);
    Ok(Some(Answer { bytes, body_bytes, is_chunked, wire_body: input[head..bytes].to_vec() }))
}

/// How a head says where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Sized(usize),
    Chunked,
}

/// The length of the head in `input`, if it is complete; the first `seen` bytes are known not to
/// complete it.
fn head_bytes(input: &[u8], seen: usize) -> Result<Option<usize>, Fault> {
    let from = seen.saturating_sub(3);
    match memmem::find(&input[from..], b"\r\n\r\n") {
        Some(end) => Ok(Some(from + end + 4)),
        None if input.len() > MAX_HEAD_BYTES => Err(Fault::HeadTooLarge),
        None => Ok(None),
    }
}

fn framing(head: &[u8]) -> Result<Framing, Fault> {
    let head = str::from_utf8(head).map_err(|_| Fault::Garbage)?;
    let fields = || head.lines().filter_map(|line| line.split_once(':'));
    let field = |wanted: &str| {
        let found = fields().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    if field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Framing::Chunked);
    }
    let length = field("content-length").and_then(|value| value.parse().ok());
    Ok(Framing::Sized(length.ok_or(Fault::NoLength)?))
}

/// Checks `input`, which lies `at` bytes into a response, against the status line.
fn check_status(at: usize, input: &[u8]) -> Result<(), Fault> {
    let expected = &STATUS_LINE[at..][..input.len()];
    let Some(differs) = expected.iter().zip(input).position(|(a, b)| a != b) else {
        return Ok(());
    };
    Err(if at + differs < STATUS_AT { Fault::Garbage } else { Fault::Status })
}

/// What every response must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// So long, head included: the head need not be read.
    Bytes(usize),
    /// Any head, and a body so long.
    BodyBytes(usize),
    /// What was sent.
    Same,
}

/// How far into a response a connection has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Bytes of the response taken in, as far as its body is not chunked.
    at: usize,
    parsed: Parsed,
}

/// Where a response stands whose head has to be read.
#[derive(Clone, Debug)]
enum Parsed {
    Head(Vec<u8>),
    Sized { left: usize },
    Chunked(Chunks),
}

impl Default for Parsed {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Progress {
    /// Takes in the next bytes of the stream, after `sent` was, and returns how many responses they
    /// completed.
    pub(crate) fn feed(&mut self, expect: Expect, sent: &[u8], input: &[u8]) -> Result<u64, Fault> {
        match expect {
            Expect::Same => self.feed_same(sent, input),
            Expect::Bytes(bytes) => self.feed_exact(bytes, input),
            Expect::BodyBytes(bytes) => self.feed_parsed(bytes, input),
        }
    }

    /// Whether the stream is between two responses.
    pub(crate) fn is_between(&self) -> bool {
        self.at == 0 && matches!(&self.parsed, Parsed::Head(head) if head.is_empty())
    }

    fn feed_same(&mut self, sent: &[u8], input: &[u8]) -> Result<u64, Fault> {
        let due = sent[self.at..].get(..input.len()).ok_or(Fault::Surplus)?;
        if due != input {
            return Err(Fault::Altered);
        }
        self.at += input.len();
        let is_complete = self.at == sent.len();
        if is_complete {
            self.at = 0;
        }
        Ok(u64::from(is_complete))
    }

    fn feed_exact(&mut self, response_bytes: usize, mut input: &[u8]) -> Result<u64, Fault> {
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

    fn feed_parsed(&mut self, body_bytes: usize, mut input: &[u8]) -> Result<u64, Fault> {
        let mut complete = 0;
        while !input.is_empty() {
            let used = match &mut self.parsed {
                Parsed::Head(head) => {
                    let used = feed_head(head, input)?;
                    if head.ends_with(b"\r\n\r\n") {
                        self.parsed = match framing(head)? {
                            Framing::Sized(bytes) if bytes != body_bytes => {
                                return Err(Fault::Uneven);
                            }
                            Framing::Sized(left) => Parsed::Sized { left },
                            Framing::Chunked => Parsed::Chunked(Chunks::default()),
                        };
                    }
                    used
                }
                Parsed::Sized { left } => {
                    let taken = input.len().min(*left);
                    *left -= taken;
                    taken
                }
                Parsed::Chunked(chunks) => chunks.feed(input)?,
            };
            input = &input[used..];
            if self.is_complete(body_bytes)? {
                self.parsed = Parsed::default();
                complete += 1;
            }
        }
        Ok(complete)
    }

    fn is_complete(&self, body_bytes: usize) -> Result<bool, Fault> {
        match &self.parsed {
            Parsed::Head(_) => Ok(false),
            Parsed::Sized { left } => Ok(*left == 0),
            Parsed::Chunked(chunks) if !chunks.is_done() => Ok(false),
            Parsed::Chunked(chunks) if chunks.body_bytes != body_bytes => Err(Fault::Uneven),
            Parsed::Chunked(_) => Ok(true),
        }
    }
}

/// Adds to `head` what `input` has of it and returns how much that is.
fn feed_head(head: &mut Vec<u8>, input: &[u8]) -> Result<usize, Fault> {
    let seen = head.len();
    // A head is short: what is behind it is cut off again, which is cheaper than looking first.
    head.extend_from_slice(&input[..input.len().min(MAX_HEAD_BYTES + 1)]);
    check_status(0, &head[..head.len().min(STATUS_LINE.len())])?;
    if let Some(bytes) = head_bytes(head, seen)? {
        head.truncate(bytes);
    }
    Ok(head.len() - seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
    const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn an_answer_is_known_when_it_is_complete() {
        for (response, body_bytes, is_chunked) in [(GOOD, 3, false), (CHUNKED, 3, true)] {
            for len in 0..response.len() {
                assert_eq!(answer(&response[..len]).unwrap(), None, "cut at {len}");
            }
            let answer = answer(response).unwrap().unwrap();
            assert_eq!(answer.bytes, response.len());
            assert_eq!((answer.body_bytes, answer.is_chunked), (body_bytes, is_chunked));
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
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", "chunks"),
        ] {
            let fault = answer(input).expect_err("none of them counts").to_string();
            assert!(fault.contains(expect), "{}: {fault}", input.escape_ascii());
        }
    }

    #[test]
    fn responses_count_however_the_stream_is_cut() {
        for (response, expect) in [
            (GOOD, Expect::Bytes(GOOD.len())),
            (GOOD, Expect::BodyBytes(3)),
            (CHUNKED, Expect::BodyBytes(3)),
            (EMPTY, Expect::BodyBytes(0)),
        ] {
            let stream = response.repeat(5);
            for piece in 1..=stream.len() {
                let mut progress = Progress::default();
                let counts =
                    stream.chunks(piece).map(|cut| progress.feed(expect, b"", cut).unwrap());
                assert_eq!(counts.sum::<u64>(), 5, "{expect:?} in pieces of {piece}");
                assert!(progress.is_between());
            }
        }
    }

    #[test]
    fn a_bad_status_is_seen_however_the_stream_is_cut() {
        let stream = [GOOD, b"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc"].concat();
        for expect in [Expect::Bytes(GOOD.len()), Expect::BodyBytes(3)] {
            for piece in 1..=stream.len() {
                let mut progress = Progress::default();
                let fault =
                    stream.chunks(piece).find_map(|cut| progress.feed(expect, b"", cut).err());
                assert!(matches!(fault, Some(Fault::Status)), "pieces of {piece}: {fault:?}");
            }
        }
    }

    #[test]
    fn a_body_of_another_length_is_a_fault_whatever_its_framing() {
        for response in [GOOD, CHUNKED] {
            let fault = Progress::default().feed(Expect::BodyBytes(4), b"", response);
            assert!(matches!(fault, Err(Fault::Uneven)), "{fault:?}");
        }
    }

    #[test]
    fn an_echo_counts_when_all_has_come_back_and_only_if_it_is_the_same() {
        let sent = b"0123456789";
        for piece in 1..=sent.len() {
            let mut progress = Progress::default();
            let pieces = sent.chunks(piece).chain(sent.chunks(piece));
            let counts = pieces.map(|cut| progress.feed(Expect::Same, sent, cut).unwrap());
            assert_eq!(counts.sum::<u64>(), 2, "in pieces of {piece}");
            assert!(progress.is_between());
        }
        for (received, expect) in [(&b"0123x"[..], "other bytes"), (b"01234567890", "more bytes")] {
            let fault = Progress::default().feed(Expect::Same, sent, received).unwrap_err();
            assert!(fault.to_string().contains(expect), "{fault}");
        }
    }
}
