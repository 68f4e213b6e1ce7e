//! A sign of life while a person is waited for.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const PACE: Duration = Duration::from_millis(120);

/// What is over sooner nobody wonders about.
const SOON: Duration = Duration::from_millis(500);

/// One line turns at a time.
static TURNS: AtomicBool = AtomicBool::new(false);

/// A line with something that turns before it, until dropped. Only on a terminal; elsewhere the line alone.
pub struct Spinner {
    turning: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Spinner {
    /// Shows `line`, which is our own text. What a person types appears behind it and is left alone.
    pub fn turn(line: &str) -> Spinner {
        if !io::stderr().is_terminal() {
            super::say(line.trim_end());
            return Spinner { turning: None };
        }
        TURNS.store(true, Ordering::Relaxed);
        let (stop, stopped) = mpsc::channel::<()>();
        show(format_args!("{} {line}", FRAMES[0]));
        let turning = thread::spawn(move || turn_until(&stopped));
        Spinner { turning: Some((stop, turning)) }
    }
}

fn turn_until(stopped: &Receiver<()>) {
    for frame in FRAMES.iter().cycle().skip(1) {
        if stopped.recv_timeout(PACE) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        // Saves the cursor, turns the sign at the beginning of its line, and goes back (DECSC, DECRC).
        show(format_args!("\x1b7\r{frame}\x1b8"));
    }
    show(format_args!("\r\x1b[K"));
}

/// Shows `line` where a wait lasts, on a terminal that can take it away again; until what it returns is dropped.
pub fn waiting(line: String) -> Box<dyn Send> {
    let can_turn = io::stderr().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        // What is logged would stand in the middle of it.
        && log::max_level() == log::LevelFilter::Off;
    if !can_turn || TURNS.swap(true, Ordering::Relaxed) {
        return Box::new(());
    }
    let (stop, stopped) = mpsc::channel::<()>();
    let turning = thread::spawn(move || {
        if stopped.recv_timeout(SOON) == Err(RecvTimeoutError::Timeout) {
            show(format_args!("{} {line}", FRAMES[0]));
            turn_until(&stopped);
        }
    });
    Box::new(Spinner { turning: Some((stop, turning)) })
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((stop, turning)) = self.turning.take() {
            drop(stop);
            let _ = turning.join();
            TURNS.store(false, Ordering::Relaxed);
        }
    }
}

fn show(text: std::fmt::Arguments<'_>) {
    let mut screen = io::stderr().lock();
    let _ = screen.write_fmt(text);
    let _ = screen.flush();
}
