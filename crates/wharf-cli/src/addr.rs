//! Addresses on the command line: the library's, and a port by itself.
//!
//! Not here: what an address may be, and listening on it, which are the library's.

use wharf::{InvalidAddr, ListenAddr};

/// What is listened on unless the user says otherwise: this machine alone can connect.
pub(crate) const DEFAULT: &str = "127.0.0.1:8080";

/// Reads an address. A port without a host is this machine's own: `8080`.
pub(crate) fn parse(text: &str) -> Result<ListenAddr, InvalidAddr> {
    let port = text.split('?').next().unwrap_or_default();
    if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("127.0.0.1:{text}").parse();
    }
    text.parse()
}

#[cfg(test)]
mod tests {
    use wharf::Malformed;

    use super::*;

    #[test]
    fn a_port_alone_is_this_machines() {
        for (text, expected) in [
            ("8080", Ok("127.0.0.1:8080")),
            ("0", Ok("127.0.0.1:0")),
            ("80?backlog=5", Ok("127.0.0.1:80?backlog=5")),
            (":8080", Ok(":8080")),
            ("unix:8080", Ok("unix:8080")),
            (DEFAULT, Ok(DEFAULT)),
            ("65536", Err(Malformed::Port)),
            ("localhost", Err(Malformed::NoPort)),
            ("", Err(Malformed::NoPort)),
        ] {
            let found = parse(text).map(|addr| addr.to_string());
            let found = found.as_deref().map_err(InvalidAddr::reason);
            assert_eq!(found, expected, "{text}");
        }
    }
}
