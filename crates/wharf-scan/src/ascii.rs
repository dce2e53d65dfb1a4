//! Bytes of ASCII as text.
//!
//! Not here: other text, which the standard library looks at byte by byte.

/// `bytes` as text, if all of them are ASCII.
///
/// What checks UTF-8 takes several times as long for the few bytes of a path or a name.
#[inline]
#[must_use]
pub const fn ascii(bytes: &[u8]) -> Option<&str> {
    if !bytes.is_ascii() {
        return None;
    }
    // SAFETY: bytes of ASCII are UTF-8, each by itself.
    Some(unsafe { core::str::from_utf8_unchecked(bytes) })
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn ascii_is_text_and_nothing_else_is() {
        let mut bytes = [b'a'; 40];
        for len in 0..=bytes.len() {
            let text = ascii(&bytes[..len]).unwrap_or_default();
            assert_eq!(text.as_bytes(), &bytes[..len]);
        }
        for place in 0..bytes.len() {
            for byte in 0..=u8::MAX {
                bytes[place] = byte;
                assert_eq!(ascii(&bytes).is_some(), byte < 0x80, "{byte} at {place}");
            }
            bytes[place] = b'a';
        }
    }
}
