//! What plain requests for plain files are answered with.

use std::time::Duration;

use super::{NOT_FOUND, Temporary};
use crate::testing::{answer, get, request};
use crate::{Files, Handler, Router};

const SITE: &[&str] = &[
    "index.html",
    "style.css",
    "docs/index.html",
    "docs/guide.txt",
    "empty/.keep",
    ".well-known/acme",
    "a b+c%20.txt",
    "ünï/日本.txt",
    "#?&.txt",
    "no-extension",
];

/// Path, content (which is the name of the file), type.
const FOUND: &[(&str, &str, &str)] = &[
    ("/", "index.html", "text/html; charset=utf-8"),
    ("/?a=b", "index.html", "text/html; charset=utf-8"),
    ("/index.html", "index.html", "text/html; charset=utf-8"),
    ("/style.css", "style.css", "text/css; charset=utf-8"),
    ("/style.css?v=3", "style.css", "text/css; charset=utf-8"),
    ("/st%79le%2Ecss", "style.css", "text/css; charset=utf-8"),
    ("/docs/", "docs/index.html", "text/html; charset=utf-8"),
    ("/docs/guide.txt", "docs/guide.txt", "text/plain; charset=utf-8"),
    ("/.well-known/acme", ".well-known/acme", "application/octet-stream"),
    ("/a%20b+c%2520.txt", "a b+c%20.txt", "text/plain; charset=utf-8"),
    ("/%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC.txt", "ünï/日本.txt", "text/plain; charset=utf-8"),
    ("/%23%3F&.txt", "#?&.txt", "text/plain; charset=utf-8"),
    ("/no-extension", "no-extension", "application/octet-stream"),
];

#[test]
fn files_are_served_by_their_names() {
    let site = Temporary::with(SITE);
    let files = Files::new(&site.0);
    files.check().unwrap();
    for (path, content, content_type) in FOUND {
        let answer = get(&files, path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.text(), *content, "{path}");
        assert_eq!(answer.header("content-type"), Some(*content_type), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("last-modified").is_some(), "{path}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let site = Temporary::with(SITE);
    let files = Files::new(&site.0);
    for path in [
        "/missing",
        "/style.css/",
        "/style.css/x",
        "/docs/missing/",
        "/INDEX.HTML",
        "/empty/",
        "/a+b+c%20.txt",
        "/a%20b+c%20.txt",
        "/%E6%97%A5%E6",
        &format!("/{}", "a".repeat(300)),
    ] {
        let answer = get(&files, path);
        assert_eq!((answer.status.as_u16(), answer.text()), (404, NOT_FOUND), "{path}");
        assert!(!answer.has_error, "{path}");
    }
}

#[test]
fn head_is_answered_as_get() {
    let site = Temporary::with(SITE);
    let files = Files::new(&site.0);
    // The server takes the length from the body, and leaves the body out.
    let [head, get] = ["HEAD", "GET"].map(|method| answer(&files, request(method, "/docs/", &[])));
    assert_eq!(head.status, 200);
    assert_eq!((head.headers, head.body), (get.headers, get.body));
    assert_eq!(answer(&files, request("HEAD", "/missing", &[])).status, 404);
}

#[test]
fn other_methods_are_not_allowed() {
    let site = Temporary::with(SITE);
    let files = Files::new(&site.0);
    let rows = [("POST", "/", 405), ("PUT", "/x", 405), ("DELETE", "/style.css", 405)];
    for (method, path, status) in
        rows.into_iter().chain([("OPTIONS", "/", 204), ("OPTIONS", "*", 204)])
    {
        let answer = answer(&files, request(method, path, &[]));
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
    }
}

#[test]
fn a_directory_without_a_slash_is_redirected() {
    let site = Temporary::with(SITE);
    let files = Files::new(&site.0);
    for (path, location) in [
        ("/docs", "/docs/"),
        ("/docs?a=b&c=%2F", "/docs/?a=b&c=%2F"),
        ("/docs?", "/docs/?"),
        ("/%64ocs", "/%64ocs/"),
        ("/%C3%BCn%C3%AF", "/%C3%BCn%C3%AF/"),
        ("http://localhost/docs", "/docs/"),
    ] {
        let answer = get(&files, path);
        assert_eq!(answer.status, 301, "{path}");
        assert_eq!(answer.header("location"), Some(location), "{path}");
    }
}

#[test]
fn a_redirect_never_leads_to_another_host() {
    let site = Temporary::with(&["evil.example/a", "\\evil.example/a"]);
    let files = Files::new(&site.0);
    for path in ["//evil.example", "//evil.example/..", "/%2Fevil.example", "/%5Cevil.example"] {
        let location = get(&files, path).header("location").map(str::to_owned);
        assert!(!location.is_some_and(|location| location.starts_with("//")), "{path}");
    }
    // A handler before this one may leave less of such a path.
    for (path, mounted_at) in
        [("//evil.example", 1), ("/\\/evil.example", 2), ("///evil.example", 2)]
    {
        let mut request = request("GET", path, &[]);
        request.mount(mounted_at);
        let answer = answer(&files, request);
        assert_eq!(answer.header("location"), Some("/evil.example/"), "{path}");
    }
    let backslash = get(&files, "/\\evil.example");
    assert_ne!(backslash.header("location"), Some("/\\evil.example/"));
}

#[test]
fn below_a_prefix_the_prefix_is_left_out() {
    let site = Temporary::with(SITE);
    let router = Router::new().prefix("/a/{version}", Files::new(&site.0)).build().unwrap();
    for (path, content) in [
        ("/a/1/", "index.html"),
        ("/a/1/style.css", "style.css"),
        ("/a/%2F/docs/", "docs/index.html"),
    ] {
        assert_eq!(get(&router, path).text(), content, "{path}");
    }
    for (path, location) in [("/a/1", "/a/1/"), ("/a/1?q", "/a/1/?q"), ("/a/1/docs", "/a/1/docs/")]
    {
        assert_eq!(get(&router, path).header("location"), Some(location), "{path}");
    }
}

#[test]
fn the_index_is_the_first_that_is_there() {
    let site = Temporary::with(&["a/one.html", "a/two.html", "b/two.html", "c/three.html"]);
    site.create_directory("d/one.html");
    site.write("d/two.html", "d/two.html");
    let files = Files::new(&site.0).index(["one.html", "two.html"]);
    for (path, content) in
        [("/a/", "a/one.html"), ("/b/", "b/two.html"), ("/c/", NOT_FOUND), ("/d/", "d/two.html")]
    {
        assert_eq!(get(&files, path).text(), content, "{path}");
    }
    let files = files.index([""; 0]);
    assert_eq!(get(&files, "/a/").status, 404);
}

#[test]
fn hidden_files_are_served_on_request() {
    let site = Temporary::with(&[".git/config", "a/.env", ".well-known/a"]);
    for (path, hidden) in [("/.git/config", 200), ("/a/.env", 200), ("/.git/", 404)] {
        assert_eq!(get(&Files::new(&site.0), path).status, 404, "{path}");
        assert_eq!(get(&Files::new(&site.0).hidden(true), path).status, hidden, "{path}");
    }
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    let site = Temporary::with(&["a.txt"]);
    let files = Files::new(&site.0);
    let modified = std::time::UNIX_EPOCH + Duration::from_millis(784_111_777_900);
    std::fs::File::options()
        .write(true)
        .open(site.0.join("a.txt"))
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let date = get(&files, "/a.txt").header("last-modified").unwrap().to_owned();
    assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    for method in ["GET", "HEAD"] {
        for (since, status) in [
            (date.as_str(), 304),
            ("Sun, 06 Nov 1994 08:49:38 GMT", 304),
            ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
            ("nonsense", 200),
        ] {
            let answer = answer(&files, request(method, "/a.txt", &[("If-Modified-Since", since)]));
            assert_eq!(answer.status, status, "{method} {since}");
            assert_eq!(answer.header("last-modified"), Some(date.as_str()));
            let body = if status == 304 { "" } else { "a.txt" };
            assert_eq!(answer.text(), body, "{method} {since}");
        }
    }
    let missing = answer(&files, request("GET", "/b", &[("If-Modified-Since", date.as_str())]));
    assert_eq!(missing.status, 404);
}

#[test]
fn a_file_from_the_future_is_from_now() {
    let site = Temporary::with(&["a.txt"]);
    let tomorrow = std::time::SystemTime::now() + Duration::from_secs(86_400);
    std::fs::File::options()
        .write(true)
        .open(site.0.join("a.txt"))
        .unwrap()
        .set_modified(tomorrow)
        .unwrap();
    let date = get(&Files::new(&site.0), "/a.txt").header("last-modified").unwrap().to_owned();
    assert!(httpdate::parse_http_date(&date).unwrap() <= std::time::SystemTime::now(), "{date}");
}

#[test]
fn a_directory_that_can_not_be_served_is_found_out_before() {
    let site = Temporary::with(&["file"]);
    for (name, expected) in [("missing", "missing"), ("file", "file")] {
        let error = Files::new(site.0.join(name)).check().unwrap_err().to_string();
        assert!(error.starts_with("can't serve `") && error.contains(expected), "{error}");
    }
    // One that comes later is served then.
    let files = Files::new(site.0.join("later"));
    assert_eq!(get(&files, "/a").status, 404);
    site.write("later/a", "late");
    assert_eq!(get(&files, "/a").text(), "late");
    let router = Router::new().prefix("/a", Files::new(site.0.join("missing")));
    assert!(router.check().unwrap_err().to_string().starts_with("`prefix /a` ("));
}
