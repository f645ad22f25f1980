//! Which test holds which rule of the contracts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::{cargo, say};

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Every rule with its tests.
    All,
    /// Required rules without a test.
    Missing,
}

/// One rule: the file that states it and its number there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    file: String,
    id: String,
}

impl Rule {
    /// Reads `saas-config 11.4`, `saas-config A57` or `privacy-requests Q-10a`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (file, id) = (words.next()?, words.next()?);
        let digits = id.trim_start_matches(|c: char| c.is_ascii_uppercase());
        let digits =
            if digits.len() < id.len() { digits.strip_prefix('-').unwrap_or(digits) } else { digits };
        let numbered = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        let named = file.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        (numbered && named).then(|| Self { file: file.to_owned(), id: id.to_owned() })
    }

    /// Numbers compare as numbers, so that 11.10 comes after 11.9 and A9 before A10.
    fn order(&self) -> (String, Vec<(String, u64)>) {
        let part = |part: &str| {
            let split = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
            let (letters, digits) = part.split_at(split);
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            (letters.to_owned(), digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or_default())
        };
        (self.file.clone(), self.id.split('.').map(part).collect())
    }
}

impl PartialOrd for Rule {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rule {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order()).then_with(|| self.id.cmp(&other.id))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.id)
    }
}

/// Rule → the tests that name it, as `crate/path.rs::test`.
type Marks = BTreeMap<Rule, BTreeSet<String>>;

/// Prints the list and fails if a required rule has no test.
pub(crate) fn run(show: Show) -> Result<()> {
    let required = required(include_str!("../rules.txt"))?;
    let marks = scan(&cargo::top().join("crates"))?;

    if show == Show::All {
        let all: BTreeSet<&Rule> = required.keys().chain(marks.keys()).collect();
        for rule in all {
            let title = required.get(rule).map_or("", String::as_str);
            say(&format!("{rule}  {title}"));
            for test in marks.get(rule).into_iter().flatten() {
                say(&format!("    {test}"));
            }
        }
    }
    let missing = missing(&required, &marks);
    for rule in &missing {
        let title = required.get(*rule).map_or("", String::as_str);
        say(&format!("no test: {rule}  {title}"));
    }
    if !missing.is_empty() {
        bail!("{} of {} required rules have no test that names them", missing.len(), required.len());
    }
    say(&format!(
        "{} required rules, each named by a test; {} rules named in all",
        required.len(),
        marks.len()
    ));
    Ok(())
}

/// Reads the list of required rules: `FILE ID: title` a line.
fn required(text: &str) -> Result<BTreeMap<Rule, String>> {
    let mut rules = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (rule, title) = line.split_once(": ").with_context(|| format!("no title in `{line}`"))?;
        let rule = Rule::parse(rule).with_context(|| format!("no rule in `{line}`"))?;
        if rules.insert(rule, title.to_owned()).is_some() {
            bail!("`{line}` is there twice");
        }
    }
    Ok(rules)
}

fn missing<'a>(required: &'a BTreeMap<Rule, String>, marks: &Marks) -> Vec<&'a Rule> {
    required.keys().filter(|rule| !marks.contains_key(*rule)).collect()
}

fn scan(folder: &Path) -> Result<Marks> {
    let mut marks = Marks::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.strip_prefix(cargo::top()).unwrap_or(&path).display().to_string();
                collect(&name, &text, &mut marks);
            }
        }
    }
    Ok(marks)
}

/// Adds the marks of one file. A mark belongs to the test around it or, if it stands before one, to
/// that; a mark elsewhere counts for nothing. Relies on the layout that `cargo fmt` gives.
fn collect(name: &str, source: &str, marks: &mut Marks) {
    let mut waiting: Vec<Rule> = Vec::new();
    // The function around the line, with its label if it is a test, and its indentation.
    let mut inside: Option<(Option<String>, usize)> = None;
    let mut attribute = false;
    for line in source.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if is_test_attribute(code) {
            attribute = true;
        } else if let Some(function) = function_name(code)
            && inside.is_none()
        {
            let label = attribute.then(|| format!("{name}::{function}"));
            let before = std::mem::take(&mut waiting);
            if let Some(label) = &label {
                for rule in before {
                    marks.entry(rule).or_default().insert(label.clone());
                }
            }
            inside = (!code.trim_end().ends_with(['}', ';'])).then_some((label, indent));
            attribute = false;
        } else if let Some(rule) = code.split_once("// rule: ").and_then(|(_, rule)| Rule::parse(rule)) {
            match &inside {
                Some((Some(label), _)) => {
                    marks.entry(rule).or_default().insert(label.clone());
                }
                Some((None, _)) => {}
                None => waiting.push(rule),
            }
        } else if code.trim_end() == "}" && inside.as_ref().is_some_and(|(_, start)| *start == indent) {
            inside = None;
        }
    }
}

fn is_test_attribute(line: &str) -> bool {
    line.strip_prefix("#[").is_some_and(|rest| {
        let name = rest.split(['(', ']']).next().unwrap_or_default().trim();
        name == "test" || name == "rstest" || name.ends_with("::test") || name.starts_with("case")
    })
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    rest.split(['(', '<']).next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# comment\n\nsaas-config 11.9: skipping\nsaas-config A1: root key\n";

    #[test]
    fn a_required_rule_that_no_test_names_is_missing() {
        let required = required(LIST).unwrap();
        let mut marks = Marks::new();
        collect("a.rs", "// rule: saas-config 11.9\n#[test]\nfn skips() {}\n", &mut marks);

        let missing = missing(&required, &marks);

        assert_eq!(missing, [&Rule::parse("saas-config A1").unwrap()]);
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in ["saas-config", "saas-config x", "saas-config -4", "Saas 1.1", "saas-config A-"] {
            assert_eq!(Rule::parse(text), None, "{text}");
        }
    }

    #[test]
    fn marks_inside_a_test_count_and_marks_outside_any_do_not() {
        let lines = [
            "// rule: saas-config 1.1",
            "fn helper() {",
            "    // rule: saas-config 1.2",
            "}",
            "#[rstest]",
            "#[case(1)]",
            "async fn table() {",
            "    // rule: saas-config A1",
            "    fn inner() {}",
            "}",
            "// rule: saas-config A2",
            "#[test]",
            "fn plain() {}",
            "// rule: saas-config A3",
        ];
        let mut marks = Marks::new();

        collect("a.rs", &lines.join("\n"), &mut marks);

        let found: Vec<(String, String)> = marks
            .iter()
            .flat_map(|(rule, labels)| labels.iter().map(|label| (rule.to_string(), label.clone())))
            .collect();
        let expected = [("saas-config A1", "a.rs::table"), ("saas-config A2", "a.rs::plain")];
        assert_eq!(found, expected.map(|(rule, label)| (rule.to_owned(), label.to_owned())));
    }

    #[test]
    fn rules_sort_by_number() {
        let mut rules: Vec<Rule> =
            ["x Q-10b", "x Q-10a", "x Q-9", "x A10", "x A9", "x 11.10", "x 11.9", "x 2.1"]
                .iter()
                .map(|text| Rule::parse(text).unwrap())
                .collect();

        rules.sort();

        let texts: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(texts, ["2.1", "11.9", "11.10", "A9", "A10", "Q-9", "Q-10a", "Q-10b"]);
    }

    #[test]
    fn the_list_of_required_rules_can_be_read() {
        let rules = required(include_str!("../rules.txt")).unwrap();

        assert!(rules.contains_key(&Rule::parse("saas-config A57").unwrap()));
        assert!(!rules.contains_key(&Rule::parse("saas-config A14").unwrap()));
        assert!(rules.contains_key(&Rule::parse("privacy-requests Q-10b").unwrap()));
        assert!(rules.len() > 170);
    }
}
