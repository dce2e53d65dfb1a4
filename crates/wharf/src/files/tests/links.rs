//! Symbolic links, special files and rights, on Unix.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::Temporary;
use crate::Files;
use crate::testing::get;

/// `public` with links in and out of it.
fn linked() -> Temporary {
    let site = Temporary::with(&[
        "secret.txt",
        "outside/index.html",
        "public-not/a.txt",
        "public/a.txt",
        "public/sub/b.txt",
        "public/index-out/x",
        "public/..2024/c.txt",
    ]);
    let link =
        |target: &str, name: &str| symlink(target, site.0.join("public").join(name)).unwrap();
    link("a.txt", "in.txt");
    link("sub", "in-sub");
    link("../public/a.txt", "round.txt");
    link("in.txt", "in-twice.txt");
    link("..2024", "..data");
    link("..data/c.txt", "c.txt");
    link("../secret.txt", "out.txt");
    link("/etc/passwd", "passwd");
    link("../outside", "out");
    link("../public-not", "near");
    link("out.txt", "out-twice.txt");
    link("../../outside/index.html", "index-out/index.html");
    link("missing", "broken");
    link(".", "self");
    link("..", "up");
    site
}

/// Path, status by default, status if links may lead anywhere.
const LINKS: &[(&str, u16, u16)] = &[
    ("/a.txt", 200, 200),
    ("/in.txt", 200, 200),
    ("/in-twice.txt", 200, 200),
    ("/in-sub/b.txt", 200, 200),
    ("/in-sub", 301, 301),
    ("/round.txt", 200, 200),
    ("/self/self/a.txt", 200, 200),
    // How Kubernetes mounts a ConfigMap: the link is not hidden, whatever it leads to.
    ("/c.txt", 200, 200),
    ("/..data/c.txt", 404, 404),
    ("/broken", 404, 404),
    ("/out.txt", 404, 200),
    ("/out-twice.txt", 404, 200),
    ("/passwd", 404, 200),
    ("/out", 404, 301),
    ("/out/", 404, 200),
    ("/out/index.html", 404, 200),
    ("/out/missing", 404, 404),
    // Its name begins with that of the directory.
    ("/near/a.txt", 404, 200),
    ("/up/secret.txt", 404, 200),
    ("/up/public/a.txt", 200, 200),
];

#[test]
fn links_that_lead_out_are_followed_on_request_only() {
    let site = linked();
    let by_default = Files::new(site.0.join("public"));
    let on_request = Files::new(site.0.join("public")).follow_symlinks(true);
    for (path, default_status, requested_status) in LINKS {
        assert_eq!(get(&by_default, path).status, *default_status, "{path}");
        assert_eq!(get(&on_request, path).status, *requested_status, "{path}");
    }
}

#[test]
fn an_index_that_leads_out_is_none() {
    let site = linked();
    let files = Files::new(site.0.join("public")).listing(true);
    assert!(get(&files, "/index-out/").text().contains("Index of /index-out/"));
    let files = files.follow_symlinks(true);
    assert_eq!(get(&files, "/index-out/").text(), "outside/index.html");
}

#[test]
fn a_listing_shows_only_links_that_can_be_followed() {
    let site = linked();
    let files = Files::new(site.0.join("public")).listing(true);
    let shows =
        |files: &Files, name: &str| get(files, "/").text().contains(&format!("<bdi>{name}</bdi>"));
    for name in ["in.txt", "in-sub", "round.txt", "c.txt", "self"] {
        assert!(shows(&files, name), "{name}");
    }
    for name in ["out.txt", "out", "passwd", "near", "up", "broken", "..data"] {
        assert!(!shows(&files, name), "{name}");
    }
    let files = files.follow_symlinks(true);
    for (name, expected) in [("out.txt", true), ("up", true), ("broken", false), ("..data", false)]
    {
        assert_eq!(shows(&files, name), expected, "{name}");
    }
}

#[test]
fn the_directory_itself_may_be_a_link() {
    let site = linked();
    symlink("public", site.0.join("current")).unwrap();
    let files = Files::new(site.0.join("current"));
    assert_eq!(get(&files, "/sub/b.txt").text(), "public/sub/b.txt");
    assert_eq!(get(&files, "/out.txt").status, 404);
}

#[test]
fn special_files_are_never_opened() {
    let site = Temporary::with(&["a.txt"]);
    let _socket = UnixListener::bind(site.0.join("socket")).unwrap();
    symlink("/dev/zero", site.0.join("zero")).unwrap();
    // Opening it would wait for a writer, and this test would not end.
    let made = Command::new("mkfifo").arg(site.0.join("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let files = Files::new(&site.0).follow_symlinks(true).listing(true);
    for path in ["/socket", "/zero", "/pipe", "/pipe/"] {
        assert_eq!(get(&files, path).status, 404, "{path}");
    }
    let page = get(&files, "/");
    assert!(page.text().contains("0 directories, 1 file,"), "{}", page.text());
    let files = files.index(["pipe", "a.txt"]);
    assert_eq!(get(&files, "/").text(), "a.txt");
}

#[test]
fn what_may_not_be_read_is_forbidden() {
    let site = Temporary::with(&["a.txt", "locked/b.txt"]);
    let set = |path: &str, mode: u32| {
        fs::set_permissions(site.0.join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("a.txt", 0);
    set("locked", 0);
    // Root may read everything.
    if File::open(site.0.join("a.txt")).is_err() {
        let files = Files::new(&site.0).listing(true);
        for path in ["/a.txt", "/locked/", "/locked/b.txt", "/locked/missing"] {
            let answer = get(&files, path);
            assert_eq!(answer.status, 403, "{path}");
            assert!(!answer.has_error, "{path}");
        }
    }
    set("locked", 0o700);
}

#[test]
fn a_link_to_itself_is_our_failure() {
    let site = Temporary::new();
    symlink("loop", site.0.join("loop")).unwrap();
    let answer = get(&Files::new(&site.0), "/loop");
    assert_eq!(answer.text(), "500 Internal Server Error\n");
    assert!(answer.has_error);
}
