//! What may be longer than the limits, and why. A row that is no longer needed is a finding.

/// Functions of more than 70 lines: path, name, reason.
pub(super) const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Files of more than 500 lines without their tests: path, reason.
pub(super) const LONG_FILES: &[(&str, &str)] = &[];
