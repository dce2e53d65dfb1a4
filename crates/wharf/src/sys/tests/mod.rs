//! Tests that have to ask the system for what safe code can't make.
//!
//! Not here: what can be tested from outside of `sys`.

#[cfg(unix)]
#[expect(unsafe_code, reason = "only the system makes pages that can't be read")]
mod guard_page;
#[cfg(target_os = "linux")]
mod pinned_workers;
