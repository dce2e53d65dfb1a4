//! What a program with the feature `tls` sees of it elsewhere: services, servers, requests,
//! connections.
//!
//! Not here: what is set up ([`Tls`]), and how connections speak it (`conn/secure/mod.rs`).

use super::{Tls, TlsError, TlsInfo};
use crate::conn::Io;
use crate::error::Result;
use crate::listener::{InvalidAddr, ListenAddr};
use crate::observe::Stats;
use crate::request::Request;
use crate::server::Server;
use crate::service::Service;
use crate::stream::{
    BlockingReadHalf, BlockingStream, BlockingWriteHalf, ReadHalf, Stream, WriteHalf,
};

impl Service {
    /// The same over TLS.
    ///
    /// ```no_run
    /// use wharf::{Server, Service, Tls};
    ///
    /// let tls = Tls::from_pem_files("cert.pem", "key.pem")?;
    /// let server = Server::with(Service::http("hello").tls(tls)).listen("0.0.0.0:443")?;
    /// # let _ = server;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tls(self, tls: Tls) -> Self {
        self.over(tls)
    }
}

impl Server {
    /// Listens on an address for the server's own service over TLS, as [`listen`](Self::listen)
    /// does without. What both have in common (handler, limits, end) is said once.
    ///
    /// ```no_run
    /// use wharf::{Server, Tls};
    ///
    /// let tls = Tls::from_pem_files("cert.pem", "key.pem")?;
    /// Server::new("hello").listen("0.0.0.0:80")?.listen_tls("0.0.0.0:443", tls)?.run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen), and [`Error::Tls`](crate::Error::Tls) if TLS can't be set up.
    pub fn listen_tls<A>(self, addr: A, tls: Tls) -> Result<Self>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        let service = self.own_service().tls(tls);
        self.listen_for(addr, service)
    }
}

impl Request {
    /// What TLS was agreed on; `None` without TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls_info()
    }
}

impl Stats {
    /// How many sessions of TLS failed like that, in their handshakes or later. The texts in it are
    /// not told apart.
    #[must_use]
    pub const fn tls_failed(&self, error: &TlsError) -> u64 {
        self.tls_errors[error.kind()]
    }
}

impl Io<'_> {
    /// What TLS was agreed on; `None` without TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls_info()
    }
}

macro_rules! streams {
    ($($type:ident),*) => {$(
        impl $type {
            /// What TLS was agreed on; `None` without TLS.
            #[must_use]
            pub fn tls(&self) -> Option<&TlsInfo> {
                self.tls_info()
            }
        }
    )*};
}

streams!(Stream, ReadHalf, WriteHalf, BlockingStream, BlockingReadHalf, BlockingWriteHalf);
