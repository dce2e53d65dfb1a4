//! Host and port, as in `Host`, in absolute-form and in authority-form targets.
//!
//! What passes names one host in every reading: no user information, no second port, no empty
//! host. Not here: whether that host is ours.

/// Whether `text` is `uri-host [ ":" port ]` and the host is not empty (RFC 9110 sections 4.2.1
/// and 7.2).
pub(super) fn is_valid(text: &[u8]) -> bool {
    split(text).is_some()
}

/// Whether `text` is `uri-host ":" port` and the port can be connected to (RFC 9110 section 9.3.6).
pub(super) fn is_valid_with_port(text: &[u8]) -> bool {
    let port = split(text).and_then(|(_, port)| std::str::from_utf8(port?).ok()?.parse().ok());
    port.is_some_and(|port: u16| port != 0)
}

/// Host and port, both valid. The port may be empty, as the grammar has it.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let is_literal = text.first() == Some(&b'[');
    let host_len = if is_literal {
        text.iter().position(|&byte| byte == b']')? + 1
    } else {
        text.iter().position(|&byte| byte == b':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at_checked(host_len)?;
    let port = match rest {
        [] => None,
        [b':', port @ ..] if port.iter().all(u8::is_ascii_digit) => Some(port),
        _ => return None,
    };
    let is_host = if is_literal { is_ip_literal(host) } else { is_name(host) };
    is_host.then_some((host, port))
}

/// The characters of an IPv6 address in brackets. Whether it is one is for those who connect.
fn is_ip_literal(host: &[u8]) -> bool {
    let [b'[', address @ .., b']'] = host else { return false };
    let is_part = |&byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    address.contains(&b':') && address.iter().all(is_part)
}

/// A name or an IPv4 address (RFC 3986 section 3.2.2).
fn is_name(host: &[u8]) -> bool {
    !host.is_empty() && host.iter().all(|&byte| is_name_char(byte)) && is_decodable(host)
}

/// Whether each percent sign begins an escape.
fn is_decodable(host: &[u8]) -> bool {
    host.split(|&byte| byte == b'%')
        .skip(1)
        .all(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

const fn is_name_char(byte: u8) -> bool {
    let is_unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_delimiter =
        matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
    is_unreserved || is_delimiter || byte == b'%'
}
