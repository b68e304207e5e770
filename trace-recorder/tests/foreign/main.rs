//! Foreign traces: hand-written ones, round trips, hostile bytes, and what the tables and pictures say.

mod bad_lines;
mod corpus;
mod hostile;
mod imports;
mod pictures;
mod round_trip;
mod support;
mod tables;
