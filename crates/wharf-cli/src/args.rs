//! The command line: what the user wants, as plain data.
//!
//! Nobody else knows how it was read. Not here: whether it can be done.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use wharf::ListenAddr;

use crate::addr;

/// More threads than this are a mistake of typing.
const MAX_WORKERS: u64 = 1024;

/// `wharf serve`: what to serve, where, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) directory: PathBuf,
    /// At least one.
    pub(crate) listen: Vec<ListenAddr>,
    /// Where a running server hands over to this one, and this one to the next.
    pub(crate) hand_over: Option<PathBuf>,
    /// TLS, if it is to be spoken.
    pub(crate) tls: Option<CertificateFrom>,
    pub(crate) workers: Option<usize>,
    pub(crate) quiet: bool,
    pub(crate) listing: bool,
    pub(crate) hidden: bool,
    pub(crate) follow_symlinks: bool,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CertificateFrom {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// It is made.
    Nowhere,
}

/// A command line that asks for help, or for what there is not.
#[derive(Debug)]
pub(crate) struct Refusal(clap::Error);

impl Refusal {
    /// Prints what there is to say, help to standard output and mistakes to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        // If there is no one to tell, there is nothing else to do about it.
        let _ = self.0.print();
        match self.0.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
            _ => ExitCode::from(2),
        }
    }
}

/// Reads a command line, its first word being the name of the program.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Serve, Refusal> {
    let matches = command().try_get_matches_from(words).map_err(Refusal)?;
    match matches.subcommand() {
        Some(("serve", matches)) => Ok(serve(matches)),
        _ => Err(Refusal(command().error(ErrorKind::MissingSubcommand, "there is no command"))),
    }
}

fn serve(matches: &ArgMatches) -> Serve {
    let listen = matches.get_many("listen").map(|addrs| addrs.cloned().collect());
    Serve {
        directory: matches.get_one("directory").cloned().unwrap_or_else(|| PathBuf::from(".")),
        listen: listen.unwrap_or_default(),
        hand_over: matches.get_one("hand-over").cloned(),
        tls: certificate(matches),
        workers: matches.get_one("workers").copied(),
        quiet: matches.get_flag("quiet"),
        listing: !matches.get_flag("no-listing"),
        hidden: matches.get_flag("hidden"),
        follow_symlinks: matches.get_flag("follow-symlinks"),
    }
}

fn certificate(matches: &ArgMatches) -> Option<CertificateFrom> {
    let file = |name| matches.get_one::<PathBuf>(name).cloned();
    match (file("tls-cert"), file("tls-key")) {
        (Some(certificate), Some(key)) => Some(CertificateFrom::Files { certificate, key }),
        _ => matches.get_flag("tls").then_some(CertificateFrom::Nowhere),
    }
}

fn command() -> Command {
    Command::new("wharf")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Serves files over HTTP")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(serve_command())
        .after_help("`wharf serve --help` tells more.")
}

fn serve_command() -> Command {
    let workers = RangedU64ValueParser::<usize>::new().range(1..=MAX_WORKERS);
    Command::new("serve")
        .about("Serves a directory until Ctrl-C")
        .arg(
            Arg::new("directory")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .default_value(".")
                .help("The directory to serve"),
        )
        .arg(
            Arg::new("listen")
                .long("listen")
                .short('l')
                .value_name("ADDR")
                .value_parser(addr::parse)
                .action(ArgAction::Append)
                .default_value(addr::DEFAULT)
                .help(
                    "Where to listen: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`;\n\
                     `:8080` for every address of this machine, IPv4 and IPv6;\n\
                     `8080` for this machine alone. Port 0 takes a free one.\n\
                     `unix:/run/site.sock?mode=0660`, `unix:@name`: Unix sockets;\n\
                     `systemd:`, `fd:3`: sockets that were passed. May be given several times",
                ),
        )
        .arg(
            Arg::new("workers")
                .long("workers")
                .short('w')
                .value_name("N")
                .value_parser(workers)
                .help("How many threads serve [default: one for each core]"),
        )
        .arg(
            Arg::new("hand-over")
                .long("hand-over")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "Take over from the server that was started with the same path, if there is\n\
                     one, without losing a connection; it ends when it has answered all",
                ),
        )
        .args(tls_args())
        .arg(flag("quiet", "Log no requests").short('q'))
        .arg(flag("no-listing", "List no directories: one without index.html is 404"))
        .arg(flag("hidden", "Serve files whose names begin with a dot, too"))
        .arg(flag("follow-symlinks", "Follow symbolic links that lead out of the directory, too"))
        .after_help(
            "Ctrl-C and SIGTERM let requests come to their end, for 30 s at most; the second does\n\
             not wait, and the third ends the process.\n\n\
             Exit codes: 0 after that, 1 if something can't be done or requests were cut off, 2\n\
             if the command line is wrong.",
        )
}

fn tls_args() -> [Arg; 3] {
    let file = |name: &'static str, other: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name("FILE").requires(other).help(help);
        arg.value_parser(value_parser!(PathBuf))
    };
    [
        flag("tls", "Speak HTTPS, with a certificate that is made for this run")
            .conflicts_with("tls-cert"),
        file(
            "tls-cert",
            "tls-key",
            "Speak HTTPS with this certificate, and those behind it (PEM). When the files\n\
             change, they are read again",
        ),
        file("tls-key", "tls-cert", "The key of the certificate (PEM)"),
    ]
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Serve, ErrorKind> {
        let words = std::iter::once("wharf").chain(line.split_whitespace());
        parse(words.map(OsString::from)).map_err(|refusal| refusal.0.kind())
    }

    fn defaults() -> Serve {
        Serve {
            directory: PathBuf::from("."),
            listen: addrs(&[addr::DEFAULT]),
            hand_over: None,
            tls: None,
            workers: None,
            quiet: false,
            listing: true,
            hidden: false,
            follow_symlinks: false,
        }
    }

    fn addrs(texts: &[&str]) -> Vec<ListenAddr> {
        texts.iter().map(|text| addr::parse(text).expect(text)).collect()
    }

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn good_command_lines() {
        let site = || PathBuf::from("site");
        for (line, expected) in [
            ("serve", defaults()),
            ("serve site", Serve { directory: site(), ..defaults() }),
            (
                "serve site --listen 8081 -l :80",
                Serve { directory: site(), listen: addrs(&["8081", ":80"]), ..defaults() },
            ),
            (
                "serve --listen=[::]:8080 -- site",
                Serve { directory: site(), listen: addrs(&["[::]:8080"]), ..defaults() },
            ),
            ("serve --workers 4", Serve { workers: Some(4), ..defaults() }),
            (
                "serve --hand-over next",
                Serve { hand_over: Some(PathBuf::from("next")), ..defaults() },
            ),
            ("serve --tls", Serve { tls: Some(CertificateFrom::Nowhere), ..defaults() }),
            (
                "serve --tls-cert a.pem --tls-key b.pem",
                Serve {
                    tls: Some(CertificateFrom::Files {
                        certificate: "a.pem".into(),
                        key: "b.pem".into(),
                    }),
                    ..defaults()
                },
            ),
            ("serve -q", Serve { quiet: true, ..defaults() }),
            ("serve --no-listing", Serve { listing: false, ..defaults() }),
            ("serve --hidden", Serve { hidden: true, ..defaults() }),
            ("serve --follow-symlinks", Serve { follow_symlinks: true, ..defaults() }),
        ] {
            assert_eq!(read(line).as_ref(), Ok(&expected), "{line}");
        }
    }

    #[test]
    fn bad_command_lines() {
        for (line, expected) in [
            ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("--help", ErrorKind::DisplayHelp),
            ("--version", ErrorKind::DisplayVersion),
            ("serve --help", ErrorKind::DisplayHelp),
            ("site", ErrorKind::InvalidSubcommand),
            ("serve a b", ErrorKind::UnknownArgument),
            ("serve --port 80", ErrorKind::UnknownArgument),
            ("serve --listen localhost", ErrorKind::ValueValidation),
            ("serve --listen", ErrorKind::InvalidValue),
            ("serve --workers 0", ErrorKind::ValueValidation),
            ("serve --workers 1025", ErrorKind::ValueValidation),
            ("serve --workers many", ErrorKind::ValueValidation),
            ("serve --tls-cert a.pem", ErrorKind::MissingRequiredArgument),
            ("serve --tls-key a.pem", ErrorKind::MissingRequiredArgument),
            ("serve --tls --tls-cert a --tls-key b", ErrorKind::ArgumentConflict),
            ("serve -q -q", ErrorKind::ArgumentConflict),
        ] {
            assert_eq!(read(line).err(), Some(expected), "{line}");
        }
    }
}
