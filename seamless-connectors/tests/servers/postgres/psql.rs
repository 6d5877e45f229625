//! A user of the database who has nothing of ours: `psql`, kept open, so that it can hold a transaction.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const DONE: &str = "-- that was all --";

pub(crate) struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    pub(crate) fn connect(url: &str) -> Self {
        // What goes wrong is to be read in order with what comes back.
        let mut child = Command::new("sh")
            .args(["-c", "exec psql -qAtX -P null=∅ \"$0\" 2>&1", &format!("{url}&sslmode=verify-full")])
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql, of the package postgresql-client");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Sends statements without waiting for what comes back.
    pub(crate) fn send(&mut self, sql: &str) {
        writeln!(self.input, "{sql};\n\\echo '{DONE}'").unwrap();
        self.input.flush().unwrap();
    }

    /// What came back of what was sent.
    pub(crate) fn answer(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "psql ended: {lines:?}");
            match line.trim_end_matches('\n') {
                DONE => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// Runs statements; the rows that they gave, one line each.
    pub(crate) fn run(&mut self, sql: &str) -> Vec<String> {
        self.send(sql);
        let lines = self.answer();
        assert!(
            !lines.iter().any(|line| line.contains("ERROR:") || line.contains("FATAL:")),
            "{sql}: {lines:?}"
        );
        lines
    }

    /// The one value that a query gives.
    pub(crate) fn one(&mut self, sql: &str) -> String {
        self.run(sql).join("\n")
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A text as a literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
