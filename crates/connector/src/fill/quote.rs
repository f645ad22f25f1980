//! Quotes of query languages inside a text: SOQL, SQL, OData, GraphQL, search strings
//! (architecture §13.18).
//!
//! The fixed text of the template is followed character by character. A value that would stand
//! inside quotes is escaped the way the language wants it:
//!
//! | the fixed text | language | a quote in a value | a backslash in a value |
//! | --- | --- | --- | --- |
//! | `"…"` (no `SELECT … FROM`) | JSON, GraphQL, search strings | `\"` | `\\` |
//! | `field:'…'` | search strings (Stripe) | `\'` | `\\` |
//! | `SELECT … FROM …'…'`, path below `/services/data/` | SOQL | `\'` | `\\` |
//! | `SELECT … FROM …'…'` | SQL | `''` | refused: some dialects escape with it |
//! | `… eq '…'`, `… ne '…'` | OData | `''` | stays |
//! | anything else | not known | refused | refused |

/// How a value has to be written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Not inside quotes.
    None,
    /// This quote and the backslash get a backslash in front.
    Backslash(char),
    /// The quote is doubled; a backslash has no meaning.
    Doubled,
    /// The quote is doubled; a backslash may have a meaning and is refused.
    DoubledNoBackslash,
    /// Inside this quote of a language nobody recognised.
    Unknown(char),
}

impl Quoting {
    /// `text` escaped, or `None` where it would be unsafe.
    pub(super) fn escape(self, text: &str) -> Option<String> {
        match self {
            Self::None => Some(text.to_owned()),
            Self::Backslash(quote) => {
                let mut out = String::with_capacity(text.len());
                for character in text.chars() {
                    if character == '\\' || character == quote {
                        out.push('\\');
                    }
                    out.push(character);
                }
                Some(out)
            }
            Self::Doubled => Some(text.replace('\'', "''")),
            Self::DoubledNoBackslash => (!text.contains('\\')).then(|| text.replace('\'', "''")),
            Self::Unknown(quote) => (!text.contains([quote, '\\'])).then(|| text.to_owned()),
        }
    }
}

/// Follows the fixed text and knows what is open at its end.
pub(super) struct Scanner {
    layer: Layer,
    json_escape: JsonEscape,
    question_mark: bool,
    open: Option<Open>,
    escaped: bool,
    previous: Option<char>,
    /// The last character that is no space.
    visible: Option<char>,
    just_opened: bool,
}

#[derive(Clone, Copy)]
struct Open {
    quote: char,
    /// The last character before the quote that is no space.
    introducer: Option<char>,
}

/// What the text is, and where in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// No JSON.
    Text,
    /// JSON, no string open.
    Json,
    /// Inside a string of JSON.
    JsonString,
}

/// Inside an escape of a JSON string.
enum JsonEscape {
    No,
    Backslash,
    Unicode { digits: u8, value: u32 },
}

impl Scanner {
    /// `json`: the text is JSON, and quotes of a query language stand inside its strings.
    pub(super) fn new(json: bool) -> Self {
        Self {
            layer: if json { Layer::Json } else { Layer::Text },
            json_escape: JsonEscape::No,
            question_mark: false,
            open: None,
            escaped: false,
            previous: None,
            visible: None,
            just_opened: false,
        }
    }

    /// Reads fixed text.
    pub(super) fn feed(&mut self, text: &str) {
        for character in text.chars() {
            self.just_opened = false;
            match self.layer {
                Layer::Json | Layer::JsonString => self.json_character(character),
                Layer::Text => {
                    self.question_mark |= character == '?';
                    self.character(character);
                }
            }
        }
    }

    /// A value was written here.
    pub(super) fn value_stands_here(&mut self) {
        self.previous = Some('x');
        self.visible = Some('x');
        self.just_opened = false;
        self.escaped = false;
    }

    /// The quote just opened is taken back.
    pub(super) fn close(&mut self) {
        if self.layer == Layer::JsonString {
            self.layer = Layer::Json;
        }
        self.open = None;
        self.just_opened = false;
    }

    /// Whether a JSON string is open.
    pub(super) fn in_json_string(&self) -> bool {
        self.layer == Layer::JsonString
    }

    /// Whether the last character opened a double quote.
    pub(super) fn just_opened(&self) -> bool {
        self.just_opened
    }

    /// Whether a query string has begun inside a path.
    pub(super) fn after_question_mark(&self) -> bool {
        self.question_mark
    }

    /// How a value must be written here; `source` is the whole template.
    pub(super) fn quoting(&self, source: &str, soql: bool) -> Quoting {
        let Some(open) = self.open else { return Quoting::None };
        let text = source.to_lowercase();
        let select = text.contains("select ") && text.contains(" from ");
        match open.quote {
            '"' if select => Quoting::Unknown('"'),
            '"' => Quoting::Backslash('"'),
            quote if select && soql => Quoting::Backslash(quote),
            _ if select => Quoting::DoubledNoBackslash,
            _ if [" eq '", " ne '"].iter().any(|word| text.contains(word)) => Quoting::Doubled,
            quote if open.introducer == Some(':') => Quoting::Backslash(quote),
            quote => Quoting::Unknown(quote),
        }
    }

    fn json_character(&mut self, character: char) {
        if self.layer == Layer::Json {
            if character == '"' {
                self.layer = Layer::JsonString;
                self.open = None;
                self.escaped = false;
                self.previous = None;
                self.visible = None;
                self.just_opened = true;
            }
            return;
        }
        match &mut self.json_escape {
            JsonEscape::No => match character {
                '\\' => self.json_escape = JsonEscape::Backslash,
                '"' => {
                    self.layer = Layer::Json;
                    self.open = None;
                }
                other => self.character(other),
            },
            JsonEscape::Backslash => {
                self.json_escape = JsonEscape::No;
                match character {
                    'u' => self.json_escape = JsonEscape::Unicode { digits: 0, value: 0 },
                    'n' | 'r' | 't' | 'b' | 'f' => self.character(' '),
                    other => self.character(other),
                }
            }
            JsonEscape::Unicode { digits, value } => {
                *value = *value * 16 + character.to_digit(16).unwrap_or_default();
                *digits += 1;
                if *digits == 4 {
                    let decoded = char::from_u32(*value).unwrap_or(' ');
                    self.json_escape = JsonEscape::No;
                    self.character(decoded);
                }
            }
        }
    }

    /// One character of text that may hold quotes of a query language.
    fn character(&mut self, character: char) {
        match self.open {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if character == '\\' => self.escaped = true,
            Some(open) if character == open.quote => self.open = None,
            Some(_) => {}
            // An apostrophe inside a word (`don't`) opens nothing.
            None if matches!(character, '\'' | '"') && !self.previous.is_some_and(char::is_alphanumeric) => {
                self.open = Some(Open { quote: character, introducer: self.visible });
                self.just_opened = self.layer == Layer::Text && character == '"';
            }
            None => {}
        }
        self.previous = Some(character);
        if character != ' ' {
            self.visible = Some(character);
        }
    }
}
