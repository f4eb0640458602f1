//! The terminal: the only file that prints. Results go to standard output, everything said
//! about the run to standard error.

use super::args::{Color, Terminal};
use super::error::CliError;
use crate::progress::{Meter, Progress};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Characters in a line where nothing says how wide the page is.
const WIDTH: usize = 100;

/// How often a bar is brought up to date.
const TICK: Duration = Duration::from_millis(125);

/// How the program talks in this run.
pub(super) struct Ui {
    colour_out: bool,
    colour_err: bool,
    animate: bool,
    quiet: bool,
    width: usize,
    bar: Mutex<Option<ProgressBar>>,
    records: AtomicU64,
}

impl Ui {
    pub(super) fn new(terminal: &Terminal) -> Self {
        let variable = |name: &str| {
            #[expect(clippy::disallowed_methods, reason = "colour rules are about the terminal, not about settings")]
            std::env::var(name).ok().filter(|value| !value.is_empty())
        };
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let coloured = |is_terminal: bool| match terminal.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if terminal.no_color || variable("NO_COLOR").is_some() => false,
            Color::Auto => variable("FORCE_COLOR").is_some() || is_terminal && !dumb,
        };
        let of_terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        let width = of_terminal.or_else(|| variable("COLUMNS")?.parse().ok());
        let animate = io::stderr().is_terminal() && !dumb && !terminal.quiet;
        Self {
            colour_out: coloured(io::stdout().is_terminal()),
            colour_err: coloured(io::stderr().is_terminal()),
            animate,
            quiet: terminal.quiet,
            width: width.unwrap_or(WIDTH).clamp(60, 140),
            bar: Mutex::new(None),
            records: AtomicU64::new(0),
        }
    }

    /// Whether standard output is coloured.
    pub(super) fn colour(&self) -> bool {
        self.colour_out
    }

    /// How many characters a line of text may have: those of the terminal, within reason; in a
    /// pipe what `COLUMNS` says, else as many as read well.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Standard output for a report.
    pub(super) fn stdout() -> Box<dyn Write> {
        Box::new(io::BufWriter::with_capacity(64 << 10, WhileRead::new(io::stdout())))
    }

    /// Writes a whole result to standard output.
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = Self::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Report)
    }

    /// A bold word, where colour is wanted.
    pub(super) fn bold(&self, text: &str) -> String {
        let style = Style::new().bold();
        if self.colour_out { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Says something about the run.
    pub(super) fn say(&self, text: &str) {
        if self.quiet {
            return;
        }
        match self.bar.lock().ok().as_deref().and_then(Option::as_ref) {
            Some(bar) => bar.suspend(|| Self::err(text)),
            None => Self::err(text),
        }
    }

    /// Draws bytes on their way for as long as it is waited for; nothing where nobody looks.
    pub(super) async fn draw(&self, meter: &Meter) -> Infallible {
        if !self.animate {
            return std::future::pending().await;
        }
        let mut begun = false;
        loop {
            let (sent, expected) = meter.read();
            if expected > 0 && !begun {
                begun = true;
                self.show("sending", Some(expected), "{prefix} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left");
            }
            if let Some(bar) = self.bar.lock().ok().as_deref().and_then(Option::as_ref) {
                bar.set_length(expected);
                bar.set_position(sent);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Puts a bar up.
    fn show(&self, stage: &str, bytes: Option<u64>, template: &str) {
        let bar = match bytes {
            Some(bytes) => ProgressBar::new(bytes),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(stage.to_owned());
        if let Ok(mut current) = self.bar.lock() {
            *current = Some(bar);
        }
    }

    /// Says what went wrong and what to do.
    pub(super) fn error(&self, error: &CliError) {
        self.end();
        let style = AnsiColor::Red.on_default().bold();
        let head = if self.colour_err { format!("{style}error:{style:#}") } else { "error:".to_owned() };
        Self::err(&format!("{head} {error}"));
        if let Some(hint) = error.hint() {
            Self::err(&format!("  {hint}"));
        }
    }

    /// Says something that no setting keeps back.
    pub(super) fn err(text: &str) {
        // Nobody can be told when standard error itself is gone.
        writeln!(io::stderr(), "{text}").unwrap_or_default();
    }
}

impl Progress for Ui {
    fn begin(&self, stage: &str, bytes: Option<u64>) {
        self.records.store(0, Ordering::Relaxed);
        if !self.animate {
            return;
        }
        let template = if bytes.is_some() {
            "{prefix} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec}, {msg}, {eta} left"
        } else {
            "{prefix} {spinner} {bytes} {bytes_per_sec}, {msg}"
        };
        self.show(stage, bytes, template);
    }

    fn advance(&self, bytes: u64, records: u64) {
        let records = self.records.fetch_add(records, Ordering::Relaxed) + records;
        if self.animate
            && let Ok(current) = self.bar.lock()
            && let Some(bar) = current.as_ref()
        {
            bar.set_message(format!("{records} rows"));
            bar.set_position(bytes);
        }
    }

    fn end(&self) {
        if let Ok(mut current) = self.bar.lock()
            && let Some(bar) = current.take()
        {
            bar.finish_and_clear();
        }
    }
}

/// Writes as long as somebody reads. That nobody does any more, as behind `head`, is no failure,
/// and what a run comes to does not depend on it.
pub(super) struct WhileRead<W> {
    to: W,
    is_left: bool,
}

impl<W: Write> WhileRead<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, is_left: false }
    }

    /// What came of writing, so much of it where nobody reads.
    fn or_left<T>(&mut self, written: io::Result<T>, all: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_left = true;
                Ok(all)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.is_left {
            return Ok(buffer.len());
        }
        let written = self.to.write(buffer);
        self.or_left(written, buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_left {
            return Ok(());
        }
        let flushed = self.to.flush();
        self.or_left(flushed, ())
    }
}
