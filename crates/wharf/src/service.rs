//! [`Service`]: what is spoken on a listener's connections.
//!
//! Not here: how it is done (`conn`), and addresses (`listener`).

use std::fmt;
use std::sync::Arc;

use crate::Settings;
use crate::conn::{Io, Protocol};
use crate::error::{Error, Result};
use crate::handler::{Handler, IntoHandler};
use crate::readable::Readable;
use crate::response::BoxError;
use crate::stream::IntoStreamHandler;
use crate::tls::{Acceptor, Tls};

/// What is spoken on the connections that come to an address: HTTP, or a protocol of the program's
/// own. A server may have several, on the same workers and with the same end.
///
/// ```
/// use wharf::{BoxError, Io, Protocol, Server, Service};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
///         io.write(bytes);
///         Ok(bytes.len())
///     }
/// }
///
/// let server = Server::new("hello")
///     .listen("127.0.0.1:0")?
///     .listen_for("127.0.0.1:0", Service::protocol(|| Echo))?;
/// # let _ = server;
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a service does nothing before a server listens for it"]
pub struct Service {
    pub(crate) kind: ServiceKind,
    /// TLS, if it is spoken.
    tls: Option<Tls>,
    /// What its sessions have in common, once a server listens for it.
    acceptor: Option<Acceptor>,
}

/// Makes what one connection works with.
pub(crate) type MakeProtocol = Arc<dyn Fn() -> Box<dyn Protocol> + Send + Sync>;

#[derive(Clone)]
pub(crate) enum ServiceKind {
    Http(Arc<dyn Handler>),
    Raw(MakeProtocol),
}

/// Names a service of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServiceId(u16);

impl ServiceId {
    /// The one that the server was made with.
    pub(crate) const FIRST: Self = Self(0);

    /// No service of the program's: plain HTTP is sent to where TLS is spoken.
    pub(crate) const TO_TLS: Self = Self(u16::MAX);

    /// That of the service which stands at `index`.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyServices`]: that one would need another's.
    pub(crate) fn new(index: usize) -> Result<Self> {
        let id = u16::try_from(index).map(Self).ok().filter(|id| *id != Self::TO_TLS);
        id.ok_or(Error::TooManyServices)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Service {
    /// HTTP, answered by `handler`.
    pub fn http<M>(handler: impl IntoHandler<M>) -> Self {
        Self::of(ServiceKind::Http(Arc::new(handler.into_handler())))
    }

    /// TCP, or a Unix socket: each connection is served by `handler`, a function over a
    /// [`Stream`](crate::Stream), or over a [`BlockingStream`](crate::BlockingStream) on a thread
    /// where it may block.
    pub fn tcp<M>(handler: impl IntoStreamHandler<M>) -> Self {
        handler.into_service()
    }

    /// TCP, or a Unix socket, where `function` is called on the worker whenever something has come,
    /// with all of it and with what the connection knows, which `make` makes. It must not block,
    /// and what it will need later of what came it keeps.
    ///
    /// It ends the connection with [`Io::finish`]; so does the peer by ending. An error goes to
    /// [`Server::on_error`], where the hook decides whether the connection
    /// [stays](crate::FailedStream::keep).
    ///
    /// ```
    /// use wharf::{BoxError, Io, Server, Service};
    ///
    /// let count = |total: &mut usize, bytes: &[u8], io: &mut Io<'_>| {
    ///     *total += bytes.len();
    ///     io.write(format!("{total} bytes so far\n").as_bytes());
    ///     Ok::<_, BoxError>(())
    /// };
    /// let server = Server::with(Service::on_readable(|| 0, count)).listen("127.0.0.1:0")?;
    /// # let _ = server;
    /// # Ok::<(), wharf::Error>(())
    /// ```
    ///
    /// [`Io::finish`]: crate::Io::finish
    /// [`Server::on_error`]: crate::Server::on_error
    pub fn on_readable<S, E>(
        make: impl Fn() -> S + Send + Sync + 'static,
        function: impl Fn(&mut S, &[u8], &mut Io<'_>) -> std::result::Result<(), E>
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        S: 'static,
        E: Into<BoxError> + 'static,
    {
        let function = Arc::new(function);
        Self::protocol(move || Readable::new(make(), Arc::clone(&function)))
    }

    /// A protocol of the program's own: `make` is called for each connection, on its worker, and
    /// must not block.
    pub fn protocol<P: Protocol>(make: impl Fn() -> P + Send + Sync + 'static) -> Self {
        let make: MakeProtocol = Arc::new(move || Box::new(make()));
        Self::of(ServiceKind::Raw(make))
    }

    const fn of(kind: ServiceKind) -> Self {
        Self { kind, tls: None, acceptor: None }
    }

    /// The same over TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn over(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self.acceptor = None;
        self
    }

    pub(crate) const fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Makes it ready for connections, if it was put together rightly.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        if let ServiceKind::Http(handler) = &self.kind {
            handler.check().map_err(Error::Handler)?;
        }
        if self.acceptor.is_none() {
            self.offer(&[b"h2", b"http/1.1"])?;
        }
        Ok(())
    }

    /// The same for a server that speaks HTTP/2 or not.
    pub(crate) fn prepare_for(&mut self, settings: &Settings) -> Result<()> {
        self.prepare()?;
        if settings.http2 { Ok(()) } else { self.prepare_without_http2() }
    }

    /// The same for a server that does not speak HTTP/2.
    fn prepare_without_http2(&mut self) -> Result<()> {
        self.offer(&[b"http/1.1"])
    }

    /// Makes what sessions of TLS have in common, with these versions of HTTP to agree on.
    #[cfg_attr(
        not(feature = "tls"),
        expect(unreachable_code, unused_variables, reason = "nothing has that type then")
    )]
    fn offer(&mut self, versions: &[&[u8]]) -> Result<()> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let protocols = match &self.kind {
            ServiceKind::Http(_) => versions,
            ServiceKind::Raw(_) => &[],
        };
        let acceptor = tls.acceptor(protocols);
        self.acceptor = Some(acceptor.map_err(|error| Error::Tls(Box::new(error)))?);
        Ok(())
    }

    /// What sessions of TLS have in common, if it is spoken.
    pub(crate) const fn acceptor(&self) -> Option<&Acceptor> {
        self.acceptor.as_ref()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            ServiceKind::Http(_) => "Service::http",
            ServiceKind::Raw(_) => "Service of another protocol than HTTP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_services_than_have_numbers_are_an_error() {
        assert_eq!(ServiceId::new(0).unwrap(), ServiceId::FIRST);
        assert_eq!(ServiceId::new(65_534).unwrap().index(), 65_534);
        for index in [65_535, 65_536, usize::MAX] {
            assert!(matches!(ServiceId::new(index), Err(Error::TooManyServices)));
        }
    }
}
