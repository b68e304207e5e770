//! Results as JSON that is small and still read by eye: a field of the whole on each line, and of its lists an entry on each line.
//!
//! A run alone has hundreds of points of its footprint. A line for each number makes three times as large a file, in which the
//! runs are hard to find; in this form `grep '"allocator":"fancy"'` shows those of fancy.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// The value as text, with a new line at its end.
///
/// # Errors
/// The value has no form in JSON, such as a map whose keys are no strings.
pub fn text<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(
        &mut bytes,
        Lines::default(),
    ))?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

/// Objects and lists that are this deep begin a line with each of their members; deeper ones stand on one line.
const BROKEN: usize = 2;

/// Where the writer stands.
#[derive(Default)]
struct Lines {
    /// Objects and lists that are open.
    depth: usize,
    /// Whether the one that was open last has a member.
    filled: bool,
}

impl Lines {
    fn begin<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        let broken = self.depth <= BROKEN && self.filled;
        self.depth -= 1;
        self.filled = true;
        if broken {
            self.new_line(out)?;
        }
        out.write_all(bracket)
    }

    fn member<W: ?Sized + Write>(&self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        match self.depth <= BROKEN {
            true => self.new_line(out),
            false => Ok(()),
        }
    }

    fn new_line<W: ?Sized + Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.member(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.member(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(match self.depth <= BROKEN {
            true => b": ",
            false => b":",
        })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_line_and_nothing_is_lost() {
        let value = serde_json::json!({
            "schema": 1,
            "machine": { "cpu": "a \"b\"" },
            "runs": [{ "t": "x", "footprint": [{ "t_ns": 1, "rss": 2 }, {}] }, { "t": "y", "footprint": [] }],
            "faults": [],
            "settings": {},
        });
        let text = text(&value).unwrap();
        let lines = [
            "{",
            r#"  "faults": [],"#,
            r#"  "machine": {"#,
            r#"    "cpu": "a \"b\"""#,
            "  },",
            r#"  "runs": ["#,
            r#"    {"footprint":[{"rss":2,"t_ns":1},{}],"t":"x"},"#,
            r#"    {"footprint":[],"t":"y"}"#,
            "  ],",
            r#"  "schema": 1,"#,
            r#"  "settings": {}"#,
            "}",
            "",
        ];
        assert_eq!(text.split('\n').collect::<Vec<_>>(), lines);
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, value);
    }
}
