//! What authorities issue, and clients of either version of HTTP over TLS.
//!
//! Not here: what is asked (`main.rs`), and sessions without connections (the crate's own tests).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wharf::{Server, ServerHandle, Stats, Tls};

/// Only a guard against hanging for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The versions of TLS that are spoken.
pub(super) const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// An authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What an authority has issued, in PEM.
#[derive(Clone)]
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

    /// A server's certificate.
    pub(super) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    /// A client's certificate.
    pub(super) fn issue_client(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        self.issue_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            change(params);
        })
    }

    fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", &key.serialize_der()),
        }
    }

    /// Clients that trust the authority and remember their sessions together.
    pub(super) fn client(
        &self,
        version: &'static rustls::SupportedProtocolVersion,
        protocols: &[&str],
        identity: Option<&Issued>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Issued { certificate, key }) => {
                let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![chain], key).unwrap()
            }
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().into()).collect();
        config.resumption = Resumption::in_memory_sessions(64);
        Arc::new(config)
    }
}

impl Issued {
    pub(super) fn tls(&self) -> Tls {
        Tls::from_pem(&self.certificate, &self.key).unwrap()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
                << (8 * (3 - group.len()));
            for digit in 0..4 {
                let value = DIGITS[bits >> (18 - 6 * digit) & 63];
                text.push(if digit > group.len() { '=' } else { char::from(value) });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// A server that runs, and its address.
pub(super) struct Running {
    pub(super) handle: ServerHandle,
    pub(super) addr: SocketAddr,
}

impl Running {
    pub(super) fn over_tls(server: Server, tls: Tls) -> Self {
        Self::start(server.listen_tls("127.0.0.1:0", tls).unwrap())
    }

    pub(super) fn start(server: Server) -> Self {
        let handle = server.start().unwrap();
        let addr = handle.local_addrs()[0];
        Self { handle, addr }
    }

    /// Waits until the counts are so.
    pub(super) fn wait_until(&self, what: &str, are_so: impl Fn(&Stats) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !are_so(&self.handle.stats()) {
            assert!(Instant::now() < deadline, "{what}: {}", self.handle.stats());
            thread::yield_now();
        }
    }

    /// Ends it, once all clients are gone, and sees that nothing of them is left.
    pub(super) fn end(self) {
        self.wait_until("connections are left", |stats| stats.connections == 0);
        self.handle.stop();
        assert!(self.handle.wait(Some(PATIENCE)), "it stops");
    }
}

/// A client's connection, over which either version of HTTP is spoken.
pub(super) struct Client {
    pub(super) stream: StreamOwned<ClientConnection, TcpStream>,
    next_id: u32,
}

impl Client {
    /// Shakes hands. What the server refuses in TLS 1.3 is told by what is read next.
    pub(super) fn connect(
        addr: SocketAddr,
        config: &Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<Self> {
        let mut socket = TcpStream::connect(addr)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self { stream: StreamOwned::new(session, socket), next_id: 1 })
    }

    /// The body of the response to a GET, in the version that was agreed on.
    pub(super) fn get(&mut self, path: &str) -> io::Result<String> {
        match self.stream.conn.alpn_protocol() {
            Some(b"h2") => self.get_2(path),
            _ => self.get_1(path),
        }
    }

    fn get_1(&mut self, path: &str) -> io::Result<String> {
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")?;
        self.stream.flush()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?.to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length = length.lines().next().and_then(|length| length.parse().ok());
        let mut body = vec![0; length.expect("a number")];
        self.stream.read_exact(&mut body)?;
        String::from_utf8(body).map_err(io::Error::other)
    }

    /// The least of HTTP/2 that brings an answer of some bytes.
    fn get_2(&mut self, path: &str) -> io::Result<String> {
        const SETTINGS: u8 = 4;
        if self.next_id == 1 {
            self.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
            self.frame(SETTINGS, 0, 0, &[])?;
            self.frame(SETTINGS, 1, 0, &[])?;
        }
        let id = self.next_id;
        self.next_id += 2;
        // GET, https, and path and authority as they are (RFC 7541 section 6.2.2).
        let path_len = u8::try_from(path.len()).unwrap();
        let block = [b"\x82\x87\x04", &[path_len][..], path.as_bytes(), b"\x01\x01a"].concat();
        self.frame(1, 1 | 4, id, &block)?;
        self.stream.flush()?;
        let mut body = Vec::new();
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head)?;
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut payload)?;
            let (kind, flags) = (head[3], head[4]);
            let is_ours = head[5..] == id.to_be_bytes();
            assert!(!matches!(kind, 3 | 7), "RST_STREAM or GOAWAY: {payload:?}");
            if is_ours && kind == 0 {
                body.extend_from_slice(&payload);
            }
            if is_ours && flags & 1 != 0 {
                return String::from_utf8(body).map_err(io::Error::other);
            }
        }
    }

    fn frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&len[1..], &[kind, flags], &id.to_be_bytes()].concat();
        self.stream.write_all(&[&head, payload].concat())
    }

    /// Says that nothing more comes, and waits for the other side to say so.
    pub(super) fn close(mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
        let mut rest = Vec::new();
        let end = self.stream.read_to_end(&mut rest);
        let is_closed =
            end.is_ok() || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        assert!(is_closed, "the server does not say goodbye");
    }
}
