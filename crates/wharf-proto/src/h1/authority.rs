//! Host and port, as in `Host`, in absolute-form and in authority-form targets.
//!
//! What passes names one host in every reading: no user information, no second port, no empty
//! host. Not here: whether that host is ours.

/// Whether `text` is `uri-host [ ":" port ]` and the host is not empty (RFC 9110 sections 4.2.1
/// and 7.2).
pub(super) fn is_valid(text: &[u8]) -> bool {
    port(text).is_some()
}

/// Whether `text` is `uri-host ":" port` and the port can be connected to (RFC 9110 section 9.3.6).
pub(super) fn is_valid_with_port(text: &[u8]) -> bool {
    let port = port(text).and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
    port.is_some_and(|port: u16| port != 0)
}

/// The digits of the port, which may be none, as the grammar has it. `None` if anything is invalid.
fn port(text: &[u8]) -> Option<&[u8]> {
    let host_len = if text.first() == Some(&b'[') { ip_literal_len(text) } else { name_len(text) };
    match text.get(host_len?..) {
        Some([]) => Some(&[]),
        Some([b':', port @ ..]) if port.iter().all(u8::is_ascii_digit) => Some(port),
        _ => None,
    }
}

/// The length of an IPv6 address in brackets. Only its characters are checked: whether it is one is
/// for those who connect.
fn ip_literal_len(text: &[u8]) -> Option<usize> {
    let len = text.iter().position(|&byte| byte == b']')? + 1;
    let address = text.get(1..len - 1)?;
    let is_part = |&byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    (address.contains(&b':') && address.iter().all(is_part)).then_some(len)
}

/// The length of a name or an IPv4 address (RFC 3986 section 3.2.2), which is not empty.
fn name_len(text: &[u8]) -> Option<usize> {
    let mut len = 0;
    loop {
        let rest = text.get(len..)?;
        len += rest.iter().position(|&byte| !is_name_char(byte)).unwrap_or(rest.len());
        match text.get(len..) {
            Some([b'%', first, second, ..])
                if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() =>
            {
                len += 3;
            }
            _ => return (len > 0).then_some(len),
        }
    }
}

/// Whether `byte` may stand in a name without being escaped.
const fn is_name_char(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a byte is always an index into 256 entries")]
    NAME_CHAR[byte as usize]
}

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const NAME_CHAR: [bool; 256] = {
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
