//! Certificates: what they can be read from, which of several a client gets, and reading them
//! again.
//!
//! Not here: clients' certificates.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::SignatureAlgorithm;

use super::harness::{Authority, ClientOptions, Issued, Link, VERSIONS, pem};
use crate::tls::store::Store;
use crate::tls::x509::{Der, time};
use crate::tls::{Acceptor, Certificate, Tls, TlsConfigError, TlsError};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;

/// What is in the envelope of a key in PKCS#8: PKCS#1 or SEC1.
fn inner_key(issued: &Issued) -> Vec<u8> {
    use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
    let der = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut fields = Der(Der(der.secret_der()).take(SEQUENCE).unwrap());
    fields.take(INTEGER).unwrap();
    fields.take(SEQUENCE).unwrap();
    fields.take(OCTET_STRING).unwrap().to_vec()
}

#[test]
fn keys_of_every_kind_and_form_are_taken() {
    let authority = Authority::new("authority");
    let kinds: [(&str, &'static SignatureAlgorithm, Option<&str>); 4] = [
        ("RSA", &rcgen::PKCS_RSA_SHA256, Some("RSA PRIVATE KEY")),
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256, Some("EC PRIVATE KEY")),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384, Some("EC PRIVATE KEY")),
        ("Ed25519", &rcgen::PKCS_ED25519, None),
    ];
    for (name, algorithm, inner) in kinds {
        let issued = authority.issue_with(&["localhost"], algorithm, |_| {});
        let mut keys = vec![issued.key.clone()];
        keys.extend(inner.map(|label| pem(label, &inner_key(&issued))));
        for key in keys {
            let form = key.lines().next().unwrap().to_owned();
            let tls = Tls::from_pem(&issued.certificate, key).expect(&form);
            let acceptor = tls.acceptor(&[]).unwrap();
            for version in VERSIONS {
                let options = ClientOptions { version, ..ClientOptions::default() };
                let mut link = Link::new(&acceptor, &options.config(&authority), "localhost");
                link.run().unwrap_or_else(|failure| panic!("{name}, {form}: {failure:?}"));
                assert_eq!(link.upload(b"ping"), b"ping", "{name}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_pair_is_told() {
    let authority = Authority::new("authority");
    let (one, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let cut = &one.certificate[..one.certificate.len() - 30];
    let broken = pem("CERTIFICATE", b"no certificate");
    let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let unknown_key = pem("PRIVATE KEY", b"no key");
    for (name, certificate, key, text) in [
        ("nothing", "", &*one.key, "the given certificate: no certificate"),
        ("a key instead", &*one.key, &one.key, "the given certificate: no certificate"),
        ("cut off", cut, &one.key, "the given certificate: not PEM"),
        ("not one", &broken, &one.key, "the given certificate: the certificate can't be used"),
        ("no key", &one.certificate, "", "the given key: no private key"),
        ("a locked key", &one.certificate, &encrypted, "the given key: no private key"),
        ("not a key", &one.certificate, &unknown_key, "the private key can't be used"),
        ("another's key", &one.certificate, &other.key, "is not that of the certificate"),
    ] {
        let error = Certificate::from_pem(certificate, key).unwrap_err().to_string();
        assert!(error.contains(text), "{name}: {error}");
    }
    let error = Tls::from_pem_files("/nowhere/cert.pem", "/nowhere/key.pem").unwrap_err();
    assert!(matches!(&error, TlsConfigError::File { path, .. } if path.ends_with("cert.pem")));
    let error = one.tls().client_auth(crate::ClientAuth::Required, "").unwrap_err().to_string();
    assert_eq!(error, "the authorities for clients: no certificate");
    assert!(matches!(one.tls().alpn([""]), Err(TlsConfigError::BadProtocol)));
    for name in ["", "*", "*.", "a b", "a..b", ".a", "*.*.a", &"a".repeat(64)] {
        let result = one.pair().names([name]);
        assert!(matches!(result, Err(TlsConfigError::BadName { .. })), "{name}");
    }
}

#[test]
fn certificates_are_chosen_by_exact_names_then_by_wildcards() {
    let authority = Authority::new("authority");
    let pairs = [
        authority.issue(&["first.example"]).pair(),
        authority.issue(&["*.b.example", "b.example"]).pair(),
        authority.issue(&["www.b.example"]).pair(),
        authority.issue(&["ignored.example"]).pair().names(["Given.Example", "*.given"]).unwrap(),
        authority.issue(&["192.0.2.1", "b.example"]).pair(),
    ];
    let store = Store::new(pairs.to_vec());
    for (name, expected) in [
        ("first.example", Some(0)),
        ("b.example", Some(1)),
        ("x.b.example", Some(1)),
        ("X.B.Example", Some(1)),
        ("www.b.example", Some(2)),
        ("y.www.b.example", None),
        ("given.example", Some(3)),
        ("any.given", Some(3)),
        ("given", None),
        ("ignored.example", None),
        ("nowhere.example", None),
        ("*.b.example", Some(1)),
        ("", None),
        (".", None),
    ] {
        let found = store.find(name, |_| true);
        let expected = expected.map(|place: usize| pairs[place].der());
        assert_eq!(found.as_ref().map(super::super::engine::Identity::der), expected, "{name}");
    }
    assert_eq!(store.default(|_| true).unwrap().der(), pairs[0].der());
}

#[test]
fn of_two_certificates_for_a_name_a_client_gets_one_that_it_can_do_with() {
    let authority = Authority::new("authority");
    let names = ["a.example"];
    let rsa = authority.issue_with(&names, &rcgen::PKCS_RSA_SHA256, |_| {}).pair();
    let ecdsa = authority.issue(&names).pair();
    let stranger = authority.issue(&["b.example"]).pair();
    let store = Store::new(vec![rsa.clone(), stranger.clone(), ecdsa.clone()]);
    for (fits, expected) in [(&rsa, &rsa), (&ecdsa, &ecdsa), (&stranger, &rsa)] {
        for found in [
            store.find("a.example", |pair| pair.der() == fits.der()),
            store.default(|pair| pair.der() == fits.der()),
        ] {
            assert_eq!(found.unwrap().der(), expected.der());
        }
    }
}

/// The certificate that a client gets who asks for a name.
fn shown(acceptor: &Acceptor, authority: &Authority, name: &str) -> Vec<u8> {
    let link = Link::open(acceptor, &ClientOptions::default().config(authority), name);
    link.client.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn clients_that_ask_for_an_unknown_name_get_the_first_or_none() {
    let authority = Authority::new("authority");
    let first = authority.issue(&["a.example", "192.0.2.1"]);
    let tls = first.tls().certificate(authority.issue(&["b.example"]).pair());
    let config = ClientOptions::default().config(&authority);

    let acceptor = tls.acceptor(&[]).unwrap();
    assert_ne!(shown(&acceptor, &authority, "b.example"), first.pair().der());
    let failure = Link::new(&acceptor, &config, "c.example").run().unwrap_err();
    assert!(matches!(failure.server, Some(TlsError::Alert(_))), "{failure:?}");

    let acceptor = tls.refuse_unknown_names().acceptor(&[]).unwrap();
    let failure = Link::new(&acceptor, &config, "c.example").run().unwrap_err();
    assert_eq!(failure.server, Some(TlsError::UnknownName));
    assert!(failure.client.is_some());
    // No name is asked for where an address is meant.
    assert_eq!(shown(&acceptor, &authority, "192.0.2.1"), first.pair().der());
}

#[test]
fn a_self_signed_certificate_can_be_known_by_its_fingerprint() {
    let one = Certificate::self_signed(["localhost", "127.0.0.1"]).unwrap();
    let two = Certificate::self_signed(["localhost", "127.0.0.1"]).unwrap();
    assert_ne!(one.fingerprint(), two.fingerprint());
    assert!(one.not_after().is_some_and(|end| end > std::time::SystemTime::now()));
    Tls::self_signed(["localhost"]).unwrap().acceptor(&[]).unwrap();
    assert!(Tls::self_signed(["nü"]).is_err());
}

/// Browsers refuse what lasts longer than 398 days, and their clocks may be behind.
#[test]
fn a_self_signed_certificate_has_begun_and_lasts_for_a_year() {
    let certificate = Certificate::self_signed(["localhost"]).unwrap();
    let mut fields =
        Der(Der(Der(certificate.der()).take(SEQUENCE).unwrap()).take(SEQUENCE).unwrap());
    // Its version, serial number, algorithm and issuer.
    for tag in [VERSION, INTEGER, SEQUENCE, SEQUENCE] {
        fields.take(tag).unwrap();
    }
    let mut validity = Der(fields.take(SEQUENCE).unwrap());
    let begin = time(UTC_TIME, validity.take(UTC_TIME).unwrap()).unwrap();
    let end = certificate.not_after().unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(end.duration_since(begin).unwrap(), 365 * day);
    let now = std::time::SystemTime::now();
    assert!(begin + day / 2 < now && now < end - 363 * day);
}

/// Two files that are removed in the end.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    fn new(issued: &Issued) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = |kind| {
            let name = format!("wharf-tls-{}-{count}-{kind}.pem", std::process::id());
            std::env::temp_dir().join(name)
        };
        let pair = Self { certificate: path("certificate"), key: path("key") };
        pair.write(issued);
        pair
    }

    fn write(&self, issued: &Issued) {
        fs::write(&self.certificate, &issued.certificate).unwrap();
        fs::write(&self.key, &issued.key).unwrap();
    }

    fn tls(&self) -> Tls {
        Tls::from_pem_files(&self.certificate, &self.key).unwrap()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for path in [&self.certificate, &self.key] {
            let removed = fs::remove_file(path);
            assert!(removed.is_ok() || thread::panicking(), "{removed:?}");
        }
    }
}

#[test]
fn what_is_read_again_is_used_by_clones_and_a_bad_pair_is_not() {
    let authority = Authority::new("authority");
    let (one, two) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let past = authority.issue_with(&["a.example"], &rcgen::PKCS_ED25519, |params| {
        params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    });
    let pair = Pair::new(&one);
    let tls = pair.tls();
    let acceptor = tls.clone().acceptor(&[]).unwrap();
    assert_eq!(shown(&acceptor, &authority, "a.example"), one.pair().der());

    fs::write(&pair.certificate, &two.certificate).unwrap();
    assert!(matches!(tls.reload(), Err(TlsConfigError::KeyMismatch { .. })));
    assert_eq!(shown(&acceptor, &authority, "a.example"), one.pair().der());
    fs::write(&pair.key, &two.key).unwrap();
    tls.reload().unwrap();
    assert_eq!(shown(&acceptor, &authority, "a.example"), two.pair().der());

    pair.write(&past);
    assert!(matches!(tls.reload(), Err(TlsConfigError::Expired { .. })));
    fs::write(&pair.certificate, "").unwrap();
    assert!(matches!(tls.reload(), Err(TlsConfigError::NoCertificate { .. })));
    assert_eq!(shown(&acceptor, &authority, "a.example"), two.pair().der());
    assert_eq!(tls.certificates()[0].der(), two.pair().der());
}

/// Who reads while another does waits for it, and so does not lose what has changed meanwhile.
#[test]
fn of_two_who_read_again_at_once_the_later_one_counts() {
    let authority = Authority::new("authority");
    let names = [["a.example"], ["b.example"]];
    let pairs = names.map(|names| Pair::new(&authority.issue(&names)));
    let certificates = pairs.iter().map(|pair| pair.tls().certificates().remove(0));
    let store = Store::new(certificates.collect());
    let next = authority.issue(&names[0]);
    let current = || store.certificates()[0].der().to_vec();
    thread::scope(|scope| {
        let read = store.reload_those(|certificate| {
            if certificate.names == names[1] {
                // The first has been read by now.
                pairs[0].write(&next);
                scope.spawn(|| store.reload().unwrap());
                // Lets the other go as far as it can.
                (0..10_000).take_while(|_| current() != next.pair().der()).for_each(|_| {
                    thread::yield_now();
                });
            }
            true
        });
        read.unwrap();
    });
    assert_eq!(current(), next.pair().der());
}

#[test]
fn one_bad_pair_does_not_keep_others_from_being_read_again() {
    let authority = Authority::new("authority");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["b.example"]));
    let files = [Pair::new(&a), Pair::new(&b)];
    let more = Certificate::from_pem_files(&files[1].certificate, &files[1].key).unwrap();
    let tls = files[0].tls().certificate(more.names(["c.example"]).unwrap());
    let acceptor = tls.acceptor(&[]).unwrap();
    let next = authority.issue(&["b.example", "c.example"]);
    files[1].write(&next);
    fs::write(&files[0].key, "no key").unwrap();
    assert!(matches!(tls.reload(), Err(TlsConfigError::NoKey { .. })));
    assert_eq!(shown(&acceptor, &authority, "a.example"), a.pair().der());
    // The names that were given stay.
    assert_eq!(shown(&acceptor, &authority, "c.example"), next.pair().der());
    let certificates = tls.certificates();
    assert_eq!(certificates[1].names, ["c.example"]);
}

#[test]
fn files_are_looked_at_when_it_is_time_and_read_if_they_have_changed() {
    let authority = Authority::new("authority");
    let one = authority.issue(&["a.example"]);
    let two = authority.issue(&["a.example", "longer.example"]);
    let pair = Pair::new(&one);
    let store = Store::new(pair.tls().certificates());
    let now = Instant::now();
    let current = || store.certificates()[0].der().to_vec();

    pair.write(&two);
    store.look(|| unreachable!("nobody watches"));
    assert_eq!(current(), one.pair().der());
    store.watch();
    store.look(|| now + Duration::from_secs(60));
    assert_eq!(current(), two.pair().der());
    assert!(store.error().is_none());

    fs::write(&pair.key, "no key").unwrap();
    store.look(|| now + Duration::from_secs(69));
    assert!(store.error().is_none(), "it is too early");
    store.look(|| now + Duration::from_secs(70));
    assert!(matches!(&*store.error().unwrap(), TlsConfigError::NoKey { .. }));
    assert_eq!(current(), two.pair().der());
    // It is tried again until it is right.
    store.look(|| now + Duration::from_secs(80));
    assert!(store.error().is_some());
    fs::write(&pair.key, &two.key).unwrap();
    store.look(|| now + Duration::from_secs(90));
    assert!(store.error().is_none());
}

#[test]
fn secrets_are_written_where_a_recording_can_be_read_with_them() {
    let authority = Authority::new("authority");
    let path = std::env::temp_dir().join(format!("wharf-tls-{}-keys", std::process::id()));
    let tls = authority.issue(&["localhost"]).tls().key_log(&path).unwrap();
    let acceptor = tls.acceptor(&[]).unwrap();
    for version in VERSIONS {
        let options = ClientOptions { version, ..ClientOptions::default() };
        Link::open(&acceptor, &options.config(&authority), "localhost");
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    for label in ["CLIENT_RANDOM ", "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        let line = text.lines().find(|line| line.starts_with(label)).expect(label);
        let fields: Vec<_> = line.split(' ').collect();
        assert!(fields.len() == 3 && fields[1].len() == 64 && fields[2].len() == 96, "{line}");
    }
}
