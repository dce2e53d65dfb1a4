//! [`TlsInfo`]: what a connection's two sides have agreed on, and who the client is.
//!
//! Not here: how it is found out (`engine/describe.rs`), and how a certificate is read (`x509.rs`).

use std::fmt;
use std::net::IpAddr;

use super::x509::{self, Fields};

/// A version of TLS. Those before 1.2 are not spoken.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, of 2008.
    Tls12,
    /// TLS 1.3, of 2018.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// What the two sides of a connection have agreed on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version of TLS.
    pub version: TlsVersion,
    /// The registered name of the cipher suite, as `TLS_AES_128_GCM_SHA256`.
    pub cipher_suite: String,
    /// The name of the group of the key exchange, as `X25519MLKEM768`; `None` if there was none,
    /// for the session was resumed.
    pub key_exchange: Option<&'static str>,
    /// The protocol that both speak (ALPN), as `h2`; `None` if the client offered none.
    pub protocol: Option<Box<[u8]>>,
    /// The name that the client asked for (SNI); `None` if it asked for none, as one that uses an
    /// address.
    pub server_name: Option<Box<str>>,
    /// Whether the session goes on from an earlier one.
    pub is_resumed: bool,
    /// Who the client is; `None` if it has shown no certificate.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate, which one of the authorities that were given has issued and which the
/// client has the key of. The names in it are the authority's word.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// The certificate in DER, and behind it those that the client sent along, in its order.
    pub chain: Vec<Vec<u8>>,
    /// The common name of its subject.
    pub common_name: Option<String>,
    /// The names of hosts that it is for.
    pub dns_names: Vec<String>,
    /// The addresses of hosts that it is for.
    pub ip_addrs: Vec<IpAddr>,
    /// The mail addresses that it is for.
    pub emails: Vec<String>,
    /// The URIs that it is for, as a SPIFFE identity.
    pub uris: Vec<String>,
}

impl ClientCertificate {
    /// Reads the first, if there is one.
    pub(super) fn new(chain: Vec<Vec<u8>>) -> Option<Self> {
        let fields = x509::read(chain.first()?).unwrap_or_default();
        let Fields { common_name, dns_names, ip_addrs, emails, uris, .. } = fields;
        Some(Self { chain, common_name, dns_names, ip_addrs, emails, uris })
    }
}
