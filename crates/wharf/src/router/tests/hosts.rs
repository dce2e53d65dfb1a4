//! Which host is whose.

use super::*;

#[test]
fn hosts_go_before_paths() {
    let router = Router::new()
        .host("example.com", show("apex"))
        .host("API.example.com.", show("api"))
        .host("*.example.com", show("wildcard"))
        .host("*.eu.example.com", show("europe"))
        .host("www.eu.example.com", show("www europe"))
        .host("192.0.2.1", show("v4"))
        .host("[2001:DB8::1]", show("v6"))
        .get("/", show("path"));
    router.check().unwrap();
    let rows = [
        ("example.com", "apex"),
        ("EXAMPLE.com:8080", "apex"),
        ("example.com.", "apex"),
        ("api.example.com", "api"),
        ("Api.Example.Com.:80", "api"),
        ("a.api.example.com", "wildcard"),
        ("www.example.com", "wildcard"),
        ("a.b.c.example.com", "wildcard"),
        (".example.com", "path"),
        ("notexample.com", "path"),
        ("example.com.evil.org", "path"),
        ("eu.example.com", "wildcard"),
        ("shop.eu.example.com", "europe"),
        ("a.b.EU.example.com", "europe"),
        ("www.eu.example.com", "www europe"),
        ("192.0.2.1:443", "v4"),
        ("[2001:db8::1]:443", "v6"),
        ("[2001:db8::2]", "path"),
        ("com", "path"),
    ];
    for (host, expected) in rows {
        let answer = answer(&router, request("GET", "/", &[("Host", host)]));
        assert_eq!(answer.text(), expected, "{host:?}");
    }
    let long = format!("{}example.com", "a.".repeat(200));
    assert!(router.hosts.find(&long).is_none(), "no host has such a long name");
    // An absolute request-target goes before `Host` (RFC 9112 section 3.2.2).
    let absolute = request("GET", "http://api.example.com/", &[("Host", "API.example.com:80")]);
    assert_eq!(answer(&router, absolute).text(), "api");
}
