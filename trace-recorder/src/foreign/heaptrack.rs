//! heaptrack's raw form, versions 1 to 3: a letter, then numbers in hexadecimal without `0x`.
//!
//! Only the raw form names each block by its address. What `heaptrack` keeps by default was interpreted: there one number
//! stands for all blocks of a size and a place, so it can't be told when a certain block was freed.
//! Source: `libheaptrack.cpp` and `heaptrack_interpret.cpp` of KDE's heaptrack.

use super::request::{Asked, Parsed, Request, Said};
use super::scan::Scan;

pub(super) const INTERPRETED: &str = "this is heaptrack's interpreted form, where blocks have no addresses; record with `heaptrack --raw`";

pub(super) fn parse(line: &[u8]) -> Parsed {
    let [code, rest @ ..] = line else {
        return Ok(Said::Nothing);
    };
    let mut scan = Scan::new(rest);
    let blank = scan.blanks();
    let said = match code {
        b'+' if blank => {
            let size = scan
                .hex()
                .ok_or("the size is missing, or has more than 64 bits")?;
            // An interpreted line has one number: what was allocated, not where.
            if !scan.blanks() {
                return Err(INTERPRETED);
            }
            let _trace = scan.hex().ok_or("the trace's number is missing")?;
            if !scan.blanks() {
                return Err("the pointer is missing");
            }
            let address = scan.hex().ok_or("the pointer is missing, or is none")?;
            Said::Request(Request::bare(Asked::Malloc { size, address }))
        }
        b'-' if blank => {
            let address = scan.hex().ok_or("the pointer is missing, or is none")?;
            Said::Request(Request::bare(Asked::Free { address }))
        }
        b'c' if blank => {
            let ms = scan.hex().ok_or("the time is missing")?;
            Said::Clock(ms.saturating_mul(1_000_000))
        }
        b'X' if blank => {
            return Ok(Said::Command(
                String::from_utf8_lossy(scan.rest).into_owned(),
            ));
        }
        b'I' if blank => {
            let bytes = scan.hex().ok_or("the page size is missing")?;
            scan.blanks();
            scan.hex().ok_or("the number of pages is missing")?;
            Said::PageSize(bytes)
        }
        b'A' if rest.is_empty() => return Ok(Said::Attached),
        b'v' if blank => return version(&mut scan),
        // Modules, strings, traces, RSS, suppressions, the program's file, debug lines.
        b'm' | b's' | b't' | b'R' | b'S' | b'x' | b'#' => return Ok(Said::Nothing),
        b'a' | b'i' if blank => return Err(INTERPRETED),
        _ => return Err("its letter is none that heaptrack writes"),
    };
    scan.blanks();
    if scan.is_done() {
        Ok(said)
    } else {
        Err("there is more behind it")
    }
}

/// `v heaptrack's version [format version]`; without the latter the format is the first.
fn version(scan: &mut Scan<'_>) -> Parsed {
    scan.hex().ok_or("heaptrack's version is missing")?;
    if scan.blanks() && !scan.is_done() {
        let format = scan.hex().ok_or("the format's version is missing")?;
        if !(1..=3).contains(&format) {
            return Err("the format's version is none that heaptape knows: 1 to 3");
        }
    }
    Ok(Said::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_grammar() {
        let request = |asked| Ok(Said::Request(Request::bare(asked)));
        assert_eq!(
            parse(b"+ 11c00 4 55f3cb69e530"),
            request(Asked::Malloc {
                size: 0x11c00,
                address: 0x55f3cb69e530
            })
        );
        assert_eq!(
            parse(b"- 55f3cb69e530"),
            request(Asked::Free {
                address: 0x55f3cb69e530
            })
        );
        assert_eq!(parse(b"c a"), Ok(Said::Clock(10_000_000)));
        assert_eq!(
            parse(b"X ./prog a b"),
            Ok(Said::Command("./prog a b".into()))
        );
        assert_eq!(parse(b"I 1000 5e2991"), Ok(Said::PageSize(4096)));
        assert_eq!(parse(b"A"), Ok(Said::Attached));
        for nothing in [
            "v 10400 3",
            "v 10400",
            "m f linux-vdso.so.1 7f0d 0 1522",
            "t 7f0d 0",
            "R 1234",
            "x 4 /a/b",
            "# x",
            "",
        ] {
            assert_eq!(parse(nothing.as_bytes()), Ok(Said::Nothing), "{nothing}");
        }
    }

    #[test]
    fn the_interpreted_form_is_told_by_its_lines() {
        for line in ["a 2d 3", "+ 5", "i 7f00 1 2"] {
            assert_eq!(parse(line.as_bytes()), Err(INTERPRETED), "{line}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in [
            "+",
            "-",
            "+ x",
            "+ 1 2 ",
            "+ 1 2 x",
            "+ 1 2 3 4",
            "- ",
            "- 1 2",
            "c",
            "c x",
            "v 1 4",
            "q 1",
            "+1 2 3",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
