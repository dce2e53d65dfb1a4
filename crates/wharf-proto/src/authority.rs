//! Host and port, as in `Host`, in absolute-form and in authority-form targets.
//!
//! What passes names one host in every reading: no user information, no second port, no empty
//! host. Not here: whether that host is ours.

use crate::scan::past_host;

/// Whether `text` is `uri-host [ ":" port ]` and the host is not empty (RFC 9110 sections 4.2.1
/// and 7.2).
#[inline]
pub(crate) fn is_valid(text: &[u8]) -> bool {
    port(text).is_some()
}

/// Whether `text` is `uri-host ":" port` and the port can be connected to (RFC 9110 section 9.3.6).
pub(crate) fn is_valid_with_port(text: &[u8]) -> bool {
    let port = port(text).and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
    port.is_some_and(|port: u16| port != 0)
}

/// Whether two valid texts name the same host, in any case, and the same port, where `default_port`
/// goes without saying.
pub(crate) fn is_same(one: &[u8], other: &[u8], default_port: u64) -> bool {
    let split = |text| {
        let digits = port(text)?;
        let host = text.strip_suffix(digits)?;
        let number = match digits {
            [] => Some(default_port),
            _ => std::str::from_utf8(digits).ok()?.parse().ok(),
        };
        Some((host.strip_suffix(b":").unwrap_or(host), number?))
    };
    let (Some((one_host, one_port)), Some((other_host, other_port))) = (split(one), split(other))
    else {
        return false;
    };
    one_port == other_port && one_host.eq_ignore_ascii_case(other_host)
}

/// The digits of the port, which may be none, as the grammar has it. `None` if anything is invalid.
#[inline]
fn port(text: &[u8]) -> Option<&[u8]> {
    let behind_name = past_host(text);
    let behind_host = match behind_name.first() {
        None | Some(b':') if behind_name.len() < text.len() => behind_name,
        _ => past_unusual_host(text)?,
    };
    match behind_host {
        [] => Some(&[]),
        [b':', port @ ..] if port.iter().all(u8::is_ascii_digit) => Some(port),
        _ => None,
    }
}

/// What follows a host that is an address in brackets or holds escapes, or is invalid.
#[cold]
fn past_unusual_host(text: &[u8]) -> Option<&[u8]> {
    let len = if text.first() == Some(&b'[') { ip_literal_len(text) } else { name_len(text) };
    text.get(len?..)
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
    let mut behind = past_host(text);
    while let [b'%', first, second, rest @ ..] = behind
        && first.is_ascii_hexdigit()
        && second.is_ascii_hexdigit()
    {
        behind = past_host(rest);
    }
    let len = text.len() - behind.len();
    (len > 0).then_some(len)
}
