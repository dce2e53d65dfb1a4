//! How a router should not be put together.

use std::collections::HashSet;

use super::*;

/// A handler that was put together wrongly.
struct Wrong;

impl Handler for Wrong {
    fn call(&self, _: Request) -> Reply {
        Reply::ready("")
    }

    fn check(&self) -> Result<(), HandlerError> {
        Err(HandlerError::new("no good"))
    }
}

/// A router with a mistake, and the message without the places in the program.
fn conflicts() -> Vec<(Router, &'static str)> {
    let new = Router::new;
    vec![
        // The same twice.
        (new().get("/a", "").get("/a", ""), "`GET /a` conflicts with `GET /a`"),
        (new().any("/a", "").any("/a", ""), "`any /a` conflicts with `any /a`"),
        (new().get("/~", "").get("/%7e", ""), "`GET /%7e` conflicts with `GET /~`"),
        (new().get("/{a}", "").get("/{a}", ""), "`GET /{a}` conflicts with `GET /{a}`"),
        (new().options("*", "").options("*", ""), "`OPTIONS *` conflicts with `OPTIONS *`"),
        (new().prefix("/a", "").prefix("/a", ""), "`prefix /a` conflicts with `prefix /a`"),
        (new().prefix("/", "").prefix("/", ""), "`prefix /` conflicts with `prefix /`"),
        (new().host("a.b", "").host("A.b.", ""), "`host A.b.` conflicts with `host a.b`"),
        (new().host("*.a", "").host("*.A", ""), "`host *.A` conflicts with `host *.a`"),
        (new().fallback("").fallback(""), "`fallback` conflicts with `fallback`"),
        // Parameters that can't be told apart.
        (new().get("/{a}", "").put("/{b}", ""), "`PUT /{b}` conflicts with `GET /{a}`"),
        (
            new().get("/u/{a}/p", "").get("/u/{b}/q", "").get("/u/{b}/p", ""),
            "`GET /u/{b}/p` conflicts with `GET /u/{a}/p`",
        ),
        (new().get("/{a}", "").get("/{*b}", ""), "`GET /{*b}` conflicts with `GET /{a}`"),
        (new().get("/{*b}", "").get("/{a}", ""), "`GET /{a}` conflicts with `GET /{*b}`"),
        (new().get("/{*b}", "").get("/{a}/c", ""), "`GET /{a}/c` conflicts with `GET /{*b}`"),
        (new().get("/{a}/c", "").get("/{*b}", ""), "`GET /{*b}` conflicts with `GET /{a}/c`"),
        (new().prefix("/{a}", "").prefix("/{b}", ""), "`prefix /{b}` conflicts with `prefix /{a}`"),
    ]
}

fn malformed() -> Vec<(Router, &'static str)> {
    let new = Router::new;
    vec![
        (new().get("", ""), "`GET ` is malformed: a path begins with a slash"),
        (new().get("a", ""), "`GET a` is malformed: a path begins with a slash"),
        (new().get("*", ""), "`GET *` is malformed: only OPTIONS has the target `*`"),
        (
            new().get("/a?b", ""),
            "`GET /a?b` is malformed: a path has neither a query nor a fragment",
        ),
        (
            new().get("/%2", ""),
            "`GET /%2` is malformed: a percent sign is followed by two hexadecimal digits",
        ),
        (
            new().get("/a/../b", ""),
            "`GET /a/../b` is malformed: paths with `.` or `..` segments are never matched",
        ),
        (
            new().get("/{a}.png", ""),
            "`GET /{a}.png` is malformed: a parameter is a whole segment like `{id}`; a brace itself is doubled",
        ),
        (
            new().get("/{}", ""),
            "`GET /{}` is malformed: the name of a parameter is made of letters, digits, `_` and `-`",
        ),
        (
            new().get("/{*}", ""),
            "`GET /{*}` is malformed: the name of a parameter is made of letters, digits, `_` and `-`",
        ),
        (
            new().get("/{a}/{a}", ""),
            "`GET /{a}/{a}` is malformed: two parameters have the same name",
        ),
        (
            new().get("/{*a}/b", ""),
            "`GET /{*a}/b` is malformed: nothing can follow a remainder like `{*rest}`",
        ),
        (
            new().prefix("/a/", ""),
            "`prefix /a/` is malformed: a prefix is written without a slash at the end",
        ),
        (
            new().prefix("/{*a}", ""),
            "`prefix /{*a}` is malformed: a prefix has a remainder anyway: leave the `{*name}` out",
        ),
        (
            new().host("a.b:80", ""),
            "`host a.b:80` is malformed: expected a host like `example.com`, `*.example.com` or `[::1]`, no port",
        ),
        (
            new().host("a.*.b", ""),
            "`host a.*.b` is malformed: an asterisk stands for the first labels, as in `*.example.com`",
        ),
        (
            new().host("bücher.de", ""),
            "`host bücher.de` is malformed: international names are written in Punycode, such as `xn--bcher-kva.de`",
        ),
    ]
}

/// Handlers that are wrong themselves, wherever they are.
fn wrong_handlers() -> Vec<(Router, &'static str)> {
    let new = Router::new;
    vec![
        (new().get("/a", Wrong), "`GET /a` is wrong: no good"),
        (new().host("a", Wrong), "`host a` is wrong: no good"),
        (new().fallback(Wrong), "`fallback` is wrong: no good"),
        (
            new().prefix("/a", new().get("/b", "").get("/b", "")),
            "`prefix /a` is wrong: `GET /b` conflicts with `GET /b`",
        ),
        // The first of several.
        (new().get("b", "").get("a", ""), "`GET b` is malformed: a path begins with a slash"),
    ]
}

#[test]
fn mistakes_are_told_with_both_definitions() {
    let mut seen = HashSet::new();
    for (router, expected) in [conflicts(), malformed(), wrong_handlers()].into_iter().flatten() {
        let message = router.check().unwrap_err().to_string();
        // Every definition is followed by its place, as in `GET /a` (src/main.rs:3).
        let mut parts = message.split(" (");
        let mut without_places = parts.next().unwrap().to_owned();
        for part in parts {
            let (place, rest) = part.split_once(')').unwrap();
            assert!(place.contains("mistakes.rs:"), "{message}");
            without_places.push_str(rest);
        }
        assert_eq!(without_places, expected);
        assert!(seen.insert(expected), "{expected} stands there twice");
        assert_eq!(router.build().unwrap_err().to_string(), message);
    }
}

#[test]
fn the_place_in_a_message_is_that_of_the_call() {
    let line = line!();
    let router = Router::new().get("/a", "");
    let router = router.any("/a", "");
    let router = router.get("/a", "");
    let message = router.check().unwrap_err().to_string();
    let expected = format!(
        "`GET /a` ({file}:{third}) conflicts with `GET /a` ({file}:{first})",
        file = file!(),
        first = line + 1,
        third = line + 3,
    );
    assert_eq!(message, expected);
}

#[test]
fn a_pattern_with_too_many_parameters_is_refused() {
    let path = |count: usize| (0..count).map(|at| format!("/{{p{at}}}")).collect::<String>();
    Router::new().get(&path(16), "").check().unwrap();
    Router::new().get(&path(17), "").check().unwrap_err();
}
