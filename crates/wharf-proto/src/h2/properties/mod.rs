//! What must hold for any input, as functions that panic where it does not.
//!
//! The tests run them on inputs from a seeded generator, the targets in `fuzz/` on those that a
//! fuzzer finds. Not here: what must hold for particular inputs (`tests/`).

mod client;
mod operations;
mod session;

pub(super) use client::{Client, wire};
pub use operations::check_operations;
pub(super) use session::Session;
#[cfg(test)]
pub(super) use session::show;

use super::PREFACE;

/// Takes `input` for the frames of a client, sends them whole and in pieces that end at `cuts`, and
/// checks that the same events and frames come of it, and that a client understands the latter.
///
/// # Panics
///
/// If they differ, or are not understood.
pub fn check_frames(input: &[u8], cuts: &[usize]) {
    let mut bytes = PREFACE.to_vec();
    bytes.extend_from_slice(&wire::settings(&[]));
    bytes.extend_from_slice(input);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let whole = transcript(&bytes, &[]);
    let pieces = transcript(&bytes, &cuts);
    assert_eq!(whole, pieces, "{} cut at {cuts:?}", input.escape_ascii());
}

/// What comes of `input` if it comes in pieces that end at `cuts`, and every request is answered as
/// soon as it has come in full.
fn transcript(input: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut session = Session::answering();
    let mut from = 0;
    for &cut in cuts.iter().chain([&input.len()]) {
        session.feed(input.get(from..cut).unwrap_or_default());
        from = cut;
    }
    session.transcript()
}
