//! Values that a program gives its handlers: one for all, or one for each worker.
//!
//! Not here: how handlers come by them (`env.rs`).

use std::rc::Rc;
use std::sync::Arc;

use super::Server;

impl Server {
    /// Gives all handlers a value, which [`Request::state`](crate::Request::state) finds by its
    /// type. A second one of the same type takes the place of the first. It is dropped with the
    /// server and its handle.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use wharf::{Request, Server};
    ///
    /// struct Visits(AtomicU64);
    ///
    /// let server = Server::new(|request: Request| {
    ///     let count = request.state::<Visits>().map(|v| v.0.fetch_add(1, Ordering::Relaxed) + 1);
    ///     format!("visit {}\n", count.unwrap_or(0))
    /// });
    /// let server = server.with_state(Visits(AtomicU64::new(0)));
    /// # let _ = server;
    /// ```
    pub fn with_state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.config.states.insert(value);
        self
    }

    /// Gives the handlers on each worker a value of that worker's, which
    /// [`Request::worker_state`](crate::Request::worker_state) finds by its type. It is made on the
    /// worker before its first turn, stays on its thread, so that it need not be `Send`, and is
    /// dropped there when the worker's last connection is closed. Of two with the same type, the
    /// first counts.
    ///
    /// If `make` panics, its worker has failed, and the others go on
    /// ([`ErrorKind::Worker`](crate::ErrorKind::Worker)).
    ///
    /// ```
    /// use std::cell::RefCell;
    /// use std::collections::HashMap;
    /// use wharf::{Request, Server};
    ///
    /// type Cache = RefCell<HashMap<String, String>>;
    ///
    /// let server = Server::new(|request: Request| {
    ///     let cache = request.worker_state::<Cache>().expect("it is given below");
    ///     let mut cache = cache.borrow_mut();
    ///     cache.entry(request.path().to_owned()).or_insert_with(|| "made".to_owned()).clone()
    /// });
    /// let server = server.with_worker_state(Cache::default);
    /// # let _ = server;
    /// ```
    pub fn with_worker_state<T: 'static>(
        mut self,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.config.makers.push(Arc::new(move || Rc::new(make())));
        self
    }
}
