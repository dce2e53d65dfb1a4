//! [`Router`]: which handler answers a request, by host, path and method.
//!
//! `pattern.rs` reads paths as they are written in routes, `normal.rs` brings those of requests
//! into the same form, `paths.rs` finds one by the other, `methods.rs` and `hosts.rs` do as they
//! are called. This file joins them. A router uses nothing that a user of the crate could not use.
//!
//! Not here: routes that change while serving, and anything done around a handler.

mod endpoint;
mod hosts;
mod methods;
mod normal;
mod paths;
mod pattern;
#[cfg(test)]
mod tests;

use std::fmt;

use self::endpoint::Endpoint;
use self::hosts::{HostPattern, Hosts};
use self::methods::{Allow, Route};
use self::paths::{Paths, Prefixes};
use self::pattern::{ASTERISK, Malformed, Pattern};
use crate::{Handler, HandlerError, IntoHandler, Method, Reply, Request, Response, StatusCode};

/// Chooses a handler by host, path and method. It is a [`Handler`] itself, so routers nest.
///
/// ```
/// use wharf::{Method, Request, Response, Router, StatusCode};
///
/// let users = Router::new()
///     .get("/", "everybody")
///     .get("/{id}", |r: Request| format!("user {}", r.param("id").unwrap_or("?")))
///     .delete("/{id}", async |_: Request| StatusCode::NO_CONTENT);
///
/// let site = Router::new()
///     .get("/health", "ok")
///     .post("/upload", |r: Request| format!("{} bytes", r.body().len().unwrap_or(0)))
///     .route(Method::from_bytes(b"PURGE")?, "/cache", StatusCode::NO_CONTENT)
///     .prefix("/users", users)
///     .host("*.example.org", |_: Request| Response::redirect("https://example.com/"))
///     .fallback(|_: Request| (StatusCode::NOT_FOUND, "Nothing here\n"))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which handler
///
/// 1. A [`host`](Self::host) that matches takes the request, whatever its path: the exact name
///    before a wildcard, a long wildcard before a short one.
/// 2. A route whose whole path matches: one without parameters first, then from left to right a
///    literal segment before a parameter. The path alone decides; if the route has no handler for
///    the method, the answer is 405.
///    A route that ends with `{*rest}` gives way to a prefix of more segments than stand before
///    that, so that `/{*page}` takes what `/assets` leaves.
/// 3. The [`prefix`](Self::prefix) of the most segments.
/// 4. The [`fallback`](Self::fallback), by default a 404 page, 501 for CONNECT, and 400 for what is
///    no path of a URI, such as one with a backslash.
///
/// # Paths
///
/// `{id}` matches one segment, `{*rest}`, at the end, everything that is left; neither matches
/// nothing. [`Request::param`] gives their values, percent-decoded. A brace is written `{{` or
/// `}}`. A slash at the end makes another path.
///
/// Paths that mean the same are the same (RFC 3986 section 6.2.2): `/%7Eann` is `/~ann`, and a
/// pattern `/ä b` matches `/%C3%A4%20b`. An encoded slash, `%2F`, is part of a segment and
/// separates none. A path with `.` or `..` segments, encoded or not, matches no route and no
/// prefix: clients resolve them before they send a path.
///
/// A nested router sees what its prefix left of the path ([`Request::rest_path`]). The mount point
/// itself is its `/`, whether the path has a slash there or not.
///
/// # Methods
///
/// A handler for GET answers HEAD too, unless there is one for HEAD; the server leaves the body
/// out. OPTIONS without a handler is answered with 204 and `Allow`, `OPTIONS *` with 200 and every
/// method that has a route.
///
/// # Mistakes
///
/// A router that was put together wrongly, such as with two handlers for the same requests, keeps
/// the first mistake for [`build`](Self::build) and [`Handler::check`], which a server calls before
/// it listens. The message tells the places in the program.
#[derive(Default)]
#[must_use]
pub struct Router {
    hosts: Hosts,
    routes: Vec<Route>,
    /// Indices of `routes`.
    paths: Paths,
    mounts: Vec<Mount>,
    /// Indices of `mounts`.
    prefixes: Prefixes,
    fallback: Option<Endpoint>,
    /// The methods of all routes.
    allow: Allow,
    /// The first mistake.
    mistake: Option<HandlerError>,
}

/// What is mounted under a prefix.
struct Mount {
    pattern: Pattern,
    endpoint: Endpoint,
}

/// What there is for a path.
enum Found<'r> {
    Route(&'r Route),
    Mount(&'r Mount),
    Nothing,
}

/// The methods that have a function of their own.
macro_rules! methods {
    ($($name:ident $method:ident $text:literal),*) => {$(
        #[doc = concat!("Adds a handler for ", $text, " requests to `path`.")]
        #[track_caller]
        pub fn $name<M>(self, path: &str, handler: impl IntoHandler<M>) -> Self {
            self.route(Method::$method, path, handler)
        }
    )*};
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    methods!(
        get GET "GET and HEAD",
        post POST "POST",
        put PUT "PUT",
        patch PATCH "PATCH",
        delete DELETE "DELETE",
        head HEAD "HEAD",
        options OPTIONS "OPTIONS"
    );

    /// Adds a handler for requests of any method to `path`. One for a certain method goes before.
    #[track_caller]
    pub fn any<M>(self, path: &str, handler: impl IntoHandler<M>) -> Self {
        let endpoint = Endpoint::new(format!("any {path}"), handler);
        self.with(|router| router.add_route(None, path, endpoint))
    }

    /// Adds a handler for requests of any one method to `path`. Only OPTIONS can have the path `*`.
    #[track_caller]
    pub fn route<M>(self, method: Method, path: &str, handler: impl IntoHandler<M>) -> Self {
        let endpoint = Endpoint::new(format!("{method} {path}"), handler);
        self.with(|router| router.add_route(Some(method), path, endpoint))
    }

    /// Adds a handler for `path` and everything below: `/assets` has `/assets/a` below it, but not
    /// `/assetsfoo`. The handler sees what is left as [`Request::rest_path`].
    ///
    /// The path may have parameters like `{id}`. The prefix of every path is `/`.
    #[track_caller]
    pub fn prefix<M>(self, path: &str, handler: impl IntoHandler<M>) -> Self {
        let endpoint = Endpoint::new(format!("prefix {path}"), handler);
        self.with(|router| router.add_prefix(path, endpoint))
    }

    /// Adds a handler for a host, whatever the port: `example.com`, `192.0.2.1`, `[2001:db8::1]`.
    ///
    /// `*.example.com` is every host below `example.com`, however many labels it has, but not
    /// `example.com` itself. Case does not matter. Requests to other hosts, or to none, go by the
    /// other rules of this router.
    #[track_caller]
    pub fn host<M>(self, host: &str, handler: impl IntoHandler<M>) -> Self {
        let endpoint = Endpoint::new(format!("host {host}"), handler);
        self.with(|router| {
            let pattern = HostPattern::new(host).map_err(|reason| endpoint.malformed(reason))?;
            if let Some(other) = router.hosts.endpoint(&pattern) {
                return Err(endpoint.conflict(Some(other)));
            }
            router.hosts.insert(pattern, endpoint);
            Ok(())
        })
    }

    /// Adds the handler for requests that nothing else matches, in place of the 404 page.
    #[track_caller]
    pub fn fallback<M>(self, handler: impl IntoHandler<M>) -> Self {
        let endpoint = Endpoint::new("fallback".to_owned(), handler);
        self.with(|router| match &router.fallback {
            Some(other) => Err(endpoint.conflict(Some(other))),
            None => {
                router.fallback = Some(endpoint);
                Ok(())
            }
        })
    }

    /// The router, if it and all handlers in it were put together rightly. A server asks the same
    /// before it listens.
    ///
    /// # Errors
    ///
    /// The first mistake: two handlers for the same requests, parameters of different names at the
    /// same place, `{*rest}` beside `{id}`, a malformed path or host.
    pub fn build(self) -> Result<Self, HandlerError> {
        self.check()?;
        Ok(self)
    }

    /// Makes a change, and keeps the first mistake.
    fn with(mut self, change: impl FnOnce(&mut Self) -> Result<(), HandlerError>) -> Self {
        if let Err(mistake) = change(&mut self) {
            self.mistake.get_or_insert(mistake);
        }
        self
    }

    fn add_route(
        &mut self,
        method: Option<Method>,
        path: &str,
        endpoint: Endpoint,
    ) -> Result<(), HandlerError> {
        let pattern = Pattern::route(path).map_err(|reason| endpoint.malformed(reason))?;
        if path == ASTERISK && method.as_ref().is_some_and(|method| *method != Method::OPTIONS) {
            return Err(endpoint.malformed(Malformed::Asterisk));
        }
        let index = match self.paths.entry(&pattern) {
            Some(index) => index,
            None => {
                self.paths.insert(&pattern, self.routes.len()).map_err(|conflict| {
                    let other = conflict.0.and_then(|index| self.routes.get(index));
                    endpoint.conflict(other.and_then(|route| route.endpoints().next()))
                })?;
                self.routes.push(Route::new(pattern));
                self.routes.len() - 1
            }
        };
        let route = &mut self.routes[index];
        if let Some(other) = route.endpoint(method.as_ref()) {
            return Err(endpoint.conflict(Some(other)));
        }
        if let Some(method) = &method {
            self.allow.add(method);
        }
        route.add(method, endpoint);
        Ok(())
    }

    fn add_prefix(&mut self, path: &str, endpoint: Endpoint) -> Result<(), HandlerError> {
        let pattern = Pattern::prefix(path).map_err(|reason| endpoint.malformed(reason))?;
        self.prefixes.insert(&pattern, self.mounts.len()).map_err(|conflict| {
            let other = conflict.0.and_then(|index| self.mounts.get(index));
            endpoint.conflict(other.map(|mount| &mount.endpoint))
        })?;
        self.mounts.push(Mount { pattern, endpoint });
        Ok(())
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        let routes = self.routes.iter().flat_map(Route::endpoints);
        let mounts = self.mounts.iter().map(|mount| &mount.endpoint);
        self.hosts.endpoints().chain(routes).chain(mounts).chain(&self.fallback)
    }

    /// The route that is written like `path`, which is in normal form then, as routes are.
    #[inline]
    fn find_written(&self, path: &str) -> Option<&Route> {
        let route = self.paths.written(path).and_then(|index| self.routes.get(index))?;
        (!route.pattern().has_params()).then_some(route)
    }

    /// What there is for a request whose path is not written like a route.
    fn find(&self, request: &Request) -> Found<'_> {
        let path = match request.rest_path() {
            // CONNECT has no path.
            "" if request.path().is_empty() => return Found::Nothing,
            "" => "/",
            path => path,
        };
        let Some(path) = normal::of_path(path) else { return Found::Nothing };
        let route = self.paths.find(&path).and_then(|index| self.routes.get(index));
        let stem = route.map(|route| route.pattern().remainder_at());
        if let (Some(route), Some(None)) = (route, stem) {
            return Found::Route(route);
        }
        if path == ASTERISK {
            return Found::Nothing;
        }
        let mount = self.prefixes.find(&path).and_then(|index| self.mounts.get(index));
        match (route, mount) {
            // `/{*page}` takes what a more specific prefix leaves.
            (Some(_), Some(mount)) if stem.flatten() < Some(mount.pattern.segments()) => {
                Found::Mount(mount)
            }
            (Some(route), _) => Found::Route(route),
            (None, Some(mount)) => Found::Mount(mount),
            (None, None) => Found::Nothing,
        }
    }
}

impl Handler for Router {
    fn call(&self, request: Request) -> Reply {
        if !self.hosts.is_empty()
            && let Some(endpoint) = self.find_host(&request)
        {
            return endpoint.handler().call(request);
        }
        match self.find_written(request.rest_path()) {
            Some(route) => route.call(request, &self.allow),
            None => self.call_unwritten(request),
        }
    }

    fn check(&self) -> Result<(), HandlerError> {
        match &self.mistake {
            Some(mistake) => Err(mistake.clone()),
            None => self.endpoints().try_for_each(Endpoint::check),
        }
    }
}

impl Router {
    #[inline(never)]
    fn find_host(&self, request: &Request) -> Option<&Endpoint> {
        request.host().and_then(|host| self.hosts.find(host))
    }

    /// Answers a request whose path is not written like a route.
    #[inline(never)]
    fn call_unwritten(&self, request: Request) -> Reply {
        match self.find(&request) {
            Found::Route(route) => route.call(request, &self.allow),
            Found::Mount(mount) => mount.call(request),
            Found::Nothing if request.path() == ASTERISK => {
                Reply::ready(self.allow.on(Response::new(StatusCode::OK)))
            }
            Found::Nothing => match &self.fallback {
                Some(endpoint) => endpoint.handler().call(request),
                // What follows may be meant for the tunnel that was asked for.
                None if *request.method() == Method::CONNECT => Reply::ready(
                    Response::status_page(StatusCode::NOT_IMPLEMENTED)
                        .with_header("Connection", "close"),
                ),
                // RFC 9112 section 3.2: what is no URI is not merely missing.
                None if !normal::is_uri_path(request.path()) => {
                    Reply::ready(Response::status_page(StatusCode::BAD_REQUEST))
                }
                None => Reply::ready(Response::status_page(StatusCode::NOT_FOUND)),
            },
        }
    }
}

impl Mount {
    fn call(&self, mut request: Request) -> Reply {
        self.pattern.push_params(&mut request);
        let prefix = pattern::head(request.rest_path(), self.pattern.segments());
        let len = prefix.map_or(0, str::len);
        request.mount(len);
        self.endpoint.handler().call(request)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.endpoints()).finish()
    }
}
