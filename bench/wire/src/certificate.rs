//! A certificate for servers, made anew for each run, and clients that trust it alone.
//!
//! Not here: names other than `localhost`, and chains.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;

use crate::{Transport, Version};

/// A certificate for `localhost` that signs itself, with a key on the curve P-256, in files that
/// are there as long as this is.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<TempDir>);

impl Certificate {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// When there is nowhere to write it.
    pub fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("bench-").tempdir()?;
        // Servers started by root serve as somebody else.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .context("cannot make a certificate")?;
        let this = Self(Arc::new(directory));
        fs::write(this.chain(), made.cert.pem())?;
        fs::write(this.key(), made.signing_key.serialize_pem())?;
        Ok(this)
    }

    /// The file of the chain.
    #[must_use]
    pub fn chain(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    /// The file of the private key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    /// The options that peers take for it.
    #[must_use]
    pub fn options(&self) -> [OsString; 4] {
        ["--tls-cert".into(), self.chain().into(), "--tls-key".into(), self.key().into()]
    }

    /// How a client speaks TLS with a server that has it, and offers that version alone.
    ///
    /// # Errors
    ///
    /// When the file is gone.
    pub fn transport(&self, version: Version) -> Result<Transport> {
        Transport::trusting(&self.chain(), version)
    }
}

impl Transport {
    /// How a client speaks TLS with a server that has the certificate in the file `chain`, and
    /// offers that version alone.
    ///
    /// # Errors
    ///
    /// When `chain` is not a file with a certificate.
    pub fn trusting(chain: &Path, version: Version) -> Result<Self> {
        let mut config = trusting(CertificateDer::from_pem_file(chain)?)?;
        config.alpn_protocols = vec![version.alpn().to_vec()];
        // Every handshake is a full one, as those of many clients would be.
        config.resumption = Resumption::disabled();
        Ok(Self::Tls(Arc::new(config)))
    }
}

fn trusting(certificate: CertificateDer<'_>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    Ok(ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
