//! The chunked transfer coding, received (RFC 9112 section 7.1), up to the last chunk.
//!
//! The decoder keeps its place in a chunk header, so that each byte is looked at once. Not here:
//! the trailer section, which is a section of field lines (`parse.rs`), and chunks that we send
//! (`encode.rs`).

use super::chunk_extension::ChunkExtension;
use crate::{Limits, Reject};

/// What comes next from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The first digit of a chunk size.
    Size,
    /// More digits, an extension, or the end of the line.
    MoreSize,
    Extension(ChunkExtension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
}

/// Where in a chunked body the decoder is.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkedDecoder {
    part: Part,
    /// The size being read, then the data bytes still to come of this chunk.
    left: u64,
    extension_bytes: u32,
    /// Bytes of sizes, extensions and line ends so far.
    overhead_bytes: u64,
    data_bytes: u64,
}

/// What the decoder found at the start of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// So many bytes belong to chunk headers.
    Header(usize),
    /// So many bytes are data.
    Data(usize),
    /// So many bytes belong to the last chunk's header; the trailer section follows.
    Last(usize),
}

/// Overhead that is let pass in any case: small bodies in small chunks are fine.
const FREE_OVERHEAD_BYTES: u64 = 16 << 10;

/// Overhead allowed for each byte of data beyond that: one-byte chunks cost six
/// (`1 CR LF x CR LF` is five, and a leading zero).
const OVERHEAD_PER_DATA_BYTE: u64 = 6;

impl ChunkedDecoder {
    pub(super) const fn new() -> Self {
        Self { part: Part::Size, left: 0, extension_bytes: 0, overhead_bytes: 0, data_bytes: 0 }
    }

    /// Decodes the next run of bytes of one kind. `Header(0)` means that more input is needed.
    /// `max_body_bytes` may change while the body is coming.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        limits: &Limits,
        max_body_bytes: u64,
    ) -> Result<Chunk, Reject> {
        let mut at = 0;
        while self.part != Part::Data {
            let Some(&byte) = input.get(at) else {
                return Ok(Chunk::Header(at));
            };
            at += 1;
            self.count_overhead()?;
            if self.header_byte(byte, limits)? {
                return Ok(Chunk::Last(at));
            }
        }
        if self.left > max_body_bytes.saturating_sub(self.data_bytes) {
            return Err(Reject::BodyTooLarge);
        }
        if at > 0 {
            return Ok(Chunk::Header(at));
        }
        let available = u64::try_from(input.len()).unwrap_or(u64::MAX);
        let len = available.min(self.left);
        self.left -= len;
        self.data_bytes += len;
        if self.left == 0 {
            self.part = Part::DataCr;
        }
        Ok(Chunk::Data(usize::try_from(len).unwrap_or(input.len())))
    }

    /// Takes one byte outside of the data and says whether it ended the last chunk's header.
    fn header_byte(&mut self, byte: u8, limits: &Limits) -> Result<bool, Reject> {
        self.part = match (self.part, byte) {
            (Part::Size, _) => {
                self.left = u64::from(hex_digit(byte).ok_or(Reject::BadChunk)?);
                Part::MoreSize
            }
            (Part::MoreSize, b'\r') => Part::SizeLf,
            (Part::MoreSize, b';') => {
                self.extension_bytes = 0;
                self.extension(ChunkExtension::BeforeSemicolon, byte, limits)?
            }
            (Part::MoreSize, _) => {
                let digit = hex_digit(byte).ok_or(Reject::BadChunk)?;
                let size = self.left.checked_mul(16).ok_or(Reject::BadChunk)?;
                self.left = size + u64::from(digit);
                Part::MoreSize
            }
            (Part::Extension(place), b'\r') if place.may_end() => Part::SizeLf,
            (Part::Extension(place), _) => self.extension(place, byte, limits)?,
            (Part::SizeLf, b'\n') if self.left == 0 => return Ok(true),
            (Part::SizeLf, b'\n') => Part::Data,
            (Part::DataCr, b'\r') => Part::DataLf,
            (Part::DataLf, b'\n') => Part::Size,
            (Part::SizeLf | Part::Data | Part::DataCr | Part::DataLf, _) => {
                return Err(Reject::BadChunk);
            }
        };
        Ok(false)
    }

    /// Takes one byte of an extension.
    fn extension(
        &mut self,
        place: ChunkExtension,
        byte: u8,
        limits: &Limits,
    ) -> Result<Part, Reject> {
        self.extension_bytes += 1;
        // The first byte, a semicolon most of the time, is free.
        if self.extension_bytes > limits.max_chunk_extension_bytes.saturating_add(1) {
            return Err(Reject::ChunkOverhead);
        }
        place.after(byte).map(Part::Extension).ok_or(Reject::BadChunk)
    }

    /// Counts one byte outside of the data. One at a time, so that where the bytes are cut does not
    /// decide whether there are too many.
    fn count_overhead(&mut self) -> Result<(), Reject> {
        self.overhead_bytes += 1;
        let proportion = self.data_bytes.saturating_mul(OVERHEAD_PER_DATA_BYTE);
        let allowed = proportion.saturating_add(FREE_OVERHEAD_BYTES);
        if self.overhead_bytes > allowed { Err(Reject::ChunkOverhead) } else { Ok(()) }
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
