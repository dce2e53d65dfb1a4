//! Where a name, padding, a value or a target ends: byte classes, eight or sixteen bytes at a time.
//!
//! Words are compared as a whole, with arithmetic that leaves a mark in the high bit of a byte;
//! longer runs in a form that compilers turn into vector instructions. Not here: what has to stand
//! before and behind (`parse.rs`, `lines.rs`).

use crate::headers::{is_field_value, is_token};

/// The first byte that does not belong to a token.
pub(super) fn token_end(bytes: &[u8]) -> usize {
    bytes.len() - past_token(bytes).len()
}

/// What follows the token at the start of `bytes`.
#[inline(always)]
pub(super) fn past_token(bytes: &[u8]) -> &[u8] {
    past(bytes, unusual_in_name, |byte| byte == b':' || !is_token(byte))
}

/// The first byte that is neither a blank nor a tab.
#[inline]
pub(super) fn padding_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte != b' ' && byte != b'\t').unwrap_or(bytes.len())
}

/// The first byte that does not belong to a field value.
#[inline]
pub(super) fn value_end(bytes: &[u8]) -> usize {
    find(bytes, |word| below(word, b' ') | equal(word, 0x7f), |byte| !is_field_value(byte))
}

/// What follows the printable ASCII at the start of `bytes`: the end of a field value, or what few
/// hold.
#[inline(always)]
pub(super) fn past_usual_value(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    // Most values are short, and two words tell where they end. Others are walked in larger steps.
    for _ in 0..2 {
        let Some((&word, behind)) = rest.split_first_chunk() else { break };
        let found = unprintable(u64::from_le_bytes(word), b' ');
        if found != 0 {
            return rest.get(lowest(found)..).unwrap_or_default();
        }
        rest = behind;
    }
    past_long_value(rest)
}

fn past_long_value(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk()
        && are_printable(chunk)
    {
        rest = behind;
    }
    past(rest, |word| unprintable(word, b' '), |byte| !matches!(byte, b' '..=b'~'))
}

/// The first byte that is not visible ASCII, or `#`, which never belongs to a request-target
/// (RFC 9112 section 3.2.1). Characters that a URI should have percent-encoded are let through,
/// since browsers send some of them and none is ambiguous.
pub(super) fn target_end(bytes: &[u8]) -> usize {
    bytes.len() - past_target(bytes).len()
}

/// What begins at [`target_end`].
#[inline]
pub(super) fn past_target(bytes: &[u8]) -> &[u8] {
    let marks = |word| unprintable(word, b'!') | equal(word, b'#');
    past(bytes, marks, |byte| !byte.is_ascii_graphic() || byte == b'#')
}

/// What begins at the end of a path, which is that of the target or a question mark.
#[inline(always)]
pub(super) fn past_path(bytes: &[u8]) -> &[u8] {
    let marks = |word| unprintable(word, b'!') | equal(word, b'#') | equal(word, b'?');
    past(bytes, marks, |byte| !byte.is_ascii_graphic() || matches!(byte, b'#' | b'?'))
}

/// What follows the bytes at the start that stand for themselves in the name of a host (RFC 3986
/// section 3.2.2).
#[inline]
pub(super) fn past_host(bytes: &[u8]) -> &[u8] {
    past(bytes, unusual_in_host, |byte| !is_host_char(byte))
}

/// The length of what stands before [`past`].
#[inline(always)]
fn find(bytes: &[u8], marks: impl Fn(u64) -> u64, stops: impl Fn(u8) -> bool) -> usize {
    bytes.len() - past(bytes, marks, stops).len()
}

/// What begins with the first byte that `marks` finds and `stops` confirms.
///
/// Of the marks only the lowest needs to be exact; those that `stops` does not confirm cost time.
#[inline(always)]
fn past(bytes: &[u8], marks: impl Fn(u64) -> u64, stops: impl Fn(u8) -> bool) -> &[u8] {
    let mut rest = bytes;
    while let Some((&word, behind)) = rest.split_first_chunk() {
        let found = marks(u64::from_le_bytes(word));
        if found == 0 {
            rest = behind;
            continue;
        }
        rest = rest.get(lowest(found)..).unwrap_or_default();
        match rest.split_first() {
            Some((&byte, behind)) if !stops(byte) => rest = behind,
            _ => return rest,
        }
    }
    while let Some((&byte, behind)) = rest.split_first()
        && !stops(byte)
    {
        rest = behind;
    }
    rest
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The place of the lowest mark.
#[inline]
const fn lowest(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Marks bytes below `bound`. Only the lowest mark is exact: a borrow may set those above it.
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGH
}

/// Marks bytes equal to `byte`. Only the lowest mark is exact.
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// Marks bytes that are below `bound` or above `~`. Only the lowest mark is exact: what is carried
/// or borrowed comes from a marked byte.
const fn unprintable(word: u64, bound: u8) -> u64 {
    (word.wrapping_sub(ONES * bound as u64) | word.wrapping_add(ONES) | word) & HIGH
}

/// Marks bytes that are neither letters nor hyphens. Only the lowest mark is exact.
const fn unusual_in_name(word: u64) -> u64 {
    let not_hyphens = (word ^ (ONES * b'-' as u64)).wrapping_add(ONES * 0x7f);
    (!letters(word) & not_hyphens | word) & HIGH
}

/// Marks bytes that are neither letters nor `-.0123456789`. Only the lowest mark is exact.
const fn unusual_in_host(word: u64) -> u64 {
    let not_slashes = (word ^ (ONES * b'/' as u64)).wrapping_add(ONES * 0x7f);
    (!(letters(word) | within(word, b'-', b'9') & not_slashes) | word) & HIGH
}

/// Sets the high bit of letters, where a byte that is not ASCII leaves those above it unknown.
const fn letters(word: u64) -> u64 {
    within(word | (ONES * 0x20), b'a', b'z')
}

/// Sets the high bit of bytes from `first` to `last`, as far as [`letters`] does.
const fn within(word: u64, first: u8, last: u8) -> u64 {
    let from_first = word.wrapping_add(ONES * (0x80 - first as u64));
    let behind_last = word.wrapping_add(ONES * (0x7f - last as u64));
    from_first ^ behind_last
}

/// Whether all bytes are printable ASCII. It has no branches, so that it becomes vector code.
#[inline]
fn are_printable(chunk: &[u8; 16]) -> bool {
    // `~` is the highest but one that is not negative.
    let is_printable = |byte: u8| byte.wrapping_add(1).cast_signed() > b' '.cast_signed();
    chunk.iter().fold(true, |are, &byte| are & is_printable(byte))
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
    fn words_find_what_bytes_find() {
        check(token_end, |byte| !is_token(byte));
        check(value_end, |byte| !is_field_value(byte));
        check(
            |bytes| bytes.len() - past_usual_value(bytes).len(),
            |byte| !(0x20..0x7f).contains(&byte),
        );
        check(target_end, |byte| !byte.is_ascii_graphic() || byte == b'#');
        check(
            |bytes| bytes.len() - past_path(bytes).len(),
            |byte| !byte.is_ascii_graphic() || byte == b'#' || byte == b'?',
        );
        check(|bytes| bytes.len() - past_host(bytes).len(), |byte| !is_host_char(byte));
    }
}
