//! An HTTP/1.1 load generator on one thread that checks what it counts.
//!
//! A [`Load`] holds keep-alive connections to one server. Each sends a batch of requests in one
//! write, waits until every response has arrived, and sends the next. A response counts when its
//! status line says 200 and it has exactly the length of the server's first response, of which
//! head and `Content-Length` were read properly. Every run ends with no request in flight, so
//! that the server's CPU time divided by the count is exact.
//!
//! `request.rs` knows what is asked, `response.rs` what an answer must look like,
//! `connection.rs` is one socket, `load.rs` the loop over all of them, `outcome.rs` the count.
//!
//! Not here: open-loop load at a fixed rate, chunked responses, HTTP/2, TLS, more than one
//! thread.

mod connection;
mod fault;
mod load;
mod outcome;
mod request;
mod response;

pub use connection::dial;
pub use fault::Fault;
pub use load::{Load, Plan};
pub use outcome::{Outcome, empty_histogram};
pub use request::Headers;
pub use response::exchange;
