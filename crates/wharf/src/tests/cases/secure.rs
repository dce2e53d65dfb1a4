//! Cases: what there is over TLS alone, and every other case over TLS.
//!
//! Each driver, each number of workers and each mode, and not all with all. Not here: sessions
//! without connections (`tls/tests`).

use super::super::harness::{Backend, Combination, Mode};
use super::super::secure::TLS;
use super::{Case, TABLES, check};

/// All that a way to run a server has to do over TLS.
fn check_all(combination: Combination) {
    check(TABLES, combination);
    check(&[CASES], combination);
}

combinations! {
    TLS, check_all;
    every_case_over_tls_on_mio_with_1_worker_that_crawls: Mio, 1, Crawl;
    every_case_over_tls_on_mio_with_2_workers_that_are_started: Mio, 2, Start;
    every_case_over_tls_on_mio_with_1_worker_that_is_ticked: Mio, 1, Tick;
    every_case_over_tls_on_uring_with_1_worker_that_runs: Uring, 1, Run;
    every_case_over_tls_on_uring_with_2_workers_that_are_ticked: Uring, 2, Tick;
    every_case_over_tls_on_sim_with_1_worker_that_is_started: Sim, 1, Start;
    every_case_over_tls_on_sim_with_1_worker_that_crawls: Sim, 1, Crawl;
    every_case_over_tls_on_sim_with_2_workers_that_run: Sim, 2, Run;
    every_case_over_tls_on_sim_with_2_workers_that_are_ticked: Sim, 2, Tick;
}

const CASES: &[Case] = &[];
