//! `results.json` from a file, with errors that say where it is wrong.

use crate::error::ReportError;
use replayer::results::{Results, SCHEMA};
use std::path::Path;

/// Reads a `results.json`.
///
/// # Errors
/// [`ReportError::Read`] where the file cannot be read, [`ReportError::Schema`] for a schema that this code does not know,
/// and [`ReportError::Field`], which names the field, for anything else.
pub fn read_results(path: &Path) -> Result<Results, ReportError> {
    let text = std::fs::read(path).map_err(|reason| ReportError::Read {
        path: path.to_owned(),
        reason,
    })?;
    parse_results(&text, path)
}

/// The same from the file's contents; `path` is only what errors call it.
///
/// # Errors
/// As [`read_results`].
pub fn parse_results(text: &[u8], path: &Path) -> Result<Results, ReportError> {
    let field = |field: &str, reason: String| ReportError::Field {
        path: path.to_owned(),
        field: field.to_owned(),
        reason,
    };
    // The schema first: a later schema may have other fields, and those would give a misleading error.
    let whole: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| field(".", format!("not JSON: {e}")))?;
    let schema = whole.get("schema").ok_or_else(|| {
        field(
            "schema",
            "missing; is this a results.json of heaptape?".into(),
        )
    })?;
    let found = schema
        .as_u64()
        .ok_or_else(|| field("schema", format!("must be a whole number, is {schema}")))?;
    if found != u64::from(SCHEMA) {
        return Err(ReportError::Schema {
            path: path.to_owned(),
            found,
            known: u64::from(SCHEMA),
        });
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|e| field(&e.path().to_string(), e.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match parse_results(text.as_bytes(), Path::new("r.json")) {
            Ok(_) => "no error".into(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn names_the_field() {
        assert!(error("{").starts_with("r.json: field `.`: not JSON"));
        assert!(error("{}").starts_with("r.json: field `schema`: missing"));
        assert!(
            error(r#"{"schema":"x"}"#).contains("field `schema`: must be a whole number, is \"x\"")
        );
        assert!(error(r#"{"schema":1}"#).contains("missing field `machine`"));
        let run = r#"{"schema":1,"machine":{"cores":2},"tapes":[],"allocators":[],"summary":[],"runs":[{"tape":"a","allocator":"b","repetition":-1}]}"#;
        assert!(
            error(run).contains("field `runs[0].repetition`"),
            "{}",
            error(run)
        );
    }

    #[test]
    fn refuses_a_future_schema_by_name() {
        let text = error(r#"{"schema":2,"something":"else"}"#);
        assert!(
            text.contains("field `schema` is 2")
                && text.contains("reads schema 1")
                && text.contains("newer heaptape"),
            "{text}"
        );
    }
}
