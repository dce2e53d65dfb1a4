//! Reads responses as a strict client would, in whatever pieces they come.
//!
//! Not here: where the bytes come from (`client.rs`).

use std::mem;

/// A response that was read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
    /// The statuses of the interim responses before it.
    pub(super) interim: Vec<u16>,
}

impl Response {
    /// The first field of that name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// The body as text, in which bytes that are none are replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server says that it closes the connection.
    pub(super) fn closes(&self) -> bool {
        self.field("connection") == Some("close")
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    StatusLine,
    Field,
    Length(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
    UntilEnd,
    Done,
}

/// Reads one response.
#[derive(Debug, Default)]
pub(super) struct Reader {
    part: Part,
    line: Vec<u8>,
    is_head: bool,
    pub(super) response: Response,
}

impl Reader {
    /// A reader of a response to HEAD, or to anything else.
    pub(super) fn new(is_head: bool) -> Self {
        Self { is_head, ..Self::default() }
    }

    /// Whether the response is complete.
    pub(super) fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Whether the head is complete.
    pub(super) fn has_head(&self) -> bool {
        !matches!(self.part, Part::StatusLine | Part::Field)
    }

    /// Whether nothing of the response has come.
    pub(super) fn is_fresh(&self) -> bool {
        self.part == Part::StatusLine && self.line.is_empty() && self.response.interim.is_empty()
    }

    /// Reads on, and returns how many bytes belong to this response.
    pub(super) fn feed(&mut self, input: &[u8]) -> Result<usize, String> {
        let mut used = 0;
        while used < input.len() && !self.is_done() {
            let rest = &input[used..];
            used += match self.part {
                Part::Length(left) | Part::Chunk(left) => self.take(left, rest),
                Part::UntilEnd => self.take(usize::MAX, rest),
                _ => {
                    self.byte(rest[0])?;
                    1
                }
            };
        }
        Ok(used)
    }

    /// Says that nothing more will come, and whether the response is complete.
    pub(super) fn end(&mut self) -> bool {
        if self.part == Part::UntilEnd {
            self.part = Part::Done;
        }
        self.is_done()
    }

    fn take(&mut self, left: usize, input: &[u8]) -> usize {
        let len = left.min(input.len());
        self.response.body.extend_from_slice(&input[..len]);
        self.part = match self.part {
            Part::Length(left) if left == len => Part::Done,
            Part::Length(left) => Part::Length(left - len),
            Part::Chunk(left) if left == len => Part::ChunkEnd,
            Part::Chunk(left) => Part::Chunk(left - len),
            part => part,
        };
        len
    }

    fn byte(&mut self, byte: u8) -> Result<(), String> {
        self.line.push(byte);
        if byte != b'\n' {
            return Ok(());
        }
        let line = String::from_utf8(mem::take(&mut self.line)).map_err(|_| "not text")?;
        let Some(line) = line.strip_suffix("\r\n") else { return Err(format!("bare LF: {line}")) };
        self.part = match self.part {
            Part::StatusLine => self.status_line(line)?,
            Part::Field if line.is_empty() => self.head_end()?,
            Part::Field => {
                let (name, value) = line.split_once(": ").ok_or_else(|| format!("field {line}"))?;
                self.response.fields.push((name.to_owned(), value.to_owned()));
                Part::Field
            }
            Part::ChunkSize => match usize::from_str_radix(line, 16) {
                Ok(0) => Part::Trailer,
                Ok(size) => Part::Chunk(size),
                Err(_) => return Err(format!("chunk size {line}")),
            },
            Part::ChunkEnd if line.is_empty() => Part::ChunkSize,
            Part::Trailer if line.is_empty() => Part::Done,
            Part::Trailer => {
                let (name, value) =
                    line.split_once(": ").ok_or_else(|| format!("trailer {line}"))?;
                self.response.trailers.push((name.to_owned(), value.to_owned()));
                Part::Trailer
            }
            part => return Err(format!("{line:?} in {part:?}")),
        };
        Ok(())
    }

    fn status_line(&mut self, line: &str) -> Result<Part, String> {
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        self.response.status = status.ok_or_else(|| format!("status line {line}"))?;
        Ok(Part::Field)
    }

    fn head_end(&mut self) -> Result<Part, String> {
        let status = self.response.status;
        if status == 101 {
            return Ok(Part::Done);
        }
        if status < 200 {
            self.response.interim.push(status);
            self.response.fields.clear();
            return Ok(Part::StatusLine);
        }
        // Who answers 408 may not have seen what was asked.
        if self.is_head && status == 408 && self.response.closes() {
            return Ok(Part::UntilEnd);
        }
        if self.is_head || status == 204 || status == 304 {
            return Ok(Part::Done);
        }
        let response = &self.response;
        match (response.field("transfer-encoding"), response.field("content-length")) {
            (Some("chunked"), None) => Ok(Part::ChunkSize),
            (None, Some("0")) => Ok(Part::Done),
            (None, Some(length)) => {
                length.parse().map(Part::Length).map_err(|_| format!("length {length}"))
            }
            (None, None) if response.closes() => Ok(Part::UntilEnd),
            framing => Err(format!("framing {framing:?}")),
        }
    }
}
