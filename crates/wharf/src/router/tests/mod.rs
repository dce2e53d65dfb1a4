//! Tables of requests and of what a router makes of them.

mod hosts;
mod mistakes;

use super::*;
use crate::testing::{answer, get, request};

/// One row: a request, and what becomes of it.
struct Case {
    request: (&'static str, &'static str),
    status: u16,
    body: &'static str,
    allow: Option<&'static str>,
}

const fn case(
    request: (&'static str, &'static str),
    status: u16,
    body: &'static str,
    allow: Option<&'static str>,
) -> Case {
    Case { request, status, body, allow }
}

fn run(router: &Router, cases: &[Case]) {
    router.check().unwrap();
    for Case { request: (method, target), status, body, allow } in cases {
        let answer = answer(router, request(method, target, &[]));
        assert_eq!(answer.status.as_u16(), *status, "{method} {target}");
        assert_eq!(answer.text(), *body, "{method} {target}");
        assert_eq!(answer.header("allow"), *allow, "{method} {target}");
    }
}

/// A handler that answers with its name and all it can see of the path.
fn show(name: &'static str) -> impl Handler {
    let handler = move |request: Request| {
        let params = ["id", "name", "tenant", "rest"]
            .map(|name| request.param(name).map(|value| format!(" {name}={value}")));
        let params: String = params.into_iter().flatten().collect();
        match request.rest_path() {
            rest if rest == request.path() => format!("{name}{params}"),
            rest => format!("{name}{params} left={rest:?}"),
        }
    };
    IntoHandler::<crate::marker::Sync>::into_handler(handler)
}

const NOT_FOUND: &str = "404 Not Found\n";
const BAD_REQUEST: &str = "400 Bad Request\n";
const NOT_IMPLEMENTED: &str = "501 Not Implemented\n";
const NOT_ALLOWED: &str = "405 Method Not Allowed\n";

fn shop() -> Router {
    Router::new()
        .get("/", show("home"))
        .get("/about", show("about"))
        .get("/about/", show("about, slash"))
        .get("/user/{id}", show("user"))
        .put("/user/{id}", show("put user"))
        .get("/user/me", show("me"))
        .get("/user/{id}/posts/{name}", show("post"))
        .post("/upload", show("upload"))
        .any("/any", show("any"))
        .delete("/any", show("delete any"))
        .head("/head", show("head"))
        .get("/head", show("get head"))
        .options("/options", show("options"))
        .post("/options", show("post options"))
        .get("/files/{*rest}", show("files"))
        .get("/files/readme", show("readme"))
        .route(Method::from_bytes(b"PURGE").unwrap(), "/about", show("purge"))
        .prefix("/assets", show("assets"))
        .prefix("/assets/img", show("images"))
        .prefix("/assets/{name}/raw", show("raw"))
        .get("/assets/exact", show("exact"))
        .get("/assets/{id}", show("asset"))
}

#[rustfmt::skip]
const SHOP: &[Case] = &[
    // Whole paths.
    case(("GET", "/"),                      200, "home", None),
    case(("GET", "/?q=1"),                  200, "home", None),
    case(("GET", "/about"),                 200, "about", None),
    case(("GET", "/about/"),                200, "about, slash", None),
    case(("GET", "/about//"),               404, NOT_FOUND, None),
    case(("GET", "/About"),                 404, NOT_FOUND, None),
    case(("GET", "/abou"),                  404, NOT_FOUND, None),
    case(("GET", "//"),                     404, NOT_FOUND, None),
    case(("GET", "//about"),                404, NOT_FOUND, None),
    case(("GET", "http://localhost/about"), 200, "about", None),
    case(("GET", "http://localhost"),       200, "home", None),
    // What is no path of a URI.
    case(("GET", "/path\\file"),             400, BAD_REQUEST, None),
    case(("GET", "/path%00.html"),          400, BAD_REQUEST, None),
    case(("GET", "/path%zz"),               400, BAD_REQUEST, None),
    case(("GET", "/path%"),                 400, BAD_REQUEST, None),
    case(("GET", "/path%0d%0a"),            404, NOT_FOUND, None),
    case(("GET", "/missing?a\\b%00"),        404, NOT_FOUND, None),
    // Parameters.
    case(("GET", "/user/42"),               200, "user id=42", None),
    case(("GET", "/user/me"),               200, "me", None),
    case(("GET", "/user/met"),              200, "user id=met", None),
    case(("GET", "/user/m"),                200, "user id=m", None),
    case(("GET", "/user/"),                 404, NOT_FOUND, None),
    case(("GET", "/user"),                  404, NOT_FOUND, None),
    case(("GET", "/user/42/"),              404, NOT_FOUND, None),
    case(("GET", "/user/42/posts/7"),       200, "post id=42 name=7", None),
    case(("GET", "/user/me/posts/7"),       200, "post id=me name=7", None),
    case(("GET", "/user//posts/7"),         404, NOT_FOUND, None),
    case(("GET", "/user/42/posts/"),        404, NOT_FOUND, None),
    case(("GET", "/files/a/b/c"),           200, "files rest=a/b/c", None),
    case(("GET", "/files/a//"),             200, "files rest=a//", None),
    case(("GET", "/files/readme"),          200, "readme", None),
    case(("GET", "/files/readme/"),         200, "files rest=readme/", None),
    case(("GET", "/files/"),                404, NOT_FOUND, None),
    // Methods.
    case(("HEAD", "/about"),                200, "about", None),
    case(("HEAD", "/head"),                 200, "head", None),
    case(("GET", "/head"),                  200, "get head", None),
    case(("POST", "/about"),                405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS, PURGE")),
    case(("PURGE", "/about"),               200, "purge", None),
    case(("PURGE", "/user/1"),              405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS, PUT")),
    case(("GET", "/upload"),                405, NOT_ALLOWED, Some("OPTIONS, POST")),
    case(("HEAD", "/upload"),               405, NOT_ALLOWED, Some("OPTIONS, POST")),
    case(("PUT", "/user/me"),               405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS")),
    case(("PUT", "/user/you"),              200, "put user id=you", None),
    case(("get", "/about"),                 501, NOT_IMPLEMENTED, Some("GET, HEAD, OPTIONS, PURGE")),
    case(("POST", "/missing"),              404, NOT_FOUND, None),
    case(("OPTIONS", "/about"),             204, "", Some("GET, HEAD, OPTIONS, PURGE")),
    case(("OPTIONS", "/upload"),            204, "", Some("OPTIONS, POST")),
    case(("OPTIONS", "/options"),           200, "options", None),
    case(("OPTIONS", "/missing"),           404, NOT_FOUND, None),
    case(("GET", "/options"),               405, NOT_ALLOWED, Some("OPTIONS, POST")),
    case(("OPTIONS", "*"),                  200, "", Some("DELETE, GET, HEAD, OPTIONS, POST, PURGE, PUT")),
    case(("GET", "/any"),                   200, "any", None),
    case(("HEAD", "/any"),                  200, "any", None),
    case(("OPTIONS", "/any"),               200, "any", None),
    case(("FROB", "/any"),                  200, "any", None),
    case(("DELETE", "/any"),                200, "delete any", None),
    case(("CONNECT", "localhost:80"),       501, NOT_IMPLEMENTED, None),
    // Prefixes.
    case(("GET", "/assets"),                200, "assets left=\"\"", None),
    case(("GET", "/assets/"),               200, "assets left=\"/\"", None),
    case(("GET", "/assets/a/b"),            200, "assets left=\"/a/b\"", None),
    case(("GET", "/assetsfoo"),             404, NOT_FOUND, None),
    case(("DELETE", "/assets/a/b"),         200, "assets left=\"/a/b\"", None),
    case(("OPTIONS", "/assets/a/b"),        200, "assets left=\"/a/b\"", None),
    case(("GET", "/assets/exact"),          200, "exact", None),
    case(("GET", "/assets/other"),          200, "asset id=other", None),
    case(("GET", "/assets/img"),            200, "asset id=img", None),
    case(("GET", "/assets/img/"),           200, "images left=\"/\"", None),
    case(("GET", "/assets/img/a?b"),        200, "images left=\"/a\"", None),
    case(("GET", "/assets/imga/b"),         200, "assets left=\"/imga/b\"", None),
    case(("GET", "/assets/img/raw"),        200, "raw name=img left=\"\"", None),
    case(("GET", "/assets/x/raw/y"),        200, "raw name=x left=\"/y\"", None),
    case(("GET", "/assets//raw"),           200, "assets left=\"//raw\"", None),
    case(("GET", "//assets/a"),             404, NOT_FOUND, None),
];

#[test]
fn requests_find_their_handlers() {
    run(&shop(), SHOP);
}

fn encoded() -> Router {
    Router::new()
        .get("/~ann/a b", show("tilde"))
        .get("/über", show("umlaut"))
        .get("/a%2Fb", show("slash"))
        .get("/at/@", show("at"))
        .get("/{{id}}", show("braces"))
        .get("/user/{id}", show("user"))
        .get("/user/{id}/{*rest}", show("below user"))
        .prefix("/f ö", show("prefix"))
        .prefix("/tenant/{tenant}", show("tenant"))
}

#[rustfmt::skip]
const ENCODED: &[Case] = &[
    case(("GET", "/~ann/a%20b"),          200, "tilde", None),
    case(("GET", "/%7Eann/a%20b"),        200, "tilde", None),
    case(("GET", "/%7e%61%6E%6e/%61%20%62"), 200, "tilde", None),
    case(("GET", "/~ann%2Fa%20b"),        404, NOT_FOUND, None),
    case(("GET", "/~ann/a+b"),            404, NOT_FOUND, None),
    case(("GET", "/%C3%BCber"),           200, "umlaut", None),
    case(("GET", "/%c3%bcber"),           200, "umlaut", None),
    case(("GET", "/a%2Fb"),               200, "slash", None),
    case(("GET", "/a%2fb"),               200, "slash", None),
    case(("GET", "/a/b"),                 404, NOT_FOUND, None),
    case(("GET", "/at/@"),                200, "at", None),
    // RFC 3986 section 6.2.2.2: only unreserved characters mean the same encoded.
    case(("GET", "/at/%40"),              404, NOT_FOUND, None),
    case(("GET", "/%7Bid%7D"),            200, "braces", None),
    case(("GET", "/{id}"),                200, "braces", None),
    case(("GET", "/user/a%20b"),          200, "user id=a b", None),
    case(("GET", "/user/a+b"),            200, "user id=a+b", None),
    case(("GET", "/user/a%2Fb"),          200, "user id=a/b", None),
    case(("GET", "/user/a%252Fb"),        200, "user id=a%2Fb", None),
    case(("GET", "/user/%C3%BC"),         200, "user id=ü", None),
    case(("GET", "/user/%FF"),            200, "user id=\u{fffd}", None),
    case(("GET", "/user/100%"),           200, "user id=100%", None),
    case(("GET", "/user/{id}"),           200, "user id={id}", None),
    case(("GET", "/user/%7Bid}"),         200, "user id={id}", None),
    case(("GET", "/%75ser/|%7C"),         200, "user id=||", None),
    case(("GET", "/user/%61/b%2F/c"),     200, "below user id=a rest=b//c", None),
    case(("GET", "/f%20%c3%b6/x%20y"),    200, "prefix left=\"/x%20y\"", None),
    case(("GET", "/f%20%c3%b6"),          200, "prefix left=\"\"", None),
    case(("GET", "/f%20%c3%b6%2Fx"),      404, NOT_FOUND, None),
    case(("GET", "/%74enant/%61%2F/%62"), 200, "tenant tenant=a/ left=\"/%62\"", None),
    // Nothing is to be got by going up.
    case(("GET", "/user/.."),             404, NOT_FOUND, None),
    case(("GET", "/user/."),              404, NOT_FOUND, None),
    case(("GET", "/user/%2e%2e"),         404, NOT_FOUND, None),
    case(("GET", "/user/.%2E"),           404, NOT_FOUND, None),
    case(("GET", "/user/1/../2"),         404, NOT_FOUND, None),
    case(("GET", "/tenant/a/../../b"),    404, NOT_FOUND, None),
    case(("GET", "/tenant/a/%2e%2e/b"),   404, NOT_FOUND, None),
    case(("GET", "/tenant/../user/1"),    404, NOT_FOUND, None),
    case(("GET", "/./user/1"),            404, NOT_FOUND, None),
    // These only look like it.
    case(("GET", "/user/..."),            200, "user id=...", None),
    case(("GET", "/user/.a"),             200, "user id=.a", None),
    case(("GET", "/user/a.."),            200, "user id=a..", None),
    case(("GET", "/user/%252e%252e"),     200, "user id=%2e%2e", None),
    case(("GET", "/user/..%2F"),          200, "user id=../", None),
    case(("GET", "/user/\\..\\"),         200, "user id=\\..\\", None),
];

#[test]
fn paths_that_mean_the_same_are_the_same() {
    run(&encoded(), ENCODED);
}

#[test]
fn a_static_route_hides_a_parameter_for_every_method() {
    let router = Router::new().get("/a/b", show("static")).post("/a/{id}", show("param"));
    let cases = [
        case(("POST", "/a/b"), 405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS")),
        case(("POST", "/a/c"), 200, "param id=c", None),
    ];
    run(&router, &cases);
}

#[test]
fn a_route_for_all_that_is_left_gives_way_to_longer_prefixes() {
    let router = Router::new()
        .get("/{*rest}", show("page"))
        .get("/docs/{*rest}", show("docs"))
        .prefix("/assets", show("assets"))
        .prefix("/docs", show("docs prefix"))
        .prefix("/docs/img", show("images"));
    let cases = [
        case(("GET", "/about/us"), 200, "page rest=about/us", None),
        case(("GET", "/assets/a.js"), 200, "assets left=\"/a.js\"", None),
        case(("GET", "/docs/a/b"), 200, "docs rest=a/b", None),
        case(("GET", "/docs/img/c"), 200, "images left=\"/c\"", None),
        case(("GET", "/docs"), 200, "docs prefix left=\"\"", None),
    ];
    run(&router, &cases);
}

#[test]
fn a_route_for_options_asterisk_takes_it() {
    let router = Router::new().options("*", show("asterisk")).prefix("/", show("everything"));
    let cases = [
        case(("OPTIONS", "*"), 200, "asterisk", None),
        case(("OPTIONS", "/"), 200, "everything", None),
        case(("GET", "/*"), 200, "everything", None),
    ];
    run(&router, &cases);
    run(&Router::new(), &[case(("OPTIONS", "*"), 200, "", Some("OPTIONS"))]);
    run(&Router::new().any("*", show("any")), &[case(("OPTIONS", "*"), 200, "any", None)]);
}

#[test]
fn a_fallback_gets_what_is_left() {
    let router = Router::new().get("/a", show("a")).fallback(show("fallback"));
    let cases = [
        case(("GET", "/a"), 200, "a", None),
        case(("POST", "/a"), 405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS")),
        case(("POST", "/b"), 200, "fallback", None),
        case(("GET", "/../a"), 200, "fallback", None),
        case(("CONNECT", "a:1"), 200, "fallback", None),
        case(("OPTIONS", "*"), 200, "", Some("GET, HEAD, OPTIONS")),
    ];
    run(&router, &cases);
}

#[rustfmt::skip]
const NESTED: &[Case] = &[
    case(("GET", "/api"),            200, "index left=\"\"", None),
    case(("GET", "/api/"),           200, "index left=\"/\"", None),
    case(("GET", "/api/users/7"),    200, "user id=7 left=\"/users/7\"", None),
    case(("POST", "/api/users/7"),   405, NOT_ALLOWED, Some("GET, HEAD, OPTIONS")),
    case(("OPTIONS", "/api/users/7"), 204, "", Some("GET, HEAD, OPTIONS")),
    case(("GET", "/api/users/7/x"),  404, "no such call", None),
    case(("GET", "/api/t/acme"),     200, "tenant tenant=acme left=\"\"", None),
    case(("GET", "/api/t/acme/x%20"), 200, "item tenant=acme id=x  left=\"/x%20\"", None),
    case(("GET", "/api/t/acme/x/y"), 404, NOT_FOUND, None),
    case(("GET", "/api/t"),          404, "no such call", None),
    case(("GET", "/apiusers"),       200, "site left=\"/apiusers\"", None),
    case(("GET", "/"),               200, "site left=\"/\"", None),
    case(("GET", "/a/b"),            200, "site left=\"/a/b\"", None),
];

#[test]
fn nested_routers_see_what_is_left_of_the_path() {
    let tenant = Router::new()
        .get("/", |request: Request| {
            format!(
                "tenant tenant={} left={:?}",
                request.param("tenant").unwrap(),
                request.rest_path()
            )
        })
        .get("/{id}", |request: Request| {
            let [tenant, id] = ["tenant", "id"].map(|name| request.param(name).unwrap_or_default());
            format!("item tenant={tenant} id={id} left={:?}", request.rest_path())
        });
    let api = Router::new()
        .get("/", show("index"))
        .get("/users/{id}", show("user"))
        .prefix("/t/{tenant}", tenant)
        .fallback(|_: Request| (StatusCode::NOT_FOUND, "no such call"));
    let site = Router::new()
        .prefix("/api", api)
        .prefix("/", |request: Request| format!("site left={:?}", request.rest_path()));
    run(&site, NESTED);
}

#[test]
fn the_innermost_of_parameters_with_one_name_counts() {
    let inner =
        Router::new().get("/{id}", |request: Request| request.param("id").map(str::to_owned));
    let outer = Router::new().prefix("/{id}", inner);
    assert_eq!(get(&outer, "/a/b").text(), "b");
}

#[test]
fn every_kind_of_handler_is_taken() {
    async fn function(request: Request) -> String {
        request.path().to_owned()
    }
    let router = Router::new()
        .get("/constant", "constant")
        .get("/status", StatusCode::IM_A_TEAPOT)
        .get("/sync", |request: Request| request.path().to_owned())
        .get("/async", async |request: Request| request.path().to_owned())
        .get("/function", function)
        .prefix("/router", Router::new().get("/a", "nested"));
    for (path, expected) in [
        ("/constant", "constant"),
        ("/status", ""),
        ("/sync", "/sync"),
        ("/async", "/async"),
        ("/function", "/function"),
        ("/router/a", "nested"),
    ] {
        assert_eq!(get(&router, path).text(), expected, "{path}");
    }
}

#[test]
fn a_router_shows_its_definitions() {
    let router = Router::new().prefix("/p", "").get("/a", "").host("h", "").fallback("");
    assert_eq!(format!("{router:?}"), "[host h, GET /a, prefix /p, fallback]");
}
