//! Percent-decoding of paths, route parameters and queries, and encoding of segments of paths.
//!
//! Not here: splitting a request-target, which the protocol machine does.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// All but `unreserved` of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Decodes `text`, or gives `None` where it has nothing to decode. Bytes that are not UTF-8
/// become U+FFFD.
pub(crate) fn decode(text: &str) -> Option<String> {
    match percent_decode_str(text).decode_utf8_lossy() {
        Cow::Borrowed(_) => None,
        Cow::Owned(decoded) => Some(decoded),
    }
}

/// Decodes `text`, whatever the bytes mean.
pub(crate) fn decode_bytes(text: &str) -> Cow<'_, [u8]> {
    percent_decode_str(text).into()
}

/// Encodes `bytes` as one segment of a path.
pub(crate) fn encode_segment(bytes: &[u8]) -> impl fmt::Display {
    percent_encode(bytes, SEGMENT)
}

/// The decoded names and values of a query or a form (`application/x-www-form-urlencoded`).
pub(crate) fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decode(name), form_decode(value))
    })
}

fn form_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    decode(&spaced).unwrap_or(spaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_encoded_is_copied() {
        assert_eq!(decode("plain"), None);
        assert_eq!(decode("a%20b").as_deref(), Some("a b"));
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%ff").as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn a_segment_survives_encoding_and_decoding() {
        let name = b"a/b?c#d%20 \"<&>\xff\n:-._~";
        let encoded = encode_segment(name).to_string();
        assert_eq!(encoded, "a%2Fb%3Fc%23d%2520%20%22%3C%26%3E%FF%0A%3A-._~");
        assert_eq!(&*decode_bytes(&encoded), name);
    }

    #[test]
    fn forms_are_split_before_they_are_decoded() {
        let pairs: Vec<_> = form_pairs("a=1%262&b+c=&&d").collect();
        let expected = [("a", "1&2"), ("b c", ""), ("d", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
