//! Handshakes: what is agreed on, what is refused, and how.
//!
//! Not here: what follows them.

use std::io::Write;

use super::harness::{Authority, ClientOptions, Failure, Link, VERSIONS};
use crate::tls::{ClientAuth, ClientCertificate, TlsError, TlsVersion};

#[test]
fn handshakes_cut_at_every_byte_both_ways_succeed() {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls();
    let tls = tls.client_auth(ClientAuth::Required, authority.pem()).unwrap();
    let acceptor = tls.acceptor(&[b"http/1.1"]).unwrap();
    let client = authority.issue_client();
    for version in VERSIONS {
        let identity = Some((client.certificate.clone(), client.key.clone()));
        let options = ClientOptions { version, identity, ..ClientOptions::default() };
        let config = options.config(&authority);
        let mut link = Link::new(&acceptor, &config, "localhost");
        link.run_cut(|_| 1).unwrap();
        assert_eq!(link.ended, 1);
        link.client.writer().write_all(b"ping").unwrap();
        link.run_cut(|_| 1).unwrap();
        assert_eq!(link.plain, b"ping");

        // Cut in pieces of seven, fourteen and so on, until none is cut any more.
        let mut is_cut_somewhere = true;
        let mut at = 0;
        while is_cut_somewhere {
            is_cut_somewhere = false;
            at += 7;
            let mut link = Link::new(&acceptor, &config, "localhost");
            let cut = |len| {
                is_cut_somewhere |= at < len;
                if at < len { at } else { len }
            };
            link.run_cut(cut).unwrap();
            assert_eq!(link.ended, 1, "cut at {at}");
        }
    }
}

#[test]
fn what_was_agreed_on_is_told() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[b"h2", b"http/1.1"]).unwrap();
    for version in VERSIONS {
        let protocols = vec!["http/1.1", "h2"];
        let config =
            ClientOptions { version, protocols, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::new(&acceptor, &config, "LocalHost");
        assert!(link.server.info().is_none());
        link.run().unwrap();
        assert_eq!(link.server.protocol(), Some(&b"h2"[..]));
        let info = link.server.info().unwrap();
        assert_eq!(info.version, version);
        assert_eq!(info.protocol.as_deref(), Some(&b"h2"[..]));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert!(!info.is_resumed && info.client.is_none());
        let (suite, group) = match version {
            TlsVersion::Tls12 => ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "X25519"),
            TlsVersion::Tls13 => ("TLS_AES_256_GCM_SHA384", "X25519MLKEM768"),
        };
        assert_eq!((info.cipher_suite.as_str(), info.key_exchange), (suite, Some(group)));
    }
}

#[test]
fn a_session_is_resumed_by_any_worker_and_says_so() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut first = Link::open(&acceptor, &config, "localhost");
        assert!(!first.server.info().unwrap().is_resumed);
        let mut second = Link::open(&acceptor.clone(), &config, "localhost");
        let info = second.server.info().unwrap();
        assert!(info.is_resumed, "{version}");
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert_eq!(second.upload(b"ping"), b"ping");

        // A service of its own has keys of its own.
        let other = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
        let mut third = Link::open(&other, &config, "localhost");
        assert!(!third.server.info().unwrap().is_resumed, "{version}");
    }
}

/// Its name, ours, theirs, and what is agreed on.
type AlpnCase = (
    &'static str,
    &'static [&'static [u8]],
    &'static [&'static str],
    Result<Option<&'static [u8]>, TlsError>,
);

#[test]
fn protocols_are_agreed_on_or_refused() {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls();
    let cases: &[AlpnCase] = &[
        ("both, ours first", &[b"h2", b"http/1.1"], &["http/1.1", "h2"], Ok(Some(b"h2"))),
        ("the one they have", &[b"h2", b"http/1.1"], &["http/1.1"], Ok(Some(b"http/1.1"))),
        ("they offer none", &[b"h2", b"http/1.1"], &[], Ok(None)),
        ("we offer none", &[], &["h2"], Ok(None)),
        ("no overlap", &[b"h2", b"http/1.1"], &["imap"], Err(TlsError::NoSharedProtocol)),
        ("only the other", &[b"http/1.1"], &["h2"], Err(TlsError::NoSharedProtocol)),
    ];
    for (name, ours, theirs, expected) in cases {
        let acceptor = tls.acceptor(ours).unwrap();
        let options = ClientOptions { protocols: theirs.to_vec(), ..ClientOptions::default() };
        let mut link = Link::new(&acceptor, &options.config(&authority), "localhost");
        match (link.run(), expected) {
            (Ok(()), Ok(protocol)) => assert_eq!(link.server.protocol(), *protocol, "{name}"),
            (Err(Failure { server, client }), Err(error)) => {
                assert_eq!(server.as_ref(), Some(error), "{name}");
                let alert = client.unwrap().to_string();
                assert!(alert.contains("NoApplicationProtocol"), "{name}: {alert}");
            }
            (result, _) => panic!("{name}: {result:?}"),
        }
    }
    let given = tls.alpn(["mine"]).unwrap().acceptor(&[b"h2"]).unwrap();
    let options = ClientOptions { protocols: vec!["mine", "h2"], ..ClientOptions::default() };
    let link = Link::open(&given, &options.config(&authority), "localhost");
    assert_eq!(link.server.protocol(), Some(&b"mine"[..]));
}

#[test]
fn a_version_that_is_too_old_is_refused() {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls().min_version(TlsVersion::Tls13);
    let acceptor = tls.acceptor(&[]).unwrap();
    let options = ClientOptions { version: TlsVersion::Tls12, ..ClientOptions::default() };
    let failure = Link::new(&acceptor, &options.config(&authority), "localhost").run().unwrap_err();
    assert_eq!(failure.server, Some(TlsError::NoSharedVersion));
    assert!(failure.client.unwrap().to_string().contains("ProtocolVersion"));
}

#[test]
fn clients_show_certificates_as_they_have_to() {
    use ClientAuth::{None as Unasked, Optional, Required};
    let authority = Authority::new("authority");
    let other = Authority::new("another authority");
    let good = authority.issue_client();
    let foreign = other.issue_client();
    for version in VERSIONS {
        for (name, auth, identity, expected) in [
            ("not asked, none", Unasked, None, Ok(false)),
            ("not asked, has one", Unasked, Some(&good), Ok(false)),
            ("may, none", Optional, None, Ok(false)),
            ("may, has one", Optional, Some(&good), Ok(true)),
            ("may, has a foreign one", Optional, Some(&foreign), Err("certificate: ")),
            ("must, none", Required, None, Err("shows no certificate")),
            ("must, has one", Required, Some(&good), Ok(true)),
            ("must, has a foreign one", Required, Some(&foreign), Err("UnknownIssuer")),
        ] {
            let tls = authority.issue(&["localhost"]).tls();
            let tls = tls.client_auth(auth, authority.pem()).unwrap();
            let acceptor = tls.acceptor(&[]).unwrap();
            let identity = identity.map(|pair| (pair.certificate.clone(), pair.key.clone()));
            let options = ClientOptions { version, identity, ..ClientOptions::default() };
            let config = options.config(&authority);
            let mut link = Link::new(&acceptor, &config, "localhost");
            match (link.run(), expected) {
                (Ok(()), Ok(has_identity)) => {
                    let client = &link.server.info().unwrap().client;
                    assert_eq!(client.is_some(), has_identity, "{name}, {version}");
                    if let Some(client) = client {
                        assert_is_nadia(client);
                        let mut link = Link::open(&acceptor, &config, "localhost");
                        let info = link.server.info().unwrap();
                        assert!(info.is_resumed, "{name}, {version}");
                        assert_is_nadia(info.client.as_ref().unwrap());
                    }
                }
                (Err(Failure { server, client }), Err(part)) => {
                    let text = server.unwrap().to_string();
                    assert!(text.contains(part), "{name}, {version}: {text}");
                    assert!(client.is_some(), "{name}, {version}: no alert");
                }
                (result, _) => panic!("{name}, {version}: {result:?}"),
            }
        }
    }
}

fn assert_is_nadia(client: &ClientCertificate) {
    assert_eq!(client.common_name.as_deref(), Some("Nadia Näf"));
    assert_eq!(client.dns_names, ["client.example"]);
    assert_eq!(client.emails, ["nadia@example.com"]);
    assert_eq!(client.uris, ["spiffe://example/nadia"]);
    let addrs: Vec<_> = client.ip_addrs.iter().map(ToString::to_string).collect();
    assert_eq!(addrs, ["192.0.2.7", "2001:db8::7"]);
    assert_eq!(client.chain.len(), 1);
}

#[test]
fn what_is_not_tls_is_told_apart() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
    let config = ClientOptions::default().config(&authority);
    for (name, bytes, is_other) in [
        ("plain HTTP", &b"GET / HTTP/1.1\r\n\r\n"[..], true),
        ("one letter", b"G", true),
        ("zeros", &[0; 100], true),
        ("an alert", b"\x15\x03\x03\x00\x02\x01\x00", true),
        ("a record without a hello", b"\x16\x03\x01\x00\x04\x0b\x00\x00\x00", false),
        ("a record that is too large", b"\x16\x03\x01\xff\xff\x01", false),
        ("an empty record", b"\x16\x03\x01\x00\x00", false),
    ] {
        let mut link = Link::new(&acceptor, &config, "localhost");
        let mut out = Vec::new();
        let error = link.receive(bytes, &mut out).unwrap_err();
        assert_eq!(error == TlsError::NotTls, is_other, "{name}: {error}");
        assert_eq!(out.is_empty(), is_other, "{name}: an alert goes to who speaks TLS");
        assert_eq!(link.receive(bytes, &mut out), Err(error), "{name}");
    }
}

#[test]
fn an_alert_of_the_client_is_told() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
    let stranger = Authority::new("another authority");
    let config = ClientOptions::default().config(&stranger);
    let failure = Link::new(&acceptor, &config, "localhost").run().unwrap_err();
    assert_eq!(failure.server, Some(TlsError::Alert("UnknownCA".into())));
}

/// Who asks for an end before that of the handshake has not shown a certificate that is required.
#[test]
fn a_close_notify_does_not_end_a_handshake() {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls();
    let tls = tls.client_auth(ClientAuth::Required, authority.pem()).unwrap();
    let acceptor = tls.acceptor(&[]).unwrap();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::new(&acceptor, &config, "localhost");
        let mut bytes = link.sent_by_client();
        bytes.extend_from_slice(b"\x15\x03\x03\x00\x02\x01\x00");
        // In TLS 1.2 it is a warning, which means nothing there.
        let received = link.receive(&bytes, &mut Vec::new());
        assert_eq!(received.is_ok(), version == TlsVersion::Tls12);
        assert!(link.server.is_handshaking() && link.server.info().is_none());
        assert_eq!((link.ended, link.is_closed), (0, false));
    }
}
