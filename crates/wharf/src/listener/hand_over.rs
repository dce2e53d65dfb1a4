//! Hand-over: a server passes all that it listens on to its successor, another process, and ends
//! without anybody noticing.
//!
//! The successor connects to a Unix socket of its predecessor's and is given the sockets themselves
//! (`SCM_RIGHTS`): the queues in which connections wait belong to both. What follows is said in
//! single bytes: the successor, once it is ready to serve, has the predecessor *hold*; that accepts
//! nothing more and says that it *held*, or *refuses*; the successor serves and says that it is
//! *done*; the predecessor drains. If either is gone before that, the other goes on. At any time
//! one of them accepts, so that it does not matter whether their backends agree on blocking. The
//! socket at which successors ask is passed on with the others.
//!
//! Not here: draining (`worker/drain.rs`), and what workers are told (`worker/control.rs`).

use std::io::{self, ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use socket2::{SockRef, Socket};

use super::addr::Place;
use super::options::ListenOptions;
use super::unix::{SocketFile, bind_file};
use super::{ListenAddr, Listener, Registry, Siblings, place_of, tcp};
use crate::error::{Error, Result};
use crate::service::ServiceId;
use crate::stop::{Order, StopSwitch};
use crate::sys;
use crate::worker::Control;

/// What a predecessor says first, so that something else is not taken for one.
const GREETING: [u8; 8] = *b"wharf 1\n";

const HOLD: u8 = b'h';
const HELD: u8 = b'w';
const REFUSED: u8 = b'r';
const DONE: u8 = b'd';

/// More sockets than this are a mistake.
const MAX_SOCKETS: u32 = 1 << 14;

/// How long an answer may take that the other side owes at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a successor may take until it serves.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait if nobody can be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// One server's part in hand-overs: it may have a predecessor, and waits for a successor.
#[derive(Debug)]
pub(crate) struct HandOver {
    path: PathBuf,
    /// Where successors ask.
    control: UnixListener,
    file: Option<SocketFile>,
    predecessor: Option<UnixStream>,
    /// What the predecessor listens on.
    taken: Vec<Taken>,
    /// How long what has begun may take once there is a successor.
    deadline: Duration,
}

/// The sockets on one address.
#[derive(Debug)]
struct Taken {
    place: Place,
    sockets: Vec<Socket>,
}

impl HandOver {
    /// Takes over from whoever offers it at `path`, if there is somebody, and offers the same.
    pub(crate) fn begin(path: &Path, deadline: Duration) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        match connect(&path) {
            Ok(predecessor) => Self::succeed(predecessor, path, deadline),
            Err(error) if is_nobody(&error) => {
                let options = ListenOptions { mode: Some(0o600), ..ListenOptions::default() };
                let (control, file) = bind_file(&path, &options)?;
                let (predecessor, taken) = (None, Vec::new());
                let (control, file) = (control.into(), Some(file));
                Ok(Self { path, control, file, predecessor, taken, deadline })
            }
            Err(error) => Err(error),
        }
    }

    fn succeed(mut stream: UnixStream, path: PathBuf, deadline: Duration) -> io::Result<Self> {
        check_user(&stream)?;
        set_patience(&stream, PATIENCE)?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        let (greeting, count) = head.split_at(GREETING.len());
        let count = u32::from_le_bytes(count.try_into().expect("four bytes are left"));
        if greeting != GREETING || count > MAX_SOCKETS {
            let what = "the other side does not hand over listeners";
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        let control = sys::receive_descriptor(&stream)?.into();
        let mut taken: Vec<Taken> = Vec::new();
        for _ in 0..count {
            let socket = Socket::from(sys::receive_descriptor(&stream)?);
            let place = place_of(&SockRef::from(&socket))?;
            match taken.iter_mut().find(|taken| taken.place == place) {
                Some(taken) => taken.sockets.push(socket),
                None => taken.push(Taken { place, sockets: vec![socket] }),
            }
        }
        let file = SocketFile::of_other(&path);
        Ok(Self { path, control, file, predecessor: Some(stream), taken, deadline })
    }

    /// The listener of the predecessor's on that address, if there is one that is not taken yet. A
    /// port that is up to the system is whichever the predecessor has.
    pub(crate) fn claim(&mut self, addr: &ListenAddr) -> io::Result<Option<Listener>> {
        let places = match &addr.place {
            Place::All(port) => vec![
                Place::Ip((std::net::Ipv6Addr::UNSPECIFIED, *port).into()),
                Place::Ip((std::net::Ipv4Addr::UNSPECIFIED, *port).into()),
            ],
            Place::Name(name, port) if !self.taken.is_empty() => {
                (name.as_str(), *port).to_socket_addrs()?.map(Place::Ip).collect()
            }
            Place::Unix(path) => vec![Place::Unix(std::path::absolute(path)?)],
            place => vec![place.clone()],
        };
        let is_meant = |taken: &Taken| places.iter().any(|place| fits(place, &taken.place));
        let Some(index) = self.taken.iter().position(is_meant) else { return Ok(None) };
        let Taken { place, sockets } = self.taken.swap_remove(index);
        for socket in &sockets {
            if matches!(place, Place::Ip(_)) {
                tcp::set_inherited(socket, &addr.options)?;
            }
        }
        let file = match &place {
            Place::Unix(path) => SocketFile::of_other(path),
            _ => None,
        };
        let siblings = match (&place, sockets.first()) {
            (Place::Ip(_), Some(socket)) if tcp::may_have_siblings(socket) => Siblings::IfAllowed,
            _ => Siblings::None,
        };
        let (addr, service) = (place.with(&addr.options), ServiceId::FIRST);
        Ok(Some(Listener { sockets, addr, siblings, file, service }))
    }

    /// Has the predecessor accept nothing more, since this server is about to; leaves the file to
    /// the registry, and says how to tell that the server serves.
    pub(crate) fn prepare(mut self, registry: &Registry) -> Result<(Successors, Sender<()>)> {
        let path = self.path.clone();
        let held = self.hold_predecessor().and_then(|()| self.wait_with(registry));
        held.map_err(|source| Error::HandOver { path, source })
    }

    fn hold_predecessor(&mut self) -> io::Result<()> {
        // What nobody wants any more is closed.
        self.taken.clear();
        let Some(predecessor) = &mut self.predecessor else { return Ok(()) };
        match predecessor.write_all(&[HOLD]).and_then(|()| expect(predecessor, HELD)) {
            // One that is gone accepts nothing either, and this server has all that it had.
            Err(error) if is_gone(&error) => Ok(()),
            held => held,
        }
    }

    fn wait_with(mut self, registry: &Registry) -> io::Result<(Successors, Sender<()>)> {
        let (end, is_over) = UnixStream::pair()?;
        registry.keep_until_closed(end, self.file.take());
        let (sender, is_ready) = channel();
        Ok((Successors { hand_over: self, is_ready, is_over }, sender))
    }
}

/// Waits for a successor, in a thread of its own.
pub(crate) struct Successors {
    hand_over: HandOver,
    is_ready: Receiver<()>,
    /// Its other end is dropped when the server listens no more.
    is_over: UnixStream,
}

/// Is dropped when a server listens no more.
pub(super) type End = UnixStream;

impl Successors {
    /// Waits for the server to serve, then for a successor, until the server listens no more.
    pub(crate) fn wait_for(self, server: Weak<dyn Control>, switch: StopSwitch) -> io::Result<()> {
        let thread = thread::Builder::new().name("wharf-hand-over".to_owned());
        thread.spawn(move || self.run(&server, &switch)).map(drop)
    }

    fn run(mut self, server: &Weak<dyn Control>, switch: &StopSwitch) {
        // A server that fails before that lets its predecessor go on.
        let Ok(()) = self.is_ready.recv() else { return };
        if let Some(server) = server.upgrade() {
            server.own_files(true);
        }
        if let Some(mut predecessor) = self.hand_over.predecessor.take() {
            // One that is gone needs not be told.
            let _ = predecessor.write_all(&[DONE]);
        }
        while let Some(successor) = self.next() {
            if self.hand_over(successor, server).is_ok() {
                if let Some(server) = server.upgrade() {
                    server.own_files(false);
                }
                return switch.drain(self.hand_over.deadline);
            }
        }
    }

    /// The next who asks; `None` once the server listens no more.
    fn next(&self) -> Option<UnixStream> {
        loop {
            match sys::wait_for_either(&self.hand_over.control, &self.is_over) {
                Ok(true) => {}
                Ok(false) | Err(_) => return None,
            }
            match self.hand_over.control.accept() {
                Ok((stream, _)) => return Some(stream),
                // Who was there is gone, or the process lacks descriptors.
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn hand_over(&self, mut stream: UnixStream, server: &Weak<dyn Control>) -> io::Result<()> {
        check_user(&stream)?;
        stream.set_nonblocking(false)?;
        set_patience(&stream, PATIENCE)?;
        let sockets = running(server)?.duplicate_listeners()?;
        let count = u32::try_from(sockets.len()).map_err(|_| io::Error::other("too many"))?;
        stream.write_all(&[&GREETING[..], &count.to_le_bytes()].concat())?;
        sys::send_descriptor(&stream, self.hand_over.control.as_fd())?;
        for socket in &sockets {
            sys::send_descriptor(&stream, socket.as_fd())?;
        }
        drop(sockets);
        set_patience(&stream, START_PATIENCE)?;
        expect(&mut stream, HOLD)?;
        let held = running(server)?.hold();
        let said = stream.write_all(&[if held.is_ok() { HELD } else { REFUSED }]);
        let done = held.and(said).and_then(|()| expect(&mut stream, DONE));
        if done.is_err()
            && let Some(server) = server.upgrade()
        {
            server.release();
        }
        done
    }
}

/// The server, unless it was told to end: then the successor is left alone with what it has.
fn running(server: &Weak<dyn Control>) -> io::Result<Arc<dyn Control>> {
    let server = server.upgrade().filter(|server| server.order() == Order::Serve);
    server.ok_or_else(|| io::Error::other("the server was told to end"))
}

/// Whether a socket on `taken` is what is asked for.
fn fits(asked: &Place, taken: &Place) -> bool {
    match (asked, taken) {
        (Place::Ip(asked), Place::Ip(taken)) if asked.port() == 0 => asked.ip() == taken.ip(),
        (asked, taken) => asked == taken,
    }
}

/// Connects, which a signal interrupts while the other side is busy.
fn connect(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            connected => return connected,
        }
    }
}

/// Whether nobody listens there.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

/// Whether there is no other side any more.
fn is_gone(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};

    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// Sockets come from, and go to, processes of the same user and of root, where the system tells.
fn check_user(stream: &UnixStream) -> io::Result<()> {
    match sys::peer_credentials(stream) {
        Some((_, user, _)) if user != 0 && user != sys::user() => {
            let what = "the process on the other side is another user's";
            Err(io::Error::new(ErrorKind::PermissionDenied, what))
        }
        _ => Ok(()),
    }
}

fn set_patience(stream: &UnixStream, patience: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))
}

fn expect(stream: &mut UnixStream, word: u8) -> io::Result<()> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    if byte == [word] {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::InvalidData, "the other side said something else"))
}
