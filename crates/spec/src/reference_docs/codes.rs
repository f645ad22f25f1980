use crate::Severity;

mod errors;
mod warnings;

/// One finding that the checks of this crate can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is, at its worst.
    pub severity: Severity,
    /// What it says about the file.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

/// Every code: errors, then warnings, each sorted.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    errors::ERRORS.iter().chain(warnings::WARNINGS)
}

const fn error(code: &'static str, meaning: &'static str, action: &'static str) -> Code {
    Code { code, severity: Severity::Error, meaning, action }
}

const fn warning(code: &'static str, meaning: &'static str, action: &'static str) -> Code {
    Code { code, severity: Severity::Warning, meaning, action }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_code_of_the_crate_is_described_and_nothing_else() {
        let described: BTreeSet<String> = codes().map(|code| code.code.to_owned()).collect();

        let mut used = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);

        assert_eq!(
            described.difference(&used).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "described, not used"
        );
        assert_eq!(
            used.difference(&described).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "used, not described"
        );
        assert!(errors::ERRORS.is_sorted_by_key(|code| code.code));
        assert!(warnings::WARNINGS.is_sorted_by_key(|code| code.code));
    }

    fn collect(folder: &Path, used: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, used);
            } else if !path.components().any(|part| part.as_os_str() == "reference_docs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code_only = text.split("#[cfg(test)]").next().unwrap_or_default();
                let literals = code_only.split("\"spec::").skip(1).filter_map(|rest| rest.split('"').next());
                used.extend(literals.map(|name| format!("spec::{name}")));
            }
        }
    }
}
