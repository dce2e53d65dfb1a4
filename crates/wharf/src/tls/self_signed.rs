//! Certificates that no authority issued, for development. Feature `tls-self-signed`.
//!
//! Not here: making a client trust them.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};

use super::certificate::Certificate;
use super::error::TlsConfigError;
use crate::Tls;

const DAY: Duration = Duration::from_secs(86_400);

/// How long before now a certificate begins: clients' clocks may be behind, or in another zone.
const BACKDATED: Duration = DAY;

/// How long it lasts in all. Clients refuse certificates of more than 398 days, and Mozilla advises
/// at most 366.
const LIFETIME: Duration = DAY.saturating_mul(365);

impl Certificate {
    /// Makes a key (P-256) and a certificate for these names, which nobody vouches for: clients
    /// have to be told its [`fingerprint`](Self::fingerprint), or not to mind. For development.
    /// Both are new each time and nowhere but in memory. The certificate began a day ago and lasts
    /// for 364 days more: clients refuse what lasts much longer.
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
        let failed = |error: &dyn Display| TlsConfigError::Failed { reason: error.to_string() };
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let first = names.first().cloned();
        let mut params = CertificateParams::new(names).map_err(|error| failed(&error))?;
        let begin = SystemTime::now() - BACKDATED;
        params.not_before = begin.into();
        params.not_after = (begin + LIFETIME).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name = DistinguishedName::new();
        // For who reads it: no client looks there for names any more. It has room for 64 characters
        // (RFC 5280, appendix A.1).
        if let Some(name) = first.filter(|name| (1..=64).contains(&name.len())) {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = params.self_signed(&key).map_err(|error| failed(&error))?;
        Self::from_der([certificate.der().to_vec()], key.serialize_der())
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
