//! `--log FILE`: one line a request, without query, headers and bodies.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};

use crate::error::{Error, Result, io_words};
use crate::ui;

/// The file.
#[derive(Debug, Clone)]
pub struct Log(Option<Arc<Opened>>);

#[derive(Debug)]
struct Opened {
    file: Mutex<File>,
    /// Whether the person was told that it takes no more.
    told: AtomicBool,
}

/// One request, written when its answer has ended.
#[derive(Debug)]
pub struct Entry {
    log: Log,
    method: Method,
    path: String,
    status: StatusCode,
    bytes: u64,
}

impl Log {
    /// Lines are added to `file`, which is made for its owner alone; without one, nothing is written.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(file: Option<&Path>) -> Result<Log> {
        let Some(file) = file else { return Ok(Log(None)) };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // A pipe that nobody reads is an error at once, and nothing to wait for.
            options.mode(0o600).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
        }
        let opened = options.open(file);
        let opened =
            opened.map_err(|error| Error::io(format_args!("cannot open the log {}", file.display()), &error));
        Ok(Log(Some(Arc::new(Opened { file: Mutex::new(opened?), told: AtomicBool::new(false) }))))
    }

    /// Begins an entry.
    pub fn entry(&self, method: &Method, path: &str, status: StatusCode) -> Entry {
        Entry { log: self.clone(), method: method.clone(), path: path.to_owned(), status, bytes: 0 }
    }

    fn write(&self, line: &str) {
        // A full disk does not stop the program that is served, and is said once.
        if let Some(opened) = &self.0
            && let Ok(mut file) = opened.file.lock()
            && let Err(error) = file.write_all(line.as_bytes())
            && !opened.told.swap(true, Ordering::Relaxed)
        {
            ui::say(&format!("seqera: the log of the relay misses requests: {}", io_words(&error)));
        }
    }
}

impl Entry {
    /// Counts bytes of the answer's body.
    pub fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        log::debug!("{} {} {} {} bytes", self.method, self.path, self.status.as_u16(), self.bytes);
        if self.log.0.is_none() {
            return;
        }
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let Entry { method, path, status, bytes, .. } = self;
        let path: String = path.chars().filter(char::is_ascii_graphic).collect();
        self.log.write(&format!("{time} {method} {path} {} {bytes}\n", status.as_u16()));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_is_not_waited_for() {
        let tmp = tempfile::tempdir().unwrap();
        let pipe = tmp.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(Log::open(Some(&pipe)).is_err());
    }
}
