//! What xonsh needs besides its language.

/// Waits until what was written to standard output has been read, where that is a pipe, but not for ever.
///
/// xonsh gives up reading what `$(…)` captured 0.1 ms (`$XONSH_PROC_FREQUENCY`) after the program has ended,
/// although its reading thread may not have had a turn yet: on a busy machine `execx($(seqera env))` then evaluates
/// nothing, or half a hook, without a word (`QueueReader.read` in `xonsh/procs/readers.py`, seen in 0.13; 0.25 reads
/// to the end). While the program lives, it reads everything.
#[cfg(unix)]
pub fn until_read() {
    use std::time::{Duration, Instant};

    use rustix::fs::{FileType, fstat};

    const PATIENCE: Duration = Duration::from_secs(1);
    /// A thread that has read takes this long at most to hand over what it has.
    const HANDOVER: Duration = Duration::from_millis(10);

    let stdout = std::io::stdout();
    let is_pipe = fstat(&stdout).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    if !is_pipe {
        return;
    }
    let began = Instant::now();
    while began.elapsed() < PATIENCE && rustix::io::ioctl_fionread(&stdout).is_ok_and(|unread| unread > 0) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(HANDOVER);
}

/// Nothing: a pipe there cannot be asked what is left in it.
#[cfg(not(unix))]
pub fn until_read() {}
