//! Follows the chunks of a response body and counts the bytes in them.
//!
//! Not here: what the bytes are; trailer fields are passed over.

use memchr::memchr;

use crate::Fault;

/// Digits of a chunk's size; more would be a chunk that no server sends.
const MAX_DIGITS: u32 = 8;

/// Where in a chunked body the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunks {
    at: At,
    /// Bytes of the body so far.
    pub(crate) body_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the hexadecimal size.
    Size {
        value: usize,
        digits: u32,
    },
    /// Behind the size, before the end of its line.
    SizeEnd {
        value: usize,
    },
    Data {
        left: usize,
    },
    /// So many bytes of the line end behind the data are seen.
    DataEnd {
        seen: u8,
    },
    /// In a line of the trailers that has `len` bytes so far, carriage returns aside.
    Trailer {
        len: usize,
    },
    Done,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Size { value: 0, digits: 0 }, body_bytes: 0 }
    }
}

impl Chunks {
    pub(crate) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// Takes in the next bytes and returns how many of them belong to the body.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let mut used = 0;
        while used < input.len() && self.at != At::Done {
            used += self.step(&input[used..])?;
        }
        Ok(used)
    }

    /// Takes in at least one byte of `input`, which is not empty.
    fn step(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let (used, next) = match self.at {
            At::Size { value, digits } => (1, size(value, digits, input[0])?),
            At::SizeEnd { value } => match memchr(b'\n', input) {
                Some(end) if value == 0 => (end + 1, At::Trailer { len: 0 }),
                Some(end) => (end + 1, At::Data { left: value }),
                None => (input.len(), self.at),
            },
            At::Data { left } => {
                let taken = left.min(input.len());
                self.body_bytes += taken;
                let left = left - taken;
                (taken, if left == 0 { At::DataEnd { seen: 0 } } else { At::Data { left } })
            }
            At::DataEnd { seen: 0 } if input[0] == b'\r' => (1, At::DataEnd { seen: 1 }),
            At::DataEnd { seen: 1 } if input[0] == b'\n' => (1, At::Size { value: 0, digits: 0 }),
            At::DataEnd { .. } => return Err(Fault::Chunk),
            At::Trailer { len } => match input[0] {
                b'\n' if len == 0 => (1, At::Done),
                b'\n' => (1, At::Trailer { len: 0 }),
                b'\r' => (1, self.at),
                _ => (1, At::Trailer { len: len + 1 }),
            },
            At::Done => (0, At::Done),
        };
        self.at = next;
        Ok(used)
    }
}

fn size(value: usize, digits: u32, byte: u8) -> Result<At, Fault> {
    match char::from(byte).to_digit(16) {
        Some(digit) if digits < MAX_DIGITS => {
            let value = value * 16 + usize::try_from(digit).expect("a digit fits");
            Ok(At::Size { value, digits: digits + 1 })
        }
        None if digits > 0 && matches!(byte, b'\r' | b';' | b' ') => Ok(At::SizeEnd { value }),
        Some(_) | None => Err(Fault::Chunk),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_where_they_end_however_the_stream_is_cut() {
        for (body, expect) in [
            (&b"0\r\n\r\n"[..], 0),
            (b"3\r\nabc\r\n0\r\n\r\n", 3),
            (b"1\r\na\r\n0f; x=y\r\n0123456789abcde\r\n0\r\n\r\n", 16),
            (b"2\r\n\r\n\r\n00\r\nSome: trailer\r\nAnd: more\r\n\r\n", 2),
        ] {
            let stream = [body, b"HTTP/1.1 200"].concat();
            for piece in 1..=stream.len() {
                let mut chunks = Chunks::default();
                let used: usize = stream.chunks(piece).map(|cut| chunks.feed(cut).unwrap()).sum();
                assert_eq!((used, chunks.body_bytes), (body.len(), expect), "cut by {piece}");
                assert!(chunks.is_done());
            }
        }
    }

    #[test]
    fn chunks_that_cannot_be_followed_are_faults() {
        for body in [&b"\r\n"[..], b"x\r\n", b"123456789\r\n", b"1\r\nabc", b"1\r\na\n", b"1\n"] {
            let fault = Chunks::default().feed(body);
            assert!(matches!(fault, Err(Fault::Chunk)), "{}", body.escape_ascii());
        }
    }
}
