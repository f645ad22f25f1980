use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;

use spec::Diagnostics;

use crate::arguments::Format;
use crate::diagnostics::{Sources, Surface};

/// How a command answers: results on standard output, everything else on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
    surface: Surface,
    lists: Lists,
}

/// How lists are printed where results are for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    Drawn,
    Csv,
}

impl Output {
    /// Results in this format, findings as standard error can show them.
    pub(crate) fn new(format: Format) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let surface = match (io::stderr().is_terminal(), no_colour) {
            (true, false) => Surface::Coloured,
            (true, true) => Surface::Plain,
            (false, _) => Surface::Pipe,
        };
        Self { format, surface, lists: Lists::Drawn }
    }

    /// Lists as CSV, everything else for people.
    pub(crate) fn csv() -> Self {
        Self { lists: Lists::Csv, ..Self::new(Format::Table) }
    }

    /// Whether lists are wanted as CSV.
    pub(crate) fn is_csv(self) -> bool {
        self.lists == Lists::Csv
    }

    /// The format that was asked for.
    pub(crate) fn format(self) -> Format {
        self.format
    }

    /// Whether a person looks at standard error.
    pub(crate) fn watched(self) -> bool {
        self.surface != Surface::Pipe
    }

    /// Says why there is no result; where data was asked for, also as data.
    pub(crate) fn failure(self, text: &str) {
        match self.format {
            Format::Json => json(&serde_json::json!({ "error": text })),
            Format::Table => {}
        }
        complain(&format!("error: {text}"));
    }

    /// Shows findings: as the result where data was asked for, else drawn on standard error.
    pub(crate) fn diagnostics(self, diagnostics: &Diagnostics, sources: &Sources) {
        match self.format {
            Format::Json => json(diagnostics),
            Format::Table if diagnostics.is_empty() => {}
            Format::Table => complain(&sources.draw(diagnostics, self.surface)),
        }
    }
}

/// Prints a text result, line break included.
pub(crate) fn text(text: &str) {
    write(&mut io::stdout().lock(), text);
}

/// Prints a JSON result over several lines.
pub(crate) fn json(value: &impl Serialize) {
    text(&serde_json::to_string_pretty(value).expect("results have text keys and no failing parts"));
}

/// Prints a JSON result in one line.
pub(crate) fn json_line(value: &impl Serialize) {
    text(&serde_json::to_string(value).expect("results have text keys and no failing parts"));
}

/// Tells a person something that is not the result.
pub(crate) fn complain(text: &str) {
    write(&mut io::stderr().lock(), text);
}

/// A reader that went away (`| head`) is no error, and nobody is left to be told.
fn write(stream: &mut dyn Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(end.as_bytes()));
    let _ = stream.flush();
}
