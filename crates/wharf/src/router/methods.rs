//! [`Route`]: the handlers of one path, told apart by method, and [`Allow`].

use super::endpoint::Endpoint;
use super::pattern::Pattern;
use crate::{Method, Reply, Request, Response, StatusCode};

/// The handlers of one path.
pub(super) struct Route {
    pattern: Pattern,
    /// Few, so that searching the list is quicker than hashing.
    by_method: Vec<(Method, Endpoint)>,
    /// For the methods that have no handler of their own.
    any: Option<Endpoint>,
    allow: Allow,
}

impl Route {
    pub(super) const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(super) fn new(pattern: Pattern) -> Self {
        Self { pattern, by_method: Vec::new(), any: None, allow: Allow::default() }
    }

    /// Every handler of this path.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.by_method.iter().map(|(_, endpoint)| endpoint).chain(&self.any)
    }

    /// The handler that was added for exactly this method, or for any.
    pub(super) fn endpoint(&self, method: Option<&Method>) -> Option<&Endpoint> {
        let Some(method) = method else { return self.any.as_ref() };
        let entry = self.by_method.iter().find(|(other, _)| other == method);
        entry.map(|(_, endpoint)| endpoint)
    }

    /// Adds the handler for a method, or for any, that has none yet.
    pub(super) fn add(&mut self, method: Option<Method>, endpoint: Endpoint) {
        let Some(method) = method else {
            self.any = Some(endpoint);
            return;
        };
        self.allow.add(&method);
        self.by_method.push((method, endpoint));
    }

    /// Answers a request for this path, where `known` has the methods of all paths.
    #[inline]
    pub(super) fn call(&self, mut request: Request, known: &Allow) -> Reply {
        if let Some(endpoint) = self.choose(request.method()) {
            self.pattern.push_params(&mut request);
            return endpoint.handler().call(request);
        }
        self.refuse(&request, known)
    }

    /// Answers a request whose method has no handler.
    #[inline(never)]
    fn refuse(&self, request: &Request, known: &Allow) -> Reply {
        Reply::ready(self.allow.on(match *request.method() {
            Method::OPTIONS => Response::new(StatusCode::NO_CONTENT),
            ref method if known.knows(method) => {
                Response::status_page(StatusCode::METHOD_NOT_ALLOWED)
            }
            // RFC 9110 section 9.1: 405 is for methods that the server knows.
            _ => Response::status_page(StatusCode::NOT_IMPLEMENTED),
        }))
    }

    #[inline]
    fn choose(&self, method: &Method) -> Option<&Endpoint> {
        match self.by_method.first() {
            Some((first, endpoint)) if first == method => Some(endpoint),
            _ => self.choose_other(method),
        }
    }

    #[inline(never)]
    fn choose_other(&self, method: &Method) -> Option<&Endpoint> {
        let own = self.endpoint(Some(method));
        // RFC 9110 section 9.3.2: HEAD is GET without the content, which the server leaves out.
        let get = || (*method == Method::HEAD).then(|| self.endpoint(Some(&Method::GET))).flatten();
        own.or_else(get).or(self.any.as_ref())
    }
}

/// The value of `Allow` (RFC 9110 section 10.2.1): methods in alphabetical order. OPTIONS is always
/// among them, and HEAD is if GET is.
pub(super) struct Allow {
    methods: Vec<Method>,
    text: String,
}

impl Default for Allow {
    fn default() -> Self {
        Self { methods: vec![Method::OPTIONS], text: Method::OPTIONS.to_string() }
    }
}

impl Allow {
    pub(super) fn add(&mut self, method: &Method) {
        self.methods.push(method.clone());
        if *method == Method::GET {
            self.methods.push(Method::HEAD);
        }
        self.methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        self.methods.dedup();
        let names: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        self.text = names.join(", ");
    }

    /// Whether the method is among them, or is one that every server knows by name.
    fn knows(&self, method: &Method) -> bool {
        let registered = [
            Method::CONNECT,
            Method::DELETE,
            Method::GET,
            Method::HEAD,
            Method::PATCH,
            Method::POST,
            Method::PUT,
            Method::TRACE,
        ];
        self.methods.contains(method) || registered.contains(method)
    }

    /// `response` with this field.
    pub(super) fn on(&self, response: Response) -> Response {
        response.with_header("Allow", &self.text)
    }
}
