//! What every server serves, so that a request means the same to all of them.
//!
//! | path | answer |
//! |---|---|
//! | `GET /` | [`HELLO`] |
//! | `GET /64k` | [`SIZED_64K`] with `Content-Length` |
//! | `GET /1m` | [`SIZED_1M`] with `Content-Length` |
//! | `GET /stream` | [`CHUNKS`] times [`CHUNK`], each handed to the server by itself, chunked |
//! | `POST /upload` | the number of bytes in the request's body, as text |
//!
//! All are `text/plain`. Not here: how, which is each server's own.

/// The answer that servers are usually compared by.
pub const HELLO: &[u8] = b"Hello, world!\n";

/// Fits what a socket takes at once.
pub static SIZED_64K: &[u8] = &[b'x'; 64 << 10];

/// Does not.
pub static SIZED_1M: &[u8] = &[b'x'; 1 << 20];

/// A small piece of a streamed response.
pub const CHUNK: &[u8] = b"one piece of a streamed response";

/// The number of pieces.
pub const CHUNKS: usize = 1000;

/// The `Content-Type` of all of it.
pub const CONTENT_TYPE: &str = "text/plain";
