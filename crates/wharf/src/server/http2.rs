//! What a server is told about HTTP/2.
//!
//! Not here: bounds that all versions have in common ([`Limits`](crate::Limits)), and the protocol
//! itself (`wharf_proto::h2`).

use super::Server;

impl Server {
    /// Whether HTTP/2 is spoken, over TLS with clients that offer it (ALPN `h2`), and without TLS
    /// with those that begin with its preface (RFC 9113 section 3.3). Default: yes. One that begins
    /// with it all the same is answered with 505.
    pub const fn http2(mut self, is_spoken: bool) -> Self {
        self.config.settings.http2 = is_spoken;
        self
    }

    /// How many requests of one HTTP/2 connection may be under way at a time. Default 128 (nginx).
    /// From 1 to 4,096 are taken; a client that begins more has them refused and may ask again.
    pub fn max_streams(mut self, count: u32) -> Self {
        self.config.settings.max_streams = count;
        self.config.settings.bring_http2_in_range();
        self
    }

    /// How many bytes of one request's body, and of all of a connection's, a client of HTTP/2 may
    /// send ahead of its handlers, where the path carries that much: windows begin at 64 KiB and 1
    /// MiB, or less if less is allowed, and grow as far. Default 8 MiB and 16 MiB; a connection has
    /// 64 KiB at least. It bounds what a connection makes the server hold, with 64 KiB of each
    /// request that its handler is given at once.
    pub fn http2_windows(mut self, of_stream: u32, of_connection: u32) -> Self {
        self.config.settings.http2_windows = (of_stream, of_connection);
        self.config.settings.bring_http2_in_range();
        self
    }
}
