//! What surrounds a command: streams, whether somebody is there to be asked, variables, the stop flag. A test gives
//! buffers, the program a terminal.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use seamless_connectors::secrets::MachineSecrets;
use seamless_core::sync::Cancel;

use super::ERROR;
use super::failure::Failure;

/// Environment variables: those of the process, or a test's.
pub(crate) type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The surroundings of a command.
pub(crate) struct Host<'a> {
    /// Results: text, or one JSON document.
    pub(crate) out: &'a mut dyn Write,
    /// Errors, questions, progress.
    pub(crate) err: &'a mut dyn Write,
    /// Answers.
    pub(crate) input: &'a mut dyn BufRead,
    /// Whether somebody can answer.
    pub(crate) asks: bool,
    /// Whether progress is drawn.
    pub(crate) bars: bool,
    /// Whether escape sequences of terminals may be written.
    pub(crate) colour: bool,
    /// How many characters a line of the terminal has; `None` where the result goes elsewhere.
    pub(crate) width: Option<u16>,
    /// The flag that stops a run.
    pub(crate) cancel: Cancel,
    /// Environment variables.
    pub(crate) variable: Variables,
}

impl Host<'_> {
    /// What environment files refer to; paths are relative to a folder.
    pub(crate) fn secrets(&self, folder: &Path) -> MachineSecrets {
        let variable = Arc::clone(&self.variable);
        MachineSecrets::new(folder).with_variables(move |name| variable(name))
    }

    /// Writes a line of the result.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    /// Writes the result of a command as one JSON document.
    pub(crate) fn json(&mut self, document: &serde_json::Value) -> Result<(), Failure> {
        writeln!(self.out, "{document:#}").map_err(Failure::output)
    }

    /// Writes a line beside the result. That it cannot be shown changes nothing.
    pub(crate) fn note(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Text in a style, where styles are written.
    pub(crate) fn styled(&self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Asks a question that is answered by yes or no. Anything but yes is no.
    ///
    /// Errors: nobody is there to answer, with what to write instead.
    pub(crate) fn ask(&mut self, question: &str) -> Result<bool, Failure> {
        if !self.asks {
            return Err(Failure::usage("the plan is not approved, and nobody is there to be asked")
                .remedy("read the plan, then give --yes"));
        }
        let question = self.styled(AnsiColor::Yellow.on_default().bold(), question);
        write!(self.err, "{question} [y/N] ").and_then(|()| self.err.flush()).map_err(Failure::output)?;
        let mut answer = String::new();
        self.input.read_line(&mut answer).map_err(Failure::output)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Shows what the command line parser has to say: help and version are no errors.
    pub(super) fn usage(&mut self, refused: &clap::Error, json: bool) -> i32 {
        if json && refused.use_stderr() {
            let text = refused.render().to_string();
            let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
            let message = message.trim_start_matches("error: ").trim();
            Failure::usage(message).remedy(rest.trim()).tell(true, self);
            return ERROR;
        }
        let text = refused.render();
        let text = if self.colour { text.ansi().to_string() } else { text.to_string() };
        if refused.use_stderr() {
            let _ = self.err.write_all(text.as_bytes());
            ERROR
        } else {
            let _ = self.out.write_all(text.as_bytes());
            0
        }
    }
}
