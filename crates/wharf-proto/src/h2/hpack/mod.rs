//! HPACK, the compression of heads in HTTP/2 (RFC 7541).
//!
//! Not here: frames that carry heads, and what the fields of a head mean.
