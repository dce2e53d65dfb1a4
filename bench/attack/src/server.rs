//! The server that is attacked: started on its core, looked at, and ended when dropped.
//!
//! Not here: what it is (any program that takes the options of the peers).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use meter::{Cpu, Memory, Processes};
use rustix::thread::{CpuSet, sched_setaffinity};
use wire::Certificate;

/// A small server that takes longer to start has gone wrong.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a starting server is looked at.
const POLL: Duration = Duration::from_millis(20);

/// A server that accepts.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    processes: Processes,
    child: Child,
}

impl Server {
    /// Starts `path` on a free port and the core `server_core`, over TLS if there is a
    /// `certificate`. Leaves us on `load_core`.
    pub(crate) fn start(
        path: &Path,
        certificate: Option<&Certificate>,
        speaks_http2: bool,
        (server_core, load_core): (usize, usize),
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(path);
        command.arg("--listen").arg(address.to_string());
        match certificate {
            Some(certificate) => drop(command.args(certificate.options())),
            None if speaks_http2 => drop(command.arg("--http2")),
            None => {}
        }
        // The child inherits the core, and with it every thread it will ever start.
        pin(server_core)?;
        let child = command
            .env("PEER_STATS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", path.display()));
        pin(load_core)?;
        let mut this = Self { address, processes: Processes::own(), child: child? };
        this.wait_until_accepting()?;
        this.processes = Processes::of(this.child.id())?;
        Ok(this)
    }

    fn wait_until_accepting(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while loadgen::dial(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended by itself: {status}");
            }
            ensure!(Instant::now() < deadline, "it does not accept connections");
            thread::sleep(POLL);
        }
        Ok(())
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::of(&self.processes).context("the server has ended")
    }

    /// Resident bytes now.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        Ok(Memory::of(&self.processes)?.resident_bytes)
    }

    /// Begins anew with what [`peak_bytes`](Self::peak_bytes) returns.
    pub(crate) fn forget_peak(&self) -> Result<()> {
        let path = format!("/proc/{}/clear_refs", self.child.id());
        // 5 is the number of that request: see proc(5).
        fs::write(&path, "5").with_context(|| format!("cannot write {path}"))
    }

    /// The most resident bytes that there were since.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).context("the server has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        Ok(kib.context("no VmHWM in status")? * 1024)
    }

    /// What it counted, if it is one that tells when it is given a line.
    pub(crate) fn counters(mut self) -> Vec<String> {
        let (stdin, stdout) = (self.child.stdin.take(), self.child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { return Vec::new() };
        // One that does not listen says nothing, and its output ends when it is killed.
        let asked = writeln!(stdin).and_then(|()| stdin.flush());
        drop(stdin);
        let reader = thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).collect::<Vec<_>>()
        });
        if asked.is_ok() {
            thread::sleep(POLL * 5);
        }
        drop(self);
        reader.join().unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn pin(core: usize) -> Result<()> {
    ensure!(core < CpuSet::MAX_CPU, "there is no core {core}");
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on core {core}"))
}
