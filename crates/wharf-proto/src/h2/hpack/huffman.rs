//! Strings in the Huffman code (RFC 7541 section 5.2).
//!
//! Not here: the code itself (`huffman_table.rs`), the length in front of a string
//! (`primitives.rs`).

use super::DecodeError;
use super::huffman_table::{CODES, Code, EOS, GROUPS, IN_ORDER, STEP_BITS, STEPS, Step};

/// Appends what `input` stands for, at most eight fifths of its length.
///
/// # Errors
///
/// [`DecodeError::Huffman`] if it holds EOS, or ends in anything but fewer than eight ones. What
/// `out` then ends with means nothing.
pub(super) fn decode(input: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let start = out.len();
    // The shortest code has five bits. Symbols are written two by two.
    out.resize(start + input.len() + input.len() / 5 * 3 + 5, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let written = decode_into(input, room).ok_or(DecodeError::Huffman)?;
    out.truncate(start + written);
    Ok(())
}

/// Bits that were taken from the input, the next one highest.
struct Bits {
    next: u64,
    len: u32,
}

impl Bits {
    fn drop(&mut self, bits: u8) {
        self.next <<= bits;
        self.len -= u32::from(bits);
    }

    fn step(&self) -> Option<Step> {
        STEPS.get((self.next >> (64 - STEP_BITS)) as usize).copied()
    }
}

/// Returns how much of `room` is written; `None` if the input is no such string.
fn decode_into(mut input: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut bits = Bits { next: 0, len: 0 };
    let mut at = 0;
    // As long as a whole word can be loaded, there are more bits than any code has.
    while let Some(word) = input.first_chunk::<8>() {
        bits.next |= u64::from_be_bytes(*word) >> bits.len;
        let taken = (63 - bits.len) / 8;
        input = input.get(taken as usize..)?;
        bits.len += taken * 8;
        // Only whole bytes were counted: the bits behind them come again with the next word.
        while bits.len >= 32 {
            let step = bits.step()?;
            if step.bits == 0 {
                let (symbol, len) = long_code(bits.next)?;
                *room.get_mut(at)? = symbol;
                at += 1;
                bits.drop(len);
                continue;
            }
            room.get_mut(at..at + 2)?.copy_from_slice(&step.symbols);
            at += 1 + usize::from(step.bits > step.first_bits);
            bits.drop(step.bits);
        }
        bits.next &= !(u64::MAX >> bits.len);
    }
    finish(bits, input, room, at)
}

/// Takes the last bytes, fewer than eight of them, and what is left of those before.
fn finish(mut bits: Bits, mut input: &[u8], room: &mut [u8], mut at: usize) -> Option<usize> {
    loop {
        while bits.len <= 56
            && let [byte, rest @ ..] = input
        {
            bits.next |= u64::from(*byte) << (56 - bits.len);
            bits.len += 8;
            input = rest;
        }
        // What is behind the end is taken for ones, which no code but that of EOS consists of.
        let next = bits.next | u64::MAX.checked_shr(bits.len).unwrap_or(0);
        if bits.len < 8 && next == u64::MAX {
            return Some(at);
        }
        let step = Bits { next, len: bits.len }.step()?;
        let (symbols, len) = match step.first_bits {
            0 => long_code(next).map(|(symbol, len)| ([symbol, 0], len))?,
            _ if u32::from(step.bits) <= bits.len => (step.symbols, step.bits),
            // The second symbol is made of the ones.
            first_bits => (step.symbols, first_bits),
        };
        if u32::from(len) > bits.len {
            return None;
        }
        room.get_mut(at..at + 2)?.copy_from_slice(&symbols);
        at += 1 + usize::from(step.first_bits != 0 && len > step.first_bits);
        bits.drop(len);
    }
}

/// The symbol whose code `next` begins with and the bits of that code; `None` for EOS.
#[cold]
fn long_code(next: u64) -> Option<(u8, u8)> {
    let next = (next >> 32) as u32;
    let group = GROUPS.iter().find(|group| next <= group.last)?;
    let code = next >> (32 - u32::from(group.bits));
    let at = usize::from(group.at) + (code - group.first) as usize;
    let symbol = *IN_ORDER.get(at)?;
    debug_assert!(symbol <= EOS, "there is no symbol beyond EOS");
    // EOS, which is 256, is no byte.
    Some((u8::try_from(symbol).ok()?, group.bits))
}

/// How many bytes [`encode`] would append.
pub(super) fn encoded_bytes(text: impl Iterator<Item = u8>) -> usize {
    text.map(|byte| usize::from(code(byte).bits)).sum::<usize>().div_ceil(8)
}

/// Appends `text` in the Huffman code.
pub(super) fn encode(text: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    let mut pending: u64 = 0;
    let mut len = 0;
    for byte in text {
        let Code { code, bits } = code(byte);
        pending = pending << bits | u64::from(code);
        len += u32::from(bits);
        // Fewer than 32 bits wait, and a code has at most 30: they fit.
        if len >= 32 {
            len -= 32;
            #[expect(clippy::cast_possible_truncation, reason = "what is above has gone out")]
            let whole = (pending >> len) as u32;
            out.extend_from_slice(&whole.to_be_bytes());
        }
    }
    // The end is filled with ones.
    let filled = pending << (63 - len) << 1 | u64::MAX >> len;
    let rest = filled.to_be_bytes();
    out.extend_from_slice(rest.get(..len.div_ceil(8) as usize).unwrap_or_default());
}

fn code(byte: u8) -> Code {
    #[expect(clippy::indexing_slicing, reason = "a byte is always an index into 257 entries")]
    CODES[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::new();
        decode(input, &mut out).map(|()| out)
    }

    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text.iter().copied(), &mut out);
        assert_eq!(out.len(), encoded_bytes(text.iter().copied()));
        out
    }

    #[test]
    fn every_byte_comes_back_at_every_place_of_a_word() {
        for byte in 0..=255 {
            for before in 0..12 {
                for after in 0..12 {
                    let mut text = vec![b'a'; before];
                    text.push(byte);
                    text.resize(before + 1 + after, b'?');
                    assert_eq!(decoded(&encoded(&text)).unwrap(), text);
                }
            }
        }
    }

    #[test]
    fn every_pair_of_bytes_comes_back() {
        for first in 0..=255 {
            for second in 0..=255 {
                let text = [first, second, first, second, second, first, first];
                assert_eq!(decoded(&encoded(&text)).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_ends_otherwise_than_in_fewer_than_eight_ones_is_refused() {
        let rows: [(&str, &[u8]); 8] = [
            ("padding of eight bits", &[0xff]),
            ("the same behind a symbol", &[0x1f, 0xff]),
            ("the same behind a word", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]),
            ("zeros behind a symbol", &[0x00]),
            ("a zero among the ones", &[0x1e]),
            ("EOS alone", &[0xff, 0xff, 0xff, 0xff]),
            ("EOS behind symbols", &[0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0]),
            ("the beginning of a long code", &[0xff, 0xfe]),
        ];
        for (name, input) in rows {
            assert_eq!(decoded(input), Err(DecodeError::Huffman), "{name}");
        }
        assert_eq!(decoded(&[]).unwrap(), b"");
        assert_eq!(decoded(&[0x07]).unwrap(), b"0");
        assert_eq!(decoded(&[0x1f]).unwrap(), b"a");
    }
}
