//! [`Acceptor`]: what the sessions of a service have in common; and [`Identity`], a certificate
//! with its key.
//!
//! Not here: which certificate a client gets (`hello.rs`, `tls/store.rs`).

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rustls::crypto::aws_lc_rs::{Ticketer, cipher_suite, default_provider};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{KeyLog, NoKeyLog, RootCertStore, ServerConfig};

use super::errors;
use super::hello::ByName;
use crate::tls::error::TlsConfigError;
use crate::tls::info::TlsVersion;
use crate::tls::key_log::KeyLogFile;
use crate::tls::store::Store;
use crate::tls::{ClientAuth, Options};

/// A certificate with those that lead to its issuer, and its key.
#[derive(Clone)]
pub(crate) struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// # Errors
    ///
    /// If one of them can't be used, or they do not belong together.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        origin: &str,
    ) -> Result<Self, TlsConfigError> {
        CertifiedKey::from_der(chain, key, &default_provider())
            .map(|pair| Self(Arc::new(pair)))
            .map_err(|error| errors::of_pair(&error, origin))
    }

    /// The certificate itself.
    pub(crate) fn der(&self) -> &[u8] {
        self.0.cert.first().map_or(&[], |certificate| certificate.as_ref())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// What the sessions of a service have in common, shared by all workers: cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    config: Arc<ServerConfig>,
    store: Arc<Store>,
    redirects_http: bool,
}

impl Acceptor {
    /// `protocols` are those to agree on (ALPN), the best first.
    ///
    /// # Errors
    ///
    /// If the authorities for clients are of no use, or the system has no random bytes.
    pub(crate) fn new(options: &Options, protocols: Vec<Vec<u8>>) -> Result<Self, TlsConfigError> {
        let failed =
            |error: &dyn fmt::Display| TlsConfigError::Failed { reason: error.to_string() };
        let versions: &[_] = match options.min_version {
            TlsVersion::Tls12 => &[&TLS12, &TLS13],
            TlsVersion::Tls13 => &[&TLS13],
        };
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| failed(&error))?;
        let builder = match options.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Optional | ClientAuth::Required => {
                let roots = Arc::new(roots(&options.client_roots)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = match options.client_auth {
                    ClientAuth::Optional => verifier.allow_unauthenticated(),
                    ClientAuth::None | ClientAuth::Required => verifier,
                };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| failed(&error))?)
            }
        };
        let store = Arc::clone(&options.store);
        let by_name =
            ByName { store: Arc::clone(&store), refuses_unknown: options.refuses_unknown_names };
        let mut config = builder.with_cert_resolver(Arc::new(by_name));
        config.alpn_protocols = protocols;
        // Tickets hold a session by themselves, with keys that change every six hours: any worker
        // can take it up again, and none remembers it.
        config.ticketer = Ticketer::new().map_err(|error| failed(&error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // What comes early can be repeated by anyone.
        config.max_early_data_size = 0;
        config.key_log = match &options.key_log {
            Some(file) => Arc::new(Logged(Arc::clone(file))),
            None => Arc::new(NoKeyLog),
        };
        let redirects_http = options.redirects_http;
        Ok(Self { config: Arc::new(config), store, redirects_http })
    }

    /// Whether who speaks plain HTTP is sent to where TLS is spoken.
    pub(crate) const fn redirects_http(&self) -> bool {
        self.redirects_http
    }

    /// For a session that begins now.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.store.look(Instant::now);
        Arc::clone(&self.config)
    }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|error| TlsConfigError::BadCertificate {
            origin: "the authorities for clients".into(),
            reason: error.to_string(),
        })?;
    }
    Ok(roots)
}

/// Writes the secrets of sessions to a file.
#[derive(Debug)]
struct Logged(Arc<KeyLogFile>);

impl KeyLog for Logged {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.0.write(label, client_random, secret);
    }
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let suite = cipher_suite::TLS13_AES_128_GCM_SHA256.tls13();
    let hash = suite.expect("it is one of TLS 1.3").common.hash_provider.hash(bytes);
    hash.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}
