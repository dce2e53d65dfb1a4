//! TLS for what is served: the user's certificate, or one that is made for this run.
//!
//! Not here: which of the two the user wants (`args.rs`), and the command without TLS
//! (`no_tls.rs`).

use std::fmt::Write;

use wharf::{Certificate, Service, Tls};

use crate::args::CertificateFrom;

/// What a certificate is for that nobody has asked for by name: this machine, as it calls itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The same over TLS, and what the user has to know of it. Plain HTTP on the same port is sent
/// there.
pub(crate) fn cover(service: Service, from: &CertificateFrom) -> Result<(Service, String), String> {
    let (certificate, note) = match from {
        CertificateFrom::Files { certificate, key } => {
            let read = Certificate::from_pem_files(certificate, key);
            (read.map_err(|error| error.to_string())?, String::new())
        }
        CertificateFrom::Nowhere => {
            let made = Certificate::self_signed(NAMES).map_err(|error| error.to_string())?;
            let note = describe(&made.fingerprint());
            (made, note)
        }
    };
    Ok((service.tls(Tls::new(certificate).reload_on_change().redirect_http()), note))
}

/// What to compare with what a browser shows.
fn describe(fingerprint: &[u8; 32]) -> String {
    let mut text =
        format!("A certificate for {} was made for this run. Its SHA-256 is\n ", NAMES.join(", "));
    for (index, byte) in fingerprint.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = write!(text, "{}{byte:02X}", if index == 0 { ' ' } else { ':' });
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_was_made_is_told_by_names_and_fingerprint() {
        let (_, note) = cover(Service::http("hello"), &CertificateFrom::Nowhere).unwrap();
        assert!(note.starts_with("A certificate for localhost, 127.0.0.1, ::1 was made"), "{note}");
        let fingerprint = note.lines().nth(1).unwrap();
        assert_eq!(fingerprint.split(':').filter(|byte| byte.trim().len() == 2).count(), 32);
    }

    #[test]
    fn files_that_can_not_be_used_are_named() {
        let from = CertificateFrom::Files { certificate: "nowhere".into(), key: "key".into() };
        assert!(cover(Service::http("hello"), &from).unwrap_err().contains("nowhere"));
    }
}
