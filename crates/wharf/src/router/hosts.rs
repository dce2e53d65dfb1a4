//! [`Hosts`]: from a host name to the handler that was added for it.
//!
//! Names are compared without case, port and the dot of the root domain. Not here: certificates,
//! and whether a host without a handler is served at all.

use std::cmp::Ordering;
use std::fmt;
use std::net::Ipv6Addr;

use super::endpoint::Endpoint;

/// The longest host name there can be, in bytes (RFC 1035 section 2.3.4).
const MAX_NAME_BYTES: usize = 253;

/// Handlers by host.
#[derive(Default)]
pub(super) struct Hosts {
    /// Sorted.
    exact: Vec<(String, Endpoint)>,
    /// What stands behind `*.`, sorted.
    wildcards: Vec<(String, Endpoint)>,
}

/// Which hosts a handler is for, in lower case and without the dot of the root domain.
pub(super) enum HostPattern {
    /// The host of this name.
    Exact(String),
    /// Every host that has labels before this name.
    Below(String),
}

/// Why something is not the name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Neither a name nor an address.
    Name,
    /// Letters that are not ASCII.
    Unicode,
    /// An asterisk that does not stand for the first labels.
    Wildcard,
}

impl Hosts {
    pub(super) const fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcards.is_empty()
    }

    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.exact.iter().chain(&self.wildcards).map(|(_, endpoint)| endpoint)
    }

    /// The handler that was added for the same hosts.
    pub(super) fn endpoint(&self, pattern: &HostPattern) -> Option<&Endpoint> {
        match pattern {
            HostPattern::Exact(name) => find(&self.exact, name),
            HostPattern::Below(name) => find(&self.wildcards, name),
        }
    }

    /// Adds the handler for hosts that have none yet.
    pub(super) fn insert(&mut self, pattern: HostPattern, endpoint: Endpoint) {
        let (list, name) = match pattern {
            HostPattern::Exact(name) => (&mut self.exact, name),
            HostPattern::Below(name) => (&mut self.wildcards, name),
        };
        let place = list.partition_point(|(other, _)| *other < name);
        list.insert(place, (name, endpoint));
    }

    /// The handler of the most specific pattern that `host` matches.
    pub(super) fn find(&self, host: &str) -> Option<&Endpoint> {
        let host = without_root_dot(host);
        if let Some(endpoint) = find(&self.exact, host) {
            return Some(endpoint);
        }
        if self.wildcards.is_empty() || host.len() > MAX_NAME_BYTES {
            return None;
        }
        // The earlier the dot, the longer is what the pattern and the host share. A dot at the
        // very start has no label before it.
        let dots = host.match_indices('.').map(|(at, _)| at).filter(|&at| at > 0);
        dots.filter_map(|at| host.get(at + 1..)).find_map(|name| find(&self.wildcards, name))
    }
}

impl HostPattern {
    /// Reads `example.com`, `*.example.com`, `192.0.2.1` or `[::1]`.
    pub(super) fn new(written: &str) -> Result<Self, Malformed> {
        if !written.is_ascii() {
            return Err(Malformed::Unicode);
        }
        let lower_case = without_root_dot(written).to_ascii_lowercase();
        let in_brackets = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if in_brackets.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) {
            return Ok(Self::Exact(lower_case));
        }
        let pattern = match lower_case.strip_prefix("*.") {
            Some(name) => Self::Below(name.to_owned()),
            None => Self::Exact(lower_case),
        };
        let (Self::Exact(name) | Self::Below(name)) = &pattern;
        if name.contains('*') {
            return Err(Malformed::Wildcard);
        }
        let is_in_labels = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_in_labels);
        if name.len() > MAX_NAME_BYTES || !name.split('.').all(is_label) {
            return Err(Malformed::Name);
        }
        Ok(pattern)
    }
}

fn find<'e>(list: &'e [(String, Endpoint)], name: &str) -> Option<&'e Endpoint> {
    let place = list.binary_search_by(|(other, _)| compare(other, name)).ok()?;
    list.get(place).map(|(_, endpoint)| endpoint)
}

/// Compares `lower_case` with `name` as if that were in lower case too.
fn compare(lower_case: &str, name: &str) -> Ordering {
    lower_case.bytes().cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn without_root_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "expected a host like `example.com`, `*.example.com` or `[::1]`, no port",
            Self::Unicode => {
                "international names are written in Punycode, such as `xn--bcher-kva.de`"
            }
            Self::Wildcard => "an asterisk stands for the first labels, as in `*.example.com`",
        })
    }
}
