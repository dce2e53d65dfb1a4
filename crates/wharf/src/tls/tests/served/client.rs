//! Servers, and clients of either version of HTTP over TLS.
//!
//! Not here: what is asked (`mod.rs`), and what authorities issue (`harness.rs`).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::tls::tests::harness::{Authority, Issued};
use crate::{Server, ServerHandle, Stats, Tls};

/// Only a guard against hanging for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A client's certificate.
pub(super) fn identity(
    authority: &Authority,
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> Issued {
    authority.issue_with(&[], &PKCS_ECDSA_P256_SHA256, |params| {
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(params);
    })
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
