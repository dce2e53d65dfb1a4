//! The layers of a build that has TLS, and a client that speaks it. Not here: what else there is to
//! know of TLS (`src/tls/tests`).

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wharf::{Certificate, Tls};

use super::{Client, Layer, PLAIN};

pub(super) const LAYERS: &[Layer] = &[
    PLAIN,
    Layer {
        name: "TLS",
        listen: |server, addr| server.listen_tls(addr, Tls::new(CERTIFICATE.clone())),
        dress: |socket| {
            let name = ServerName::try_from("localhost").expect("a name");
            let session = ClientConnection::new(Arc::clone(&CLIENTS), name);
            Box::new(StreamOwned::new(session.expect("a configuration"), socket))
        },
    },
];

static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::self_signed(["localhost"]).expect("a certificate"));

static CLIENTS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE.der())).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_root_certificates(roots);
    Arc::new(builder.with_no_client_auth())
});

impl Client for StreamOwned<ClientConnection, TcpStream> {
    fn end(&mut self) {
        self.conn.send_close_notify();
        self.flush().expect("it is open");
    }
}
