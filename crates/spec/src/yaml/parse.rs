use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::{Content, Entry, Meaning, Node, Scalar};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::SourceFile;

/// Largest text that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Most values in a document after aliases were expanded.
const MAX_NODES: usize = 25_000;
/// Most levels.
const MAX_DEPTH: usize = 64;

/// The result of reading a text.
pub(crate) struct Parsed {
    /// The document's value; `None` if the text is no single YAML document.
    pub(crate) root: Option<Node>,
    /// What was found on the way.
    pub(crate) diagnostics: Diagnostics,
}

/// Reads the text of `source`; every occurrence of `placeholder.0` in a scalar becomes
/// `placeholder.1`, without moving what comes after it.
pub(crate) fn parse(source: &SourceFile, placeholder: Option<(&str, &str)>) -> Parsed {
    if source.text().len() > MAX_BYTES {
        let found = Diagnostic::error(source, 0..0, "spec::too_large", "the file is larger than 1 MiB")
            .with_help("a file of this kind has a few hundred lines; check that it is the right one");
        return Parsed { root: None, diagnostics: Diagnostics::from_iter([found]) };
    }
    let mut builder = Builder {
        source,
        placeholder,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        count: 0,
        diagnostics: Diagnostics::default(),
    };
    let complete = builder.read();
    let Builder { root, diagnostics, .. } = builder;
    match complete {
        Ok(()) => Parsed { root: Some(root.unwrap_or_else(Node::nothing)), diagnostics },
        Err(Fatal(found)) => {
            let mut diagnostics = diagnostics;
            diagnostics.push(*found);
            Parsed { root: None, diagnostics }
        }
    }
}

/// A collection whose end was not met yet.
struct Open {
    start: usize,
    anchor: usize,
    flow: bool,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<Entry>,
    key: Option<Key>,
    /// What merge keys brought.
    merged: Vec<Entry>,
    /// Where the last key or value ended, one that was refused included.
    end: usize,
}

/// A key that waits for its value.
struct Key {
    text: String,
    span: Range<usize>,
    /// `<<`.
    is_merge: bool,
}

struct Builder<'a> {
    source: &'a SourceFile,
    placeholder: Option<(&'a str, &'a str)>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    count: usize,
    diagnostics: Diagnostics,
}

/// A finding that ends the reading.
struct Fatal(Box<Diagnostic>);

impl Builder<'_> {
    fn read(&mut self) -> Result<(), Fatal> {
        let options = granit_parser::options! { emit_comments: false };
        let mut documents = 0;
        for event in Parser::new_from_str_with_options(self.source.text(), options) {
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let bytes = byte_range(&span);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let message = "a second document starts here; a file holds one";
                        return Err(self.fatal(bytes, "spec::several_documents", message));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let Some(scalar) = scalar(self.filled_in(text), style, tag.as_deref()) else {
                        return Err(self.bad_tag(bytes));
                    };
                    self.finish(Node::new(bytes, Content::Scalar(scalar)), anchor)?;
                }
                Event::SequenceStart(style, anchor, tag) => {
                    if !has_only_tag(tag.as_deref(), "seq") {
                        return Err(self.bad_tag(bytes));
                    }
                    let kind = OpenKind::Sequence(Vec::new());
                    self.start(Open {
                        start: bytes.start,
                        anchor,
                        flow: style == StructureStyle::Flow,
                        kind,
                    })?;
                }
                Event::MappingStart(style, anchor, tag) => {
                    if !has_only_tag(tag.as_deref(), "map") {
                        return Err(self.bad_tag(bytes));
                    }
                    let kind = OpenKind::Mapping(OpenMapping { end: bytes.start, ..OpenMapping::default() });
                    self.start(Open {
                        start: bytes.start,
                        anchor,
                        flow: style == StructureStyle::Flow,
                        kind,
                    })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(bytes.end)?,
                Event::Alias(anchor) => {
                    let Some(node) = self.anchors.get(&anchor).cloned() else {
                        let message = "this alias stands inside the value that it repeats";
                        return Err(self.fatal(bytes, "spec::alias", message));
                    };
                    let cost = node.size;
                    self.place(node, &bytes, cost)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, open: Open) -> Result<(), Fatal> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(open.start..open.start));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Fatal> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        // A block collection has no end of its own: it ends where its last value does.
        let (first, last, content) = match open.kind {
            OpenKind::Sequence(items) => {
                let last = items.last().map_or(open.start, |item| item.span.end);
                (open.start, last, Content::Sequence(items))
            }
            OpenKind::Mapping(mapping) => {
                let first = mapping.entries.first().map_or(open.start, |entry| entry.key_span.start);
                (first, mapping.end, Content::Mapping(mapping.finish()))
            }
        };
        let span = if open.flow { open.start..end } else { first..last.max(first) };
        self.finish(Node::new(span, content), open.anchor)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let span = node.span.clone();
        self.place(node, &span, 1)
    }

    /// Puts a finished value where it belongs. `at` is where it was asked for (the alias, if it is
    /// one), `cost` what it adds to the number of values.
    fn place(&mut self, node: Node, at: &Range<usize>, cost: usize) -> Result<(), Fatal> {
        self.count += cost;
        if self.count > MAX_NODES {
            let message =
                format!("the file holds more than {MAX_NODES} values, those behind aliases included");
            return Err(self.fatal(at.clone(), "spec::too_many_values", &message));
        }
        if self.open.len() + node.depth > MAX_DEPTH {
            return Err(self.too_deep(at.clone()));
        }
        let mapping = match self.open.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root = Some(node);
                return Ok(());
            }
            Some(OpenKind::Sequence(items)) => {
                items.push(node);
                return Ok(());
            }
            Some(OpenKind::Mapping(mapping)) => mapping,
        };
        mapping.end = mapping.end.max(at.end);
        match mapping.key.take() {
            None => {
                let Content::Scalar(scalar) = node.content else {
                    let message = "a list or mapping cannot be a key";
                    return Err(self.fatal(at.clone(), "spec::bad_mapping_key", message));
                };
                // In quotes the two signs are a key like any other.
                let is_merge = scalar.text == "<<" && self.source.slice(at) == "<<";
                mapping.key = Some(Key { text: scalar.text, span: at.clone(), is_merge });
            }
            Some(key) if key.is_merge => {
                if !mapping.merge(node) {
                    let message = "`<<` takes a mapping or a list of mappings";
                    return Err(self.fatal(key.span, "spec::merge_key", message));
                }
            }
            Some(key) if mapping.entries.iter().any(|entry| entry.key == key.text) => {
                let message = format!("key `{}` stands here for the second time", key.text);
                let found = Diagnostic::error(self.source, key.span, "spec::duplicate_key", message);
                self.diagnostics.push(found.with_help("keep one of the two"));
            }
            Some(key) => mapping.entries.push(Entry { key: key.text, key_span: key.span, value: node }),
        }
        Ok(())
    }

    fn filled_in(&self, text: Cow<'_, str>) -> String {
        match self.placeholder {
            Some((from, to)) if text.contains(from) => text.replace(from, to),
            _ => text.into_owned(),
        }
    }

    fn bad_tag(&self, span: Range<usize>) -> Fatal {
        self.fatal(span, "spec::tag", "this tag has no meaning here; remove the word after `!`")
    }

    fn too_deep(&self, span: Range<usize>) -> Fatal {
        let message = format!("values are nested more than {MAX_DEPTH} levels deep");
        self.fatal(span, "spec::too_deep", &message)
    }

    fn fatal(&self, span: Range<usize>, code: &'static str, message: &str) -> Fatal {
        Fatal(Box::new(Diagnostic::error(self.source, span, code, message)))
    }

    fn syntax_error(&self, error: &ScanError) -> Fatal {
        let length = self.source.text().len();
        let at = error.marker().byte_offset().unwrap_or(length).min(length);
        let message = format!("not valid YAML: {}", error.info());
        let found = Diagnostic::error(self.source, at..at, "spec::yaml_syntax", message);
        let help = "check indentation, quotes and brackets on this line and the one before";
        Fatal(Box::new(found.with_help(help)))
    }
}

impl OpenMapping {
    /// Takes over the entries of a merge key's value; false if it has none.
    fn merge(&mut self, node: Node) -> bool {
        let sources = match node.content {
            Content::Mapping(entries) => vec![entries],
            Content::Sequence(items) => {
                let mut sources = Vec::new();
                for item in items {
                    let Content::Mapping(entries) = item.content else { return false };
                    sources.push(entries);
                }
                sources
            }
            Content::Scalar(_) => return false,
        };
        // Of several sources the first that has a key wins.
        for entry in sources.into_iter().flatten() {
            if !self.merged.iter().any(|known| known.key == entry.key) {
                self.merged.push(entry);
            }
        }
        true
    }

    /// The mapping's own entries, then the merged ones whose keys it does not have.
    fn finish(self) -> Vec<Entry> {
        let mut entries = self.entries;
        for entry in self.merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        entries
    }
}

/// `None` if the tag means nothing here.
fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Option<Scalar> {
    match tag.map(Tag::core_suffix) {
        None if style == ScalarStyle::Plain => Some(Scalar::plain(text)),
        None | Some(Some("str")) => Some(Scalar::text(text)),
        Some(Some("int" | "float" | "bool" | "null" | "timestamp")) => {
            let meaning = Meaning::of_plain(&text);
            Some(Scalar { text, meaning })
        }
        Some(_) => None,
    }
}

fn has_only_tag(tag: Option<&Tag>, allowed: &str) -> bool {
    tag.is_none_or(|tag| tag.core_suffix() == Some(allowed))
}

fn byte_range(span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or_default();
    let end = span.end.byte_offset().unwrap_or(start).max(start);
    start..end
}
