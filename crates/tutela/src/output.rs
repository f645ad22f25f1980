use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use spec::Diagnostics;

use crate::arguments::Format;
use crate::diagnostics::{Sources, Surface};

/// Where a command's results and complaints go.
///
/// Results on standard output, everything else on standard error. A reader that went away (`| head`)
/// is not an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    /// Results in this format.
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// The format that was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a text result, line break included.
    pub(crate) fn text(&self, text: &str) {
        write(&mut io::stdout().lock(), text);
    }

    /// Prints a JSON result over several lines.
    pub(crate) fn json(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("results have text keys and no failing parts");
        self.text(&text);
    }

    /// Prints a JSON result in one line.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        let text = serde_json::to_string(value).expect("results have text keys and no failing parts");
        self.text(&text);
    }

    /// Shows findings: as the result where data was asked for, else drawn on standard error.
    pub(crate) fn diagnostics(&self, diagnostics: &Diagnostics, sources: &Sources) {
        match self.format {
            Format::Json => self.json(diagnostics),
            Format::Table if diagnostics.is_empty() => {}
            Format::Table => {
                let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let surface = match (self.watched(), no_colour) {
                    (true, false) => Surface::Coloured,
                    (true, true) => Surface::Plain,
                    (false, _) => Surface::Pipe,
                };
                self.complain(&sources.draw(diagnostics, surface));
            }
        }
    }

    /// Tells a person something that is not the result.
    pub(crate) fn complain(&self, text: &str) {
        write(&mut io::stderr().lock(), text);
    }

    /// Whether a person looks at standard error.
    pub(crate) fn watched(&self) -> bool {
        io::stderr().is_terminal()
    }
}

fn write(stream: &mut dyn Write, text: &str) {
    // Nobody is left to be told about a closed stream.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| match text.ends_with('\n') {
        true => Ok(()),
        false => stream.write_all(b"\n"),
    });
    let _ = stream.flush();
}
