//! A chart's three files: SVG, PNG, CSV. They are written beside the page, and stand in it as links that need no server.

use crate::error::ReportError;
use crate::render::Pictures;
use crate::scene;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A chart's files.
#[derive(Clone, Debug)]
pub struct Files {
    /// The picture that stands alone.
    pub svg: String,
    /// The same in pixels.
    pub png: Vec<u8>,
    /// The figures behind it.
    pub csv: String,
}

/// Makes the files of all pictures, in their order. A PNG takes far longer than all else, so they are shared out over the processors.
///
/// # Errors
/// [`ReportError::Draw`] with the chart.
pub fn files(pictures: &[Pictures]) -> Result<Vec<Files>, ReportError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = pictures.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = pictures
            .chunks(share)
            .map(|some| scope.spawn(|| some.iter().map(of).collect::<Result<Vec<_>, _>>()))
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

fn of(picture: &Pictures) -> Result<Files, ReportError> {
    let svg = picture.file();
    let png = scene::png(&svg, &picture.alone.paints()).map_err(|reason| ReportError::Draw {
        chart: picture.meta.id.clone(),
        reason,
    })?;
    Ok(Files {
        svg,
        png,
        csv: picture.data.csv(),
    })
}

impl Files {
    /// The SVG as a link.
    pub fn svg_link(&self) -> String {
        format!("data:image/svg+xml;base64,{}", STANDARD.encode(&self.svg))
    }

    /// The PNG as a link.
    pub fn png_link(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(&self.png))
    }

    /// The figures as a link.
    pub fn csv_link(&self) -> String {
        csv_link(&self.csv)
    }
}

/// Comma-separated values as a link. Shorter than base 64, and only what a URL forbids is escaped.
pub fn csv_link(csv: &str) -> String {
    let mut out = String::from("data:text/csv;charset=utf-8,");
    for c in csv.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ',' | '.' | '-' | '_' | ':' | '/' => out.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_holds_any_text() {
        assert_eq!(
            super::csv_link("a,b\r\n\"x µ\",#1%\r\n"),
            "data:text/csv;charset=utf-8,a,b%0D%0A%22x%20%C2%B5%22,%231%25%0D%0A"
        );
    }
}
