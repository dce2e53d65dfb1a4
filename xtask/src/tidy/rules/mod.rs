//! The rules, one per file. Each takes the whole tree and returns what it found.

use super::Finding;
use super::tree::Tree;

mod architecture;
mod cfg;
mod direction;
mod foreign;
mod header;
mod layout;
mod leftover;
mod length;
mod shown;
mod unsafe_code;

/// Every rule, to be run one after the other.
pub(super) const ALL: &[fn(&Tree) -> Vec<Finding>] = &[
    architecture::check,
    cfg::check,
    direction::check,
    foreign::check,
    header::check,
    layout::check,
    leftover::check,
    length::check,
    shown::check,
    unsafe_code::check,
];

/// The lines that `check` finds fault with if `text` is all there is.
#[cfg(test)]
fn lines(check: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    check(&Tree::of(&[(path, text)])).iter().map(|finding| finding.line).collect()
}
