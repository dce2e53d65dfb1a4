//! The page that shows a directory.

use super::super::listing::MAX_ENTRIES;
use super::super::page::{POLICY, STYLE};
use super::Temporary;
use super::sha256::sha256_base64;
use crate::testing::{answer, get, request};
use crate::{Files, Router};

/// The links of a page, as they are written, with the text in them.
fn links(page: &str) -> Vec<(&str, &str)> {
    let links = page.split("<a href=\"").skip(1).map(|rest| {
        let (link, rest) = rest.split_once('"').unwrap();
        let text = rest.split_once("</a>").unwrap().0;
        let text = text.split_once("<bdi>").map_or(text, |(_, text)| text);
        (link, text.trim_end_matches("</bdi>").trim_start_matches('>'))
    });
    links.collect()
}

/// The names on a page, in order.
fn names(page: &str) -> String {
    let body = page.split_once("<tbody>").unwrap().1;
    let names: Vec<&str> = links(body).into_iter().map(|(_, name)| name).collect();
    names.join(" ")
}

#[test]
fn a_listing_has_to_be_asked_for() {
    let site = Temporary::with(&["a/b.txt"]);
    assert_eq!(get(&Files::new(&site.0), "/a/").status, 404);
    let page = get(&Files::new(&site.0).listing(true), "/a/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("last-modified"), None);
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
    let hash = format!("'sha256-{}'", sha256_base64(STYLE.as_bytes()));
    assert!(POLICY.contains(&format!("style-src {hash};")), "the hash of page.css is {hash}");
    assert!(POLICY.starts_with("default-src 'none';") && !POLICY.contains("unsafe"));

    let site = Temporary::with(&["a"]);
    let page = get(&Files::new(&site.0).listing(true), "/");
    assert_eq!(page.header("content-security-policy"), Some(POLICY));
    assert!(page.text().contains(&format!("<style>{STYLE}</style>")));
    for forbidden in ["<script", " style=", " onclick", "<img", "http:", "https:"] {
        assert!(!page.text().contains(forbidden), "{forbidden}");
    }
}

#[test]
fn every_name_is_shown_and_linked_so_that_it_can_be_followed() {
    let rows = [
        ("plain.txt", "./plain.txt", "plain.txt"),
        ("a b", "./a%20b", "a b"),
        ("a+b", "./a%2Bb", "a+b"),
        ("100%", "./100%25", "100%"),
        ("%41", "./%2541", "%41"),
        ("#1", "./%231", "#1"),
        ("what?", "./what%3F", "what?"),
        ("a&b&amp;", "./a%26b%26amp%3B", "a&amp;b&amp;amp;"),
        ("<script>", "./%3Cscript%3E", "&lt;script&gt;"),
        ("\"'", "./%22%27", "&quot;&#39;"),
        ("javascript:a", "./javascript%3Aa", "javascript:a"),
        ("日本 ü", "./%E6%97%A5%E6%9C%AC%20%C3%BC", "日本 ü"),
        ("~user", "./~user", "~user"),
    ];
    let site = Temporary::with(&rows.map(|(name, ..)| name));
    let files = Files::new(&site.0).listing(true);
    let page = get(&files, "/");
    let links = links(page.text());
    for (name, link, text) in rows {
        assert!(links.contains(&(link, text)), "{name}: {links:?}");
        assert_eq!(get(&files, &link[1..]).text(), name);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_can_be_followed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let site = Temporary::new();
    site.write(OsStr::from_bytes(b"a\xff\n"), "found");
    let files = Files::new(&site.0).listing(true);
    let page = get(&files, "/");
    assert!(links(page.text()).contains(&("./a%FF%0A", "a\u{fffd}␊")), "{}", page.text());
    assert_eq!(get(&files, "/a%FF%0A").text(), "found");
}

#[test]
fn hidden_files_are_listed_if_they_are_served() {
    let site = Temporary::with(&[".hidden", "a"]);
    assert_eq!(names(get(&Files::new(&site.0).listing(true), "/").text()), "a");
    let files = Files::new(&site.0).listing(true).hidden(true);
    assert_eq!(names(get(&files, "/").text()), ".hidden a");
}

#[test]
fn a_click_on_a_head_sorts() {
    let site = Temporary::new();
    site.write("b10", [0; 10]);
    site.write("B9", [0; 20]);
    site.write("a", [0; 15]);
    site.create_directory("z");
    let files = Files::new(&site.0).listing(true);
    for (query, expected) in [
        ("", "z a B9 b10"),
        ("?sort=name&order=desc", "z b10 B9 a"),
        ("?sort=size", "z B9 a b10"),
        ("?sort=size&order=asc", "z b10 a B9"),
        ("?sort=<script>&order=%22", "z a B9 b10"),
        ("?order=desc", "z b10 B9 a"),
    ] {
        assert_eq!(names(get(&files, &format!("/{query}")).text()), expected, "{query}");
    }
    let page = get(&files, "/?sort=size&order=desc");
    let (head, body) = page.text().split_once("<tbody>").unwrap();
    assert_eq!(
        links(head),
        [
            ("./?sort=name&amp;order=asc", "Name"),
            ("./?sort=size&amp;order=asc", "Size"),
            ("./?sort=date&amp;order=desc", "Modified"),
        ]
    );
    assert!(head.contains("<th scope=\"col\" aria-sort=\"descending\"><a href=\"./?sort=size"));
    assert!(body.contains("href=\"./z/?sort=size&amp;order=desc\""), "directories keep the order");
    assert!(body.contains("href=\"./a\""), "files need none");
}

#[test]
fn crumbs_lead_up_to_where_the_files_are_mounted() {
    let site = Temporary::with(&["one/two & <3>/file"]);
    let router = Router::new()
        .prefix("/a/b", Files::new(&site.0).listing(true))
        .prefix("/", Files::new(&site.0).listing(true));
    let up = |path: &str| {
        let page = get(&router, path);
        let page = page.text();
        let crumbs = page.split_once("<nav").unwrap().1.split_once("</nav>").unwrap().0;
        let current = crumbs.split_once("<bdi aria-current=\"page\">").unwrap().1;
        let current = current.split_once("</bdi>").unwrap().0.to_owned();
        let links: Vec<_> = links(crumbs)
            .into_iter()
            .map(|(link, name)| format!("{name}={link}"))
            .chain([current])
            .collect();
        (links.join(" "), page.contains("Parent directory"))
    };
    let (two, encoded) = ("two &amp; &lt;3&gt;", "two%20%26%20%3C3%3E");
    assert_eq!(up("/"), ("Home".to_owned(), false));
    assert_eq!(up("/one/"), ("Home=../ one".to_owned(), true));
    assert_eq!(up(&format!("/one/{encoded}/")), (format!("Home=../../ one=../ {two}"), true));
    assert_eq!(up("/a/b/"), ("/a/b".to_owned(), false));
    assert_eq!(up("/a/b/one/"), ("/a/b=../ one".to_owned(), true));
    let page = get(&router, "/one/?sort=date");
    assert!(page.text().contains("<a href=\"../?sort=date&amp;order=desc\"><bdi>Home"));
    let page = get(&router, &format!("/one/{encoded}/"));
    assert!(page.text().contains("<title>Index of /one/two &amp; &lt;3&gt;/</title>"));
}

#[test]
fn the_foot_counts() {
    let site = Temporary::new();
    let foot = || {
        let page = get(&Files::new(&site.0).listing(true), "/");
        let foot = page.text().split_once("<footer>\n<p>").unwrap().1;
        foot.split_once("</p>").unwrap().0.to_owned()
    };
    assert_eq!(foot(), "0 directories, 0 files, 0 B. Times are UTC.");
    site.write("d/a", [0; 2000]);
    site.write("b", [0; 1500]);
    assert_eq!(foot(), "1 directory, 1 file, 1.5 kB. Times are UTC.");
    site.write("c", [0; 1]);
    site.create_directory("e");
    assert_eq!(foot(), "2 directories, 2 files, 1.5 kB. Times are UTC.");
}

#[test]
fn a_large_directory_is_cut() {
    let site = Temporary::new();
    for number in 0..MAX_ENTRIES {
        site.write(number.to_string(), "");
    }
    let files = Files::new(&site.0).listing(true);
    let page = get(&files, "/");
    assert!(
        page.text().contains(">0 directories, 10,000 files,") && !page.text().contains("not shown")
    );
    site.write("one more", "");
    let page = get(&files, "/");
    assert!(page.text().contains(" 10,000 files,") || page.text().contains(" 9,999 files,"));
    assert!(page.text().contains("more than 10,000 entries; the others are not shown"));
    assert_eq!(page.text().matches("<tr><td>").count(), MAX_ENTRIES);
}

#[test]
fn head_is_answered_as_get() {
    let site = Temporary::with(&["a"]);
    let files = Files::new(&site.0).listing(true);
    let head = answer(&files, request("HEAD", "/", &[]));
    assert_eq!((head.status.as_u16(), head.body), (200, get(&files, "/").body));
}
