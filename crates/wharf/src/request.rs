//! [`Request`]: what a handler is given.
//!
//! Not here: parsing (the protocol machine's) and what a request is answered with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use http::{Extensions, Method, StatusCode, Version};
use wharf_proto::{Headers, Misuse, RequestHead, TargetForm};

use crate::body::{Body, OnWorker};
use crate::env::{Env, ServerRef};
use crate::interim::Interims;
use crate::lifeline::Tether;
use crate::observe::ConnectionId;
use crate::peer::{PeerAddr, PeerCredentials};
use crate::percent;
use crate::pool::{Pooled, reusable};
use crate::signal::Signal;
use crate::tls::TlsInfo;

/// A request: head, body, and where it came from.
///
/// ```
/// use wharf::Request;
///
/// let handler = |request: Request| {
///     let agent = request.header("user-agent").unwrap_or("somebody");
///     format!("{agent} from {} wants {}\n", request.peer_addr(), request.path())
/// };
/// # let _ = wharf::Server::new(handler);
/// ```
#[derive(Debug)]
pub struct Request {
    /// In one place, since requests are handed from handler to handler.
    parts: Pooled<Parts>,
}

/// Everything about a request.
#[derive(Debug)]
pub(crate) struct Parts {
    /// That of an earlier request until the next is read into it, which begins with clearing it.
    pub(crate) head: RequestHead,
    pub(crate) body: Body,
    pub(crate) addrs: Addrs,
    pub(crate) connection: ConnectionId,
    /// How much of the path stands before the handler's own part of it, in bytes.
    mounted_at: usize,
    params: Params,
    extensions: Extensions,
    pub(crate) interims: Interims,
    pub(crate) tether: Tether,
    /// What TLS was agreed on, where it is spoken.
    pub(crate) tls: Option<Arc<TlsInfo>>,
    /// Kept for the next request, which is most often one to the same server.
    env: Option<Arc<Env>>,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addrs {
    pub(crate) peer: PeerAddr,
    /// `None` on a Unix socket.
    pub(crate) local: Option<SocketAddr>,
}

const UNKNOWN_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Addrs {
    /// Those of no connection.
    pub(crate) const UNKNOWN: Self = Self { peer: PeerAddr::Ip(UNKNOWN_ADDR), local: None };
}

/// Parameters of a route: names and those values that had to be decoded stand in one text, which
/// is kept when the parts are used again.
#[derive(Debug, Default)]
struct Params {
    text: String,
    places: Vec<Param>,
}

#[derive(Debug)]
struct Param {
    name: Range<usize>,
    value: Value,
}

/// A value is copied only if it has to be decoded.
#[derive(Debug)]
enum Value {
    InPath(Range<usize>),
    Decoded(Range<usize>),
}

impl Params {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    fn store(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            head: RequestHead::default(),
            body: Body::empty(),
            addrs: Addrs::UNKNOWN,
            connection: ConnectionId::UNKNOWN,
            mounted_at: 0,
            params: Params::default(),
            extensions: Extensions::new(),
            interims: Interims::default(),
            tether: Tether::default(),
            tls: None,
            env: None,
        }
    }
}

impl Parts {
    /// Notes which server the request came to.
    #[inline]
    pub(crate) fn belong_to(&mut self, env: &Arc<Env>) {
        if !self.env.as_ref().is_some_and(|own| Arc::ptr_eq(own, env)) {
            self.env = Some(Arc::clone(env));
        }
    }

    #[inline(always)]
    fn reset(&mut self) {
        if !self.body.is_plain() || !self.extensions.is_empty() || self.tls.is_some() {
            self.drop_what_is_held();
        }
        self.body.put_nothing();
        self.mounted_at = 0;
        self.params.clear();
        self.interims = Interims::default();
        // Last: whatever the destructors of extensions ask for is asked for by this request.
        self.tether.release();
        if !OnWorker::is_here() {
            // Nobody uses it again on this thread, and it would keep what the program gave.
            self.env = None;
        }
    }

    #[cold]
    fn drop_what_is_held(&mut self) {
        self.body = Body::empty();
        self.extensions.clear();
        self.tls = None;
    }
}

reusable!(Parts, |parts| parts.reset(), parts.head.storage_bytes());

impl Request {
    pub(crate) const fn new(parts: Pooled<Parts>) -> Self {
        Self { parts }
    }

    /// The method; one that is not registered comes through as it is.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.parts.head.method()
    }

    /// The request-target as it came, such as `/search?q=a`.
    #[must_use]
    pub fn target(&self) -> &str {
        self.parts.head.target()
    }

    /// The path, not percent-decoded. `*` for `OPTIONS *`, empty for CONNECT.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts.head.path()
    }

    /// The part of the path that is left to this handler: behind the prefix under which it is
    /// mounted, and beginning with a slash unless empty.
    #[must_use]
    pub fn rest_path(&self) -> &str {
        self.path().get(self.parts.mounted_at..).unwrap_or_default()
    }

    /// Takes `len` more bytes off [`rest_path`](Self::rest_path): for routers.
    ///
    /// # Panics
    ///
    /// If the rest is shorter.
    pub fn mount(&mut self, len: usize) {
        assert!(len <= self.rest_path().len(), "a mount point lies inside of the path");
        self.parts.mounted_at += len;
    }

    /// The query without its question mark, not decoded; `None` if there was no question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.parts.head.query()
    }

    /// The decoded names and values of the query, in order, as in HTML forms: `+` is a space.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> {
        percent::form_pairs(self.query().unwrap_or_default())
    }

    /// The HTTP version of the request.
    #[must_use]
    pub fn version(&self) -> Version {
        self.parts.head.version()
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.parts.tls.is_some() { "https" } else { "http" }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls_info(&self) -> Option<&TlsInfo> {
        self.parts.tls.as_deref()
    }

    /// The host, without its port, that the request is for: of an absolute request-target, else
    /// of `Host`. Not checked against anything.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let authority = self.parts.head.authority()?;
        let port_at = authority.rfind(':').filter(|&at| {
            // An IPv6 address has colons of its own, in brackets.
            authority.get(at..).is_some_and(|port| !port.contains(']'))
        });
        Some(port_at.map_or(authority, |at| authority.get(..at).unwrap_or_default()))
    }

    /// The host with its port, as [`host`](Self::host).
    pub(crate) fn authority(&self) -> Option<&str> {
        self.parts.head.authority()
    }

    pub(crate) fn target_form(&self) -> TargetForm {
        self.parts.head.target_form()
    }

    /// The fields in the order and the spelling received.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.parts.head.headers()
    }

    /// The first field of that name, if it is there and is UTF-8. Case is ignored.
    #[must_use]
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers().get(name)
    }

    /// The cookies that the peer sent, as `(name, value)`, in order (RFC 6265 section 4.2.1).
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers()
            .get_all("cookie")
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| {
                let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
                Some((name, value))
            })
    }

    /// The parameter of that name in the route's path, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let Params { text, places } = &self.parts.params;
        let param = places.iter().rev().find(|param| text.get(param.name.clone()) == Some(name))?;
        match &param.value {
            Value::InPath(range) => self.path().get(range.clone()),
            Value::Decoded(range) => text.get(range.clone()),
        }
    }

    /// Adds a parameter that stands at `range` of [`path`](Self::path): for routers. Of two with
    /// the same name, the later one counts.
    pub fn push_param(&mut self, name: &str, range: Range<usize>) {
        let raw = self.path().get(range.clone()).unwrap_or_default();
        let decoded = percent::decode(raw);
        let params = &mut self.parts.params;
        let value = match decoded {
            Some(decoded) => Value::Decoded(params.store(&decoded)),
            None => Value::InPath(range),
        };
        let name = params.store(name);
        params.places.push(Param { name, value });
    }

    /// Where the connection comes from.
    #[must_use]
    pub fn peer_addr(&self) -> PeerAddr {
        self.parts.addrs.peer
    }

    /// Whose process the peer is, if it came by a Unix socket and the system tells (Linux).
    #[must_use]
    pub fn peer_credentials(&self) -> Option<PeerCredentials> {
        self.peer_addr().credentials()
    }

    /// The address on which the connection was accepted; `None` if it came by a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.parts.addrs.local
    }

    /// The name of the connection on which the request came, as in
    /// [`ServerHandle::connections`](crate::ServerHandle::connections) and
    /// [`ClosedConnection`](crate::ClosedConnection).
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.parts.connection
    }

    /// Values that handlers attached to the request.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.parts.extensions
    }

    /// Values that handlers attach to the request, one per type.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.parts.extensions
    }

    /// Sends an interim response ahead of the final one, such as 103 (Early Hints) with `Link`
    /// fields (RFC 8297), as soon as the handler has returned or waits. None is sent to HTTP/1.0
    /// peers, which do not know them.
    ///
    /// ```
    /// use wharf::{Headers, Request, StatusCode};
    ///
    /// let handler = async |request: Request| {
    ///     let mut hints = Headers::new();
    ///     hints.append("Link", "</style.css>; rel=preload; as=style")?;
    ///     request.send_interim(StatusCode::EARLY_HINTS, hints)?;
    ///     // What takes time comes here.
    ///     Ok::<_, wharf::BoxError>("<link rel=stylesheet href=/style.css>")
    /// };
    /// # let _ = wharf::Server::new(handler);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongStatusClass`] if the status is not 1xx, or one that the server sends itself:
    /// 100 and 101. [`Misuse::NotAwaitingResponse`] if this is not called from the request's own
    /// handler, on its worker, or more than 16 times before that waits.
    pub fn send_interim(&self, status: StatusCode, headers: Headers) -> Result<(), Misuse> {
        self.parts.interims.push(status, headers)
    }

    /// Lets `act` see and change the values, one per type, that requests have attached to their
    /// connection. They are dropped when it is closed; what is attached afterwards is dropped at
    /// once. It works on every thread. Within `act` there is nothing to be seen but what it is
    /// given, and of two that run at the same time the one that ends last counts.
    ///
    /// ```
    /// use wharf::Request;
    ///
    /// #[derive(Clone, Copy, Default)]
    /// struct Visits(u64);
    ///
    /// let handler = |request: Request| {
    ///     let count = request.connection_extensions(|extensions| {
    ///         let visits = extensions.get_or_insert_default::<Visits>();
    ///         visits.0 += 1;
    ///         visits.0
    ///     });
    ///     format!("request {count} on this connection\n")
    /// };
    /// # let _ = wharf::Server::new(handler);
    /// ```
    pub fn connection_extensions<T>(&self, act: impl FnOnce(&mut Extensions) -> T) -> T {
        self.parts.tether.extensions(act)
    }

    /// Has `hook` called when the exchange is over: its response is out in full or was given up,
    /// and its handler has returned, panicked or been cancelled. It runs on the worker and must
    /// not block. Several are called in the reverse order of their registration, each exactly once.
    /// If one panics, that has no further consequence.
    ///
    /// If the exchange is over already, which a request on another thread may outlive, it is called
    /// at once.
    pub fn on_end(&self, hook: impl FnOnce() + Send + 'static) {
        self.parts.tether.on_end(Box::new(hook));
    }

    /// Has `hook` called when the connection is closed, like those of [`on_end`](Self::on_end).
    /// Each request that registers one adds to those before.
    pub fn on_connection_close(&self, hook: impl FnOnce() + Send + 'static) {
        self.parts.tether.on_close(Box::new(hook));
    }

    /// The value of that type that the program gave the server
    /// ([`Server::with_state`](crate::Server::with_state)).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts.env.as_ref()?.state()
    }

    /// The value of that type that the worker has
    /// ([`Server::with_worker_state`](crate::Server::with_worker_state)). `None` also on a thread
    /// that is no worker of the request's server.
    #[must_use]
    pub fn worker_state<T: 'static>(&self) -> Option<Rc<T>> {
        self.parts.env.as_ref()?.worker_state()
    }

    /// The server that the request came to. It works on every thread.
    #[must_use]
    pub fn server(&self) -> ServerRef {
        self.parts.env.as_ref().map_or(ServerRef::NONE, |env| env.server().clone())
    }

    /// Tells when nobody waits for the response any more: the connection is lost, or closed for
    /// whatever reason, or the exchange is over since the response is out in full.
    ///
    /// It works on every thread, and after the request is gone. Most handlers need it only to stop
    /// what runs elsewhere on their behalf: by default the future of one that answers GET, HEAD,
    /// OPTIONS or TRACE is dropped when its client disconnects
    /// ([`OnDisconnect`](crate::OnDisconnect)).
    ///
    /// ```
    /// use wharf::{Request, StatusCode};
    ///
    /// let handler = async |request: Request| {
    ///     let disconnected = request.disconnected();
    ///     std::thread::spawn(move || {
    ///         for _step in 0..1000 {
    ///             if disconnected.is_set() {
    ///                 return;
    ///             }
    ///             // What takes time comes here.
    ///         }
    ///     });
    ///     StatusCode::ACCEPTED
    /// };
    /// # let _ = wharf::Server::new(handler);
    /// ```
    #[must_use]
    pub fn disconnected(&self) -> Signal {
        self.parts.tether.disconnected()
    }

    /// Tells when the server begins to drain, so that a response which would go on for long can
    /// come to its end, or when the exchange is over. It works on every thread, and after the
    /// request is gone.
    #[must_use]
    pub fn draining(&self) -> Signal {
        self.parts.tether.draining()
    }

    /// Whether the peer offers to go on with another protocol, such as `websocket`, behind a 101
    /// response (RFC 9110 section 7.8): see [`Response::upgrade`](crate::Response::upgrade).
    #[must_use]
    pub fn offers_upgrade(&self, protocol: &str) -> bool {
        let offers = |value: &[u8]| {
            value
                .split(|&byte| byte == b',')
                .any(|offer| offer.trim_ascii().eq_ignore_ascii_case(protocol.as_bytes()))
        };
        let is_meant = self.parts.head.connection().upgrade && self.version() != Version::HTTP_10;
        is_meant && self.headers().get_all("upgrade").any(offers)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.parts.body
    }

    /// The body, to be read.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.parts.body
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(mut self) -> Body {
        std::mem::take(&mut self.parts.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request;

    #[test]
    fn nothing_of_a_request_is_left_to_the_next() {
        let mut used = request("POST", "/a/b?c", &[("Cookie", "secret")]);
        used.mount(2);
        used.push_param("id", 1..2);
        used.extensions_mut().insert("a value");
        *used.body_mut() = Body::from(vec![0; 9]);
        used.body_mut().set_max_bytes(3);
        let place = std::ptr::from_ref(&*used.parts);
        drop(used);
        let next = request("GET", "/d", &[]);
        assert_eq!(std::ptr::from_ref(&*next.parts), place);
        assert_eq!((next.method(), next.path(), next.query()), (&Method::GET, "/d", None));
        assert_eq!((next.rest_path(), next.param("id")), ("/d", None));
        assert!(next.header("cookie").is_none() && next.extensions().is_empty());
        let mut body = next.into_body();
        assert!(body.is_none() && body.trailers().is_none());
        body.kind = crate::body::BodyKind::Pooled(Pooled::take());
        assert!(!body.is_too_large());
    }
}
