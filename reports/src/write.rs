//! The report's files.

use crate::error::ReportError;
use crate::page;
use crate::render::{Pictures, pictures};
use crate::scene;
use crate::study::Study;
use replayer::results::Results;
use std::path::{Path, PathBuf};

/// What was written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub index: PathBuf,
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
    /// The PNG, at two pixels to a CSS pixel.
    pub png: PathBuf,
}

/// Writes `index.html` and the PNG and SVG of every chart into `dir`, which is made if it is not there.
/// `results.json` is the caller's; the page links to it by that name.
///
/// # Errors
/// [`ReportError::Write`] with the file, [`ReportError::Draw`] with the chart.
pub fn write_report(results: &Results, dir: &Path) -> Result<Written, ReportError> {
    std::fs::create_dir_all(dir).map_err(|reason| ReportError::Write {
        path: dir.to_owned(),
        reason,
    })?;
    let study = Study::new(results);
    let pictures = pictures(&study)?;
    let charts = write_pictures(&pictures, dir)?;
    let page = page::page(&study, &pictures);
    let index = dir.join("index.html");
    write(&index, page.html.as_bytes())?;
    Ok(Written {
        index,
        charts,
        headline: page.headline,
    })
}

/// A PNG takes far longer than all else, so they are shared out over the processors.
fn write_pictures(pictures: &[Pictures], dir: &Path) -> Result<Vec<WrittenChart>, ReportError> {
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(pictures.len().max(1));
    let share = pictures.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = pictures
            .chunks(share)
            .map(|some| {
                scope.spawn(|| {
                    some.iter()
                        .map(|p| write_picture(p, dir))
                        .collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(pictures.len());
        for (thread, some) in threads.into_iter().zip(pictures.chunks(share)) {
            let panicked = || ReportError::Draw {
                chart: some.first().map_or_else(String::new, |p| p.meta.id.clone()),
                reason: "the drawing thread ended early".into(),
            };
            all.extend(thread.join().map_err(|_| panicked())??);
        }
        Ok(all)
    })
}

fn write_picture(picture: &Pictures, dir: &Path) -> Result<WrittenChart, ReportError> {
    let id = &picture.meta.id;
    let (svg, png) = (dir.join(format!("{id}.svg")), dir.join(format!("{id}.png")));
    let text = picture.file();
    write(&svg, text.as_bytes())?;
    let pixels = scene::png(&text).map_err(|reason| ReportError::Draw {
        chart: id.clone(),
        reason,
    })?;
    write(&png, &pixels)?;
    Ok(WrittenChart {
        id: id.clone(),
        title: picture.meta.title.clone(),
        svg,
        png,
    })
}

fn write(path: &Path, contents: &[u8]) -> Result<(), ReportError> {
    std::fs::write(path, contents).map_err(|reason| ReportError::Write {
        path: path.to_owned(),
        reason,
    })
}
