//! What a session has agreed on, as a [`TlsInfo`].
//!
//! Not here: when it is asked for (`session.rs`).

use rustls::server::UnbufferedServerConnection;
use rustls::{HandshakeKind, ProtocolVersion};

use crate::tls::info::{ClientCertificate, TlsInfo, TlsVersion};

/// Of a session whose handshake is over.
pub(super) fn info(engine: &UnbufferedServerConnection, name: Option<&str>) -> TlsInfo {
    let suite = engine.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let group = engine.negotiated_key_exchange_group().and_then(|group| group.name().as_str());
    let chain = engine.peer_certificates().unwrap_or_default();
    TlsInfo {
        version: match engine.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        },
        // The registry has no number in the names of the suites of TLS 1.3.
        cipher_suite: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
        key_exchange: group,
        protocol: engine.alpn_protocol().map(Box::from),
        server_name: name.map(Box::from),
        is_resumed: engine.handshake_kind() == Some(HandshakeKind::Resumed),
        client: ClientCertificate::new(chain.iter().map(|der| der.as_ref().into()).collect()),
    }
}
