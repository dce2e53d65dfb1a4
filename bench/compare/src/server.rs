//! One running server: started, waited for, and ended when dropped.
//!
//! Not here: which program it is (`programs.rs`), what it uses (`sample.rs`, `passes/`).

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use loadgen::Then;
use meter::Processes;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::{NamedTempFile, TempDir};

use crate::args::Options;
use crate::cores;
use crate::programs::{Program, Role};
use crate::service::Service;

/// A small server that takes longer to start or to end has gone wrong.
const START_TIMEOUT: Duration = Duration::from_secs(5);
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a starting or ending server is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A server that answers on [`address`](Self::address).
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    role: Role,
    service: Service,
    address: SocketAddr,
    processes: Processes,
    // Dropped in this order: the directory is removed when nobody uses it any more.
    running: Running,
    _directory: Option<TempDir>,
}

/// What becomes of what a server prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Dropped,
    Kept,
}

impl Server {
    /// Starts `program` on the servers' core, on a free port, and returns when it has answered a
    /// request. Leaves us on the load's core.
    pub(crate) fn start(program: &Program, output: Output, options: &Options) -> Result<Self> {
        let address = free_address().context("no free port")?;
        let (mut command, directory) = program.command(address)?;
        let complaints = NamedTempFile::new()?;
        let stdout = match output {
            Output::Dropped => Stdio::null(),
            Output::Kept => Stdio::piped(),
        };
        // The child inherits the core, and with it every thread it will ever start.
        cores::pin(options.server_core)?;
        // A process group of its own: a Ctrl-C meant for us does not reach it, and it can be ended
        // with all that it starts.
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(complaints.reopen()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()));
        cores::pin(options.load_core)?;
        let mut running = Running(child?);
        running.wait_until_answering(address, program.service).with_context(|| {
            let said = fs::read_to_string(complaints.path()).unwrap_or_default();
            format!("it says {:?}", said.lines().next_back().unwrap_or_default())
        })?;
        let processes = Processes::of(running.0.id())?;
        let Program { name, role, service, .. } = program.clone();
        Ok(Self { name, role, service, address, processes, running, _directory: directory })
    }

    /// Looks for its processes again: those that only helped it to start may have ended.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.processes = Processes::of(self.running.0.id()).context("it has ended")?;
        Ok(())
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn service(&self) -> Service {
        self.service
    }

    /// What it prints, once and if it is kept.
    pub(crate) fn take_output(&mut self) -> Option<ChildStdout> {
        self.running.0.stdout.take()
    }

    /// Sends `signal` to the process that was started.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.running.id(), signal).context("it has ended")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that is counted as this server.
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }
}

/// Returns an address on which nobody listens, though somebody may by the time it is used.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A child that does not outlive us.
#[derive(Debug)]
struct Running(Child);

impl Running {
    fn id(&self) -> Pid {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        id.expect("the kernel's process ids are positive and fit")
    }

    fn wait_until_answering(&mut self, address: SocketAddr, service: Service) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.0.try_wait()? {
                bail!("it ended by itself: {status}");
            }
            match loadgen::dial(address) {
                Ok(mut stream) => {
                    // What we don't speak is asked by the one who loads it.
                    if let Some(request) = service.request() {
                        request
                            .exchange(&mut stream, address, Then::KeepAlive)
                            .context("its first answer is bad")?;
                    }
                    return Ok(());
                }
                Err(error) if Instant::now() > deadline => {
                    return Err(error).context("it does not accept connections");
                }
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    /// Whether the child has ended before `timeout` has passed.
    fn ends_within(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            // An error means that it is not our child any more, so there is nothing to wait for.
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.id();
        if matches!(self.0.try_wait(), Ok(None)) {
            // Fails only if it has just ended, which is what the signal is for.
            let _ended = kill_process(id, Signal::TERM);
            self.ends_within(END_TIMEOUT);
        }
        // Itself, if that was not enough, and what it started and left behind. Its group is named
        // by its id, which nobody else is given as long as the group has members.
        let _ended = kill_process_group(id, Signal::KILL);
        self.ends_within(END_TIMEOUT);
    }
}
