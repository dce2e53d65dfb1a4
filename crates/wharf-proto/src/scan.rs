//! Where a name, padding, a value or a target ends: byte classes, sixteen bytes at a time.
//!
//! Not here: what has to stand before and behind (`parse.rs`, `lines.rs`), and how that many bytes
//! are compared at once (`wharf_scan`).

use wharf_scan::{BLOCK_BYTES, Block, Class};

use crate::headers::{is_field_value, is_token};

/// The first byte that does not belong to a token.
pub(crate) fn token_end(bytes: &[u8]) -> usize {
    end(bytes, is_unusual_in_name, is_token)
}

/// The first byte that is neither a blank nor a tab.
#[inline]
pub(crate) fn padding_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte != b' ' && byte != b'\t').unwrap_or(bytes.len())
}

/// The first byte that does not belong to a field value.
pub(crate) fn value_end(bytes: &[u8]) -> usize {
    end(bytes, |block| block.is_outside(b' ', 0xff) | block.is(0x7f), is_field_value)
}

/// The first byte that is not visible ASCII, or `#`, which never belongs to a request-target
/// (RFC 9112 section 3.2.1). Characters that a URI should have percent-encoded are let through,
/// since browsers send some of them and none is ambiguous.
pub(crate) fn target_end(bytes: &[u8]) -> usize {
    end(bytes, is_outside_of_target, |_| false)
}

/// The first byte that does not belong to a path: a question mark, or what ends a target.
pub(crate) fn path_end(bytes: &[u8]) -> usize {
    end(bytes, is_outside_of_path, |_| false)
}

/// What follows the bytes at the start that stand for themselves in the name of a host (RFC 3986
/// section 3.2.2).
pub(crate) fn past_host(bytes: &[u8]) -> &[u8] {
    bytes.get(end(bytes, is_unusual_in_host, is_host_char)..).unwrap_or_default()
}

/// All but letters and hyphens, of which nearly all names of fields consist.
#[inline(always)]
pub(crate) fn is_unusual_in_name(block: Block) -> Class {
    is_no_letter(block).except(block.is(b'-'))
}

/// All but printable ASCII, of which nearly all values of fields consist.
#[inline(always)]
pub(crate) fn is_unprintable(block: Block) -> Class {
    block.is_outside(b' ', b'~')
}

/// What can't be a byte of a path.
#[inline(always)]
pub(crate) fn is_outside_of_path(block: Block) -> Class {
    is_outside_of_target(block) | block.is(b'?')
}

/// What can't be a byte of a request-target.
#[inline(always)]
fn is_outside_of_target(block: Block) -> Class {
    block.is_outside(b'!', b'~') | block.is(b'#')
}

/// All but letters, digits, hyphens and dots, of which nearly all names of hosts consist.
#[inline(always)]
pub(crate) fn is_unusual_in_host(block: Block) -> Class {
    is_no_letter(block) & is_no_digit(block) & block.is_outside(b'-', b'.')
}

#[inline(always)]
pub(crate) fn is_no_digit(block: Block) -> Class {
    block.is_outside(b'0', b'9')
}

#[inline(always)]
fn is_no_letter(block: Block) -> Class {
    block.with_bits(0x20).is_outside(b'a', b'z')
}

/// The block at the start of `rest`, the end of `input`. Zeros stand behind that end: they belong
/// to nothing that is scanned.
#[inline(always)]
pub(crate) fn block(input: &[u8], rest: &[u8]) -> Block {
    if let Some(bytes) = rest.first_chunk() {
        return Block::new(bytes);
    }
    let Some(bytes) = input.last_chunk() else { return short_block(rest) };
    if rest.is_empty() {
        return Block::new(&[0; BLOCK_BYTES]);
    }
    let known = u128::from_le_bytes(*bytes) >> ((BLOCK_BYTES - rest.len()) * 8);
    Block::new(&known.to_le_bytes())
}

/// A block of fewer bytes than it has, and zeros.
#[cold]
fn short_block(bytes: &[u8]) -> Block {
    let mut padded = [0; BLOCK_BYTES];
    padded.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    Block::new(&padded)
}

/// The first byte that is `unusual` and does not `belong` there either.
#[inline(always)]
fn end(bytes: &[u8], unusual: impl Fn(Block) -> Class, belongs: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(at) = unusual(block(bytes, rest)).found().first() else {
            rest = rest.get(BLOCK_BYTES..).unwrap_or_default();
            continue;
        };
        rest = rest.get(at..).unwrap_or_default();
        match rest.split_first() {
            Some((&byte, behind)) if belongs(byte) => rest = behind,
            _ => break,
        }
    }
    bytes.len() - rest.len()
}

/// Whether `byte` may stand in the name of a host without being escaped.
const fn is_host_char(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a byte is always an index into 256 entries")]
    HOST_CHAR[byte as usize]
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const HOST_CHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte < 0x7f {
        let is_delimiter = matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        );
        let is_mark = matches!(byte, b'-' | b'.' | b'_' | b'~');
        table[byte as usize] = byte.is_ascii_alphanumeric() || is_mark || is_delimiter;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that `end` finds the first byte for which `is_end` holds: any two bytes among ones
    /// that do not end, at any places of several words.
    fn check(end: fn(&[u8]) -> usize, is_end: fn(u8) -> bool) {
        assert_eq!(end(b""), 0);
        for first in 0..=255 {
            for second in 0..=255 {
                let place = usize::from(first ^ second) % 24;
                for distance in [1, 7, 8, 17] {
                    let mut bytes = [b'a'; 45];
                    bytes[place] = first;
                    bytes[place + distance] = second;
                    let expected = bytes.iter().position(|&byte| is_end(byte));
                    let found = end(&bytes);
                    assert_eq!(found, expected.unwrap_or(45), "{}", bytes.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn blocks_find_what_bytes_find() {
        check(token_end, |byte| !is_token(byte));
        check(value_end, |byte| !is_field_value(byte));
        check(target_end, |byte| !byte.is_ascii_graphic() || byte == b'#');
        check(path_end, |byte| !byte.is_ascii_graphic() || byte == b'#' || byte == b'?');
        check(|bytes| bytes.len() - past_host(bytes).len(), |byte| !is_host_char(byte));
    }

    /// What the lines of the usual form are made of has no exceptions.
    #[test]
    fn usual_bytes_are_what_they_are_called() {
        let found =
            |class: fn(Block) -> Class, byte| class(Block::new(&[byte; 16])).found().first();
        for byte in 0..=255_u8 {
            let check = |class, is_in: bool| {
                assert_eq!(found(class, byte), is_in.then_some(0), "{}", byte.escape_ascii());
            };
            check(is_unprintable, !(b' '..=b'~').contains(&byte));
            check(is_unusual_in_name, !byte.is_ascii_alphabetic() && byte != b'-');
            check(is_no_digit, !byte.is_ascii_digit());
            let is_usual_in_host = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            check(is_unusual_in_host, !is_usual_in_host);
            assert!(!is_usual_in_host || is_host_char(byte));
        }
    }

    #[test]
    fn a_block_ends_with_zeros_where_the_input_ends() {
        let text: Vec<u8> = (1..=40).collect();
        for len in 0..=text.len() {
            let input = &text[..len];
            for at in 0..=len {
                let block = block(input, &input[at..]);
                for place in 0..BLOCK_BYTES {
                    let expected = input.get(at + place).copied().unwrap_or_default();
                    let found = block.is(expected).found().behind(place).first();
                    assert_eq!(found, Some(0), "{place} of {at} of {len}");
                }
            }
        }
    }
}
