use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use model::Identities;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Longest line of a subjects file.
const MOST_BYTES: usize = 1024 * 1024;

/// Reads `kind=value` texts. Messages name the kind and never show the value.
pub(crate) fn parse_all(texts: &[String]) -> Result<Identities, Failure> {
    let mut identities = Identities::default();
    for text in texts {
        let Some((kind, value)) = text.split_once('=').filter(|(kind, _)| !kind.trim().is_empty()) else {
            return Err(Failure::BadInput(
                "an --identity is not KIND=VALUE, as in email=ana@example.com".to_owned(),
            ));
        };
        identities.insert(kind.trim(), value.into()).map_err(|error| Failure::bad_input(&error))?;
    }
    Ok(identities)
}

/// Checks every line of a subjects file before anything is sent; gives the number of people.
pub(crate) fn check_file(path: &Path) -> Result<u64, Failure> {
    let mut count = 0;
    for subject in Subjects::open(path)? {
        subject?;
        count += 1;
    }
    if count == 0 {
        return Err(Failure::BadInput(format!(
            "{} names nobody; write one JSON object a line",
            path.display()
        )));
    }
    Ok(count)
}

/// One person of a subjects file.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The line, from 1: the person's name wherever a name is shown.
    pub(crate) line: u64,
    /// What is known.
    pub(crate) identities: Identities,
}

/// The people of a subjects file, read line by line.
#[derive(Debug)]
pub(crate) struct Subjects {
    path: PathBuf,
    reader: BufReader<File>,
    line: u64,
}

impl Subjects {
    /// Opens the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::unreadable(path, &error))?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), line: 0 })
    }

    /// The next line without its break; `None` at the end.
    fn next_line(&mut self) -> Result<Option<String>, Failure> {
        let mut bytes = Vec::new();
        let mut limited = std::io::Read::take(&mut self.reader, MOST_BYTES as u64 + 1);
        let read =
            limited.read_until(b'\n', &mut bytes).map_err(|error| Failure::unreadable(&self.path, &error))?;
        self.line += 1;
        if read > MOST_BYTES {
            return Err(self.problem("the line is longer than 1 MiB"));
        }
        if read == 0 {
            return Ok(None);
        }
        let text = String::from_utf8(bytes).map_err(|_| self.problem("the line is not UTF-8"))?;
        Ok(Some(text.trim().trim_start_matches('\u{feff}').to_owned()))
    }

    fn subject(&self, text: &str) -> Result<Subject, Failure> {
        let example = "write an object of identities, as in {\"email\": \"ana@example.com\"}";
        let Ok(members) = serde_json::from_str::<Map<String, Value>>(text) else {
            return Err(self.problem(example));
        };
        let mut identities = Identities::default();
        for (kind, value) in members {
            let values = match value {
                Value::Array(values) => values,
                Value::Null => continue,
                one => vec![one],
            };
            for value in values {
                identities.insert(kind.as_str(), value).map_err(|error| self.problem(&error.to_string()))?;
            }
        }
        if identities.is_empty() {
            return Err(self.problem(example));
        }
        Ok(Subject { line: self.line, identities })
    }

    fn problem(&self, what: &str) -> Failure {
        Failure::BadInput(format!("{}:{}:1: {what}", self.path.display(), self.line))
    }
}

impl Iterator for Subjects {
    type Item = Result<Subject, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_line() {
                Ok(None) => return None,
                Ok(Some(text)) if text.is_empty() => {}
                Ok(Some(text)) => return Some(self.subject(&text)),
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn values_never_show_in_messages() {
        let texts =
            [vec!["email=ana@canary.example\nX: y".to_owned()], vec!["ana@canary.example".to_owned()]];
        for text in texts {
            let message = parse_all(&text).unwrap_err().to_string();
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn people_are_named_by_their_line_and_empty_lines_are_nobody() {
        let file = file(
            "{\"email\": \"a@example.com\"}\n\n{\"email\": [\"b@example.com\", \"c@example.com\"], \"customer\": 7}\n",
        );

        let people: Vec<Subject> = Subjects::open(file.path()).unwrap().map(Result::unwrap).collect();

        assert_eq!(people.iter().map(|subject| subject.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(people[1].identities.values("email").len(), 2);
        assert_eq!(check_file(file.path()).unwrap(), 2);
    }

    #[test]
    fn a_bad_line_is_named_by_its_place_without_its_content() {
        let bad =
            ["{\"email\": \"canary\\n\"}", "canary", "{}", "{\"email\": {\"canary\": 1}}", "[\"canary\"]"];
        for line in bad {
            let file = file(&format!("{{\"email\": \"a@example.com\"}}\n{line}\n"));
            let message = check_file(file.path()).unwrap_err().to_string();
            assert!(message.contains(":2:1: "), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }
}
