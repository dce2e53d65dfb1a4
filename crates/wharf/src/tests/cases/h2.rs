//! Cases: every case that HTTP/2 has a word for, asked over it.
//!
//! Each driver, each number of workers and each mode, and not all with all. Not here: the machine
//! alone (`wharf-proto`).

use super::super::harness::{Backend, Combination, Mode};
use super::super::http2::H2C;
use super::{TABLES, check};

combinations! {
    H2C, |combination| check(TABLES, combination);
    every_case_over_http2_on_mio_with_1_worker_that_runs: Mio, 1, Run;
    every_case_over_http2_on_mio_with_1_worker_that_crawls: Mio, 1, Crawl;
    every_case_over_http2_on_mio_with_2_workers_that_are_started: Mio, 2, Start;
    every_case_over_http2_on_uring_with_1_worker_that_is_ticked: Uring, 1, Tick;
    every_case_over_http2_on_uring_with_2_workers_that_run: Uring, 2, Run;
    every_case_over_http2_on_sim_with_1_worker_that_is_started: Sim, 1, Start;
    every_case_over_http2_on_sim_with_1_worker_that_is_ticked: Sim, 1, Tick;
    every_case_over_http2_on_sim_with_2_workers_that_crawl: Sim, 2, Crawl;
}

/// Cases that say nothing of HTTP/2, and why.
const APART: &[(&str, &[&str])] = &[
    (
        "HTTP/1.0, line ends, spelling and chunks are not HTTP/2's",
        &[
            "a_bad_chunk",
            "a_client_of_http_1_0_that_closes_half",
            "a_page_that_is_no_page",
            "a_peer_that_never_closes",
            "an_unfinished_stream_can_be_told_on_http_1_0",
            "bad_heads",
            "bare_lf",
            "closed_after_a_rejection",
            "errors_have_pages_of_their_own",
            "fields_in_order_and_spelling",
            "http_1_0_closes",
            "http_1_0_goes_on_if_asked",
            "killed_lingering",
            "listed_lingering",
            "no_bare_lf",
            "no_interim_response_to_http_1_0",
            "pieces_until_the_end_for_http_1_0",
            "pipelined_before_a_bad_head",
            "stopped_while_connections_are_open",
            "trace_tells_no_secrets",
            "trailers_are_sent",
            "trailers_come_with_the_body",
        ],
    ),
    (
        "a part of a head is a part of a frame, which only those have who speak in frames",
        &[
            "a_head_takes_too_long",
            "a_later_head_takes_too_long",
            "cut_off_in_a_head",
            "listed_after_a_head_in_pieces",
            "listed_in_a_head",
        ],
    ),
    (
        "who has closed its sending side can't make room for large responses",
        &["pipelined_before_an_end"],
    ),
    (
        "there is no upgrade (RFC 9113 section 8.6), and tunnels are refused",
        &[
            "a_silent_tunnel",
            "a_tunnel_by_connect",
            "a_tunnel_whose_peer_resets",
            "another_protocol",
            "another_protocol_behind_other_requests",
            "another_protocol_on_a_thread",
            "another_protocol_that_is_a_protocol",
            "another_protocol_after_a_while",
            "another_protocol_that_its_peer_ends_at_once",
            "another_protocol_that_its_peer_has_ended_by_then",
            "another_protocol_that_says_nothing",
            "another_protocol_that_panics",
            "another_protocol_that_can_not_be_made",
            "another_protocol_is_told_of_a_drain",
            "another_protocol_leaves_what_requests_have_left",
            "another_protocol_that_was_not_offered",
            "another_protocol_with_a_bad_field",
            "an_upgraded_connection_is_detached",
            "killed_tunnel",
            "listed_tunnel",
        ],
    ),
    (
        "a request can't ask for the connection's end",
        &[
            "closed_by_agreement",
            "pipelined_behind_a_close",
            "the_last_response_is_a_file",
            "the_request_asks_to_close",
        ],
    ),
    (
        "what ends a connection of HTTP/1.1 ends one stream",
        &[
            "a_body_takes_too_long",
            "a_body_that_comes_too_slowly",
            "a_body_too_large_to_drain",
            "a_large_body_unread",
            "a_panic",
            "a_panic_in_a_future",
            "a_panic_of_a_blocking_handler",
            "a_panic_with_a_body_to_come",
            "a_response_that_is_taken_too_slowly",
            "a_response_with_a_deadline_of_its_own",
            "a_truncated_body",
            "an_announced_body_over_the_limit",
            "an_unread_body_never_ends",
            "chunks_over_the_limit",
            "closed_after_a_panic",
            "closed_in_an_unfinished_body",
            "expectations_are_not_met_for_nobody",
            "half_closes_after_the_response",
            "half_closes_behind_requests",
            "half_closes_that_count",
            "heads_over_the_limits",
            "truncated_chunks",
            "who_goes_on_sees_a_body_that_fails",
        ],
    ),
    (
        "whether the peer is there is asked by PING, not by an interim response",
        &["a_client_that_closes_half"],
    ),
    (
        "a body comes in frames of its own, behind the head",
        &["nothing_is_held_back_from_an_early_sender"],
    ),
    (
        "what is produced ahead of the client is bounded by its window, which is smaller",
        &["a_blocking_producer_waits_for_its_client", "killed_blocked", "listed_blocked"],
    ),
    (
        "a connection has many requests, of which none is what it is doing, and bytes of its own",
        &["killed_in_a_body", "listed_draining_a_body", "listed_idle", "listed_in_a_body"],
    ),
    (
        "the client's answer to a PING may meet a connection that is closed",
        &[
            "a_handler_ends_its_server",
            "a_stop_ends_a_drain",
            "stopped_while_blocking_handlers_wait_and_run",
            "the_deadline_cancels_handlers",
        ],
    ),
];

/// Whether a case says nothing of HTTP/2.
pub(in crate::tests) fn is_apart(name: &str) -> bool {
    APART.iter().any(|(_, names)| names.contains(&name))
}

#[test]
fn cases_that_are_left_out_are_there() {
    let is_there = |name: &str| TABLES.iter().copied().flatten().any(|case| case.name == name);
    for name in APART.iter().flat_map(|(_, names)| names.iter()) {
        assert!(is_there(name), "{name}");
    }
}
