//! Running a command so that a failure says how to repeat it.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command line that asks for what is not there: the program ends with code 2, as for a flag that is not known.
#[derive(Clone, Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// One command: program, arguments, additional environment, folder.
#[derive(Clone, Debug)]
pub struct Call {
    program: OsString,
    shown: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    dir: PathBuf,
}

impl Call {
    /// A call of `program` in folder `dir`, as yet without arguments.
    pub fn new(program: impl Into<String>, dir: &Path) -> Self {
        let shown = program.into();
        Call {
            program: shown.clone().into(),
            shown,
            args: Vec::new(),
            env: Vec::new(),
            dir: dir.to_owned(),
        }
    }

    /// Shows the program under another name than the path that is run.
    pub fn shown_as(mut self, name: &str) -> Self {
        self.shown = name.to_owned();
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The command as a line for a shell.
    pub fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in &self.env {
            let _ = write!(line, "{name}={} ", quoted(value));
        }
        line.push_str(&quoted(&self.shown));
        for arg in &self.args {
            line.push(' ');
            line.push_str(&quoted(arg));
        }
        line
    }

    /// Shows the command and runs it, its output going where this process's goes.
    ///
    /// # Errors
    /// When it can't be started, or ends with another code than 0; the error carries the command.
    pub fn run(&self) -> Result<()> {
        println!("$ {}", self.line());
        let status = self
            .command()
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("`{}` cannot be started", self.line()))?;
        if status.success() {
            return Ok(());
        }
        bail!("{status}\n  to repeat it: {}", self.line())
    }

    /// Runs the command quietly and gives what it wrote to its standard output, or `None` when it can't be started or fails.
    pub fn answer(&self) -> Option<String> {
        let output = self.command().stdin(Stdio::null()).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .current_dir(&self.dir)
            .envs(self.env.iter().cloned());
        // `cargo run` describes this package in the environment; a nested cargo must not take that for its own.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            command.env("CARGO_TERM_COLOR", "never");
        }
        command
    }
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_pasted_into_a_shell() {
        let call = Call::new("cargo", Path::new("."))
            .env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "it's"]);
        assert_eq!(
            call.line(),
            r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s'"
        );
    }

    #[test]
    fn a_failure_carries_the_command() {
        let call = Call::new("sh", Path::new(".")).args(["-c", "exit 3"]);
        let error = call.run().unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("sh -c 'exit 3'"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let call = Call::new("no-such-program-of-heaptape", Path::new("."));
        assert!(call.run().is_err());
        assert_eq!(call.answer(), None);
    }

    #[test]
    fn an_answer_is_the_standard_output() {
        let call = Call::new("sh", Path::new(".")).args(["-c", "echo yes; echo no >&2"]);
        assert_eq!(call.answer().as_deref(), Some("yes"));
    }
}
