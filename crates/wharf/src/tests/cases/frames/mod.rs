//! Cases that only HTTP/2 has, asked in frames. Those about a rule are named after its section, of
//! RFC 9113 if no other is named.
//!
//! [`rows`] is for what can be said as frames and what comes of them: each row runs whole, and cut
//! at every byte where the server is ticked on a simulated net, so that it has seen one part before
//! the other is sent.
//! Not here: cases that HTTP/1.1 has as well (`cases/h2.rs`), and the machine alone
//! (`wharf-proto`).

mod cancel;
mod ends;
mod errors;
mod fair;
mod messages;
mod windows;

use super::super::client::End;
use super::super::frames::{Peer, get};
use super::super::harness::{Backend, Combination, Harness, Mode, PLAIN};
use super::{Case, check};

const TABLES: &[&[Case]] =
    &[errors::CASES, messages::CASES, windows::CASES, cancel::CASES, ends::CASES, fair::CASES];

/// All that only HTTP/2 has.
pub(in crate::tests) fn check_all(combination: Combination) {
    check(TABLES, combination);
}

combinations! {
    PLAIN, check_all;
    every_case_in_frames_on_mio_with_1_worker_that_is_ticked: Mio, 1, Tick;
    every_case_in_frames_on_mio_with_2_workers_that_run: Mio, 2, Run;
    every_case_in_frames_on_uring_with_1_worker_that_is_ticked: Uring, 1, Tick;
    every_case_in_frames_on_uring_with_2_workers_that_are_started: Uring, 2, Start;
    every_case_in_frames_on_sim_with_1_worker_that_is_ticked: Sim, 1, Tick;
    every_case_in_frames_on_sim_with_1_worker_that_crawls: Sim, 1, Crawl;
    every_case_in_frames_on_sim_with_2_workers_that_run: Sim, 2, Run;
}

/// A client whose first request was answered.
fn served(harness: &Harness) -> Peer {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/")]);
    peer.until("1 'hello' END");
    peer
}

/// What a client sends behind its preface, and all that comes of it.
struct Row {
    name: &'static str,
    frames: Vec<u8>,
    expect: String,
}

fn row(name: &'static str, frames: &[Vec<u8>], expect: impl Into<String>) -> Row {
    Row { name, frames: frames.concat(), expect: expect.into() }
}

/// Asks each row on a connection of its own.
fn rows(harness: &Harness, rows: &[Row]) {
    let Combination { backend, mode, .. } = harness.combination;
    // Real sockets take their time.
    let step = if backend == Backend::Sim { 1 } else { 29 };
    for Row { name, frames, expect } in rows {
        run(harness, name, &[frames], expect);
        let is_cut = mode == Mode::Tick && frames.len() < 1000;
        for at in (1..if is_cut { frames.len() } else { 1 }).step_by(step) {
            let (first, second) = frames.split_at(at);
            run(harness, &format!("{name}, cut at {at}"), &[first, second], expect);
        }
    }
}

fn run(harness: &Harness, name: &str, pieces: &[&[u8]], expect: &str) {
    let mut peer = Peer::connect(harness);
    for piece in pieces {
        peer.client.send(piece);
        peer.client.let_it_look();
    }
    let mut shown = Vec::new();
    while shown.join(", ").len() < expect.len() {
        match peer.next() {
            Ok(one) => shown.push(one),
            Err(end) => {
                shown.push(format!("{end:?}"));
                break;
            }
        }
    }
    assert_eq!(shown.join(", "), expect, "{name}");
    if !expect.ends_with("Closed") {
        assert_eq!(peer.so_far(), "", "{name}");
        // Streams that are left are given up.
        peer.client.shut();
        peer.client.try_end();
    }
}

#[test]
fn each_case_in_frames_has_a_name_of_its_own() {
    let mut names: Vec<_> = TABLES.iter().copied().flatten().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
