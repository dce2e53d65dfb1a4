//! The value of Content-Length (RFC 9110 section 8.6), which must be one number.
//!
//! Not here: what else announces the length of a body.

/// The number. A list is refused even where all of its values agree: those who disagree about it
/// are the ones that can be tricked. A leading zero is refused for the same reason: some read what
/// follows as octal.
pub(crate) fn parse(value: &[u8]) -> Option<u64> {
    let is_number = match value {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !is_number {
        return None;
    }
    value.iter().try_fold(0_u64, |length, digit| {
        length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}
