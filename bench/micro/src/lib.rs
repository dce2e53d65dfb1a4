//! Parts of wharf on their own, each beside the least that a library does for the same.
//!
//! A [`Case`] is set up once and run many times: `benches/micro.rs` times it, `count.sh` has its
//! instructions counted. `head.rs` parses, `hpack.rs` compresses, `h2.rs` answers, `chunks.rs`
//! decodes, `respond.rs` encodes, `routes.rs` finds, `timers.rs` moves deadlines.
//!
//! Not here: sockets (the `compare` tool), and wharf's handlers, which nothing outside of wharf can
//! reach.

use std::fmt;

// Named like this by the files of wharf that `routes.rs` compiles.
use wharf::Request;

mod chunks;
mod h2;
mod head;
mod hpack;
mod respond;
mod routes;
mod timers;

/// Something to run over and over.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// Prepares it and returns what is to be run.
    pub setup: fn() -> Box<dyn FnMut()>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn case(name: &'static str, setup: fn() -> Box<dyn FnMut()>) -> Case {
    Case { name, setup }
}

/// All cases; neighbours do the same.
pub const CASES: [Case; 35] = [
    case("head-38-wharf", || head::wharf(head::PLAIN)),
    case("head-38-httparse", || head::httparse(head::PLAIN)),
    case("head-38-pico", || head::pico(head::PLAIN)),
    case("head-82-wharf", || head::wharf(head::CURL)),
    case("head-82-httparse", || head::httparse(head::CURL)),
    case("head-82-pico", || head::pico(head::CURL)),
    case("head-147-wharf", || head::wharf(head::CLIENT)),
    case("head-147-httparse", || head::httparse(head::CLIENT)),
    case("head-147-pico", || head::pico(head::CLIENT)),
    case("head-660-wharf", || head::wharf(head::BROWSER)),
    case("head-660-httparse", || head::httparse(head::BROWSER)),
    case("head-660-pico", || head::pico(head::BROWSER)),
    case("hpack-decode-first-wharf", hpack::first),
    case("hpack-decode-again-wharf", hpack::again),
    case("hpack-decode-path-wharf", hpack::other_path),
    case("hpack-encode-again-wharf", hpack::respond),
    case("hpack-encode-length-wharf", hpack::respond_length),
    case("h2-32-exchanges-wharf", h2::exchanges),
    case("chunked-16x4096-wharf", || chunks::wharf(16, 4096)),
    case("chunked-16x4096-httparse", || chunks::httparse(16, 4096)),
    case("chunked-1000x32-wharf", || chunks::wharf(1000, 32)),
    case("chunked-1000x32-httparse", || chunks::httparse(1000, 32)),
    case("respond-hello-wharf", respond::wharf),
    case("respond-hello-copy", respond::copy),
    case("exchange-38-wharf", respond::exchange),
    case("route-10-literal-wharf", || routes::wharf(10, routes::LITERAL)),
    case("route-10-literal-matchit", || routes::matchit(10, routes::LITERAL)),
    case("route-10-param-wharf", || routes::wharf(10, routes::PARAM)),
    case("route-10-param-matchit", || routes::matchit(10, routes::PARAM)),
    case("route-1000-literal-wharf", || routes::wharf(1000, routes::LITERAL)),
    case("route-1000-literal-matchit", || routes::matchit(1000, routes::LITERAL)),
    case("route-1000-param-wharf", || routes::wharf(1000, routes::PARAM)),
    case("route-1000-param-matchit", || routes::matchit(1000, routes::PARAM)),
    case("timer-10000-wharf", || timers::wharf(10_000)),
    case("timer-10000-set", || timers::set(10_000)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_runs_and_has_a_name_of_its_own() {
        for case in &CASES {
            let mut run = (case.setup)();
            run();
            run();
        }
        let mut names = CASES.map(|case| case.name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
