//! Following the lines of a source: bad ones, halves, other processes; the rest goes to `follow`.

use super::error::ForeignError;
use super::follow::{Follow, Times};
use super::format::ImportFormat;
use super::imported::{BadLine, ImportOptions, Imported};
use super::parse::{like, shown, units};
use super::pieces::{Piece, Unit};
use super::request::{Asked, Request, Said};
use super::statement::Facts;
use super::tally::Tally;
use std::io::{BufWriter, Write};
use trace_format::{Ending, MAX_THREADS, TapeError, TapeWriter};

/// So many bad lines are kept to be shown.
const SHOWN: usize = 5;

/// So many other processes are told apart.
const PROCESSES: usize = 256;

/// Where the tape goes.
pub(super) type Out<'w> = BufWriter<Tally<'w, dyn Write + 'w>>;

/// Follows the units in their order.
pub(super) struct Reader<'o> {
    options: &'o ImportOptions,
    unit: Unit,
    pub follow: Follow,
    pub imported: Imported,
    /// The first half of a realloc, and the number of its line.
    half: Option<(u64, u64)>,
    /// A command was told last. One with line ends in its arguments goes on over lines that are none of the format.
    in_command: bool,
}

impl<'o> Reader<'o> {
    pub fn new(options: &'o ImportOptions, unit: Unit) -> Self {
        Reader {
            options,
            unit,
            follow: Follow::new(Times::Order),
            imported: Imported {
                unit: unit.word(),
                ..Imported::default()
            },
            half: None,
            in_command: false,
        }
    }

    /// Looks at the first pieces for what the tape's header needs.
    pub fn begin(
        &mut self,
        batch: &[Piece],
        parsed: &[Vec<(u32, Said)>],
    ) -> Result<Facts, ForeignError> {
        if batch.is_empty() {
            return Err(ForeignError::Empty);
        }
        let gather = |wanted| {
            let mut facts = Facts::default();
            for (_, said) in parsed.iter().flatten() {
                facts.add(said, wanted);
            }
            facts
        };
        let mut facts = gather(self.options.process);
        if facts.process.is_none() {
            // The wanted process comes later; its lines are like those of the others.
            facts = gather(None);
        }
        if self.options.format == ImportFormat::Logalloc {
            self.imported.process = self.options.process.or(facts.process);
            facts.process = self.imported.process;
        }
        // A program that ended within the first step has no mark of time.
        facts.marks |= self.options.format == ImportFormat::Heaptrack;
        self.follow = Follow::new(facts.times());
        Ok(facts)
    }

    pub fn take(
        &mut self,
        piece: &Piece,
        said: Vec<(u32, Said)>,
        writer: &mut TapeWriter<Out>,
    ) -> Result<(), ForeignError> {
        let before = self.imported.units;
        for (number, said) in said {
            let at = before + u64::from(number) + 1;
            let whole = matches!(said, Said::ReallocNew { .. });
            let half = self.half.take();
            if let (Some((_, line)), false) = (half, whole) {
                self.bad(
                    line,
                    "the second half of this realloc is missing",
                    String::new(),
                    None,
                )?;
            }
            let request = match said {
                Said::Request(request) => request,
                Said::ReallocOld(old) => {
                    self.half = Some((old, at));
                    continue;
                }
                Said::ReallocNew { address, size } => match half {
                    Some((old, _)) => Request::bare(Asked::Realloc { old, size, address }),
                    None => {
                        let text = shown(piece, self.unit, number);
                        self.bad(at, "the first half of this realloc is missing", text, None)?;
                        continue;
                    }
                },
                Said::Clock(ns) => {
                    self.follow.mark_time(ns);
                    continue;
                }
                Said::Bad(_) if self.in_command => continue,
                Said::Bad(what) => {
                    let text = shown(piece, self.unit, number);
                    let like = like(piece, self.unit, number, self.options.format);
                    self.bad(at, what, text, like)?;
                    continue;
                }
                Said::Command(_) => {
                    self.in_command = true;
                    continue;
                }
                Said::PageSize(_) => {
                    self.in_command = false;
                    continue;
                }
                Said::Nothing | Said::Attached => continue,
            };
            self.in_command = false;
            if self.options.format == ImportFormat::Logalloc
                && *self.imported.process.get_or_insert(request.process) != request.process
            {
                self.other_process(request.process);
                continue;
            }
            let full = self.follow.take(&request, |name| writer.mark(name));
            full.map_err(|_| too_many_threads())?;
        }
        self.imported.units += units(piece, self.unit);
        Ok(())
    }

    fn other_process(&mut self, process: u64) {
        let others = &mut self.imported.other_processes;
        if others.len() < PROCESSES || others.contains_key(&process) {
            *others.entry(process).or_default() += 1;
        } else {
            self.imported.further_processes += 1;
        }
    }

    fn bad(
        &mut self,
        number: u64,
        what: &'static str,
        text: String,
        like: Option<&'static str>,
    ) -> Result<(), ForeignError> {
        if !self.options.skip_bad_lines {
            let unit = self.unit.word();
            return Err(ForeignError::Line {
                unit,
                number,
                what,
                text,
                like,
            });
        }
        self.imported.bad += 1;
        if self.imported.first_bad.len() < SHOWN {
            self.imported.first_bad.push(BadLine { number, what, text });
        }
        Ok(())
    }

    pub fn finish(mut self, mut writer: TapeWriter<Out>) -> Result<Imported, ForeignError> {
        if let Some((_, line)) = self.half.take() {
            self.bad(
                line,
                "the second half of this realloc is missing",
                String::new(),
                None,
            )?;
        }
        let imported = &mut self.imported;
        if imported.bad > 0 && imported.bad == imported.units {
            return Err(ForeignError::NotOne {
                unit: imported.unit,
                count: imported.units,
                format: self.options.format.name(),
            });
        }
        self.follow.weave.write_rest(&mut writer)?;
        let processes = &imported.other_processes;
        if let (Some(wanted), 0, false) =
            (self.options.process, writer.events(), processes.is_empty())
        {
            let there = processes
                .keys()
                .map(u64::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(ForeignError::NoProcess { wanted, there });
        }
        for (thread, &system) in (0u32..).zip(&self.follow.system_numbers) {
            writer.thread(thread, system, "");
        }
        imported.oddities = self.follow.oddities;
        imported.live = self.follow.totals();
        imported.events = writer.events();
        imported.threads = self.follow.weave.threads();
        let mut out = writer.finish(ending(imported), imported.live)?;
        out.flush().map_err(ForeignError::Write)?;
        imported.bytes = out.get_ref().bytes();
        Ok(self.imported)
    }
}

/// How the tape ends: complete, unless something of the source could not be read.
fn ending(imported: &Imported) -> Ending {
    let mut reasons = Vec::new();
    if let (Some(first), bad) = (imported.first_bad.first(), imported.bad) {
        reasons.push(format!(
            "{bad} of {} {}s of the trace could not be read, the first is {}: {}",
            imported.units, imported.unit, first.number, first.what
        ));
    }
    if imported.cut {
        reasons.push("the packed trace ends in its middle".to_owned());
    }
    if reasons.is_empty() {
        Ending::Complete
    } else {
        Ending::Salvaged {
            reason: reasons.join("; "),
        }
    }
}

fn too_many_threads() -> ForeignError {
    ForeignError::Tape(TapeError::BadChunk {
        thread: MAX_THREADS,
        what: format!("a tape holds at most {MAX_THREADS} threads"),
    })
}
