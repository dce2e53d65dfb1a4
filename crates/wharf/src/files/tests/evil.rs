//! Paths that try to get out of the directory, or at what is not for everybody.

use super::{NOT_FOUND, Temporary};
use crate::testing::get;
use crate::{Files, Handler, Router};

const EVIL: &[&str] = &[
    // Up.
    "/../secret.txt",
    "/../../../../../../../../etc/passwd",
    "/..",
    "/../",
    "/./../secret.txt",
    "/sub/../../secret.txt",
    "/sub/../a.txt",
    "/sub/..",
    "/sub/.",
    "/./a.txt",
    // Up, encoded.
    "/%2e%2e/secret.txt",
    "/%2E%2E/secret.txt",
    "/.%2e/secret.txt",
    "/%2e./secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/sub%2f..%2f..%2fsecret.txt",
    "/sub/%2e%2e/%2e%2e/secret.txt",
    // Encoded more than once, or wrongly.
    "/%252e%252e/secret.txt",
    "/%252e%252e%252fsecret.txt",
    "/%25%32%65%25%32%65/secret.txt",
    "/%%32%65%%32%65/secret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/%c0%2e%c0%2e/secret.txt",
    "/%e0%80%ae%e0%80%ae/secret.txt",
    "/%uff0e%uff0e/secret.txt",
    "/%ef%bc%8e%ef%bc%8e/secret.txt",
    // Backslashes.
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/%2e%2e%5csecret.txt",
    "/sub\\..\\..\\secret.txt",
    "/\\secret.txt",
    // Absolute.
    "//etc/passwd",
    "///etc/passwd",
    "/%2fetc%2fpasswd",
    "/%2Fetc/passwd",
    "/sub//etc/passwd",
    "/file:///etc/passwd",
    "/C:/Windows/win.ini",
    "/C:%5cWindows%5cwin.ini",
    "/a.txt::$DATA",
    // Empty segments and what hides the end of a name.
    "//a.txt",
    "/sub//b.txt",
    "/a.txt%00",
    "/a.txt%00.html",
    "/%00",
    "/a.txt%2f",
    "/a.txt%20",
    "/a.txt.",
    "/a.txt;x=y",
    "/sub/b.txt/",
    "/sub/b.txt/..",
    // Hidden.
    "/.hidden",
    "/%2ehidden",
    "/.git/config",
    "/sub/.env",
    "/.well-known/../.hidden",
    "/.well-known/.hidden",
    "/.well-knownx",
    "/sub/.well-known/a",
];

fn site() -> Temporary {
    Temporary::with(&[
        "secret.txt",
        "public/a.txt",
        "public/sub/b.txt",
        "public/.hidden",
        "public/.git/config",
        "public/sub/.env",
        "public/.well-known/.hidden",
        "public/sub/.well-known/a",
        "public/.well-knownx",
    ])
}

fn nothing_is_got(handler: &impl Handler, prefix: &str) {
    for path in EVIL {
        let answer = get(handler, &format!("{prefix}{path}"));
        assert_eq!((answer.status.as_u16(), answer.text()), (404, NOT_FOUND), "{prefix}{path}");
        assert!(!answer.has_error, "{prefix}{path}");
    }
}

#[test]
fn evil_paths_lead_nowhere() {
    let site = site();
    let files = Files::new(site.0.join("public")).listing(true);
    assert_eq!(get(&files, "/a.txt").text(), "public/a.txt");
    nothing_is_got(&files, "");
}

#[test]
fn evil_paths_lead_nowhere_where_links_may_lead_anywhere() {
    let site = site();
    let files = Files::new(site.0.join("public")).listing(true).follow_symlinks(true);
    assert_eq!(get(&files, "/a.txt").text(), "public/a.txt");
    nothing_is_got(&files, "");
}

#[test]
fn evil_paths_lead_nowhere_below_a_prefix() {
    let site = site();
    let files = || Files::new(site.0.join("public")).listing(true);
    let router = Router::new().prefix("/files", files()).prefix("/{other}/x", files());
    assert_eq!(get(&router, "/files/a.txt").text(), "public/a.txt");
    assert_eq!(get(&router, "/o/x/a.txt").text(), "public/a.txt");
    nothing_is_got(&router, "/files");
    nothing_is_got(&router, "/other/x");
}

#[test]
fn no_path_of_a_few_special_pieces_gets_out() {
    let site = site();
    let files = Files::new(site.0.join("public")).hidden(true).follow_symlinks(true).listing(true);
    let pieces = ["/", ".", "..", "%2e", "%2F", "%5c", "\\", "%00", "sub", "%25", "secret.txt"];
    let mut paths = vec!["/".to_owned()];
    for _ in 0..4 {
        let longer = |path: &String| pieces.map(|piece| format!("{path}{piece}"));
        paths = paths.iter().flat_map(longer).collect();
        for path in &paths {
            let answer = get(&files, path);
            assert!(matches!(answer.status.as_u16(), 200 | 301 | 404), "{path}: {}", answer.status);
            let shown = String::from_utf8_lossy(&answer.body).replace(path.as_str(), "");
            assert!(answer.status == 404 || !shown.contains("secret"), "{path}: {shown}");
        }
    }
    assert_eq!(paths.len(), pieces.len().pow(4));
}
