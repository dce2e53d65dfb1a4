//! Which fields must not stand in a trailer section (RFC 9110 section 6.5.1).
//!
//! By the head it is decided where a message ends, where it goes, who sent it and what it means; a
//! trailer must not say otherwise to those who merge the two. Not here: what becomes of such a
//! field.

/// Whether a field of this name says what has to be known before the content.
pub(crate) fn is_forbidden_trailer(name: &[u8]) -> bool {
    let is_name = |of: &&[u8]| of.eq_ignore_ascii_case(name);
    let begins =
        |of: &&[u8]| name.get(..of.len()).is_some_and(|start| of.eq_ignore_ascii_case(start));
    NAMES.iter().any(is_name) || BEGINNINGS.iter().any(begins) && !CHECKSUMS.iter().any(is_name)
}

const NAMES: &[&[u8]] = &[
    // Framing and the connection (RFC 9112 sections 6 and 9, RFC 9110 section 7.6.1).
    b"connection",
    b"keep-alive",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    // Routing (RFC 9110 sections 7.2 and 7.6).
    b"forwarded",
    b"host",
    b"max-forwards",
    b"via",
    // Authentication (RFC 9110 section 11, RFC 6265).
    b"authorization",
    b"cookie",
    b"set-cookie",
    b"www-authenticate",
    // Request modifiers (RFC 9110 sections 10.1 and 14.2), with `If-`.
    b"expect",
    b"pragma",
    b"range",
    // Response controls (RFC 9110 section 10.2, RFC 9111 section 5).
    b"age",
    b"cache-control",
    b"date",
    b"expires",
    b"location",
    b"retry-after",
    b"vary",
];

const BEGINNINGS: &[&[u8]] = &[b"content-", b"if-", b"proxy-", b"x-forwarded-"];

/// What can only be known once the content is out (RFC 9530 section 2, RFC 1864).
const CHECKSUMS: &[&[u8]] = &[b"content-digest", b"content-md5"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_the_message_is_no_trailer() {
        for name in [
            "Transfer-Encoding",
            "content-length",
            "HOST",
            "Connection",
            "te",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Proxy-Authorization",
            "proxy-connection",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "Expect",
            "Max-Forwards",
            "Cache-Control",
            "Range",
            "If-Match",
            "if-none-match",
            "Content-Encoding",
            "Content-Type",
            "Content-Range",
            "X-Forwarded-For",
        ] {
            assert!(is_forbidden_trailer(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_known_at_the_end_is_a_trailer() {
        for name in [
            "",
            "X",
            "ETag",
            "Content-Digest",
            "content-md5",
            "Server-Timing",
            "Hosts",
            "If",
            "Grpc-Status",
        ] {
            assert!(!is_forbidden_trailer(name.as_bytes()), "{name}");
        }
    }
}
