//! [`Tls`]: what a service needs to speak TLS. Feature `tls`; without it there is `no_tls.rs`.
//!
//! ```text
//! Tls (certificates, who may connect) -> Acceptor, per service -> TlsSession, per connection
//! ```
//!
//! Not here: the protocol, which is rustls' (`engine/`), and sockets.

mod certificate;
mod engine;
mod error;
mod info;
mod key_log;
#[cfg(feature = "tls-self-signed")]
mod self_signed;
mod serve;
mod store;
// They make their certificates.
#[cfg(feature = "tls-self-signed")]
#[cfg(test)]
mod tests;
mod x509;

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

pub use self::certificate::Certificate;
pub(crate) use self::engine::Acceptor;
pub(crate) use self::engine::{Received, TlsSession};
pub use self::error::{TlsConfigError, TlsError};
pub use self::info::{ClientCertificate, TlsInfo, TlsVersion};
use self::key_log::KeyLogFile;
use self::store::Store;

/// The variable that browsers and tools look at for a file to write secrets to.
const KEY_LOG_VARIABLE: &str = "SSLKEYLOGFILE";

/// Whether clients show certificates of their own. [`Tls::client_auth`] sets it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked, and one that has none may connect all the same. A certificate that is of no
    /// use is refused.
    Optional,
    /// Who has none can't connect.
    Required,
}

/// What a service needs to speak TLS: certificates, and what is asked of clients.
///
/// TLS 1.2 and 1.3 are spoken, with keys that are exchanged anew for every session
/// (`X25519MLKEM768` before others, which is safe from quantum computers too). Sessions are resumed
/// with tickets, by any worker, for up to twelve hours; in TLS 1.3 they come with the first that
/// the server says, or at the end. Nothing is accepted before the handshake has ended (0-RTT).
///
/// A clone shares the certificates: what [`reload`](Self::reload) reads is read for all.
///
/// ```no_run
/// use wharf::{Tls, TlsVersion};
///
/// let tls = Tls::from_pem_files("cert.pem", "key.pem")?
///     .min_version(TlsVersion::Tls13)
///     .reload_on_change();
/// # Ok::<(), wharf::TlsConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tls {
    options: Options,
}

/// What was set. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    store: Arc<Store>,
    refuses_unknown_names: bool,
    min_version: TlsVersion,
    client_auth: ClientAuth,
    client_roots: Arc<[CertificateDer<'static>]>,
    /// `None` for those that the service speaks.
    protocols: Option<Arc<[Vec<u8>]>>,
    key_log: Option<Arc<KeyLogFile>>,
    redirects_http: bool,
}

impl Tls {
    /// With one certificate, which every client gets until there are more.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self {
            options: Options {
                store: Arc::new(Store::new(vec![certificate])),
                refuses_unknown_names: false,
                min_version: TlsVersion::Tls12,
                client_auth: ClientAuth::None,
                client_roots: Arc::new([]),
                protocols: None,
                key_log: None,
                redirects_http: false,
            },
        }
    }

    /// As [`new`](Self::new), with [`Certificate::from_pem_files`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_pem_files(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Certificate::from_pem_files(certificate, key).map(Self::new)
    }

    /// As [`new`](Self::new), with [`Certificate::from_pem`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_pem(
        certificate: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        Certificate::from_pem(certificate, key).map(Self::new)
    }

    /// As [`new`](Self::new), with [`Certificate::from_der`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_der(
        chain: impl IntoIterator<Item = Vec<u8>>,
        key: Vec<u8>,
    ) -> Result<Self, TlsConfigError> {
        Certificate::from_der(chain, key).map(Self::new)
    }

    /// Adds a certificate, for clients that ask for one of its names. One without a wildcard goes
    /// before one with; of two for the same name, as with an RSA and an ECDSA key, the first that
    /// the client can do with. Who asks for no name gets the first that was given.
    ///
    /// The certificates are those of this value from now on, and no more those of earlier clones.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        let mut certificates = self.options.store.certificates();
        certificates.push(certificate);
        self.options.store = Arc::new(Store::new(certificates));
        self
    }

    /// Refuses clients that ask for a name that no certificate has. Default: they get the first
    /// certificate, and decide for themselves. Who asks for no name gets it in any case.
    #[must_use]
    pub const fn refuse_unknown_names(mut self) -> Self {
        self.options.refuses_unknown_names = true;
        self
    }

    /// Asks clients for certificates by one of these authorities (in PEM). Default:
    /// [`ClientAuth::None`], which needs none.
    ///
    /// # Errors
    ///
    /// If there is no certificate in the text.
    pub fn client_auth(
        mut self,
        auth: ClientAuth,
        authorities: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        self.options.client_auth = auth;
        if auth != ClientAuth::None {
            let authorities =
                certificate::certificates(authorities.as_ref(), "the authorities for clients")?;
            self.options.client_roots = authorities.into();
        }
        Ok(self)
    }

    /// Sets the protocols to agree on (ALPN), the best first. Default: those that the service
    /// speaks. A client that offers others alone is refused; to one that offers none, the service
    /// speaks its first choice for such.
    ///
    /// # Errors
    ///
    /// If a name is empty or longer than 255 bytes.
    pub fn alpn<N>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self, TlsConfigError>
    where
        N: AsRef<[u8]>,
    {
        let names: Vec<_> = names.into_iter().map(|name| name.as_ref().to_vec()).collect();
        if !names.iter().all(|name| (1..=255).contains(&name.len())) {
            return Err(TlsConfigError::BadProtocol);
        }
        self.options.protocols = Some(names.into());
        Ok(self)
    }

    /// Sends who speaks plain HTTP on the port to the same place over TLS, with a 308: to
    /// `https://`, the `Host` of the request, with its port, and its target. It is a request as any
    /// other to limits, deadlines and the access log. Default: it is answered with 400 and a text.
    /// Means nothing where HTTP is not spoken.
    ///
    /// The request has come plainly all the same, with its cookies and what else is in it.
    #[must_use]
    pub const fn redirect_http(mut self) -> Self {
        self.options.redirects_http = true;
        self
    }

    /// Sets the oldest version that is spoken. Default: [`TlsVersion::Tls12`].
    #[must_use]
    pub const fn min_version(mut self, version: TlsVersion) -> Self {
        self.options.min_version = version;
        self
    }

    /// Appends the secrets of all sessions to a file, with which who has recorded them can read
    /// them: for finding faults alone. The file is made so that only its owner can read it.
    ///
    /// # Errors
    ///
    /// If it can't be opened for writing.
    pub fn key_log(mut self, path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        let path = path.as_ref();
        let file = KeyLogFile::open(path)
            .map_err(|source| TlsConfigError::File { path: path.into(), source })?;
        self.options.key_log = Some(Arc::new(file));
        Ok(self)
    }

    /// As [`key_log`](Self::key_log), with the file that the variable `SSLKEYLOGFILE` of the
    /// environment names, if it names one.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn key_log_from_env(self) -> Result<Self, TlsConfigError> {
        match std::env::var_os(KEY_LOG_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => self.key_log(path),
            None => Ok(self),
        }
    }

    /// Has files looked at that certificates are from, when a connection comes and the last time
    /// was ten seconds ago; those that have changed (time or size) are read again. What can't be
    /// used is left, and told by [`reload_error`](Self::reload_error).
    ///
    /// It is a worker that looks and reads: with files on a slow disk, call
    /// [`reload`](Self::reload) from elsewhere.
    #[must_use]
    pub fn reload_on_change(self) -> Self {
        self.options.store.watch();
        self
    }

    /// Reads the certificates again that are from files. Connections that come from now on get
    /// them; those that are there keep what they have.
    ///
    /// # Errors
    ///
    /// If a pair can't be used, or has expired: then what was there before stays in use, and the
    /// other pairs are read all the same.
    pub fn reload(&self) -> Result<(), TlsConfigError> {
        self.options.store.reload()
    }

    /// Why what was found by [`reload_on_change`](Self::reload_on_change) is not in use; `None` if
    /// it is.
    #[must_use]
    pub fn reload_error(&self) -> Option<Arc<TlsConfigError>> {
        self.options.store.error()
    }

    /// The certificates that are in use now.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        self.options.store.certificates()
    }

    /// What the sessions of a service have in common. `protocols` are those that it speaks.
    ///
    /// # Errors
    ///
    /// If the authorities for clients can't be used, or the system has no random numbers.
    pub(crate) fn acceptor(&self, protocols: &[&[u8]]) -> Result<Acceptor, TlsConfigError> {
        let protocols = match &self.options.protocols {
            Some(protocols) => protocols.to_vec(),
            None => protocols.iter().map(|name| name.to_vec()).collect(),
        };
        Acceptor::new(&self.options, protocols)
    }
}
