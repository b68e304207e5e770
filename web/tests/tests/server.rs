//! The server of `heaptape view`: what it serves, and to whom.

use std::fs;

use anyhow::Result;
use web_tests::server::Server;
use web_tests::tapes;

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn it_serves_the_page_and_the_named_tape_to_this_machine_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("my tape.tape");
    let bytes = tapes::mixed(2000, 1, 7)?;
    fs::write(&tape, &bytes)?;
    fs::write(folder.path().join("secret.txt"), "not for the browser")?;
    let server = Server::start(Some(&tape))?;
    let (own, path) = (("Host", server.host()), server.path());
    assert!(
        server.url.ends_with("/?tape=tape/my%20tape.tape"),
        "{}",
        server.url
    );

    let (head, body) = server.request("GET", &path, &[own])?;
    assert_eq!(status(&head), "200");
    assert!(
        head.contains("content-type: text/html") && head.contains("cache-control: no-store"),
        "{head}"
    );
    assert!(
        head.contains("content-security-policy:") && head.contains("nosniff"),
        "{head}"
    );
    assert!(String::from_utf8_lossy(&body).contains("heaptape"));
    let (head, _) = server.request("GET", &format!("{path}wasm/web_bg.wasm"), &[own])?;
    assert!(head.contains("content-type: application/wasm"), "{head}");
    let (head, _) = server.request("GET", &format!("{path}app.js"), &[own])?;
    assert!(head.contains("content-type: text/javascript"), "{head}");

    let named = format!("{path}tape/my%20tape.tape");
    let (head, body) = server.request("GET", &named, &[own])?;
    assert_eq!((status(&head), body == bytes), ("200", true));
    assert!(
        head.contains("content-type: application/octet-stream"),
        "{head}"
    );
    let (head, body) = server.request("GET", &named, &[own, ("Range", "bytes=10-19")])?;
    assert_eq!((status(&head), &body[..]), ("206", &bytes[10..20]));
    assert!(
        head.contains(&format!("content-range: bytes 10-19/{}", bytes.len())),
        "{head}"
    );
    let (head, body) = server.request("GET", &named, &[own, ("Range", "bytes=-4")])?;
    assert_eq!(
        (status(&head), &body[..]),
        ("206", &bytes[bytes.len() - 4..])
    );
    let (head, _) = server.request("GET", &named, &[own, ("Range", "bytes=99999999-")])?;
    assert_eq!(status(&head), "416");
    let (head, body) = server.request("HEAD", &named, &[own])?;
    assert_eq!((status(&head), body.len()), ("200", 0));

    for host in [
        "evil.example",
        "evil.example:80",
        "127.0.0.1",
        "localhost:1",
    ] {
        assert_eq!(
            status(&server.request("GET", &path, &[("Host", host)])?.0),
            "403",
            "{host}"
        );
    }
    assert_eq!(status(&server.request("POST", &path, &[own])?.0), "405");
    let others = [
        "/",
        "/index.html",
        "/00000000000000000000000000000000/",
        "/../../etc/passwd",
    ]
    .map(str::to_string);
    let below = [
        "tape/secret.txt",
        "tape/../secret.txt",
        "tape/%2e%2e/secret.txt",
        "../",
        "nothing.js",
        "tape/",
    ];
    for other in others
        .into_iter()
        .chain(below.map(|name| format!("{path}{name}")))
    {
        assert_eq!(
            status(&server.request("GET", &other, &[own])?.0),
            "404",
            "{other}"
        );
    }
    Ok(())
}

#[test]
fn each_start_has_a_token_of_its_own() -> Result<()> {
    let (first, second) = (Server::start(None)?, Server::start(None)?);
    assert_eq!(first.path().len(), 34);
    assert_ne!(first.path(), second.path());
    Ok(())
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_in_good_order() -> Result<()> {
    let mut server = Server::start(None)?;
    let sent = std::process::Command::new("kill")
        .args(["-INT", &server.pid().to_string()])
        .status()?;
    assert!(sent.success());
    assert_eq!(server.wait()?, Some(0));
    Ok(())
}

#[test]
fn a_missing_file_is_an_error_that_names_it() -> Result<()> {
    let output = std::process::Command::new(web_tests::server::binary()?)
        .args(["view", "--no-open", "no-such.tape"])
        .output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no-such.tape"),
        "{output:?}"
    );
    Ok(())
}
