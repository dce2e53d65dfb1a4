//! How urgent a response is (RFC 9218 section 4): the `Priority` field and its parameters.
//!
//! Not here: which stream is served next (`schedule.rs`).

/// The priority of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Priority {
    /// From 0, the most urgent, to 7.
    pub(super) urgency: u8,
    /// Pieces of the response are of use, so that it can share with others.
    pub(super) is_incremental: bool,
}

/// Section 4.1.
const DEFAULT_URGENCY: u8 = 3;

impl Priority {
    /// The priority of a response about which the client said nothing. Responses that come one
    /// after the other, as section 4.2 has it, suit clients that know of priorities; to others, a
    /// long response must not be what keeps a short one waiting.
    pub(super) const UNSTATED: Self = Self { urgency: DEFAULT_URGENCY, is_incremental: true };

    /// The priority that a field value states. Parameters that are unknown or out of range, and
    /// whatever can't be understood, are ignored (sections 4 and 5).
    pub(super) fn parse(value: &[u8]) -> Self {
        let mut priority = Self { urgency: DEFAULT_URGENCY, is_incremental: false };
        for member in value.split(|&byte| byte == b',') {
            let item = member.split(|&byte| byte == b';').next().unwrap_or_default();
            match item.trim_ascii() {
                [b'u', b'=', urgency @ b'0'..=b'7'] => priority.urgency = urgency - b'0',
                b"i" | b"i=?1" => priority.is_incremental = true,
                b"i=?0" => priority.is_incremental = false,
                _ => {}
            }
        }
        priority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_rfc_9218_section_4_has_them() {
        for (value, urgency, is_incremental) in [
            ("", 3, false),
            ("u=0", 0, false),
            ("u=7, i", 7, true),
            ("i,u=1", 1, true),
            ("u=5;x=y, i=?1", 5, true),
            ("i, i=?0", 3, false),
            ("u=8", 3, false),
            ("u=-1", 3, false),
            ("u=10", 3, false),
            ("u, i=1", 3, false),
            ("\u{e4}, U=1, u = 1, x=2, u=2", 2, false),
        ] {
            let expected = Priority { urgency, is_incremental };
            assert_eq!(Priority::parse(value.as_bytes()), expected, "{value}");
        }
    }
}
