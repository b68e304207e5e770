//! Recording programs: each test compiles a small C program, records it and compares the tape with what the program did.

#[path = "record/children.rs"]
mod children;
mod common;
#[path = "record/endings.rs"]
mod endings;
#[path = "record/family.rs"]
mod family;
#[path = "record/kill.rs"]
mod kill;
#[path = "record/limits.rs"]
mod limits;
#[path = "record/programs.rs"]
mod programs;
#[path = "record/times.rs"]
mod times;
#[path = "record/workshop.rs"]
mod workshop;
