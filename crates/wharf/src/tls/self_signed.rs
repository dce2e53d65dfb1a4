//! Certificates that no authority issued, for development. Feature `tls-self-signed`.
//!
//! Not here: making a client trust them.

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::certificate::Certificate;
use super::error::TlsConfigError;
use crate::Tls;

impl Certificate {
    /// Makes a key (P-256) and a certificate for these names, which nobody vouches for: clients
    /// have to be told its [`fingerprint`](Self::fingerprint), or not to mind. For development.
    /// Both are new each time and nowhere but in memory.
    ///
    /// ```
    /// use wharf::Certificate;
    ///
    /// let certificate = Certificate::self_signed(["localhost", "127.0.0.1"])?;
    /// println!("SHA-256: {:02x?}", certificate.fingerprint());
    /// # Ok::<(), wharf::TlsConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a name can't stand in a certificate.
    pub fn self_signed<N>(names: impl IntoIterator<Item = N>) -> Result<Self, TlsConfigError>
    where
        N: Into<String>,
    {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)
            .map_err(|error| TlsConfigError::Failed { reason: error.to_string() })?;
        Self::from_der([cert.der().to_vec()], signing_key.serialize_der())
    }
}

impl Tls {
    /// As [`new`](Self::new), with [`Certificate::self_signed`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn self_signed<N>(names: impl IntoIterator<Item = N>) -> Result<Self, TlsConfigError>
    where
        N: Into<String>,
    {
        Certificate::self_signed(names).map(Self::new)
    }
}
