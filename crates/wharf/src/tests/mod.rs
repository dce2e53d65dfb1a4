//! The server as its clients see it, from the first byte to the last.
//!
//! `cases` asks one thing after another of every way to run a server; `harness.rs` makes those ways
//! alike, `site.rs` is what is served, `client.rs` and `response.rs` are the other side. `inside.rs`
//! shows what clients do not see. Not here: the machine alone (`wharf-proto`) and the parts alone
//! (tests beside them).

mod cases;
mod client;
mod harness;
mod inside;
mod response;
mod site;
