//! A client that asks for `/`, one request at a time, and makes sure of the answer.
//!
//! Not here: anything else a client might want. What comes is read far enough to know that it is a
//! good answer of the length that is announced.

use std::io;
use std::time::{Duration, Instant};

use crate::Link;
use crate::frame::{self, ACK, END_HEADERS, END_STREAM, GET, PREFACE, kind};

/// A request of HTTP/1.1.
const GET_1: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// `:status 200` in the static table of HPACK.
const STATUS_200: u8 = 0x88;

/// The window of the connection is filled up again after so many bytes.
const GRANT_BYTES: u32 = 1 << 14;

/// A server that takes longer for one answer is not working.
const PATIENCE: Duration = Duration::from_secs(5);

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, in cleartext with prior knowledge.
    Http2,
}

impl Version {
    /// Its name in TLS.
    pub(crate) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Fault {
    /// The connection is over.
    Closed,
    /// It ends with this code of HTTP/2.
    GoAway(u32),
    /// The stream was reset with this code.
    Reset(u32),
    /// The answer is not 200, or no answer at all.
    Bad,
    /// The system's reason.
    Io(io::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("the server has closed"),
            Self::GoAway(code) => write!(f, "GOAWAY {code}"),
            Self::Reset(code) => write!(f, "RST_STREAM {code}"),
            Self::Bad => f.write_str("the answer is bad"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A connection on which one request at a time is asked.
#[derive(Debug)]
pub struct Client {
    link: Link,
    version: Version,
    input: Vec<u8>,
    /// The stream of the last request.
    stream: u32,
    /// Bytes that came since the window was filled up.
    ungranted: u32,
    is_answered: bool,
}

impl Client {
    /// Begins to speak on a new connection.
    #[must_use]
    pub fn new(mut link: Link, version: Version) -> Self {
        if version == Version::Http2 {
            let out = link.out();
            out.extend_from_slice(PREFACE);
            frame::put(out, kind::SETTINGS, 0, 0, &[]);
        }
        // So that the first request has the number 1.
        let stream = u32::MAX;
        Self { link, version, input: Vec::new(), stream, ungranted: 0, is_answered: true }
    }

    /// The connection below.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Asks; what was asked before is answered.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn ask(&mut self) -> Result<(), Fault> {
        self.is_answered = false;
        match self.version {
            Version::Http1 => self.link.out().extend_from_slice(GET_1),
            Version::Http2 => {
                self.stream = self.stream.wrapping_add(2);
                let flags = END_STREAM | END_HEADERS;
                frame::put(self.link.out(), kind::HEADERS, flags, self.stream, GET);
            }
        }
        Ok(self.link.flush()?)
    }

    /// Takes what has come, and returns whether it ends an answer.
    ///
    /// # Errors
    ///
    /// When there will be none.
    pub fn receive(&mut self) -> Result<bool, Fault> {
        // What could not be sent before may go now.
        self.link.flush()?;
        let is_over = self.link.receive(&mut self.input)?;
        let is_answered = match self.version {
            Version::Http1 => self.read_http1()?,
            Version::Http2 => self.read_http2()?,
        };
        self.link.flush()?;
        if is_over {
            return Err(Fault::Closed);
        }
        Ok(is_answered)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When there is none in time.
    pub fn exchange(&mut self) -> Result<(), Fault> {
        let deadline = Instant::now() + PATIENCE;
        self.ask()?;
        while !self.receive()? {
            self.link.wait(deadline)?;
        }
        Ok(())
    }

    fn read_http1(&mut self) -> Result<bool, Fault> {
        let Some(end) = self.input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(false);
        };
        let head = str::from_utf8(&self.input[..end]).map_err(|_| Fault::Bad)?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(Fault::Bad);
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        let answer_bytes = end + 4 + length.ok_or(Fault::Bad)?;
        if self.input.len() < answer_bytes {
            return Ok(false);
        }
        self.input.drain(..answer_bytes);
        Ok(!std::mem::replace(&mut self.is_answered, true))
    }

    fn read_http2(&mut self) -> Result<bool, Fault> {
        let (mut at, mut has_ended) = (0, false);
        while let Some((frame, len)) = frame::first(&self.input[at..]) {
            at += len;
            has_ended |= frame.stream == self.stream && frame.ends_stream();
            let out = self.link.out();
            match frame.kind {
                kind::SETTINGS if frame.flags & ACK == 0 => {
                    frame::put(out, kind::SETTINGS, ACK, 0, &[]);
                }
                kind::PING if frame.flags & ACK == 0 => {
                    frame::put(out, kind::PING, ACK, 0, frame.payload);
                }
                kind::GOAWAY => return Err(Fault::GoAway(frame.goaway_code().unwrap_or(0))),
                kind::RST_STREAM => {
                    let code = frame.payload.try_into().map(u32::from_be_bytes);
                    return Err(Fault::Reset(code.unwrap_or(0)));
                }
                kind::HEADERS => {
                    // A server may first say that its table is smaller now.
                    let first = frame.payload.iter().find(|&&byte| byte & 0xe0 != 0x20);
                    if first != Some(&STATUS_200) {
                        return Err(Fault::Bad);
                    }
                }
                kind::DATA => self.ungranted += u32::try_from(frame.payload.len()).unwrap_or(0),
                _ => {}
            }
            if self.ungranted >= GRANT_BYTES {
                let increment = std::mem::take(&mut self.ungranted).to_be_bytes();
                frame::put(out, kind::WINDOW_UPDATE, 0, 0, &increment);
            }
        }
        self.input.drain(..at);
        Ok(has_ended && !std::mem::replace(&mut self.is_answered, true))
    }
}
