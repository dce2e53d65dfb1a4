//! [`Certificate`]: a certificate with its key, and the names that it is for.
//!
//! Not here: which of several a client gets (`store.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::engine::{Identity, sha256};
use super::error::TlsConfigError;
use super::x509;

/// What a pair is called in errors that was not read from files.
const GIVEN: &str = "the given certificate";

/// A certificate with its private key, for [`Tls::certificate`](crate::Tls::certificate).
///
/// Behind the certificate stand those that lead to its authority, as authorities deliver them. The
/// key is RSA (2048 to 8192 bits), ECDSA (P-256, P-384 or P-521) or Ed25519, in PKCS#8, PKCS#1 or
/// SEC1, and not encrypted.
///
/// ```no_run
/// use wharf::{Certificate, Tls};
///
/// let shop = Certificate::from_pem_files("shop.pem", "shop-key.pem")?;
/// let tls = Tls::from_pem_files("cert.pem", "key.pem")?.certificate(shop);
/// # Ok::<(), wharf::TlsConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) identity: Identity,
    /// In small letters.
    pub(super) names: Vec<String>,
    pub(super) not_after: Option<SystemTime>,
    /// Where it can be read again.
    pub(super) files: Option<Files>,
}

/// A pair of files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// What they were like when they were last read.
    stamp: Stamp,
    /// Whether the names are the program's and not the certificate's.
    has_given_names: bool,
}

/// When a file was changed last, and its size, for each of a pair.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    /// Reads both from files in PEM, which may be the same file.
    ///
    /// # Errors
    ///
    /// If a file can't be read, or does not have what is looked for, or the key is not the
    /// certificate's.
    pub fn from_pem_files(
        certificate: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Self::read_files(certificate.as_ref(), key.as_ref())
    }

    /// Reads both from text in PEM, which may be the same text.
    ///
    /// # Errors
    ///
    /// As [`from_pem_files`](Self::from_pem_files).
    pub fn from_pem(
        certificate: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        Self::parse(certificate.as_ref(), GIVEN, key.as_ref(), "the given key")
    }

    /// Takes certificates and the key in DER.
    ///
    /// # Errors
    ///
    /// As [`from_pem_files`](Self::from_pem_files).
    pub fn from_der(
        chain: impl IntoIterator<Item = Vec<u8>>,
        key: Vec<u8>,
    ) -> Result<Self, TlsConfigError> {
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::try_from(key).map_err(|reason| TlsConfigError::BadKey {
            origin: "the given key".into(),
            reason: reason.into(),
        })?;
        Self::new(chain, key, GIVEN)
    }

    /// Sets the names that the certificate is shown for, as `www.example.com` or
    /// `*.example.com`, which stands for names with one more label. Default: those in it.
    ///
    /// # Errors
    ///
    /// If one can't be the name of a host.
    pub fn names<N>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self, TlsConfigError>
    where
        N: AsRef<str>,
    {
        self.names =
            names.into_iter().map(|name| checked(name.as_ref())).collect::<Result<_, _>>()?;
        if let Some(files) = &mut self.files {
            files.has_given_names = true;
        }
        Ok(self)
    }

    /// When it ends; `None` if it does not say.
    #[must_use]
    pub const fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// The SHA-256 of the certificate, by which a client can know one that no authority issued.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(self.identity.der())
    }

    /// The certificate in DER, without those behind it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.identity.der()
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        origin: &str,
    ) -> Result<Self, TlsConfigError> {
        let Some(first) = chain.first() else {
            return Err(TlsConfigError::NoCertificate { origin: origin.into() });
        };
        let fields = x509::read(first).ok_or_else(|| TlsConfigError::BadCertificate {
            origin: origin.into(),
            reason: "not in the form of X.509".into(),
        })?;
        // A name that no client can ask for is passed over.
        let names = fields.dns_names.iter().filter_map(|name| checked(name).ok()).collect();
        let identity = Identity::new(chain, key, origin)?;
        Ok(Self { identity, names, not_after: fields.not_after, files: None })
    }

    fn parse(
        certificate: &[u8],
        origin: &str,
        key: &[u8],
        key_origin: &str,
    ) -> Result<Self, TlsConfigError> {
        let chain = certificates(certificate, origin)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            PemError::NoItemsFound => TlsConfigError::NoKey { origin: key_origin.into() },
            error => bad_pem(&error, key_origin),
        })?;
        Self::new(chain, key, origin)
    }

    fn read_files(certificate: &Path, key: &Path) -> Result<Self, TlsConfigError> {
        // Before they are read: a change in between is noticed the next time.
        let stamp = stamp(certificate, key);
        let mut pair = Self::parse(
            &read(certificate)?,
            &certificate.display().to_string(),
            &read(key)?,
            &key.display().to_string(),
        )?;
        let (certificate, key) = (certificate.into(), key.into());
        pair.files = Some(Files { certificate, key, stamp, has_given_names: false });
        Ok(pair)
    }

    /// Reads the files again that it is from. `None` if there are none.
    ///
    /// # Errors
    ///
    /// As [`from_pem_files`](Self::from_pem_files), and if what is there has expired.
    pub(super) fn read_again(&self) -> Option<Result<Self, TlsConfigError>> {
        let files = self.files.as_ref()?;
        let pair = Self::read_files(&files.certificate, &files.key).and_then(|mut pair| {
            if pair.not_after.is_some_and(|end| end < SystemTime::now()) {
                let origin = files.certificate.display().to_string();
                return Err(TlsConfigError::Expired { origin });
            }
            if files.has_given_names {
                pair.names.clone_from(&self.names);
                if let Some(files) = &mut pair.files {
                    files.has_given_names = true;
                }
            }
            Ok(pair)
        });
        Some(pair)
    }

    /// Whether its files are not what they were when they were read.
    pub(super) fn has_changed(&self) -> bool {
        let files = self.files.as_ref();
        files.is_some_and(|files| stamp(&files.certificate, &files.key) != files.stamp)
    }
}

/// The certificates in a text in PEM, at least one.
pub(super) fn certificates(
    pem: &[u8],
    origin: &str,
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| bad_pem(&error, origin))?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate { origin: origin.into() });
    }
    Ok(certificates)
}

fn bad_pem(error: &PemError, origin: &str) -> TlsConfigError {
    TlsConfigError::BadPem { origin: origin.into(), reason: error.to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsConfigError> {
    fs::read(path).map_err(|source| TlsConfigError::File { path: path.into(), source })
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

/// A host's name in small letters, or `*.` and one.
fn checked(name: &str) -> Result<String, TlsConfigError> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err(TlsConfigError::BadName { name: name.into() });
    }
    Ok(name.to_ascii_lowercase())
}
