//! Packing with the C library.

use super::repeats::worth_searching;

/// Level of the C library. Columns gain from entropy coding, hardly from a longer search.
const LEVEL: i32 = 1;

/// Packs a payload whose columns end at `cuts`.
pub(super) fn pack(payload: &[u8], cuts: &[usize]) -> std::io::Result<Vec<u8>> {
    thread_local! {
        static PACKER: std::cell::RefCell<Option<Packer>> = const { std::cell::RefCell::new(None) };
    }
    PACKER.with_borrow_mut(|kept| {
        // One that fails may stand in the middle of a frame, and is not kept.
        let mut packer = kept.take().map_or_else(Packer::new, Ok)?;
        let packed = packer.pack(payload, cuts)?;
        *kept = Some(packer);
        Ok(packed)
    })
}

/// The C library's state of packing, kept by each thread: a new one is most of a mebibyte of fresh memory.
struct Packer {
    encoder: zstd::stream::raw::Encoder<'static>,
    out: Vec<u8>,
}

impl Packer {
    fn new() -> std::io::Result<Packer> {
        let mut encoder = zstd::stream::raw::Encoder::new(LEVEL)?;
        encoder.set_parameter(zstd::zstd_safe::CParameter::ContentSizeFlag(true))?;
        Ok(Packer {
            encoder,
            out: Vec::new(),
        })
    }

    /// Packs a payload. A block ends where a column does, so that each column gets an entropy code of its own: one code for two
    /// columns fits neither.
    fn pack(&mut self, payload: &[u8], cuts: &[usize]) -> std::io::Result<Vec<u8>> {
        use zstd::stream::raw::{CParameter, Operation};
        use zstd::zstd_safe::ParamSwitch;
        self.encoder.reinit()?;
        // A step longer than any block leaves nothing to search. The library would then not code single bytes either, were it
        // not told to.
        let (step, single_bytes) = if worth_searching(payload, cuts) {
            (0, ParamSwitch::Auto)
        } else {
            (LONGEST_STEP, ParamSwitch::Enable)
        };
        self.encoder.set_parameter(CParameter::TargetLength(step))?;
        self.encoder
            .set_parameter(CParameter::LiteralCompressionMode(single_bytes))?;
        self.encoder
            .set_pledged_src_size(Some(payload.len() as u64))?;
        self.out.clear();
        let mut from = 0;
        for &to in cuts {
            let Some(column) = payload.get(from..to) else {
                break;
            };
            if column.len() >= SHORTEST_BLOCK && payload.len() - to >= SHORTEST_BLOCK {
                self.feed(column)?;
                self.drain(|encoder, out| encoder.flush(out))?;
                from = to;
            }
        }
        self.feed(payload.get(from..).unwrap_or_default())?;
        self.drain(|encoder, out| encoder.finish(out, true))?;
        Ok(self.out.as_slice().to_vec())
    }

    fn feed(&mut self, column: &[u8]) -> std::io::Result<()> {
        use zstd::stream::raw::Operation;
        let mut input = zstd::zstd_safe::InBuffer::around(column);
        while input.pos() < column.len() {
            self.out.reserve(column.len() / 2 + 1024);
            let at = self.out.len();
            let mut out = zstd::zstd_safe::OutBuffer::around_pos(&mut self.out, at);
            self.encoder.run(&mut input, &mut out)?;
        }
        Ok(())
    }

    /// Lets what the library holds back come out, until nothing is left.
    fn drain(
        &mut self,
        mut step: impl FnMut(
            &mut zstd::stream::raw::Encoder<'static>,
            &mut zstd::zstd_safe::OutBuffer<'_, Vec<u8>>,
        ) -> std::io::Result<usize>,
    ) -> std::io::Result<()> {
        loop {
            self.out.reserve(64 << 10);
            let at = self.out.len();
            let mut out = zstd::zstd_safe::OutBuffer::around_pos(&mut self.out, at);
            if step(&mut self.encoder, &mut out)? == 0 {
                return Ok(());
            }
        }
    }
}

/// The longest step of a search that the library takes: a block.
const LONGEST_STEP: u32 = 128 << 10;

/// A block's code costs some hundred bytes to describe, which a shorter block would not earn.
const SHORTEST_BLOCK: usize = 4096;
