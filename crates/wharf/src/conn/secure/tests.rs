//! When tickets are sent.
//!
//! Not here: sessions without connections (`tls/tests`), and what goes on over connections
//! (`tests/cases/secure.rs`).

use std::sync::{Arc, LazyLock};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::{Scratch, Secure};
use crate::conn::wire::Ending;
use crate::output::Output;
use crate::{Certificate, Tls};

static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::self_signed(["localhost"]).expect("a certificate"));

/// Both ends of a connection whose handshake is over.
struct Pair {
    client: ClientConnection,
    secure: Secure,
    scratch: Scratch,
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(CERTIFICATE.der())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let acceptor = Tls::new(CERTIFICATE.clone()).acceptor(&[]).unwrap();
        let secure = Secure::new(&acceptor);
        let mut pair = Self { client, secure, scratch: Scratch::default() };
        while pair.secure.is_handshaking() {
            pair.say();
            if pair.secure.is_handshaking() {
                assert!(pair.hear(), "the handshake goes on");
            }
        }
        pair
    }

    /// What the client has to say is received.
    fn say(&mut self) {
        let mut bytes = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut bytes).unwrap();
        }
        self.secure.receive(&bytes, &mut self.scratch).unwrap();
    }

    /// What is to be sent now reaches the client. `false` if nothing is.
    fn hear(&mut self) -> bool {
        let Some((output, _)) = self.secure.begin_send(None, &mut self.scratch) else {
            return false;
        };
        let bytes = output.buffer.to_vec();
        self.secure.on_sent(None);
        self.read(&bytes);
        true
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.client.read_tls(&mut bytes).unwrap();
            self.client.process_new_packets().unwrap();
        }
    }

    fn tickets(&self) -> u32 {
        self.client.tls13_tickets_received()
    }
}

#[test]
fn tickets_wait_for_what_is_said_first() {
    let mut pair = Pair::new(&TLS13);
    assert!(!pair.hear());
    assert!(pair.secure.is_all_sent() && !pair.secure.has_output() && !pair.secure.is_busy());
    pair.secure.rest(&mut pair.scratch);
    let mut output = Output::default();
    output.append(b"hello");
    pair.secure.plain = Some(output);
    assert!(pair.secure.has_output());
    assert!(pair.hear());
    assert_eq!(pair.tickets(), 2);
    assert!(!pair.hear() && pair.secure.is_all_sent());
}

#[test]
fn tickets_do_not_wait_for_what_is_not_said() {
    for ending in [Ending::Linger, Ending::HalfClose, Ending::Detach] {
        let mut pair = Pair::new(&TLS13);
        pair.secure.end(ending);
        assert!(pair.hear(), "{ending:?}");
        assert_eq!(pair.tickets(), 2, "{ending:?}");
    }
    let mut pair = Pair::new(&TLS13);
    let goodbye = pair.secure.goodbye().expect("it was not said yet");
    pair.read(&goodbye.buffer);
    assert_eq!(pair.tickets(), 2);
}

/// The last of the handshake is behind them.
#[test]
fn tickets_of_tls_1_2_do_not_wait() {
    let mut pair = Pair::new(&TLS12);
    assert!(pair.hear());
    assert!(!pair.client.is_handshaking());
}
