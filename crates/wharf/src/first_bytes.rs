//! Whether what a connection begins with is TLS.
//!
//! Also there without the feature `tls`, for clients that speak TLS to who does not. Not here: what
//! they are answered.

/// Whether bytes that a connection begins with can be the head of a handshake record: type 22 and
/// version 3.x (RFC 8446, section 5.1). No request line of HTTP begins like that.
pub(crate) fn looks_like_tls(first: &[u8]) -> bool {
    match first {
        [] => false,
        [kind] => *kind == 22,
        [kind, major, ..] => (*kind, *major) == (22, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::looks_like_tls;

    #[test]
    fn tls_is_told_from_http_by_its_first_byte() {
        for (name, bytes, is_tls) in [
            ("nothing", &b""[..], false),
            ("one byte", b"\x16", true),
            ("a client's hello", b"\x16\x03\x01\x02\x00", true),
            ("a strange version", b"\x16\x02\x00", false),
            ("a request", b"GET / HTTP/1.1\r\n", false),
            ("the beginning of HTTP/2", b"PRI * HTTP/2.0\r\n", false),
            ("an alert", b"\x15\x03\x03\x00\x02", false),
            ("SSL 2", b"\x80\x2e\x01\x00\x02", false),
        ] {
            assert_eq!(looks_like_tls(bytes), is_tls, "{name}");
        }
    }
}
