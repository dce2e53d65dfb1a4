//! Names on Windows are Unicode, and many of them lead elsewhere.

use std::ffi::{OsStr, OsString};

/// Names of devices, in every directory and with every extension.
const DEVICES: &[&str] = &["AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"];

/// Names of devices if a digit follows.
const NUMBERED_DEVICES: &[&str] = &["COM", "LPT"];

/// The name that these bytes are, if they are UTF-8.
pub(in crate::files) fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

/// The bytes of a name, if it is Unicode.
pub(in crate::files) fn to_bytes(name: &OsStr) -> Option<&[u8]> {
    name.to_str().map(str::as_bytes)
}

/// Separators, drives, alternate streams, devices, and other spellings of a name: with dots or
/// blanks at the end, or short like `HIDDEN~1`.
pub(in crate::files) fn is_special(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    let has_special = name.contains(|char: char| {
        char < ' ' || matches!(char, '"' | '*' | '/' | ':' | '<' | '>' | '?' | '\\' | '|')
    });
    let is_short =
        name.split('~').skip(1).any(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
    has_special || is_short || name.ends_with(['.', ' ']) || is_device(&name)
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let is_numbered = |device: &str| {
        let number = stem.strip_prefix(device).unwrap_or_default();
        // The superscripts are digits here, too.
        matches!(number, "¹" | "²" | "³") || (number.len() == 1 && number.parse::<u8>().is_ok())
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(|device| is_numbered(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_special() {
        for name in [
            "a\\b", "..\\b", "C:", "a:b", "a::$DATA", "a.", "a ", "...", "con", "NUL.txt",
            "Aux.a.b", "com1", "COM9.log", "lpt²", "CON .txt", "conin$", "GIT~1", "a*", "a?",
            "\u{1}",
        ] {
            assert!(is_special(name.as_bytes()), "{name}");
        }
        for name in ["a", "a.b", "console", "com", "com10", "nul1", "ü", "a~b", "a b", "~", "lpt"]
        {
            assert!(!is_special(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_are_unicode() {
        assert_eq!(from_bytes("ü".into()).as_deref(), Some(OsStr::new("ü")));
        assert_eq!(from_bytes(vec![0xff]), None);
        assert_eq!(to_bytes(OsStr::new("ü")), Some("ü".as_bytes()));
    }
}
