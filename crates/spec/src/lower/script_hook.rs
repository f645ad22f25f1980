use super::{Finding, Lowering};
use crate::connector_file::ScriptHook;
use crate::script::{Script, ScriptProblem};

impl Lowering<'_> {
    /// The function that `text` names: `people.star:delete`. The file is read, and its top level run,
    /// so that what is wrong with it is found here and not in the middle of a data request.
    pub(super) fn script_hook(&mut self, place: &str, text: &str) -> Option<ScriptHook> {
        let Some((file, function)) = split(text) else {
            let message = format!("`{text}` does not name a function of a script");
            let help = "write file and function, as in `people.star:delete`; the file lies beside this one";
            self.error(place, Finding::new("spec::bad_script_name", message, help));
            return None;
        };
        let Some(source) = self.source.scripts().iter().find(|script| script.file_name() == file) else {
            let message = format!("there is no script `{file}` beside this file");
            let help = "put it into the same folder, or correct the name";
            self.error(place, Finding::new("spec::no_script", message, help));
            return None;
        };
        let script = match Script::compile(source) {
            Ok(script) => script,
            Err(found) => {
                // Every hook of the file finds the same.
                if !self.diagnostics.iter().any(|known| *known == *found) {
                    self.diagnostics.push(*found);
                }
                return None;
            }
        };
        match script.find_function(function) {
            Ok(()) => Some(ScriptHook::new(script, function.to_owned())),
            Err(error) => {
                let message = format!("`{text}` cannot be called: {error}");
                let help = match error.problem {
                    ScriptProblem::NoFunction => format!("write `def {function}(…):` in `{file}`"),
                    _ => format!("mend the top level of `{file}`"),
                };
                self.error(place, Finding::new("spec::no_script_function", message, help));
                None
            }
        }
    }
}

/// File and function; neither leads elsewhere.
fn split(text: &str) -> Option<(&str, &str)> {
    let (file, function) = text.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_file = file.strip_suffix(".star").is_some_and(|name| !name.is_empty() && name.chars().all(plain));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_function =
        function.chars().all(is_name) && function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (is_file && is_function).then_some((file, function))
}
