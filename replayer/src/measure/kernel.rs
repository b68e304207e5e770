//! What the kernel says of a process and of the machine. Everything is read from `/proc` and `/sys`; what is not there is `None`.

use std::fs;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use crate::mapping::page_size;

/// A field of `/proc/self/status` in bytes, for instance `VmHWM`.
pub fn status_bytes(field: &str) -> Option<u64> {
    parse_status(&fs::read_to_string("/proc/self/status").ok()?, field)
}

/// A field of another process's `/proc/PID/status` in bytes.
pub fn status_field(path: &str, field: &str) -> Option<u64> {
    parse_status(&fs::read_to_string(path).ok()?, field)
}

fn parse_status(status: &str, field: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// Resets the high-water mark of this process's resident memory (proc(5), `clear_refs`, value 5). Says whether it was allowed.
pub fn reset_peak() -> bool {
    fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/clear_refs")
        .and_then(|mut file| file.write_all(b"5"))
        .is_ok()
}

/// Resident bytes from the text of `/proc/PID/statm`: its second field, in pages.
pub fn parse_statm(statm: &str) -> Option<u64> {
    statm
        .split_ascii_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()?
        .checked_mul(page_size() as u64)
}

/// Times and faults of this process, its ended threads included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User time.
    pub user_ns: u64,
    /// System time.
    pub sys_ns: u64,
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that needed I/O.
    pub major_faults: u64,
}

impl Usage {
    /// As of now; `None` if the system does not say.
    pub fn now() -> Option<Usage> {
        Usage::of(libc::RUSAGE_SELF)
    }

    fn of(who: i32) -> Option<Usage> {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the pointer is to a rusage that lives through the call.
        if unsafe { libc::getrusage(who, usage.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: rusage is integers only, zeroed before and filled by the call.
        Some(Usage::from_kernel(&unsafe { usage.assume_init() }))
    }

    fn from_kernel(usage: &libc::rusage) -> Usage {
        let ns =
            |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        Usage {
            user_ns: ns(usage.ru_utime),
            sys_ns: ns(usage.ru_stime),
            minor_faults: usage.ru_minflt as u64,
            major_faults: usage.ru_majflt as u64,
        }
    }

    /// What was used since `before`.
    pub fn since(self, before: Usage) -> Usage {
        Usage {
            user_ns: self.user_ns.saturating_sub(before.user_ns),
            sys_ns: self.sys_ns.saturating_sub(before.sys_ns),
            minor_faults: self.minor_faults.saturating_sub(before.minor_faults),
            major_faults: self.major_faults.saturating_sub(before.major_faults),
        }
    }
}

/// Lets private memory of this process grow by so many bytes from here on, and no further: requests beyond fail. The kernel counts
/// all that is mapped for writing, touched or not (setrlimit(2), `RLIMIT_DATA`).
pub fn limit_data(more: u64) -> std::io::Result<()> {
    let now = status_bytes("VmData").unwrap_or(0);
    set_data_limit(now.saturating_add(more))
}

/// Takes the limit back, as far as a process may: what comes after the run is not measured and shall not fail.
pub fn lift_limit() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure lives through the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_DATA, &mut limit) } == 0 {
        // Raising the soft limit to the hard one is always allowed.
        let _ = set_data_limit(limit.rlim_max);
    }
}

fn set_data_limit(bytes: u64) -> std::io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure lives through both calls.
    let failed = unsafe {
        libc::getrlimit(libc::RLIMIT_DATA, &mut limit) != 0 || {
            limit.rlim_cur = bytes.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_DATA, &limit) != 0
        }
    };
    if failed {
        Err(std::io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Asks for timers that are as exact as the machine has them; 50 µs late is the system's choice otherwise.
pub fn fine_timers() {
    // SAFETY: prctl with this option takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// How a child process ended, and what it took.
pub struct Ended {
    /// Its times and faults, and those of its own children that it waited for.
    pub usage: Usage,
    /// The most resident memory that it, or one of those, had.
    pub peak_rss_bytes: u64,
    /// Its exit code, or 128 + the signal that ended it.
    pub exit_code: i32,
}

/// Waits for a child that has ended, and says what it took.
pub fn wait_child(pid: u32) -> std::io::Result<Ended> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let mut status = 0;
    loop {
        // SAFETY: both live through the call. Whoever started the child does not wait for it otherwise.
        let found = unsafe { libc::wait4(pid as libc::pid_t, &mut status, 0, usage.as_mut_ptr()) };
        if found >= 0 {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: rusage is integers only, zeroed before and filled by the call.
    let usage = unsafe { usage.assume_init() };
    let exit_code = if libc::WIFSIGNALED(status) {
        128 + libc::WTERMSIG(status)
    } else {
        libc::WEXITSTATUS(status)
    };
    Ok(Ended {
        usage: Usage::from_kernel(&usage),
        // getrusage(2): in kilobytes.
        peak_rss_bytes: usage.ru_maxrss as u64 * 1024,
        exit_code,
    })
}

/// A child's end, which one can wait for without looking again and again (pidfd_open(2)).
pub struct Ending {
    child: OwnedFd,
}

impl Ending {
    /// The end of a child of ours that nobody has waited for.
    pub fn of(pid: u32) -> std::io::Result<Ending> {
        // SAFETY: the call takes numbers only.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: the call just gave us this descriptor; nobody else knows it.
        let child = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        Ok(Ending { child })
    }

    /// Waits until the child has ended, at most so long, or until a signal comes. Whether it has ended; it is still there for whoever
    /// waits for it.
    pub fn wait(&self, most: Duration) -> std::io::Result<bool> {
        let mut one = libc::pollfd {
            fd: self.child.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let timeout = libc::timespec {
            tv_sec: most.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(most.subsec_nanos() as i32),
        };
        // SAFETY: one structure, which lives through the call, as does the time; no signal mask is given.
        let ready = unsafe { libc::ppoll(&mut one, 1, &timeout, std::ptr::null()) };
        if ready < 0 {
            let error = std::io::Error::last_os_error();
            return match error.kind() {
                std::io::ErrorKind::Interrupted => Ok(false),
                _ => Err(error),
            };
        }
        Ok(ready > 0)
    }
}

/// Asks a child that nobody has waited for to end.
pub fn ask_to_end(pid: u32) {
    // SAFETY: kill takes numbers only.
    unsafe { libc::kill(pid as libc::pid_t, libc::SIGTERM) };
}

/// Ends all processes of a group that a child of ours leads.
pub fn kill_group(leader: u32) {
    // SAFETY: kill takes numbers only; the group is that of a child which we started as its leader and have not waited for.
    unsafe { libc::kill(-(leader as libc::pid_t), libc::SIGKILL) };
}

/// Has the kernel kill this process when the one that waits for it is gone.
pub fn end_with_parent(parent: u32) -> Result<(), String> {
    // SAFETY: prctl with this option takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: getppid has no preconditions.
    let now = unsafe { libc::getppid() };
    if u32::try_from(now) == Ok(parent) {
        Ok(())
    } else {
        Err("the process that started the worker is gone".into())
    }
}

/// Gives memory that this process freed back to the system, so that the measuring process is small beside the one that is measured.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim only returns free memory; it may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Maps the pages of our own code and of the libraries' that are in the page cache: they are the harness's, and would else be
/// counted to the first allocator that runs through them.
pub fn load_code() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else {
        return;
    };
    for (start, end) in maps.lines().filter_map(parse_code) {
        let start: *mut libc::c_void = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: the range is one of this process's mappings; MADV_POPULATE_READ changes no contents, and where the kernel does not
        // know it, it fails.
        unsafe { libc::madvise(start, end - start.addr(), libc::MADV_POPULATE_READ) };
    }
}

/// Start and end of a mapping of a file's code or constants.
fn parse_code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let code = matches!(fields.next()?, "r-xp" | "r--p");
    let file = fields.nth(3)?.starts_with('/');
    (code && file).then_some((
        usize::from_str_radix(start, 16).ok()?,
        usize::from_str_radix(end, 16).ok()?,
    ))
}

/// Times that the processor slowed itself down because of heat, over all cores; `None` on machines that do not say.
pub fn throttle_count() -> Option<u64> {
    let cpus = fs::read_dir("/sys/devices/system/cpu").ok()?;
    let counts = cpus.flatten().filter_map(|cpu| {
        let path = cpu.path().join("thermal_throttle/core_throttle_count");
        fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()
    });
    counts.reduce(|a, b| a + b)
}

/// The machine's time since it started, in clock ticks (`/proc/stat`).
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    /// Over all processors.
    pub all: u64,
    /// Of these, used by anybody.
    pub used: u64,
    /// Of these, kept by the hypervisor.
    pub stolen: u64,
    /// Ticks of one processor in a second.
    pub per_second: f64,
}

impl Ticks {
    /// As of now; `None` if the kernel does not say.
    pub fn now() -> Option<Ticks> {
        // SAFETY: sysconf reads a constant of the system and touches no memory of ours.
        let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        Ticks::parse(&fs::read_to_string("/proc/stat").ok()?, per_second as f64)
    }

    fn parse(stat: &str, per_second: f64) -> Option<Ticks> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_ascii_whitespace()
            .flat_map(str::parse)
            .collect();
        // proc(5): user nice system idle iowait irq softirq steal; the guest times behind are parts of user.
        let [user, nice, system, idle, iowait, irq, softirq, stolen] = *ticks.first_chunk()?;
        let used = user + nice + system + irq + softirq;
        Some(Ticks {
            all: used + idle + iowait + stolen,
            used,
            stolen,
            per_second,
        })
    }
}

/// Processor time of this process and of its children that have ended.
pub fn own_ns() -> Option<u64> {
    let time = |usage: Usage| usage.user_ns + usage.sys_ns;
    Some(time(Usage::of(libc::RUSAGE_SELF)?) + time(Usage::of(libc::RUSAGE_CHILDREN)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t      10 kB\n";
        assert_eq!(parse_status(status, "VmHWM"), Some(1234 * 1024));
        assert_eq!(parse_status(status, "VmRSS"), Some(10 * 1024));
        assert_eq!(parse_status(status, "VmSwap"), None);
        assert_eq!(parse_statm("100 7 3 1 0 9 0"), Some(7 * page_size() as u64));
        assert_eq!(parse_statm(""), None);
        let ticks = Ticks::parse("cpu  10 1 5 100 4 1 2 7 3 0\ncpu0 1", 100.0).unwrap();
        assert_eq!((ticks.all, ticks.used, ticks.stolen), (130, 19, 7));
    }

    #[test]
    fn code_is_told_from_data() {
        assert_eq!(
            parse_code("1000-3000 r-xp 00000000 fe:00 12 /lib/libc.so"),
            Some((0x1000, 0x3000))
        );
        assert_eq!(
            parse_code("1000-3000 rw-p 00000000 fe:00 12 /lib/libc.so"),
            None
        );
        assert_eq!(parse_code("1000-3000 r-xp 00000000 00:00 0 [vdso]"), None);
        assert_eq!(parse_code("1000-3000 r--p 00000000 00:00 0"), None);
        load_code();
    }

    #[test]
    fn usage_grows() {
        let before = Usage::now().unwrap();
        let touched = std::hint::black_box(vec![1u8; 1 << 22]);
        let used = Usage::now().unwrap().since(before);
        assert!(used.minor_faults > 0 || touched.is_empty());
    }
}
