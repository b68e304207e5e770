//! Chromium's debugging protocol over two pipes: requests and answers in JSON, a zero byte after each.
//!
//! The crates that speak it do so over a WebSocket and have a type for each of its hundreds of messages; to compile one took
//! longer than to compile everything that is tested with it. Here are ten messages, and no port that another process could use.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A conversation with a browser.
pub struct Pipe {
    to: PipeWriter,
    answers: Receiver<Value>,
    requests: u64,
    patience: Duration,
}

impl Pipe {
    /// Speaks over these ends; no answer is waited for longer than so long.
    pub fn new(to: PipeWriter, from: PipeReader, patience: Duration) -> Pipe {
        let (sender, answers) = channel();
        // Ends with the browser, which closes its end, or with this value, whose receiver is gone.
        thread::spawn(move || listen(from, &sender));
        Pipe {
            to,
            answers,
            requests: 0,
            patience,
        }
    }

    /// The result of a method, in a page's session or of the browser as a whole.
    ///
    /// # Errors
    /// The browser refuses it, does not answer, or has ended.
    pub fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Result<Value> {
        self.requests += 1;
        let mut request = json!({ "id": self.requests, "method": method, "params": params });
        if let Some(session) = session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&request)?;
        bytes.push(0);
        self.to
            .write_all(&bytes)
            .with_context(|| format!("{method}: the browser has ended"))?;
        let end = Instant::now() + self.patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut answer = match self.answers.recv_timeout(left) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{method}: no answer within {} s", self.patience.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("{method}: the browser has ended"),
            };
            // What is no answer to this tells of something that happens; nobody here waits for such things.
            if answer["id"] != json!(self.requests) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                bail!("{method}: {error}");
            }
            return Ok(answer["result"].take());
        }
    }
}

/// Passes on what the browser says, until it or the listener is gone.
fn listen(from: PipeReader, sender: &Sender<Value>) {
    let mut from = BufReader::new(from);
    let mut message = Vec::new();
    while from.read_until(0, &mut message).is_ok_and(|read| read > 0) {
        message.pop();
        let said = serde_json::from_slice(&message).unwrap_or(Value::Null);
        if sender.send(said).is_err() {
            return;
        }
        message.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser that answers each request by these.
    fn answering(answers: &'static [&'static str]) -> Result<Pipe> {
        let ((requests, to), (from, mut says)) = (std::io::pipe()?, std::io::pipe()?);
        thread::spawn(move || {
            let mut requests = BufReader::new(requests);
            for answer in answers {
                if requests.read_until(0, &mut Vec::new()).is_err() {
                    return;
                }
                for part in answer.split('|') {
                    if says.write_all(format!("{part}\0").as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Pipe::new(to, from, Duration::from_millis(200)))
    }

    #[test]
    fn an_answer_is_found_among_other_messages() -> Result<()> {
        let mut pipe = answering(&[
            r#"{"method":"Target.created"}|{"id":1,"result":{"a":2}}"#,
            r#"{"id":1,"result":{"late":true}}|{"id":2,"error":{"message":"no such page"}}"#,
        ])?;
        assert_eq!(pipe.call(None, "one", json!({}))?, json!({ "a": 2 }));
        let error = pipe.call(None, "two", json!({})).unwrap_err().to_string();
        assert!(
            error.contains("two") && error.contains("no such page"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn silence_and_an_end_are_errors() -> Result<()> {
        let mut pipe = answering(&[r#"{"id":7}"#, r#"{"id":8}"#])?;
        let error = pipe.call(None, "one", json!({})).unwrap_err().to_string();
        assert!(error.contains("no answer"), "{error}");
        let error = pipe.call(None, "two", json!({})).unwrap_err().to_string();
        assert!(
            error.contains("has ended") || error.contains("no answer"),
            "{error}"
        );
        let error = pipe.call(None, "three", json!({})).unwrap_err().to_string();
        assert!(error.contains("has ended"), "{error}");
        Ok(())
    }
}
