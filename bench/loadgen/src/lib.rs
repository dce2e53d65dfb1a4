//! A load generator for HTTP/1.1 and for echoes, on one thread, that checks what it counts.
//!
//! A [`Load`] holds connections to one server. Each sends a batch of requests in one write, waits
//! until every response has arrived, and sends the next: at once, or when a schedule says so. A
//! response counts when its status line says 200 and it is as long as the server's first, of which
//! head and framing were read properly; an echo's when it is what was sent. Every run ends with no
//! request in flight, so that the server's CPU time divided by the count is exact.
//!
//! `request.rs` knows what is asked, `response.rs` and `chunks.rs` what an answer must look like,
//! `connection.rs` is one socket, `load.rs` the loop over all of them, `schedule.rs` the pace of
//! an open loop, `crowd.rs` connections that do nothing, `outcome.rs` the count.
//!
//! Not here: HTTP/2, TLS, more than one thread.

mod chunks;
mod connection;
mod crowd;
mod fault;
mod load;
mod outcome;
mod request;
mod response;
mod schedule;

pub use connection::dial;
pub use crowd::{Crowd, raise_file_limit};
pub use fault::Fault;
pub use load::{Load, Plan};
pub use outcome::{Outcome, empty_histogram};
pub use request::{Headers, Payload, Request, Then};
pub use response::Answer;
