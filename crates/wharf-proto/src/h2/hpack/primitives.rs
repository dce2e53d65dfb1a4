//! Integers and strings, which all representations are made of (RFC 7541 section 5).
//!
//! Not here: the Huffman code (`huffman.rs`).

use super::{DecodeError, huffman};

/// The flag of a string in the Huffman code.
const HUFFMAN: u8 = 0x80;

/// Takes an integer whose first byte has `prefix_bits` bits for it.
///
/// Five bytes may follow, which is what 32 bits take: with more, zeros could go on for ever.
#[inline]
pub(super) fn take_integer(rest: &mut &[u8], prefix_bits: u32) -> Result<usize, DecodeError> {
    let [first, behind @ ..] = *rest else {
        return Err(DecodeError::Truncated);
    };
    *rest = behind;
    let most = u8::MAX >> (8 - prefix_bits);
    let prefix = first & most;
    if prefix < most {
        return Ok(usize::from(prefix));
    }
    take_long_integer(rest, prefix)
}

fn take_long_integer(rest: &mut &[u8], prefix: u8) -> Result<usize, DecodeError> {
    let mut value = u64::from(prefix);
    for shift in [0, 7, 14, 21, 28] {
        let [byte, behind @ ..] = *rest else {
            return Err(DecodeError::Truncated);
        };
        *rest = behind;
        value += u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| DecodeError::Integer)?;
            return usize::try_from(value).map_err(|_| DecodeError::Integer);
        }
    }
    Err(DecodeError::Integer)
}

/// Takes a string and appends what it stands for to `out`, at most eight fifths of what it took.
#[inline]
pub(super) fn take_string(rest: &mut &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let flags = rest.first().copied().unwrap_or(0);
    let len = take_integer(rest, 7)?;
    let (string, behind) = rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
    *rest = behind;
    if flags & HUFFMAN != 0 {
        return huffman::decode(string, out);
    }
    out.extend_from_slice(string);
    Ok(())
}

/// Appends an integer whose first byte has `prefix_bits` bits for it and begins with `flags`.
#[inline]
pub(super) fn put_integer(out: &mut Vec<u8>, flags: u8, prefix_bits: u32, value: usize) {
    let most = u8::MAX >> (8 - prefix_bits);
    match u8::try_from(value) {
        Ok(small) if small < most => out.push(flags | small),
        _ => put_long_integer(out, flags | most, value - usize::from(most)),
    }
}

fn put_long_integer(out: &mut Vec<u8>, first: u8, mut rest: usize) {
    out.push(first);
    while rest >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 128")]
    out.push(rest as u8);
}

/// Appends a string, in the Huffman code where that makes it shorter.
pub(super) fn put_string(out: &mut Vec<u8>, text: impl ExactSizeIterator<Item = u8> + Clone) {
    let encoded_bytes = huffman::encoded_bytes(text.clone());
    if encoded_bytes < text.len() {
        put_integer(out, HUFFMAN, 7, encoded_bytes);
        return huffman::encode(text, out);
    }
    put_integer(out, 0, 7, text.len());
    out.extend(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(mut bytes: &[u8], prefix_bits: u32) -> Result<usize, DecodeError> {
        let value = take_integer(&mut bytes, prefix_bits);
        assert!(value.is_err() || bytes.is_empty(), "{bytes:?} is left");
        value
    }

    #[test]
    fn integers_look_as_in_appendix_c_1() {
        let rows: [(&str, u32, usize, &[u8]); 3] = [
            ("C.1.1", 5, 10, &[0x0a]),
            ("C.1.2", 5, 1337, &[0x1f, 0x9a, 0x0a]),
            ("C.1.3", 8, 42, &[0x2a]),
        ];
        for (name, prefix_bits, value, bytes) in rows {
            let mut out = Vec::new();
            put_integer(&mut out, 0, prefix_bits, value);
            assert_eq!(out, bytes, "{name}");
            assert_eq!(taken(bytes, prefix_bits), Ok(value), "{name}");
            for cut in 0..bytes.len() {
                assert_eq!(taken(&bytes[..cut], prefix_bits), Err(DecodeError::Truncated));
            }
        }
    }

    #[test]
    fn integers_of_every_size_come_back_with_every_prefix() {
        for prefix_bits in 1..=8 {
            for shift in 0..32 {
                for near in [-1, 0, 1, 127] {
                    let value = ((1_i64 << shift) + near).clamp(0, u32::MAX.into());
                    let value = usize::try_from(value).unwrap();
                    let mut out = Vec::new();
                    put_integer(&mut out, 0, prefix_bits, value);
                    assert_eq!(taken(&out, prefix_bits), Ok(value));
                }
            }
        }
    }

    #[test]
    fn integers_beyond_32_bits_are_refused() {
        let most = [0xff, 0x80, 0xfe, 0xff, 0xff, 0x0f];
        assert_eq!(taken(&most, 8), Ok(u32::MAX as usize));
        let rows: [(&str, &[u8]); 4] = [
            ("one more", &[0xff, 0x81, 0xfe, 0xff, 0xff, 0x0f]),
            ("36 bits", &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            ("six bytes", &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
            ("zeros without an end", &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]),
        ];
        for (name, mut bytes) in rows {
            assert_eq!(take_integer(&mut bytes, 8), Err(DecodeError::Integer), "{name}");
        }
        assert_eq!(taken(&[0x7f, 0x80, 0x80, 0x00], 7), Ok(127), "longer than needed");
    }
}
