use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};
use spec::{Diagnostic, Diagnostics, Severity, SourceFile};

/// Files whose text may be shown beside a finding.
///
/// A project file is kept with its secrets blacked out, places unchanged.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a project file.
    pub(crate) fn add_project(&mut self, file: &SourceFile) {
        self.files.push(file.redacted());
    }

    /// Adds a server file. It has no place for secrets; where one may stand in it all the same,
    /// nothing of it is shown.
    pub(crate) fn add_server(&mut self, file: &SourceFile) {
        let text = file.text().to_lowercase();
        if !["secret", "password", "token:", "key:", "@"].iter().any(|word| text.contains(word)) {
            self.files.push(file.clone());
        }
    }

    /// Adds a connector or dataset file, or what was given as one: a file that speaks of connections
    /// or secrets may be a project file after all.
    pub(crate) fn add(&mut self, file: SourceFile) {
        self.files.extend(file.scripts().iter().cloned());
        let may_be_project = ["connections", "secrets"].iter().any(|word| file.text().contains(word));
        self.files.push(if may_be_project { file.redacted() } else { file });
    }

    /// Draws findings one below the other, each with its place, an excerpt, and what to write instead.
    pub(crate) fn draw(&self, diagnostics: &Diagnostics, surface: Surface) -> String {
        let (theme, width) = match surface {
            Surface::Coloured => (GraphicalTheme::unicode(), TERMINAL_WIDTH),
            Surface::Plain => (GraphicalTheme::unicode_nocolor(), TERMINAL_WIDTH),
            Surface::Pipe => (GraphicalTheme::unicode_nocolor(), usize::from(u16::MAX)),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(width);
        let mut text = String::new();
        for diagnostic in diagnostics {
            let source = self.files.iter().find(|file| file.name() == diagnostic.file);
            draw_one(&handler, diagnostic, source, &mut text);
        }
        text
    }
}

/// What findings are drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// A terminal with colours.
    Coloured,
    /// A terminal without.
    Plain,
    /// A file or a pipe: no colours, and no line is broken.
    Pipe,
}

/// Characters to a line on a terminal.
const TERMINAL_WIDTH: usize = 110;

fn draw_one(
    handler: &GraphicalReportHandler,
    diagnostic: &Diagnostic,
    source: Option<&SourceFile>,
    text: &mut String,
) {
    let start = text.len();
    let drawn = Drawn { diagnostic, excerpt: source.map(Excerpt) };
    // Writing to a text cannot fail; a span outside the file leaves the plain line below.
    let _ = handler.render_report(text, &drawn);
    let place = place(diagnostic);
    if !text.get(start..).unwrap_or_default().contains(&place) {
        text.push_str("  at ");
        text.push_str(&place);
        text.push('\n');
    }
    text.push('\n');
}

/// `FILE:LINE:COLUMN`, which editors turn into a link.
fn place(diagnostic: &Diagnostic) -> String {
    format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column)
}

/// A finding as the drawing library wants it.
#[derive(Debug)]
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    excerpt: Option<Excerpt<'a>>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt.as_ref()?;
        let span = &self.diagnostic.span;
        let label = LabeledSpan::new_primary_with_span(None, (span.start, span.len()));
        Some(Box::new(std::iter::once(label)))
    }
}

/// The text around a finding, under the file's name.
#[derive(Debug)]
struct Excerpt<'a>(&'a SourceFile);

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.0.text();
        let contents = text.read_span(span, lines_before, lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name().to_owned(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_excerpt_code_and_help_are_shown() {
        let file = SourceFile::new("connector.yml", "saas_config:\n  nme: é\n");
        let found = Diagnostic::error(&file, 15..18, "spec::unknown_key", "unknown key `nme`")
            .with_help("write `name`");
        let mut sources = Sources::default();
        sources.add(file);

        let text = sources.draw(&Diagnostics::from_iter([found]), Surface::Pipe);

        for part in ["connector.yml:2:3", "spec::unknown_key", "unknown key `nme`", "nme: é", "write `name`"]
        {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    #[test]
    fn a_project_file_is_shown_without_its_secrets_whoever_reads_it() {
        let text = "connections:\n  - key: shop\n    secrets: { token: canary }\n";
        let file = SourceFile::new("tutela.yml", text);
        let found = Diagnostic::error(&file, 0..11, "spec::unknown_key", "unknown key `connections`");
        let mut sources = Sources::default();
        sources.add(file);

        let text = sources.draw(&Diagnostics::from_iter([found]), Surface::Pipe);

        assert!(text.contains("key: shop") && !text.contains("canary"), "{text}");
    }

    #[test]
    fn a_server_file_that_may_hold_a_secret_is_not_shown() {
        for (text, is_shown) in [
            ("lisen: 127.0.0.1:80\n", true),
            ("lisen: 127.0.0.1:80\nclient: {secret: canary}\n", false),
            ("lisen: 127.0.0.1:80\nstate: postgres://tutela:canary@db.example.com/state\n", false),
        ] {
            let file = SourceFile::new("server.yml", text);
            let found = Diagnostic::error(&file, 0..5, "spec::unknown_key", "unknown key `lisen`");
            let mut sources = Sources::default();
            sources.add_server(&file);

            let drawn = sources.draw(&Diagnostics::from_iter([found]), Surface::Pipe);

            assert_eq!(drawn.contains("127.0.0.1:80"), is_shown, "{drawn}");
            assert!(drawn.contains("server.yml:1:1") && !drawn.contains("canary"), "{drawn}");
        }
    }

    #[test]
    fn a_finding_without_source_or_outside_of_it_still_has_its_place() {
        let file = SourceFile::new("a.yml", "x: 1\n");
        let mut found = Diagnostic::error(&file, 3..4, "spec::wrong_type", "not a text");
        found.span = 90..99;
        let mut sources = Sources::default();

        let without = sources.draw(&Diagnostics::from_iter([found.clone()]), Surface::Pipe);
        sources.add(file);
        let outside = sources.draw(&Diagnostics::from_iter([found]), Surface::Pipe);

        assert!(without.contains("a.yml:1:4"), "{without}");
        assert!(outside.contains("a.yml:1:4"), "{outside}");
    }
}
