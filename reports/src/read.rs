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
    let whole: serde_json::Value = serde_json::from_slice(text).map_err(|e| {
        // Where in the results the reader was when it met what is no JSON, such as NaN.
        let at = typed(text).err().map(|(at, _)| at);
        field(at.as_deref().unwrap_or("."), format!("not JSON: {e}"))
    })?;
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
    let results = typed(text).map_err(|(at, reason)| field(&at, reason))?;
    match senseless(&results) {
        Some((at, value)) => Err(field(&at, format!("must not be negative, is {value}"))),
        None => Ok(results),
    }
}

/// The results; else the field and what is wrong with it. A missing field is named as if it were there.
fn typed(text: &[u8]) -> Result<Results, (String, String)> {
    let mut json = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let (path, reason) = (e.path().to_string(), e.inner().to_string());
        let missing = reason
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`'))
            .map(|(name, _)| name);
        // A question mark stands for what was not come to.
        let path = match path.trim_end_matches(".?") {
            "?" => ".".to_owned(),
            path => path.to_owned(),
        };
        let at = match missing {
            Some(name) if path == "." => name.to_owned(),
            Some(name) => format!("{path}.{name}"),
            None => path,
        };
        (at, reason)
    })
}

/// The first figure that is a number and can be none of a measurement.
fn senseless(results: &Results) -> Option<(String, f64)> {
    let ratios = results.summary.iter().enumerate().flat_map(|(i, s)| {
        [
            ("elapsed_ratio", s.elapsed_ratio),
            ("rss_ratio", s.rss_ratio),
            ("cpu_ratio", s.cpu_ratio),
        ]
        .into_iter()
        .filter_map(|(name, ratio)| Some((name, ratio?)))
        .flat_map(move |(name, r)| {
            [("median", r.median), ("low", r.low), ("high", r.high)]
                .map(|(end, value)| (format!("summary[{i}].{name}.{end}"), value))
        })
    });
    let harness = results.runs.iter().enumerate().filter_map(|(i, r)| {
        let value = r.harness_ns_per_op?;
        Some((format!("runs[{i}].harness_ns_per_op"), value))
    });
    ratios.chain(harness).find(|(_, value)| *value < 0.0)
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
        assert!(error(r#"{"schema":1}"#).contains("field `machine`: missing field"));
        let run = r#"{"schema":1,"machine":{"cores":2},"tapes":[],"allocators":[],"summary":[],"runs":[{"tape":"a","allocator":"b","repetition":-1}]}"#;
        assert!(
            error(run).contains("field `runs[0].repetition`"),
            "{}",
            error(run)
        );
    }

    /// Sound results with one thing changed in their text.
    #[test]
    fn any_damage_is_told_with_its_field() {
        let sound = r#"{"schema":1,"machine":{"cores":2},"tapes":[{"name":"t","sha256":"","threads":1,"events":2,"mallocs":1,"frees":1,"reallocs":0,"peak_live_bytes":9,"duration_ns":5}],
            "allocators":[{"name":"system","reached_by":"libc","settings":[]}],
            "runs":[{"tape":"t","allocator":"system","repetition":1,"elapsed_ns":70,"ops":2,"mallocs":1,"frees":1,"reallocs":0,"failed":0,"footprint":[{"t_ns":1,"live_bytes":2,"rss_bytes":3}]}],
            "summary":[{"tape":"t","allocator":"system","elapsed_ratio":{"median":1.5,"low":1.0,"high":2.0},"warnings":[]}]}"#;
        assert_eq!(error(sound), "no error");
        let cases = [
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":\"70\"",
                "runs[0].elapsed_ns",
            ),
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":-70",
                "runs[0].elapsed_ns",
            ),
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":7.5",
                "runs[0].elapsed_ns",
            ),
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":1e400",
                "runs[0].elapsed_ns",
            ),
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":99999999999999999999999",
                "runs[0].elapsed_ns",
            ),
            (
                "\"elapsed_ns\":70",
                "\"elapsed_ns\":null",
                "runs[0].elapsed_ns",
            ),
            (
                "\"repetition\":1",
                "\"repetition\":4294967296",
                "runs[0].repetition",
            ),
            ("\"elapsed_ns\":70,", "", "runs[0].elapsed_ns"),
            (
                "\"median\":1.5",
                "\"median\":NaN",
                "summary[0].elapsed_ratio.median",
            ),
            (
                "\"median\":1.5",
                "\"median\":-1.5",
                "summary[0].elapsed_ratio.median",
            ),
            (
                "\"high\":2.0",
                "\"high\":Infinity",
                "summary[0].elapsed_ratio.high",
            ),
            ("\"median\":1.5,", "", "summary[0].elapsed_ratio.median"),
            ("\"t_ns\":1", "\"t_ns\":[]", "runs[0].footprint[0].t_ns"),
            ("\"cores\":2", "\"cores\":-2", "machine.cores"),
            ("\"cores\":2", "\"cores\":{}", "machine.cores"),
            ("\"machine\":{\"cores\":2},", "", "machine"),
            (
                "\"settings\":[]",
                "\"settings\":3",
                "allocators[0].settings",
            ),
            ("\"threads\":1", "\"threads\":true", "tapes[0].threads"),
            (
                "\"warnings\":[]",
                "\"warnings\":[1]",
                "summary[0].warnings[0]",
            ),
            ("\"schema\":1", "\"schema\":1.5", "schema"),
            ("\"schema\":1,", "", "schema"),
        ];
        for (from, to, field) in cases {
            assert!(sound.contains(from), "{from}");
            let said = error(&sound.replacen(from, to, 1));
            let named = said.starts_with(&format!("r.json: field `{field}`: "));
            assert!(named, "{to}: {said}");
        }
        // Cut anywhere, it is an error and no panic.
        for end in 0..sound.len() {
            assert_ne!(error(&sound[..end]), "no error", "{end}");
        }
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
