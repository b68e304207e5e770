//! `heaptape view`: the page in the browser, on loopback.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use trace_format::{FileSource, Tape};

use crate::server::{self, Server};

/// Walk through the heap in the browser.
///
/// Serves a page on this machine's loopback address and opens it. The page replays the tape with
/// fancy's own core, compiled to WebAssembly, and draws the heap at any event. Nothing leaves the
/// machine. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heaptape view my.tape                 opens the browser at the tape
  heaptape view                         opens an empty page; drop a tape on it
  heaptape view my.tape --no-open       prints the address only, for another browser
  heaptape view my.tape --port 8080     on a port of your choice")]
pub struct ViewArgs {
    /// The tape to show; without it the page waits for one to be dropped on it
    pub file: Option<PathBuf>,

    /// Port to listen on; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,

    /// Do not open a browser; only print the address
    #[arg(long)]
    pub no_open: bool,
}

/// Serves the page until Ctrl-C.
///
/// # Errors
///
/// The binary was built without the page, the file is missing, or the port is taken.
pub fn run(args: &ViewArgs) -> Result<ExitCode> {
    if let Some(reason) = server::page_missing() {
        bail!("this heaptape was built without its page: {reason}");
    }
    if let Some(file) = &args.file {
        look_at(file)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the server")?;
    runtime.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

/// Fails when there is nothing to serve; when it is not a sound tape, says so and lets the page show the same.
fn look_at(file: &Path) -> Result<()> {
    let source =
        FileSource::open(file).with_context(|| format!("{} can't be opened", file.display()))?;
    if let Err(error) = Tape::open(source) {
        eprintln!(
            "heaptape: {}: {error}; the page will say the same",
            file.display()
        );
    }
    Ok(())
}

async fn serve(args: &ViewArgs) -> Result<()> {
    let server = Server::bind(args.port, args.file.as_deref())
        .await
        .with_context(|| {
            format!(
                "could not listen on 127.0.0.1:{}; --port 0 takes any free port",
                args.port
            )
        })?;
    // Before the address is told: who reads it may end this at once.
    let interrupt = signal(SignalKind::interrupt());
    let url = server.url();
    let mut out = io::stdout().lock();
    writeln!(out, "{url}")
        .and_then(|()| out.flush())
        .context("could not print the address")?;
    drop(out);
    if io::stderr().is_terminal() {
        eprintln!("Ctrl-C ends it.");
    }
    if !args.no_open
        && let Err(error) = open::that_detached(&url)
    {
        eprintln!(
            "heaptape: no browser could be opened ({error}); open the address above yourself"
        );
    }
    let stop = async {
        match interrupt {
            Ok(mut interrupt) => drop(interrupt.recv().await),
            Err(error) => {
                eprintln!("heaptape: Ctrl-C can't be caught ({error}); end this process to stop");
                std::future::pending::<()>().await;
            }
        }
    };
    server
        .serve_until(stop)
        .await
        .context("the server's socket broke")
}
