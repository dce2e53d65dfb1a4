//! HPACK, the compression of heads in HTTP/2 (RFC 7541).
//!
//! A [`Decoder`] writes the fields of a header block into a buffer of the caller's, an [`Encoder`]
//! appends fields to one. Each belongs to one direction of one connection, and allocates nothing
//! before the first field that has to be remembered.
//!
//! `primitives.rs` knows how integers and strings look, `huffman.rs` how strings are shortened,
//! `static_table.rs` and `dynamic_table.rs` which fields have an index, `lookup.rs` how an encoder
//! finds them.
//!
//! Not here: frames that carry heads, and what the fields of a head mean.

mod decoder;
mod dynamic_table;
mod encoder;
mod huffman;
mod huffman_table;
mod known;
mod lookup;
mod primitives;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod static_table;
#[cfg(test)]
mod tests;

pub use decoder::{DecodeError, Decoded, Decoder, Fields, Outcome};
pub use encoder::{Block, Encoder};
pub use known::Known;
