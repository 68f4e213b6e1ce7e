//! Standard input that ends in time: a client that never finishes its request gets words, and not only the watchdog.

use std::io::{self, Read};

use crate::os::deadline::Deadline;

/// Standard input, up to a deadline.
pub struct Input(#[cfg_attr(not(unix), allow(dead_code, reason = "the watchdog alone ends it"))] Deadline);

impl Input {
    /// Each read fails with [`io::ErrorKind::TimedOut`] once `deadline` has passed.
    pub fn until(deadline: Deadline) -> Input {
        Input(deadline)
    }

    #[cfg(unix)]
    fn wait(&self) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdin = io::stdin();
        loop {
            let left = self.0.left();
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                // What is wrong with standard input, reading it will say.
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Ok(()),
            }
        }
    }

    #[cfg(not(unix))]
    fn wait(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait()?;
        // Past the buffer of the standard library: what waits in there no poll(2) sees.
        #[cfg(unix)]
        return Ok(rustix::io::read(io::stdin(), buffer)?);
        #[cfg(not(unix))]
        io::stdin().lock().read(buffer)
    }
}
