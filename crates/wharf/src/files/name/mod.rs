//! File names as bytes, which is what percent-decoding gives.
//!
//! One file per family of systems, each with the same three functions: `from_bytes` and `to_bytes`
//! convert, and `is_special` says what the system takes for something else than the name of a file.
//! Not here: names that no system should be given (`resolve.rs`).

#[cfg(unix)]
mod unix;
#[cfg(any(not(unix), test))]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::{from_bytes, is_special, to_bytes};
#[cfg(not(unix))]
pub(super) use self::windows::{from_bytes, is_special, to_bytes};
