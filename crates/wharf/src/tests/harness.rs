//! Starts a server in each of the ways there are, so that a case need not know which.
//!
//! Not here: what is served (`site.rs`) and what is asked (`cases`).

use std::cell::RefCell;
use std::fmt;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, VAIN_TURNS};
use super::site::Stage;
use crate::driver::UringDriver;
use crate::driver::sim::{Faults, PATIENCE, Pace, SimDriver, SimNet};
use crate::server::{assemble, run_here, share_meter};
use crate::worker::{Meter, Plan, Worker};
use crate::{
    Budget, CloseReason, ConnectionId, ConnectionState, Connections, Dispatch, DrainReport,
    OpenConnection, Server, ServerHandle, Service, StopSwitch, Ticker,
};

/// How long an attempt to connect waits for an answer before it is made again.
const MOMENT: Duration = Duration::from_millis(10);

/// Where the sockets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    Mio,
    Uring,
    Sim,
}

impl Backend {
    /// Whether the system has it. If not, whoever runs the tests is told why.
    pub(super) fn is_here(self) -> bool {
        match self {
            Self::Mio | Self::Sim => true,
            Self::Uring => UringDriver::check()
                .inspect_err(|error| eprintln!("skipped: io_uring can't be used here: {error}"))
                .is_ok(),
        }
    }
}

/// Who runs the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Run,
    Start,
    Tick,
    /// Ticked, with no more than one event in each tick.
    Crawl,
}

impl Mode {
    const fn budget(self) -> Budget {
        match self {
            Self::Run | Self::Start | Self::Tick => Budget::new(),
            Self::Crawl => Budget::new().events(1),
        }
    }
}

/// What is between clients and the server.
#[derive(Clone, Copy)]
pub(super) struct Transport {
    pub(super) name: &'static str,
    /// The same service over it.
    pub(super) carry: fn(Service) -> Service,
    /// The same client over it.
    pub(super) dress: fn(Client) -> Client,
    /// Nothing but what is said goes over a connection.
    pub(super) is_plain: bool,
    /// What is spoken over it, where that is not HTTP/1.1: of which cases it has no words for.
    pub(super) leaves_out: Option<fn(&str) -> bool>,
}

/// Nothing.
pub(super) const PLAIN: Transport = Transport {
    name: "plain",
    carry: |service| service,
    dress: |client| client,
    is_plain: true,
    leaves_out: None,
};

/// One way to run a server.
#[derive(Clone, Copy)]
pub(super) struct Combination {
    pub(super) transport: Transport,
    pub(super) backend: Backend,
    pub(super) workers: usize,
    pub(super) mode: Mode,
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, backend, workers, mode } = self;
        write!(f, "{}, {backend:?}, {workers} workers, {mode:?}", transport.name)
    }
}

/// A server that runs, for one case.
pub(super) struct Harness {
    pub(super) stage: Arc<Stage>,
    pub(super) combination: Combination,
    place: Place,
    running: Option<Running>,
    switch: StopSwitch,
    report: Arc<Mutex<Option<DrainReport>>>,
}

enum Place {
    Port(SocketAddr),
    Net(SimNet),
}

enum Running {
    /// Tells when `run` has returned, and with what.
    Thread(mpsc::Receiver<crate::Result>),
    Handle(ServerHandle),
    Ticked(Stepper),
}

impl Harness {
    pub(super) fn start(combination: Combination, server: Server, stage: Arc<Stage>) -> Self {
        let switch = StopSwitch::new();
        let report = Arc::new(Mutex::new(None));
        let told = Arc::clone(&report);
        let server = server
            .workers(combination.workers)
            .stop_switch(&switch)
            .on_stop(move |report| *told.lock().unwrap() = Some(report.clone()));
        // A server that is started shows the other way to spread connections.
        let server = match combination.mode {
            Mode::Start => server.dispatch(Dispatch::LeastConnections),
            Mode::Run | Mode::Tick | Mode::Crawl => server,
        };
        let (place, running) = match combination.backend {
            Backend::Mio => {
                start_on_system(combination.mode, server.backend(crate::Backend::Epoll))
            }
            Backend::Uring => {
                start_on_system(combination.mode, server.backend(crate::Backend::IoUring))
            }
            Backend::Sim => start_on_net(combination, server),
        };
        Self { stage, combination, place, running: Some(running), switch, report }
    }

    /// A client that is connected, and can say something.
    pub(super) fn connect(&self) -> Client {
        let mut client = self.knock();
        client.shake_hands();
        client
    }

    /// A client that may not be accepted so far.
    pub(super) fn knock(&self) -> Client {
        (self.combination.transport.dress)(self.connect_plainly())
    }

    /// A client that speaks plainly, whatever the server does.
    pub(super) fn connect_plainly(&self) -> Client {
        let stepper = self.stepper().cloned();
        match &self.place {
            Place::Port(addr) => Client::over_tcp(*addr, stepper),
            Place::Net(net) => Client::over_sim(net.connect().expect("it listens"), stepper),
        }
    }

    /// Whether a connection would be accepted, or nobody says that it would not.
    pub(super) fn is_listening(&self) -> bool {
        match &self.place {
            // Who is not answered must not wait for the answer: it may be up to the next tick.
            Place::Port(addr) => match TcpStream::connect_timeout(addr, MOMENT) {
                Ok(_) => true,
                Err(error) => error.kind() == ErrorKind::TimedOut,
            },
            Place::Net(net) => net.connect().is_ok(),
        }
    }

    /// Lets time pass on a simulated net. Real time passes by itself: whoever waits for an effect
    /// waits long enough.
    pub(super) fn pass(&self, time: Duration) {
        match (&self.place, self.stepper()) {
            (Place::Port(_), _) => {}
            (Place::Net(net), None) => net.advance(time),
            (Place::Net(_), Some(stepper)) => stepper.pass(time),
        }
    }

    /// Waits until `count` things of that name have happened.
    pub(super) fn wait_for(&self, name: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.stage.count(name) < count {
            assert!(Instant::now() < deadline, "{name} happened {} times", self.stage.count(name));
            match self.stepper() {
                Some(stepper) => stepper.step(),
                None => self.stage.wait(Duration::from_millis(5)),
            }
        }
    }

    /// Waits until no more things of that name happen by themselves.
    pub(super) fn wait_until_stuck(&self, name: &str) {
        let (mut last, mut vain) = (self.stage.count(name), 0);
        while vain < VAIN_TURNS {
            match self.stepper() {
                Some(stepper) => stepper.step(),
                None => self.stage.wait(Duration::from_millis(5)),
            }
            let count = self.stage.count(name);
            vain = if count == last { vain + 1 } else { 0 };
            last = count;
        }
    }

    /// What there is, where somebody can be asked.
    pub(super) fn connections(&self) -> Option<Connections> {
        match self.running.as_ref()? {
            Running::Thread(_) => None,
            Running::Handle(handle) => Some(handle.connections()),
            Running::Ticked(stepper) => Some(stepper.connections()),
        }
    }

    /// Closes a connection, and says whether it was there.
    pub(super) fn kill(&self, id: ConnectionId) -> bool {
        match &self.running {
            None | Some(Running::Thread(_)) => false,
            Some(Running::Handle(handle)) => handle.kill(id),
            Some(Running::Ticked(stepper)) => stepper.kill(id),
        }
    }

    /// Waits until a client's connection is in that state.
    pub(super) fn wait_for_state(&self, client: &Client, state: ConnectionState) -> OpenConnection {
        let (peer, deadline) = (client.local_addr(), Instant::now() + PATIENCE);
        loop {
            let list = self.connections().expect("there is somebody to ask").list;
            let found = list.into_iter().find(|one| one.peer_addr == peer);
            if let Some(found) = found.clone().filter(|found| found.state == state) {
                return found;
            }
            assert!(Instant::now() < deadline, "it is {found:?} rather than {state:?}");
            if let Some(stepper) = self.stepper() {
                stepper.step();
            }
        }
    }

    /// Waits until a connection has ended for that reason.
    pub(super) fn wait_for_close(&self, reason: CloseReason) {
        self.wait_for(&format!("close: {reason:?}"), 1);
    }

    /// Tells the server to end, at the latest when `deadline` is over on its clock.
    pub(super) fn drain(&self, deadline: Duration) {
        match &self.place {
            Place::Port(_) => self.switch.drain(deadline),
            Place::Net(net) => self.switch.drain_until(net.instant(net.time() + deadline)),
        }
    }

    /// Whether time passes only where a test says so.
    pub(super) const fn stands_still(&self) -> bool {
        matches!(self.place, Place::Net(_))
    }

    /// Waits until the server's end is seen from outside: the system may take a moment.
    pub(super) fn wait_for_silence(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.is_listening() {
            assert!(Instant::now() < deadline, "it goes on listening");
        }
    }

    /// Waits until no connection would be accepted.
    pub(super) fn wait_until_deaf(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.is_listening() {
            assert!(Instant::now() < deadline, "it goes on listening");
            // What waits is accepted before the end: attempts must not come as fast as that.
            for _ in 0..10 {
                assert!(self.report().is_none());
            }
        }
    }

    /// What became of everything, if the server is over.
    pub(super) fn report(&self) -> Option<DrainReport> {
        if let Some(stepper) = self.stepper() {
            stepper.step();
        }
        self.report.lock().unwrap().clone()
    }

    /// Waits for the server's end.
    pub(super) fn wait_for_end(&self) -> DrainReport {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(report) = self.report() {
                return report;
            }
            assert!(Instant::now() < deadline, "it does not end");
            self.stage.wait(Duration::from_millis(5));
        }
    }

    /// Tells the server to stop and waits until it has.
    pub(super) fn stop(&mut self) {
        self.switch.stop();
        let Some(running) = self.running.take() else { return };
        match running {
            Running::Thread(ended) => {
                ended.recv_timeout(PATIENCE).expect("run returns").expect("without an error");
            }
            Running::Handle(handle) => assert!(handle.wait(Some(PATIENCE)), "it stops"),
            Running::Ticked(stepper) => stepper.stop(),
        }
        if let Place::Net(net) = &self.place {
            assert_eq!(net.open_connections(), 0, "connections are left open");
        }
    }

    const fn stepper(&self) -> Option<&Stepper> {
        match &self.running {
            Some(Running::Ticked(stepper)) => Some(stepper),
            _ => None,
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

fn start_on_system(mode: Mode, server: Server) -> (Place, Running) {
    let server = server.listen("127.0.0.1:0").expect("a free port");
    let place = Place::Port(server.local_addrs()[0]);
    let running = match mode {
        Mode::Run => run_on_thread(move || server.run()),
        Mode::Start => Running::Handle(server.start().expect("it starts")),
        Mode::Tick | Mode::Crawl => {
            let mut ticker = server.into_ticker().expect("it starts");
            ticker.set_budget(mode.budget());
            Running::Ticked(Stepper(Rc::new(RefCell::new(Loop::System(ticker)))))
        }
    };
    (place, running)
}

fn start_on_net(combination: Combination, server: Server) -> (Place, Running) {
    let pace = match combination.mode {
        Mode::Run | Mode::Start => Pace::Threaded,
        Mode::Tick | Mode::Crawl => Pace::Ticked,
    };
    let net = SimNet::new(pace, 0, Faults::default());
    let plans = plan(&net, server, combination.workers, combination.mode == Mode::Start);
    let running = match combination.mode {
        Mode::Run => run_on_thread(move || run_here(plans)),
        Mode::Start => Running::Handle(ServerHandle::start(plans).unwrap()),
        Mode::Tick | Mode::Crawl => {
            let ticker = SimTicker::new(net.clone(), plans, combination.mode.budget());
            Running::Ticked(Stepper(Rc::new(RefCell::new(Loop::Net(ticker)))))
        }
    };
    (Place::Net(net), running)
}

/// The workers of a server on a simulated net. One of them listens and hands over, or all listen.
pub(super) fn plan(
    net: &SimNet,
    server: Server,
    workers: usize,
    hands_over: bool,
) -> Vec<Plan<SimDriver>> {
    let (services, config) = server.into_parts();
    let drivers = (0..workers).map(|index| net.driver(index == 0 || !hands_over));
    let drivers = drivers.map(|driver| (driver.unpark(), driver)).collect();
    assemble(services, config, drivers, hands_over)
}

fn run_on_thread(run: impl FnOnce() -> crate::Result + Send + 'static) -> Running {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody waits for it any more if the test has failed.
        let _ = sender.send(run());
    });
    Running::Thread(receiver)
}

/// A server that only runs when it is ticked.
#[derive(Clone)]
pub(super) struct Stepper(Rc<RefCell<Loop>>);

enum Loop {
    System(Ticker),
    Net(SimTicker),
}

impl Stepper {
    /// Does what there is to do. On a net no time passes.
    pub(super) fn step(&self) {
        match &mut *self.0.borrow_mut() {
            Loop::System(ticker) => {
                ticker.tick(Duration::from_millis(1)).expect("a tick");
            }
            Loop::Net(ticker) => {
                ticker.tick(Some(ticker.net.instant(ticker.net.time())));
            }
        }
        // Whatever the server waits for may be up to another thread.
        thread::yield_now();
    }

    fn pass(&self, time: Duration) {
        if let Loop::Net(ticker) = &mut *self.0.borrow_mut() {
            let end = ticker.net.time() + time;
            while ticker.net.time() < end {
                ticker.tick(Some(ticker.net.instant(end)));
            }
        }
    }

    fn connections(&self) -> Connections {
        match &*self.0.borrow() {
            Loop::System(ticker) => ticker.connections(),
            Loop::Net(ticker) => {
                let list = ticker.workers.iter().flat_map(Worker::connections).collect();
                Connections { list, silent_workers: Vec::new() }
            }
        }
    }

    fn kill(&self, id: ConnectionId) -> bool {
        match &mut *self.0.borrow_mut() {
            Loop::System(ticker) => ticker.kill(id),
            Loop::Net(ticker) => {
                ticker.workers.get_mut(id.worker()).is_some_and(|worker| worker.kill(id.key()))
            }
        }
    }

    fn stop(&self) {
        match &mut *self.0.borrow_mut() {
            Loop::System(ticker) => assert!(!ticker.tick(Duration::ZERO).expect("a tick")),
            Loop::Net(ticker) => {
                let now = ticker.net.instant(ticker.net.time());
                assert!(!ticker.tick(Some(now)));
            }
        }
    }
}

/// What [`Ticker`] is, on a simulated net.
pub(super) struct SimTicker {
    pub(super) net: SimNet,
    pub(super) workers: Vec<Worker<SimDriver>>,
    meter: Rc<Meter>,
    /// Who has its turn first.
    first: usize,
}

impl SimTicker {
    pub(super) fn new(net: SimNet, plans: Vec<Plan<SimDriver>>, budget: Budget) -> Self {
        let (mut workers, meter) = share_meter(plans);
        meter.set(budget);
        for worker in &mut workers {
            worker.rest();
        }
        Self { net, workers, meter, first: 0 }
    }

    /// Whether there is something to do at once.
    pub(super) fn is_due(&self) -> bool {
        let now = self.net.instant(self.net.time());
        self.workers.iter().filter_map(Worker::next_deadline).any(|at| at <= now)
    }

    /// One turn of each worker. Returns whether the server runs.
    pub(super) fn tick(&mut self, until: Option<Instant>) -> bool {
        self.meter.reset();
        if let [only] = &mut self.workers[..] {
            only.turn(until).expect("a turn");
        } else {
            let next = self.workers.iter().filter_map(Worker::next_deadline).min();
            self.net.jump([next, until].into_iter().flatten().min());
            let now = Some(self.net.instant(self.net.time()));
            let (before, from) = self.workers.split_at_mut(self.first);
            self.first = (self.first + 1) % (before.len() + from.len());
            for worker in from.iter_mut().chain(before) {
                worker.turn(now).expect("a turn");
            }
        }
        let is_over = self.workers.iter().all(Worker::is_over);
        for worker in &mut self.workers {
            if is_over {
                worker.close_all();
            }
            worker.rest();
        }
        if is_over {
            self.workers.iter_mut().for_each(Worker::depart);
        }
        !is_over
    }
}
