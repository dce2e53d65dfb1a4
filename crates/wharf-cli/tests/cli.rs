//! Runs the `wharf` command as a user would: output, exit codes, signals.
//!
//! Ports are free ones and are read from the output, so nothing here waits for time to pass.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test, also outside of its test functions")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

fn wharf(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command that ends on its own.
fn run(args: &[&str]) -> Output {
    wharf(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A new directory for the test of that name.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A server that runs. It is killed if the test fails before it is told to stop.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    banner: Vec<String>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        Self::of(wharf(args).spawn().unwrap())
    }

    fn of(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut banner = Vec::new();
        while banner.last().is_none_or(|line| line != "Press Ctrl-C to stop.") {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended after {banner:?}");
            banner.push(line.trim_end().to_owned());
        }
        Self { child, stdout, banner }
    }

    /// The address of the first line with one.
    fn addr(&self) -> &str {
        let url = self.banner.iter().find_map(|line| line.trim().strip_prefix("http://"));
        url.unwrap().split('/').next().unwrap()
    }

    /// The whole response to a request for `target`, on a connection of its own.
    fn get(&self, target: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.addr()).unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        let body_at = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let body = response.split_off(body_at);
        (String::from_utf8(response).unwrap(), body)
    }

    fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Sends a signal and waits for the end: exit code, what else was written to standard output,
    /// and to standard error.
    fn stop(self, signal: &str) -> (Option<i32>, String, String) {
        self.signal(signal);
        self.end()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if the process has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_directory_is_served_until_a_signal_comes() {
    let directory = directory("served");
    let bytes: Vec<u8> =
        (0..300_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    fs::write(directory.join("data.bin"), &bytes).unwrap();
    let canonical = directory.canonicalize().unwrap();
    for signal in ["INT", "TERM"] {
        let mut server = Running::start(&["serve", directory.to_str().unwrap(), "-l", "0"]);
        assert_eq!(server.banner[0], format!("Serving {}", canonical.display()));

        let (head, body) = server.get("/data.bin");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(body == bytes, "{} bytes came of {}", body.len(), bytes.len());
        let line = server.log_line();
        assert!(line.contains("Z 127.0.0.1 \"GET /data.bin\" 200 1200000 "), "{line}");

        assert_eq!(server.stop(signal), (Some(0), String::new(), String::new()), "{signal}");
    }
}

/// A connection with half a request on it, which is served.
fn half_a_request(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    // The answer to the first half of two shows that the connection was accepted.
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(&[&head[..], &head[..9]].concat()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    stream
}

#[test]
fn a_signal_waits_for_what_has_begun_and_a_second_does_not() {
    let directory = directory("signals");
    let args = ["serve", directory.to_str().unwrap(), "--quiet", "-l", "0"];
    let server = Running::start(&args);
    let mut stream = half_a_request(&server);
    server.signal("TERM");
    while TcpStream::connect(server.addr()).is_ok() {}
    stream.write_all(b"TP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("Connection: close"), "{rest}");
    drop(stream);
    assert_eq!(server.end(), (Some(0), String::new(), String::new()));

    let server = Running::start(&args);
    let _stream = half_a_request(&server);
    server.signal("TERM");
    while TcpStream::connect(server.addr()).is_ok() {}
    server.signal("INT");
    let (code, _, complaint) = server.end();
    assert_eq!(code, Some(1));
    // Some of those who have just looked whether it listens were accepted still.
    let (_, rest) = complaint.split_once("wharf: finished ").unwrap();
    let (_, rest) = rest.split_once(", ").unwrap();
    assert!(rest.starts_with("cancelled 0, cut 1\n"), "{complaint}");
}

#[test]
fn a_quiet_server_logs_nothing() {
    let directory = directory("quiet");
    let server = Running::start(&["serve", directory.to_str().unwrap(), "--quiet", "-l", "0"]);
    let (head, body) = server.get("/");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(text(&body).contains("<!doctype html>"), "a listing: {}", text(&body));
    assert_eq!(server.stop("INT"), (Some(0), String::new(), String::new()));
}

#[test]
fn options_change_what_is_served() {
    let directory = directory("options");
    fs::create_dir(directory.join("site")).unwrap();
    fs::write(directory.join("site/.hidden"), "hidden").unwrap();
    fs::write(directory.join("outside"), "outside").unwrap();
    std::os::unix::fs::symlink("../outside", directory.join("site/link")).unwrap();
    let site = directory.join("site");
    let site = site.to_str().unwrap();
    let defaults = [("/", "200"), ("/.hidden", "404"), ("/link", "404")];
    let changed = [("/", "404"), ("/.hidden", "200"), ("/link", "200")];
    let options = ["--no-listing", "--hidden", "--follow-symlinks"];
    for (options, expected) in [(&options[..0], defaults), (&options[..], changed)] {
        let server = Running::start(&[&["serve", site, "-q", "-l", "0"], options].concat());
        for (target, status) in expected {
            let (head, _) = server.get(target);
            assert_eq!(head.split(' ').nth(1), Some(status), "{target} with {options:?}");
        }
    }
}

#[test]
fn every_address_is_printed_and_served() {
    let directory = directory("addresses");
    let server = Running::start(&["serve", directory.to_str().unwrap(), "-l", "0", "-l", ":0"]);
    let urls: Vec<_> = server.banner.iter().filter(|line| line.contains("http://")).collect();
    let [local, all] = urls[..] else { panic!("{urls:?}") };
    assert!(local.starts_with("  http://127.0.0.1:") && local.ends_with('/'), "{local}");
    assert!(all.ends_with("address of this machine"), "{all}");
    let port = all.split([':', '/']).nth(4).unwrap();
    TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
}

/// The command, started by a shell that first carries out `prepare`, with a listener as its
/// descriptor 3.
fn pass(prepare: &str, directory: &Path, listen: &str) -> (SocketAddr, Command) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let script = format!("exec 3<&0 </dev/null; {prepare} exec \"$0\" serve \"$1\" -q -l {listen}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_wharf")]).arg(directory);
    command.stdin(OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    (addr, command)
}

#[test]
fn sockets_that_were_passed_are_served() {
    let directory = directory("passed");
    let systemd = "LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=$$";
    for (prepare, listen) in [("", "fd:3"), (systemd, "systemd:"), (systemd, "systemd:web")] {
        let (addr, mut command) = pass(prepare, &directory, listen);
        let server = Running::of(command.spawn().unwrap());
        assert_eq!(server.addr(), addr.to_string());
        let (head, _) = server.get("/");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(server.stop("TERM"), (Some(0), String::new(), String::new()), "{listen}");
    }
}

#[test]
fn sockets_that_were_not_passed_are_an_error() {
    let directory = directory("not_passed");
    for (prepare, listen, expected) in [
        ("LISTEN_FDS=1 LISTEN_PID=1", "systemd:", "the sockets were passed to another process"),
        ("LISTEN_FDS=1 LISTEN_PID=$$", "systemd:web", "no socket of that name was passed"),
        ("", "systemd:", "no sockets were passed: LISTEN_FDS is not set"),
        ("", "fd:1", "not a socket"),
    ] {
        let (_, mut command) = pass(prepare, &directory, listen);
        let output = command.env_remove("LISTEN_FDS").output().unwrap();
        let expected = format!("wharf: can't listen on {listen}: {expected}\n");
        assert_eq!(text(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_unix_socket_is_printed_served_and_removed() {
    let directory = directory("unix");
    let socket = directory.join("site.sock");
    let addr = format!("unix:{}", socket.display());
    let listen = format!("{addr}?mode=0600");
    let server = Running::start(&["serve", directory.to_str().unwrap(), "-q", "-l", &listen]);
    assert!(server.banner.contains(&format!("  {listen}")), "{:?}", server.banner);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert_eq!(server.stop("TERM").0, Some(0));
    assert!(!socket.exists());
}

#[test]
fn what_can_not_be_done_is_one_line_and_exit_code_1() {
    let directory = directory("failures");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    fs::write(directory.join("file"), "").unwrap();
    let here = directory.to_str().unwrap();
    let file = format!("{here}/file");
    let missing = format!("{here}/missing");
    for (args, expected) in [
        (["serve", here, "-l", &taken], format!("can't listen on {taken}: already in use")),
        (
            ["serve", &missing, "-l", "0"],
            format!("can't serve `{missing}`: there is no such directory"),
        ),
        (["serve", &file, "-l", "0"], format!("can't serve `{file}`: it is not a directory")),
    ] {
        let output = run(&args);
        assert_eq!(text(&output.stderr), format!("wharf: {expected}\n"));
        assert_eq!((text(&output.stdout), output.status.code()), ("", Some(1)));
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for (args, expected) in [
        (&[][..], "Usage: wharf <COMMAND>"),
        (&["swerve"], "unrecognized subcommand 'swerve'"),
        (&["serve", "--port", "80"], "unexpected argument '--port'"),
        (&["serve", "--listen", "localhost"], "'localhost' for '--listen <ADDR>': no port"),
        (&["serve", "--workers", "0"], "'0' for '--workers <N>'"),
    ] {
        let output = run(args);
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
        assert_eq!((text(&output.stdout), output.status.code()), ("", Some(2)), "{args:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (args, expected) in [
        (&["--help"][..], "Usage: wharf <COMMAND>"),
        (&["serve", "--help"], "Exit codes: 0 after that"),
        (&["--version"], concat!("wharf ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let output = run(args);
        assert!(text(&output.stdout).contains(expected), "{args:?}: {}", text(&output.stdout));
        assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)), "{args:?}");
    }
}
