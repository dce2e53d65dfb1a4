//! [`Settings`]: all that a server was told that is a value, in one place.
//!
//! They are set by the methods of [`Server`](crate::Server), whose docs say what each is for. Not
//! here: functions and services, and what is listened on ([`ListenAddr`](crate::ListenAddr)).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use wharf_proto::h2::Config;

use crate::config::{BlockingPool, DEFAULT_DISPATCH, Dispatch, Timeouts};
use crate::handler::OnDisconnect;
use crate::listener::{SYSTEM_POLLS, SYSTEM_SPREADS};
use crate::sys::CAN_PIN;
use crate::{Backend, Limits};

/// What a server was told, to be read: [`Server::settings`](crate::Server::settings) and the
/// handles of a running server give them. Each field is called as the method of
/// [`Server`](crate::Server) that sets it, where its unit and its default are.
///
/// A value is what is in force: one outside of its range is the nearest in it. Once the server runs
/// nothing is left open any more: [`workers`](Self::workers) and
/// [`max_connections`](Self::max_connections) are numbers, [`backend`](Self::backend) and
/// [`dispatch`](Self::dispatch) are what they have come to on this system, and what has no effect
/// there, or on a [`Ticker`](crate::Ticker), is off.
///
/// ```
/// use wharf::{Server, Timeouts};
///
/// let timeouts = Timeouts::default().with_body_rate(1_000);
/// let server = Server::new("hello").workers(2).timeouts(timeouts);
/// assert_eq!(server.settings().timeouts.body_rate(), 1_000);
/// let handle = server.listen("127.0.0.1:0")?.start()?;
/// assert_eq!(handle.settings().workers, Some(2));
/// println!("{:#?}", handle.settings());
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// [`Server::workers`](crate::Server::workers).
    pub workers: Option<usize>,
    /// [`Server::dispatch`](crate::Server::dispatch).
    pub dispatch: Dispatch,
    /// [`Server::backend`](crate::Server::backend).
    pub backend: Backend,
    /// [`Server::limits`](crate::Server::limits).
    pub limits: Limits,
    /// [`Server::timeouts`](crate::Server::timeouts).
    pub timeouts: Timeouts,
    /// [`Server::blocking_pool`](crate::Server::blocking_pool).
    pub blocking_pool: BlockingPool,
    /// [`Server::max_connections`](crate::Server::max_connections).
    pub max_connections: Option<usize>,
    /// [`Server::max_connections_per_client`](crate::Server::max_connections_per_client).
    pub max_connections_per_client: Option<usize>,
    /// [`Server::max_handshakes`](crate::Server::max_handshakes).
    pub max_handshakes: usize,
    /// [`Server::max_requests_per_connection`](crate::Server::max_requests_per_connection).
    pub max_requests_per_connection: u32,
    /// [`Server::http2`](crate::Server::http2).
    pub http2: bool,
    /// [`Server::max_streams`](crate::Server::max_streams).
    pub max_streams: u32,
    /// [`Server::http2_windows`](crate::Server::http2_windows): of a stream, and of a connection.
    pub http2_windows: (u32, u32),
    /// [`Server::on_disconnect`](crate::Server::on_disconnect); `None` leaves it to the method.
    pub on_disconnect: Option<OnDisconnect>,
    /// [`Server::allow_half_close`](crate::Server::allow_half_close).
    pub allow_half_close: bool,
    /// [`Server::allow_trace`](crate::Server::allow_trace).
    pub allow_trace: bool,
    /// [`Server::accept_bare_lf`](crate::Server::accept_bare_lf).
    pub accept_bare_lf: bool,
    /// [`Server::return_memory`](crate::Server::return_memory).
    pub return_memory: bool,
    /// [`Server::blocked_worker_after`](crate::Server::blocked_worker_after).
    pub blocked_worker_after: Duration,
    /// [`Server::spin`](crate::Server::spin).
    pub spin: Duration,
    /// [`Server::pin_workers`](crate::Server::pin_workers).
    pub pin_workers: bool,
    /// [`Server::busy_poll`](crate::Server::busy_poll); `None` leaves it to the system.
    pub busy_poll: Option<Duration>,
    /// [`Server::lame_duck`](crate::Server::lame_duck).
    pub lame_duck: Duration,
    /// The address of [`Server::shutdown_port`](crate::Server::shutdown_port), if there is one.
    pub shutdown_port: Option<SocketAddr>,
    /// The path of [`Server::hand_over`](crate::Server::hand_over), if there is one.
    pub hand_over: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        let http2 = Config::default();
        Self {
            workers: None,
            dispatch: DEFAULT_DISPATCH,
            backend: Backend::Auto,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            blocking_pool: BlockingPool::default(),
            max_connections: None,
            max_connections_per_client: None,
            max_handshakes: 1000,
            max_requests_per_connection: 1_000_000,
            http2: true,
            max_streams: http2.max_concurrent_streams,
            http2_windows: (http2.max_stream_window, http2.max_connection_window),
            on_disconnect: None,
            allow_half_close: true,
            allow_trace: false,
            accept_bare_lf: false,
            return_memory: true,
            blocked_worker_after: Duration::from_millis(100),
            spin: Duration::ZERO,
            pin_workers: false,
            busy_poll: None,
            lame_duck: Duration::ZERO,
            shutdown_port: None,
            hand_over: None,
        }
    }
}

impl Settings {
    /// Busy polling for so long, as far as the system can.
    pub(crate) const fn set_busy_poll(&mut self, at_most: Duration) {
        const MOST: u64 = i32::MAX as u64;
        let micros = at_most.as_micros();
        #[expect(clippy::cast_possible_truncation, reason = "it is less than the most")]
        let micros = if micros < MOST as u128 { micros as u64 } else { MOST };
        self.busy_poll = Some(Duration::from_micros(micros));
    }

    /// [`busy_poll`](Self::busy_poll) in the unit of the system.
    pub(crate) fn busy_poll_micros(&self) -> Option<u32> {
        Some(u32::try_from(self.busy_poll?.as_micros()).unwrap_or(u32::MAX))
    }

    /// What a connection of HTTP/2 allows its client.
    pub(crate) fn http2_config(&self) -> Config {
        let mut config = Config::default();
        config.max_concurrent_streams = self.max_streams;
        (config.max_stream_window, config.max_connection_window) = self.http2_windows;
        config.in_range()
    }

    /// Has what was told of HTTP/2 be what its connections take it for.
    pub(crate) fn bring_http2_in_range(&mut self) {
        let config = self.http2_config();
        self.max_streams = config.max_concurrent_streams;
        self.http2_windows = (config.max_stream_window, config.max_connection_window);
    }

    /// Switches off what does nothing where the program ticks.
    pub(crate) const fn leave_to_ticker(&mut self) {
        self.spin = Duration::ZERO;
        self.pin_workers = false;
    }

    /// Switches off what this system does not have.
    pub(crate) const fn leave_to_system(&mut self) {
        if !SYSTEM_SPREADS {
            self.dispatch = Dispatch::LeastConnections;
        }
        if !CAN_PIN {
            self.pin_workers = false;
        }
        if !SYSTEM_POLLS {
            self.busy_poll = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    #[test]
    fn a_value_outside_of_its_range_is_the_nearest_in_it() {
        let pool = BlockingPool::default().with_max_threads(0);
        let server = Server::new("hello").workers(0).blocking_pool(pool);
        let server = server.max_connections(0).max_connections_per_client(0).max_handshakes(0);
        let server = server.max_requests_per_connection(0).max_streams(0).http2_windows(0, 0);
        let settings = server.settings();
        assert_eq!((settings.workers, settings.blocking_pool.max_threads()), (Some(1), 1));
        assert_eq!(settings.max_connections, Some(1));
        assert_eq!(settings.max_connections_per_client, Some(1));
        assert_eq!((settings.max_handshakes, settings.max_requests_per_connection), (1, 1));
        assert_eq!((settings.max_streams, settings.http2_windows), (1, (1, 65_535)));

        let server = server.max_streams(u32::MAX).http2_windows(u32::MAX, u32::MAX);
        let server = server.busy_poll(Duration::MAX);
        let settings = server.settings();
        let most = i32::MAX.unsigned_abs();
        assert_eq!((settings.max_streams, settings.http2_windows), (4096, (most, most)));
        assert_eq!(settings.busy_poll, Some(Duration::from_micros(most.into())));
        assert_eq!(settings.busy_poll_micros(), Some(most));
        let server = server.busy_poll(Duration::from_nanos(2_999));
        assert_eq!(server.settings().busy_poll, Some(Duration::from_micros(2)));
    }

    #[test]
    fn what_a_ticker_leaves_to_its_program_is_off() {
        let server = Server::new("hello").spin(Duration::from_millis(1)).pin_workers(true);
        let ticker = server.listen("127.0.0.1:0").unwrap().into_ticker().unwrap();
        assert_eq!(
            (ticker.settings().spin, ticker.settings().pin_workers),
            (Duration::ZERO, false)
        );
    }
}
