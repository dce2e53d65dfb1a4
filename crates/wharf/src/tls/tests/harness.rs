//! A client, what authorities issue, and the bytes between a client and a session.
//!
//! Not here: the cases.

use std::io::{Read, Write};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    SignatureAlgorithm,
};
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::tls::{Acceptor, Certificate, Received, Tls, TlsError, TlsSession, TlsVersion};

/// The versions that are spoken.
pub(super) const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// An authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What an authority has issued, in PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        pem("CERTIFICATE", self.0.der())
    }

    pub(super) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, &rcgen::PKCS_ECDSA_P256_SHA256, |_| {})
    }

    pub(super) fn issue_with(
        &self,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", &key.serialize_der()),
        }
    }

    /// Clients that trust the authority and remember their sessions together.
    pub(super) fn client(
        &self,
        version: TlsVersion,
        protocols: &[&'static str],
        identity: Option<&Issued>,
    ) -> Arc<ClientConfig> {
        let identity =
            identity.map(|Issued { certificate, key }| (certificate.clone(), key.clone()));
        ClientOptions { version, protocols: protocols.to_vec(), identity }.config(self)
    }

    /// A client's certificate with a name of every kind.
    pub(super) fn issue_client(&self) -> Issued {
        self.issue_with(&["client.example"], &rcgen::PKCS_ECDSA_P256_SHA256, |params| {
            params.distinguished_name.push(DnType::CommonName, "Nadia Näf");
            params.subject_alt_names.extend([
                SanType::IpAddress("192.0.2.7".parse().unwrap()),
                SanType::IpAddress("2001:db8::7".parse().unwrap()),
                SanType::Rfc822Name("nadia@example.com".try_into().unwrap()),
                SanType::URI("spiffe://example/nadia".try_into().unwrap()),
            ]);
        })
    }
}

impl Issued {
    pub(super) fn pair(&self) -> Certificate {
        Certificate::from_pem(&self.certificate, &self.key).unwrap()
    }

    pub(super) fn tls(&self) -> Tls {
        Tls::new(self.pair())
    }
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - group.len()));
            for digit in 0..4 {
                let is_padding = digit > group.len();
                let value = DIGITS[bits >> (18 - 6 * digit) & 63];
                text.push(if is_padding { '=' } else { char::from(value) });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// How clients are set up.
#[derive(Clone)]
pub(super) struct ClientOptions {
    pub(super) version: TlsVersion,
    pub(super) protocols: Vec<&'static str>,
    pub(super) identity: Option<(String, String)>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { version: TlsVersion::Tls13, protocols: Vec::new(), identity: None }
    }
}

impl ClientOptions {
    /// Clients that trust the authority, and remember their sessions together.
    pub(super) fn config(&self, authority: &Authority) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let version = match self.version {
            TlsVersion::Tls12 => &TLS12,
            TlsVersion::Tls13 => &TLS13,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                use rustls::pki_types::pem::PemObject;
                let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![chain], key).unwrap()
            }
        };
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().into()).collect();
        config.resumption = Resumption::in_memory_sessions(32);
        Arc::new(config)
    }
}

/// A client and a session, and what is between them.
pub(super) struct Link {
    pub(super) client: ClientConnection,
    pub(super) server: TlsSession,
    /// What has come out of the session as plaintext.
    pub(super) plain: Vec<u8>,
    /// What has come out of the client as plaintext.
    pub(super) received: Vec<u8>,
    pub(super) ended: usize,
    pub(super) is_closed: bool,
    scratch: Vec<u8>,
}

impl Link {
    pub(super) fn new(acceptor: &Acceptor, config: &Arc<ClientConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(config), name).unwrap(),
            server: TlsSession::new(acceptor),
            plain: Vec::new(),
            received: Vec::new(),
            ended: 0,
            is_closed: false,
            scratch: Vec::new(),
        }
    }

    /// A link whose handshake is over.
    pub(super) fn open(acceptor: &Acceptor, config: &Arc<ClientConfig>, name: &str) -> Self {
        let mut link = Self::new(acceptor, config, name);
        link.run().unwrap();
        assert!(!link.server.is_handshaking() && !link.client.is_handshaking());
        link
    }

    /// Carries bytes to and fro until there are none.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        self.run_cut(|len| len)
    }

    /// The same, in pieces of which `cut` gives the size of the next from what there is.
    pub(super) fn run_cut(&mut self, mut cut: impl FnMut(usize) -> usize) -> Result<(), Failure> {
        loop {
            let sent = self.sent_by_client();
            let mut out = Vec::new();
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(cut(rest.len()));
                rest = behind;
                let result = self.receive(piece, &mut out);
                if let Err(error) = result {
                    let alert = self.tell_client(&out).err();
                    return Err(Failure { server: Some(error), client: alert });
                }
            }
            let is_idle = sent.is_empty() && out.is_empty();
            let mut rest = &out[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(cut(rest.len()));
                rest = behind;
                if let Err(error) = self.tell_client(piece) {
                    let mut out = Vec::new();
                    let alert = self.sent_by_client();
                    let server = self.receive(&alert, &mut out).err();
                    return Err(Failure { server, client: Some(error) });
                }
            }
            if is_idle {
                return Ok(());
            }
        }
    }

    /// What the client has to send.
    pub(super) fn sent_by_client(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Received, TlsError> {
        let received = self.server.receive(bytes, &mut self.scratch, &mut self.plain, out)?;
        self.ended += usize::from(received.handshake_ended);
        self.is_closed |= received.is_closed;
        Ok(received)
    }

    pub(super) fn tell_client(&mut self, mut bytes: &[u8]) -> Result<(), rustls::Error> {
        while !bytes.is_empty() {
            self.client.read_tls(&mut bytes).unwrap();
            self.client.process_new_packets()?;
            // It takes no more while it holds much. That there is none yet is an error here.
            let _no_more = self.client.reader().read_to_end(&mut self.received);
        }
        Ok(())
    }

    /// What the session makes of plaintext.
    pub(super) fn encrypted(&mut self, parts: [&[u8]; 2]) -> Vec<u8> {
        let mut out = Vec::new();
        self.server.encrypt(parts, &mut self.scratch, &mut out).unwrap();
        out
    }

    /// Sends from the client, and gives what came out of the session.
    pub(super) fn upload(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.client.writer().write_all(bytes).unwrap();
        self.run().unwrap();
        std::mem::take(&mut self.plain)
    }

    /// Sends from the session, and gives what came out of the client.
    pub(super) fn download(&mut self, bytes: &[u8]) -> Vec<u8> {
        let sent = self.encrypted([bytes, b""]);
        self.tell_client(&sent).unwrap();
        std::mem::take(&mut self.received)
    }
}

/// How a handshake failed, on both sides.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) server: Option<TlsError>,
    pub(super) client: Option<rustls::Error>,
}

/// The records in what was sent.
pub(super) fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let len = 5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let (record, rest) = bytes.split_at(len);
        records.push(record.to_vec());
        bytes = rest;
    }
    records
}
