//! How to listen: the options of a [`ListenAddr`], and how they are written in its text.
//!
//! Not here: how the system is told of them (`tcp.rs`, `unix.rs`).

use std::fmt;
use std::time::Duration;

use super::addr::{ListenAddr, Malformed, Place, number_of};

/// How many connections the system keeps until they are accepted. The system caps it.
const BACKLOG: u32 = 4096;

/// How long a connection is silent before the system asks whether its peer is still there.
/// Go asks after 15 s.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// How to listen: the options of a [`ListenAddr`], each of which is `None` unless it was given. One
/// that does not go with the address is an error when it is listened on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ListenOptions {
    /// How many connections the system keeps until they are accepted. Default 4,096, of which the
    /// system takes as much as it is set to (`net.core.somaxconn`). A socket that listens already
    /// keeps its own unless this is given. In a text `backlog=1000`.
    pub backlog: Option<u32>,
    /// How long the system keeps a connection to itself while nothing comes on it
    /// (`TCP_DEFER_ACCEPT`), in whole seconds. Default: not at all. Without effect where the system
    /// is not Linux: connections are the same, only accepted earlier. In a text `defer_accept=5`.
    pub defer_accept: Option<Duration>,
    /// How many connections may be waiting that begin with data in their first packet
    /// (`TCP_FASTOPEN`). Default 0, none. Such a request may come twice, which handlers have to
    /// bear. Without effect where the system is not Linux: clients then do without. In a text
    /// `fast_open=256`.
    pub fast_open: Option<u32>,
    /// After how much silence the system asks whether the peer is still there, so that a vanished
    /// one is noticed while its request is worked on. Default 60 s; an inner `None` is never. In a
    /// text `keepalive=60`, in seconds, or `keepalive=off`.
    pub keepalive: Option<Option<Duration>>,
    /// Who may connect to a Unix socket, as for a file (`0o660`); it takes the right to write.
    /// Default: what the process's umask leaves of 0777. The file never has more rights than this,
    /// not even for a moment, on Linux; elsewhere it is changed once it is bound. In a text
    /// `mode=0660`.
    pub mode: Option<u32>,
    /// Whether small packets are sent at once (`TCP_NODELAY`). Default: yes. In a text
    /// `nodelay=off`.
    pub nodelay: Option<bool>,
    /// Whether an IPv6 address takes IPv6 alone. Default: `[::]` takes IPv4 as well. In a text
    /// `only_v6=on`.
    pub only_v6: Option<bool>,
    /// How much the system keeps of what a peer sends, in bytes. Default: the system finds out what
    /// is good, which is most often better. In a text `receive_buffer=65536`.
    pub receive_buffer: Option<u32>,
    /// Whether a port can be bound while old connections are in TIME_WAIT (`SO_REUSEADDR`).
    /// Default: yes. Without effect on Windows, where it is so in any case and the option would let
    /// others take the port. In a text `reuse_address=off`.
    pub reuse_address: Option<bool>,
    /// Whether the port is shared with other processes that say the same (`SO_REUSEPORT`): each
    /// gets a part of the connections. Default: no, and a port that is taken is an error. Where the
    /// system has no such thing, asking for it is an error. In a text `reuse_port=on`.
    pub reuse_port: Option<bool>,
    /// How much the system takes of what is sent to a peer, in bytes. Default: the system finds out
    /// what is good, which is most often better. In a text `send_buffer=65536`.
    pub send_buffer: Option<u32>,
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl ListenAddr {$(
            #[doc = concat!("Sets [`", stringify!($name), "`](")]
            #[doc = concat!("field@ListenOptions::", stringify!($name), ").")]
            #[must_use]
            pub const fn $name(mut self, $name: $type) -> Self {
                self.options.$name = Some($name);
                self
            }
        )*}
    };
}

impl ListenAddr {
    /// How to listen, as far as it was said.
    #[must_use]
    pub const fn options(&self) -> &ListenOptions {
        &self.options
    }

    /// Sets [`mode`](field@ListenOptions::mode), of which the lowest nine bits count.
    #[must_use]
    pub const fn mode(mut self, mode: u32) -> Self {
        self.options.mode = Some(mode & 0o777);
        self
    }
}

setters! {
    backlog: u32,
    defer_accept: Duration,
    fast_open: u32,
    keepalive: Option<Duration>,
    nodelay: bool,
    only_v6: bool,
    receive_buffer: u32,
    reuse_address: bool,
    reuse_port: bool,
    send_buffer: u32,
}

impl ListenOptions {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let mut options = Self::default();
        for option in text.split('&').filter(|option| !option.is_empty()) {
            // Just the name switches it on.
            let (name, value) = option.split_once('=').unwrap_or((option, "on"));
            options.set(name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        match name {
            "backlog" => self.backlog = Some(read("backlog", number_of(value))?),
            "defer_accept" => self.defer_accept = Some(read("defer_accept", seconds(value))?),
            "fast_open" => self.fast_open = Some(read("fast_open", number_of(value))?),
            "keepalive" if value == "off" => self.keepalive = Some(None),
            "keepalive" => self.keepalive = Some(Some(read("keepalive", seconds(value))?)),
            "mode" => self.mode = Some(read("mode", octal(value))?),
            "nodelay" => self.nodelay = Some(read("nodelay", switch(value))?),
            "only_v6" => self.only_v6 = Some(read("only_v6", switch(value))?),
            "receive_buffer" => {
                self.receive_buffer = Some(read("receive_buffer", number_of(value))?);
            }
            "reuse_address" => self.reuse_address = Some(read("reuse_address", switch(value))?),
            "reuse_port" => self.reuse_port = Some(read("reuse_port", switch(value))?),
            "send_buffer" => self.send_buffer = Some(read("send_buffer", number_of(value))?),
            _ => return Err(Malformed::UnknownOption),
        }
        Ok(())
    }

    /// The first option that does not go with such a place.
    pub(super) fn misfit(&self, place: &Place) -> Option<&'static str> {
        let (is_internet, binds_tcp) = match place {
            Place::All(_) | Place::Ip(_) | Place::Name(..) => (true, true),
            Place::Unix(_) | Place::Abstract(_) => (false, false),
            // Of which kind the socket is remains to be seen, but it is bound.
            Place::Fd(_) | Place::Systemd(_) => (true, false),
        };
        let has_file = matches!(place, Place::Unix(_));
        [
            ("defer_accept", self.defer_accept.is_some(), is_internet),
            ("fast_open", self.fast_open.is_some(), is_internet),
            ("keepalive", self.keepalive.is_some(), is_internet),
            ("mode", self.mode.is_some(), has_file),
            ("nodelay", self.nodelay.is_some(), is_internet),
            ("only_v6", self.only_v6.is_some(), binds_tcp),
            ("reuse_address", self.reuse_address.is_some(), binds_tcp),
            ("reuse_port", self.reuse_port.is_some(), binds_tcp),
        ]
        .into_iter()
        .find_map(|(name, is_given, fits)| (is_given && !fits).then_some(name))
    }

    /// In the system's type, whose numbers end earlier.
    pub(super) fn backlog(&self) -> i32 {
        i32::try_from(self.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX)
    }

    pub(super) fn keepalive(&self) -> Option<Duration> {
        self.keepalive.unwrap_or(Some(KEEPALIVE_AFTER))
    }

    pub(super) fn nodelay(&self) -> bool {
        self.nodelay.unwrap_or(true)
    }

    #[cfg(unix)]
    pub(super) fn reuse_address(&self) -> bool {
        self.reuse_address.unwrap_or(true)
    }
}

/// `?` and what was given, or nothing.
impl fmt::Display for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Duration| time.as_secs().to_string();
        let switch = |is_on| if is_on { "on" } else { "off" }.to_owned();
        let keepalive = |after: Option<Duration>| after.map_or_else(|| "off".to_owned(), seconds);
        let given = [
            ("backlog", self.backlog.map(|number| number.to_string())),
            ("defer_accept", self.defer_accept.map(seconds)),
            ("fast_open", self.fast_open.map(|number| number.to_string())),
            ("keepalive", self.keepalive.map(keepalive)),
            ("mode", self.mode.map(|mode| format!("{mode:04o}"))),
            ("nodelay", self.nodelay.map(switch)),
            ("only_v6", self.only_v6.map(switch)),
            ("receive_buffer", self.receive_buffer.map(|bytes| bytes.to_string())),
            ("reuse_address", self.reuse_address.map(switch)),
            ("reuse_port", self.reuse_port.map(switch)),
            ("send_buffer", self.send_buffer.map(|bytes| bytes.to_string())),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (index, (name, value)) in given.enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={value}")?;
        }
        Ok(())
    }
}

fn read<T>(name: &'static str, value: Option<T>) -> Result<T, Malformed> {
    value.ok_or(Malformed::Value(name))
}

fn seconds(text: &str) -> Option<Duration> {
    number_of(text).map(|seconds: u32| Duration::from_secs(seconds.into()))
}

fn octal(text: &str) -> Option<u32> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    let mode = is_octal.then(|| u32::from_str_radix(text, 8).ok()).flatten();
    mode.filter(|mode| *mode <= 0o777)
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
