//! The loads that servers are compared under.

use loadgen::Headers;

/// One row of [`WORKLOADS`].
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    pub(crate) depth: usize,
    pub(crate) headers: Headers,
}

#[rustfmt::skip]
pub(crate) const WORKLOADS: [Workload; 4] = [
    Workload { name: "plain64",   connections: 64,  depth: 1,  headers: Headers::Plain },
    Workload { name: "pipe64x16", connections: 64,  depth: 16, headers: Headers::Plain },
    Workload { name: "plain512",  connections: 512, depth: 1,  headers: Headers::Plain },
    Workload { name: "browser64", connections: 64,  depth: 1,  headers: Headers::Browser },
];
