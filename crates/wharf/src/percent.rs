//! Percent-decoding of paths, route parameters and queries.
//!
//! Not here: splitting a request-target, which the protocol machine does.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes `text`, or gives `None` where it has nothing to decode. Bytes that are not UTF-8
/// become U+FFFD.
pub(crate) fn decode(text: &str) -> Option<String> {
    match percent_decode_str(text).decode_utf8_lossy() {
        Cow::Borrowed(_) => None,
        Cow::Owned(decoded) => Some(decoded),
    }
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
    fn forms_are_split_before_they_are_decoded() {
        let pairs: Vec<_> = form_pairs("a=1%262&b+c=&&d").collect();
        let expected = [("a", "1&2"), ("b c", ""), ("d", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
