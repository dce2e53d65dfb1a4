//! TLS between a client and its connection, and the services that speak it.
//!
//! One certificate serves all tests, and all clients remember their sessions together, so that some
//! are resumed. Not here: what is asked (`cases`), and sessions without connections (`tls/tests`).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, LazyLock};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::cases::h2::is_apart;
use super::client::{Layer, Wire};
use super::harness::Transport;
use super::http2::Translator;
use crate::{Certificate, Service, Tls};

/// What a client gives to its session at a time, in bytes: it keeps all that the connection does
/// not take.
const WRITE_BYTES: usize = 16 << 10;

static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::self_signed(["localhost"]).expect("a certificate"));

static CLIENTS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| client_config(&[]));

static H2_CLIENTS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| client_config(&["h2"]));

/// TLS between clients and the server.
pub(super) const TLS: Transport = Transport {
    name: "TLS",
    carry: over_tls,
    dress: |client| client.through(layer_of(&CLIENTS)),
    is_plain: false,
    leaves_out: None,
};

/// HTTP/2 over TLS.
pub(super) const H2: Transport = Transport {
    name: "HTTP/2 over TLS",
    carry: over_tls,
    dress: |client| client.through(Box::new(Translator::new(Some(layer_of(&H2_CLIENTS))))),
    is_plain: false,
    leaves_out: Some(is_apart),
};

/// HTTP/2 over TLS, for clients that speak in frames.
pub(super) const FRAMES: Transport = Transport {
    name: "frames over TLS",
    carry: over_tls,
    dress: |client| client.through(layer_of(&H2_CLIENTS)),
    is_plain: false,
    leaves_out: None,
};

/// A service that speaks it already does so in its own way.
fn over_tls(service: Service) -> Service {
    if service.speaks_tls() { service } else { service.tls(tls()) }
}

/// With the certificate that the clients trust.
pub(super) fn tls() -> Tls {
    Tls::new(CERTIFICATE.clone())
}

/// A client's session for the service.
pub(super) fn layer_of(config: &Arc<ClientConfig>) -> Box<dyn Layer> {
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).expect("a configuration");
    Box::new(ClientSession(session))
}

/// Clients that offer these protocols.
pub(super) fn client_config(protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE.der())).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// The first that a client says.
pub(super) fn hello() -> Vec<u8> {
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = ClientConnection::new(Arc::clone(&CLIENTS), name).expect("a configuration");
    let mut hello = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut hello).expect("a vector takes all");
    }
    hello
}

struct ClientSession(ClientConnection);

impl Layer for ClientSession {
    fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    fn write(&mut self, wire: &mut Wire, bytes: &[u8]) -> io::Result<usize> {
        self.flush(wire)?;
        if self.0.is_handshaking() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = self.0.writer().write(&bytes[..bytes.len().min(WRITE_BYTES)])?;
        match self.flush(wire) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(len),
        }
    }

    fn flush(&mut self, wire: &mut Wire) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(wire)?;
        }
        Ok(())
    }

    fn read(&mut self, wire: &mut Wire, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.reader().read(buffer) {
                // It was said that there is no more: then it must be so.
                Ok(0) => {
                    let len = wire.read(buffer)?;
                    return if len == 0 { Ok(0) } else { Err(ErrorKind::InvalidData.into()) };
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            // Nothing may be sent any more by now, and yet there may be something to be read.
            let _unsent = self.flush(wire);
            self.0.read_tls(wire)?;
            let processed = self.0.process_new_packets();
            processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    fn shut(&mut self, wire: &mut Wire) {
        self.0.send_close_notify();
        let _unsent = self.flush(wire);
    }
}
