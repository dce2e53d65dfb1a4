//! The requests: the same line, with few or many header fields.

use std::net::SocketAddr;

/// What a browser sends when an address is typed in, cookies of two trackers included; with the
/// request line and `Host` about 600 bytes.
const BROWSER: &str = "\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,\
image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-User: ?1\r\n\
    Cookie: _ga=GA1.2.1094763052.1729845213; session=8f14e45fceea167a5a36dedd4bea2543\r\n";

/// How many header fields a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// `Host` alone.
    Plain,
    /// Those of a browser.
    Browser,
}

impl Headers {
    /// Returns the whole request for `/` at `host`.
    #[must_use]
    pub fn request(self, host: SocketAddr) -> Vec<u8> {
        let more = match self {
            Self::Plain => "",
            Self::Browser => BROWSER,
        };
        format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_sends_about_600_bytes_and_one_blank_line() {
        let host = SocketAddr::from(([127, 0, 0, 1], 8080));
        let request = Headers::Browser.request(host);
        assert!((580..=660).contains(&request.len()), "{}", request.len());
        for request in [request, Headers::Plain.request(host)] {
            let text = String::from_utf8(request).unwrap();
            assert_eq!(text.matches("\r\n\r\n").count(), 1);
            assert!(text.ends_with("\r\n\r\n"));
        }
    }
}
