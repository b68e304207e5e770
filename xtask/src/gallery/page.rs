//! `docs/gallery.md`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const HEAD: &str = "# Gallery

`cargo xtask gallery` makes all of these anew: it records and measures the scenarios on the machine that it runs on, draws the
charts, opens the page in a headless Chromium and takes its picture. So the figures are that machine's, of that day; each chart
says which.

";

/// The page for these charts, and for every screenshot that lies beside them. Text stands in the charts themselves; the page repeats
/// it for those who do not see them.
///
/// # Errors
/// A chart that can't be read.
pub fn page(folder: &Path, charts: &[PathBuf]) -> Result<String> {
    let mut out = HEAD.to_owned();
    out.push_str("## Charts\n\n");
    for chart in charts {
        let svg = fs::read_to_string(chart)
            .with_context(|| format!("{} cannot be read", chart.display()))?;
        let title = between(&svg, "<title>", "</title>").unwrap_or("A chart");
        let caption = between(&svg, "<desc>", "</desc>").unwrap_or("");
        out.push_str(&format!(
            "### {title}\n\n![{title}](gallery/{})\n\n{caption}\n\n",
            name(chart)
        ));
    }
    let mut shots: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "png"))
        .collect();
    shots.sort();
    if !shots.is_empty() {
        out.push_str(
            "## The browser\n\n`heaptape view large.tape`, on a small tape of the scenario `large`.\n\n",
        );
        for shot in &shots {
            let words = name(shot)
                .trim_end_matches(".png")
                .replace("view-", "")
                .replace('-', " ");
            out.push_str(&format!("![The page: {words}](gallery/{})\n\n", name(shot)));
        }
    }
    Ok(out.trim_end().to_owned() + "\n")
}

fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(begin)?;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_say_what_they_say_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("a.svg");
        fs::write(
            &chart,
            "<svg><title>x is fast</title><desc>Left is faster.</desc></svg>",
        )
        .unwrap();
        fs::write(folder.path().join("view-peak-dark.png"), "").unwrap();
        let text = page(folder.path(), &[chart]).unwrap();
        assert!(
            text.contains("### x is fast\n\n![x is fast](gallery/a.svg)\n\nLeft is faster.\n"),
            "{text}"
        );
        assert!(
            text.contains("![The page: peak dark](gallery/view-peak-dark.png)\n"),
            "{text}"
        );
    }
}
