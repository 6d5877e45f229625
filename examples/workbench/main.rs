//! The workbench: the SDK as a command-line host over any user's systems. This file is the terminal - standard
//! streams, colours, Ctrl-C, exit codes; everything else is [`app`], which is tested without one.
//!
//! Install it with `cargo install --path examples --example workbench`.

mod app;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use seamless_core::sync::Cancel;

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let cancel = Cancel::new();
    let raised = cancel.clone();
    // The first Ctrl-C stops between two batches; whoever cannot wait presses it again, and the next run finds out
    // what became of the writes in flight.
    let handler = ctrlc::set_handler(move || {
        if raised.is_cancelled() {
            std::process::exit(INTERRUPTED);
        }
        raised.cancel();
        let mut err = anstream::stderr().lock();
        let _ = writeln!(err, "\nstopping after the current batch; press Ctrl-C again to end at once");
    });
    let mut err = anstream::stderr();
    if let Err(cause) = handler {
        let _ = writeln!(err, "note: Ctrl-C ends at once, the signal cannot be caught: {cause}");
    }
    let mut out = anstream::stdout();
    let mut host = app::Host {
        asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
        bars: io::stderr().is_terminal(),
        // The streams take colours out where the terminal, `NO_COLOR` or a pipe asks for that.
        colour: true,
        width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0),
        input: &mut io::stdin().lock(),
        out: &mut out,
        err: &mut err,
        cancel,
        variable: std::sync::Arc::new(|name| std::env::var(name).ok()),
    };
    let code = app::run(std::env::args_os(), &mut host);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
