//! The one spelling in which paths are compared (RFC 3986 section 6.2.2).
//!
//! Percent-encoded bytes that need no encoding are decoded, the others get upper-case digits, and
//! bytes that should have been encoded are. A `%2F` thus stays what it is and never becomes a
//! separator. Not here: decoding the values of parameters, which a request does.

use std::borrow::Cow;
use std::fmt::Write;

/// `path` in normal form, or `None` if it has `.` or `..` segments.
///
/// Clients resolve such segments before they send a path (RFC 3986 section 5.2.4), and guessing
/// what one means that is left has opened many a protected directory.
pub(super) fn of_path(path: &str) -> Option<Cow<'_, str>> {
    let (is_plain, mut may_have_dots) = look(path);
    let normal = if is_plain {
        Cow::Borrowed(path)
    } else {
        let mut normal = String::with_capacity(path.len());
        push(path, &mut normal);
        may_have_dots = look(&normal).1;
        Cow::Owned(normal)
    };
    if may_have_dots && normal.split('/').any(is_dot_segment) {
        return None;
    }
    Some(normal)
}

/// Whether `path` is in normal form, and whether a segment begins with a dot.
fn look(path: &str) -> (bool, bool) {
    let (mut is_plain, mut has_dot, mut before) = (true, false, 0);
    for byte in path.bytes() {
        is_plain &= is_literal(byte);
        has_dot |= before == b'/' && byte == b'.';
        before = byte;
    }
    (is_plain, has_dot)
}

/// Appends `text` in normal form. A percent sign that encodes nothing stands for itself.
pub(super) fn push(text: &str, normal: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Some(encoded) = encoded_byte(bytes.get(at..).unwrap_or_default()) {
            push_byte(encoded, is_unreserved(encoded), normal);
            at += 3;
        } else {
            push_byte(byte, is_literal(byte), normal);
            at += 1;
        }
    }
}

/// Whether each percent sign in `text` encodes a byte.
pub(super) fn is_well_encoded(text: &str) -> bool {
    text.match_indices('%')
        .all(|(at, _)| text.as_bytes().get(at..).and_then(encoded_byte).is_some())
}

/// Whether `segment`, in normal form, means the directory itself or the one above.
pub(super) fn is_dot_segment(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

fn push_byte(byte: u8, is_plain: bool, normal: &mut String) {
    if is_plain {
        normal.push(char::from(byte));
    } else {
        write!(normal, "%{byte:02X}").expect("a string takes everything");
    }
}

/// The byte that `text` begins with, if that one is percent-encoded.
fn encoded_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |char: &u8| char::from(*char).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// `unreserved` of RFC 3986: encoded or not, these mean the same.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a path as it is: `pchar` of RFC 3986, and the slash.
const fn is_literal(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'/'
                | b':'
                | b';'
                | b'='
                | b'@'
        )
}

/// Whether `path` has only characters that a path may have (RFC 3986 section 3.3), and no encoded
/// NUL, at which others may cut it (section 7.3).
pub(super) fn is_uri_path(path: &str) -> bool {
    let mut rest = path.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = match byte {
            b'%' => match behind {
                [b'0', b'0', ..] => return false,
                [high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    behind
                }
                _ => return false,
            },
            b'"' | b'<' | b'>' | b'[' | b'\\' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                return false;
            }
            _ => behind,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_paths_have_one_normal_form() {
        let rows = [
            ("/a-._~b/", "/a-._~b/"),
            ("/%61%2d%2E%5F%7e", "/a-._~"),
            ("/%c3%bc", "/%C3%BC"),
            ("/a%2fb", "/a%2Fb"),
            ("/%40", "/%40"),
            ("/@:!$&'()*+,;=", "/@:!$&'()*+,;="),
            ("/a|b\"c{d}\\", "/a%7Cb%22c%7Bd%7D%5C"),
            ("/100%", "/100%25"),
            ("/%zz%4", "/%25zz%254"),
            ("/%2525", "/%2525"),
            ("/...", "/..."),
            ("/.well-known", "/.well-known"),
            ("*", "*"),
        ];
        for (path, expected) in rows {
            assert_eq!(of_path(path).as_deref(), Some(expected), "{path}");
            assert_eq!(of_path(expected).as_deref(), Some(expected), "{expected} is normal");
        }
    }

    #[test]
    fn dot_segments_have_none() {
        for path in ["/.", "/..", "/a/./b", "/a/../b", "/%2e%2E/a", "/a/.%2e", "/a/%2e"] {
            assert_eq!(of_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_in_normal_form_is_not_copied() {
        assert!(matches!(of_path("/user/42"), Some(Cow::Borrowed("/user/42"))));
    }
}
