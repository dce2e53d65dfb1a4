//! Names on Unix are any bytes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The name that these bytes are.
pub(in crate::files) fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    Some(OsString::from_vec(bytes))
}

/// The bytes of a name.
pub(in crate::files) fn to_bytes(name: &OsStr) -> Option<&[u8]> {
    Some(name.as_bytes())
}

/// Nothing but `/`, NUL, `.` and `..` is special, and those are nowhere.
pub(in crate::files) const fn is_special(_name: &[u8]) -> bool {
    false
}
