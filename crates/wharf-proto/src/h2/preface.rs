//! What every connection of HTTP/2 begins with (RFC 9113 section 3.4).
//!
//! Not here: the SETTINGS behind it.

/// The first bytes that a client sends.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether a client begins with the preface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsPreface {
    /// It does, so that it speaks HTTP/2.
    Yes,
    /// It does not.
    No,
    /// It does as far as its bytes have come.
    NeedMore,
}

/// Tells a client that speaks HTTP/2 without having asked (RFC 9113 section 3.3) from one that
/// speaks HTTP/1, by the first bytes that it sent. Two or three are enough for nearly all of the
/// latter.
#[must_use]
pub fn is_preface(start: &[u8]) -> IsPreface {
    let len = start.len().min(PREFACE.len());
    if start.get(..len) != PREFACE.get(..len) {
        IsPreface::No
    } else if len < PREFACE.len() {
        IsPreface::NeedMore
    } else {
        IsPreface::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_known_when_it_is_whole_and_refused_at_once() {
        for len in 0..PREFACE.len() {
            assert_eq!(is_preface(&PREFACE[..len]), IsPreface::NeedMore);
            let mut other = PREFACE[..=len].to_vec();
            other[len] ^= 1;
            assert_eq!(is_preface(&other), IsPreface::No);
        }
        assert_eq!(is_preface(&[&PREFACE[..], b"x"].concat()), IsPreface::Yes);
        assert_eq!(is_preface(b"GET / HTTP/1.1\r\n"), IsPreface::No);
    }
}
