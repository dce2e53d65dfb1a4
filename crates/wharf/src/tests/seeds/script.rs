//! What one simulated client does: requests of every kind, in random groups and pieces, and an end.
//!
//! Not here: doing it (`peer.rs`).

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::world::{block, digest, piece};
use crate::driver::sim::Random;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sync,
    Block(usize),
    Bye,
    Panic,
    Ready,
    Timer(usize),
    Wait(usize),
    Wake(usize),
    Echo,
    Pieces,
    Stream(usize),
    Declared(usize),
    Relay,
    Abort(usize),
}

/// How a request's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    None,
    Length,
    Chunked,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) is_head: bool,
    pub(super) body: Vec<u8>,
    framing: Framing,
    /// It says that it is the last, or is from the time when each was.
    pub(super) closes: bool,
    is_1_0: bool,
    /// It waits for 100 (Continue) before it sends its body.
    pub(super) expects: bool,
    /// Where it begins and ends among all that the client sends.
    pub(super) starts_at: usize,
    pub(super) ends_at: usize,
}

impl Ask {
    /// The body of a good response.
    pub(super) fn expected(&self) -> Vec<u8> {
        let pieces =
            |count| (0..count).map(|number| piece(&self.id, number)).collect::<String>().into();
        match self.kind {
            _ if self.is_head => Vec::new(),
            Kind::Sync | Kind::Pieces => digest(&self.id, &self.body).into(),
            Kind::Block(len) => block(&self.id, len),
            Kind::Bye => b"bye".to_vec(),
            Kind::Panic => Vec::new(),
            Kind::Ready => b"ready".to_vec(),
            Kind::Timer(_) => b"slept".to_vec(),
            Kind::Wait(_) => b"waited".to_vec(),
            Kind::Wake(_) => b"woke".to_vec(),
            Kind::Echo | Kind::Relay => self.body.clone(),
            Kind::Stream(count) | Kind::Declared(count) | Kind::Abort(count) => pieces(count),
        }
    }

    /// Whether a response tells that the whole body has come.
    pub(super) const fn needs_body(&self) -> bool {
        matches!(self.kind, Kind::Sync | Kind::Pieces | Kind::Echo | Kind::Relay)
            && !matches!(self.framing, Framing::None)
            && !self.is_head
    }

    /// Whether the server has a reason to close behind the response.
    pub(super) const fn may_close(&self) -> bool {
        self.closes || self.expects || matches!(self.kind, Kind::Bye | Kind::Panic)
    }

    fn target(&self) -> String {
        let id = &self.id;
        match self.kind {
            Kind::Sync => format!("/sync/{id}"),
            Kind::Block(number) => format!("/block/{id}/{number}"),
            Kind::Bye => format!("/bye/{id}"),
            Kind::Panic => format!("/panic/{id}"),
            Kind::Ready => format!("/ready/{id}"),
            Kind::Timer(number) => format!("/timer/{id}/{number}"),
            Kind::Wait(number) => format!("/wait/{id}/{number}"),
            Kind::Wake(number) => format!("/wake/{id}/{number}"),
            Kind::Echo => format!("/echo/{id}"),
            Kind::Pieces => format!("/pieces/{id}"),
            Kind::Stream(number) => format!("/stream/{id}/{number}"),
            Kind::Declared(number) => format!("/declared/{id}/{number}"),
            Kind::Relay => format!("/relay/{id}"),
            Kind::Abort(number) => format!("/abort/{id}/{number}"),
        }
    }

    fn head(&self) -> Vec<u8> {
        let method = match (self.is_head, self.framing) {
            (true, _) => "HEAD",
            (false, Framing::None) => "GET",
            (false, Framing::Length | Framing::Chunked) => "POST",
        };
        let version = if self.is_1_0 { "HTTP/1.0" } else { "HTTP/1.1" };
        let mut head = format!("{method} {} {version}\r\nHost: a\r\n", self.target());
        match self.framing {
            Framing::None => {}
            Framing::Length => head += &format!("Content-Length: {}\r\n", self.body.len()),
            Framing::Chunked => head += "Transfer-Encoding: chunked\r\n",
        }
        match (self.is_1_0, self.closes) {
            (false, true) => head += "Connection: close\r\n",
            (true, false) => head += "Connection: keep-alive\r\n",
            (false, false) | (true, true) => {}
        }
        if self.expects {
            head += "Expect: 100-continue\r\n";
        }
        head += "\r\n";
        head.into()
    }

    fn framed_body(&self, random: &mut Random) -> Vec<u8> {
        if self.framing != Framing::Chunked {
            return self.body.clone();
        }
        let (mut framed, mut rest) = (Vec::new(), &self.body[..]);
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(1 + random.below(rest.len().min(5000)));
            framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
            rest = behind;
        }
        framed.extend_from_slice(if random.one_in(4) {
            b"0\r\nX: y\r\n\r\n"
        } else {
            b"0\r\n\r\n"
        });
        framed
    }
}

/// One thing that a client does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Waits until so many responses have come in full.
    Await(usize),
    /// Waits until the server asks for the body of that request, or answers it.
    AwaitContinue(usize),
    /// Sends no more.
    Shut,
    /// Breaks the connection off.
    Reset,
    /// Closes the connection.
    Leave,
    /// Does nothing until the server closes.
    Stay,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, len) = (String::from_utf8_lossy(&self.head()).into_owned(), self.body.len());
        write!(f, "{}..{} {head:?} + {len}", self.starts_at, self.ends_at)
    }
}

impl Step {
    const fn sent_bytes(&self) -> usize {
        match self {
            Self::Send(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "send {}", bytes.len()),
            Self::Pause(pause) => write!(f, "pause {pause:?}"),
            Self::Await(count) => write!(f, "await {count}"),
            Self::AwaitContinue(number) => write!(f, "await continue of {number}"),
            Self::Shut => f.write_str("shut"),
            Self::Reset => f.write_str("reset"),
            Self::Leave => f.write_str("leave"),
            Self::Stay => f.write_str("stay"),
        }
    }
}

/// A whole client.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) asks: Vec<Ask>,
    pub(super) steps: VecDeque<Step>,
    /// The client does what no client should: it breaks off, or does not go on.
    pub(super) misbehaves: bool,
    /// It says that it sends no more, behind its last request.
    pub(super) shuts: bool,
    /// How much it reads at a time, and how long it rests in between.
    pub(super) read_bytes: usize,
    pub(super) read_pause: Duration,
}

impl Script {
    pub(super) fn random(random: &mut Random, name: &str, window: usize) -> Self {
        // What goes through a narrow window takes many turns.
        let scale = (window * 100).min(40_000);
        let mut asks = random_asks(random, name, scale);
        let (bytes, ends) = encode(random, &mut asks);
        let mut steps = steps(random, &asks, &bytes, &ends);
        let (misbehaves, shuts) = end(random, &mut steps, asks.len());
        let sent: usize = steps.iter().map(Step::sent_bytes).sum();
        for ask in asks.iter_mut().filter(|ask| ask.ends_at > sent) {
            // Nobody knows what a head that does not come in full would have asked for.
            ask.is_head = false;
        }
        let read_bytes = random.pick(&[1 + window / 10, 1000, 10_000, 65_536]);
        let read_pause = random.pick(&[0, 0, 0, 1, 20]);
        Self {
            asks,
            steps,
            misbehaves,
            shuts,
            read_bytes,
            read_pause: Duration::from_millis(read_pause),
        }
    }
}

fn random_asks(random: &mut Random, name: &str, scale: usize) -> Vec<Ask> {
    let count = 1 + random.below(12);
    let has_trouble = random.one_in(6);
    let mut asks = Vec::new();
    for number in 0..count {
        let is_last = number + 1 == count;
        let kind = random_kind(random, scale, has_trouble);
        let framing = random.pick(&[Framing::None, Framing::Length, Framing::Chunked]);
        let is_1_0 = random.one_in(10) && framing != Framing::Chunked;
        let is_head = framing == Framing::None && random.one_in(5);
        // A body of unknown length ends an HTTP/1.0 connection.
        let is_endless = matches!(kind, Kind::Stream(_) | Kind::Relay | Kind::Abort(_))
            || (kind == Kind::Echo && framing == Framing::Chunked);
        let closes = (is_1_0 && is_endless) || (is_last && random.one_in(3));
        // What is not read is only dropped up to a limit; what is read may be longer.
        let is_read = matches!(kind, Kind::Sync | Kind::Pieces | Kind::Echo | Kind::Relay);
        let body_len = random_len(random, if is_read { scale * 5 } else { scale });
        let has_body = framing != Framing::None;
        asks.push(Ask {
            id: format!("{name}r{number}"),
            kind,
            is_head,
            body: if has_body { block(&format!("{number}body"), body_len) } else { Vec::new() },
            framing,
            closes,
            is_1_0,
            expects: has_body && body_len > 0 && !is_1_0 && random.one_in(6),
            starts_at: 0,
            ends_at: 0,
        });
        if closes {
            break;
        }
    }
    asks
}

fn random_len(random: &mut Random, scale: usize) -> usize {
    let bound = random.pick(&[1, 10, 200, 3000, 30_000, scale]);
    random.below(bound.min(scale))
}

fn random_kind(random: &mut Random, scale: usize, has_trouble: bool) -> Kind {
    if has_trouble && random.one_in(5) {
        let number = random.below(30);
        return random.pick(&[Kind::Bye, Kind::Panic, Kind::Abort(number)]);
    }
    let count = random_len(random, scale / 40 + 2);
    match random.below(11) {
        0 => Kind::Sync,
        1 => Kind::Block(random.pick(&[1, 3, 10]) * random_len(random, scale)),
        2 => Kind::Ready,
        3 => Kind::Timer(random.below(300)),
        4 => Kind::Wait(random.below(5)),
        5 => Kind::Wake(random.below(5)),
        6 => Kind::Echo,
        7 => Kind::Pieces,
        8 => Kind::Stream(count),
        9 => Kind::Declared(count),
        _ => Kind::Relay,
    }
}

/// All that the client sends, and for each request where its head ends.
fn encode(random: &mut Random, asks: &mut [Ask]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut head_ends) = (Vec::new(), Vec::new());
    for ask in asks {
        ask.starts_at = bytes.len();
        if random.one_in(8) {
            // RFC 9112 section 2.2: an empty line before a request is to be ignored.
            bytes.extend(b"\r\n");
        }
        bytes.extend(ask.head());
        head_ends.push(bytes.len());
        bytes.extend(ask.framed_body(random));
        ask.ends_at = bytes.len();
    }
    (bytes, head_ends)
}

/// Cuts what is sent into groups that are awaited, and those into pieces with pauses.
fn steps(random: &mut Random, asks: &[Ask], bytes: &[u8], head_ends: &[usize]) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let (mut sent, pipelines) = (0, random.pick(&[1, 3, 20]));
    for (number, ask) in asks.iter().enumerate() {
        if ask.expects {
            send(random, &mut steps, &bytes[sent..head_ends[number]]);
            steps.push_back(Step::AwaitContinue(number));
            sent = head_ends[number];
        }
        if ask.expects || random.one_in(pipelines) {
            send(random, &mut steps, &bytes[sent..ask.ends_at]);
            sent = ask.ends_at;
            if random.one_in(2) {
                steps.push_back(Step::Await(number + 1));
            }
        }
    }
    send(random, &mut steps, &bytes[sent..]);
    steps
}

fn send(random: &mut Random, steps: &mut VecDeque<Step>, mut bytes: &[u8]) {
    for _ in 0..random.pick(&[0, 0, 1, 2, 8]) {
        if bytes.is_empty() {
            return;
        }
        let (piece, rest) = bytes.split_at(random.below(bytes.len()));
        steps.push_back(Step::Send(piece.to_vec()));
        if random.one_in(2) {
            let millis = [1, 30, 700][random.below(3)];
            steps.push_back(Step::Pause(Duration::from_millis(millis)));
        }
        bytes = rest;
    }
    steps.push_back(Step::Send(bytes.to_vec()));
}

/// How the client ends. Returns whether it misbehaves, and whether it closes its side in time.
fn end(random: &mut Random, steps: &mut VecDeque<Step>, asks: usize) -> (bool, bool) {
    match random.below(12) {
        0..5 => steps.extend([Step::Await(asks), Step::Leave]),
        5..8 => {
            steps.extend([Step::Shut, Step::Await(asks), Step::Stay]);
            return (false, true);
        }
        8 => steps.extend([Step::Await(asks), Step::Stay]),
        misdeed => {
            let at = random.below(steps.len() + 1);
            let in_the_middle = steps.get_mut(at);
            if let Some(Step::Send(bytes)) = in_the_middle {
                bytes.truncate(random.below(bytes.len() + 1));
            }
            steps.truncate(at + 1);
            match misdeed {
                9 => steps.push_back(Step::Reset),
                10 => steps.extend([Step::Shut, Step::Stay]),
                _ => steps.push_back(random.pick(&[0, 1]).into()),
            }
            return (true, false);
        }
    }
    (false, false)
}

impl From<usize> for Step {
    fn from(number: usize) -> Self {
        if number == 0 { Self::Leave } else { Self::Stay }
    }
}
