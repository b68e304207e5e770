//! The report's files.

use crate::error::ReportError;
use crate::files::{Files, files};
use crate::page::{self, Page};
use crate::render::{Pictures, diff_pictures, pictures};
use crate::study::{Diff, Study};
use replayer::results::Results;
use std::path::{Path, PathBuf};

/// What was written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub index: PathBuf,
    /// The same in few words, for a pull request.
    pub summary: PathBuf,
    /// The pictures, in the page's order.
    pub charts: Vec<WrittenChart>,
    /// The answer in one sentence, as it stands at the top of the page.
    pub headline: String,
}

/// A chart's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenChart {
    /// Its name.
    pub id: String,
    /// What it found.
    pub title: String,
    /// The SVG.
    pub svg: PathBuf,
    /// The PNG.
    pub png: PathBuf,
}

/// Writes `index.html`, `summary.md`, and the PNG and SVG of every chart into `dir`, which is made if it is not there.
/// `results.json` is the caller's; the page links to it by that name.
///
/// # Errors
/// [`ReportError::Write`] with the file, [`ReportError::Draw`] with the chart.
pub fn write_report(results: &Results, dir: &Path) -> Result<Written, ReportError> {
    let study = Study::new(results);
    let pictures = pictures(&study)?;
    let files = files(&pictures)?;
    let page = page::page(&study, &pictures, &files);
    write_all(dir, &page, &pictures, &files)
}

/// Writes the page of measurements side by side, its `summary.md` and its charts into `dir`, which is made if it is not there.
///
/// # Errors
/// As [`write_report`].
pub fn write_diff(diff: &Diff<'_>, dir: &Path) -> Result<Written, ReportError> {
    let pictures = diff_pictures(diff)?;
    let files = files(&pictures)?;
    let page = page::diff_page(diff, &pictures, &files);
    write_all(dir, &page, &pictures, &files)
}

/// Writes a page with its pictures.
fn write_all(
    dir: &Path,
    page: &Page,
    pictures: &[Pictures],
    files: &[Files],
) -> Result<Written, ReportError> {
    std::fs::create_dir_all(dir).map_err(|reason| ReportError::Write {
        path: dir.to_owned(),
        reason,
    })?;
    let mut charts = Vec::with_capacity(pictures.len());
    for (picture, files) in pictures.iter().zip(files) {
        let id = &picture.meta.id;
        let chart = WrittenChart {
            id: id.clone(),
            title: picture.meta.title.clone(),
            svg: dir.join(format!("{id}.svg")),
            png: dir.join(format!("{id}.png")),
        };
        write(&chart.svg, files.svg.as_bytes())?;
        write(&chart.png, &files.png)?;
        charts.push(chart);
    }
    let (index, summary) = (dir.join("index.html"), dir.join("summary.md"));
    write(&summary, page.summary.as_bytes())?;
    write(&index, page.html.as_bytes())?;
    Ok(Written {
        index,
        summary,
        charts,
        headline: page.headline.clone(),
    })
}

fn write(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    std::fs::write(path, contents).map_err(|reason| ReportError::Write {
        path: path.to_owned(),
        reason,
    })
}
