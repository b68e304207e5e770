//! A plain web server over a folder, as anybody may use one for the static page: no token, no headers of ours, and ranges
//! only if asked to know them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

/// A running server; ends with this value.
pub struct Hosting {
    /// The address of the folder, with `/` at its end.
    pub url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    longest: Arc<AtomicU64>,
}

impl Hosting {
    /// Serves the files of `root`, with or without answers to requests for ranges.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(root: &Path, ranges: bool) -> Result<Hosting> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let stop = Arc::new(AtomicBool::new(false));
        let longest = Arc::new(AtomicU64::new(0));
        let (root, stopped) = (root.to_path_buf(), Arc::clone(&stop));
        let told = Arc::clone(&longest);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), root) = (stream, root.clone()) else {
                    continue;
                };
                let told = Arc::clone(&told);
                // A browser that goes away in the middle of an answer is no concern of the others.
                thread::spawn(move || drop(answer(stream, &root, ranges, &told)));
            }
        });
        Ok(Hosting {
            url,
            stop,
            thread: Some(thread),
            longest,
        })
    }

    /// The most bytes of a tape that were asked for in one request.
    pub fn longest(&self) -> u64 {
        self.longest.load(Ordering::Relaxed)
    }
}

impl Drop for Hosting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A last connection, so that it sees the flag.
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let _ = TcpStream::connect(address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, root: &Path, ranges: bool, longest: &AtomicU64) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().context("no request")??;
    let mut range = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("range: bytes=").filter(|_| ranges) {
            range = bytes
                .split_once('-')
                .map(|(from, to)| (from.to_string(), to.to_string()));
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/");
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or("/")
        .trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let file: PathBuf = root.join(path);
    let Some(mut file) = File::open(&file).ok().filter(|_| inside) else {
        stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        return Ok(());
    };
    let length = file.metadata()?.len();
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    let (status, from, to) = match range {
        Some((from, to)) => {
            let from: u64 = from.parse()?;
            let to = to
                .parse::<u64>()
                .unwrap_or(u64::MAX)
                .min(length.saturating_sub(1));
            ("206 Partial Content", from, to + 1)
        }
        None => ("200 OK", 0, length),
    };
    if path.ends_with(".tape") {
        longest.fetch_max(to - from, Ordering::Relaxed);
    }
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n",
        to - from
    );
    if status.starts_with("206") {
        head += &format!("Content-Range: bytes {from}-{}/{length}\r\n", to - 1);
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    file.seek(SeekFrom::Start(from))?;
    std::io::copy(&mut file.take(to - from), &mut stream)?;
    Ok(())
}
