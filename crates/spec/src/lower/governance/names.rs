use super::super::Finding;
use super::Access;
use crate::condition::Condition;
use crate::connector_file::Request;
use crate::diagnostic::nearest_of;
use crate::expression::Expression;
use crate::lint::{self, is_known_secret};
use crate::raw::NamedExpressions;

/// Members of a resource that are placeholders, besides those of its parent.
const RESOURCE: &[&str] = &["id", "type", "display_name"];
/// Members of a resource that are placeholders where its list item is not at hand.
const PARENT: &[&str] = &["parent.id", "parent.type"];

/// Placeholders of the resource called `name`.
pub(super) fn resource_names(name: &str) -> Vec<String> {
    RESOURCE.iter().chain(PARENT).map(|member| format!("{name}.{member}")).collect()
}

/// Placeholders of `<parent.…>` and `<from.…>`, of which only what they are is known.
pub(super) fn plain_names(name: &str) -> Vec<String> {
    RESOURCE.iter().map(|member| format!("{name}.{member}")).collect()
}

/// The names that a text uses.
struct Used<'a> {
    /// What the text is.
    what: &'a str,
    /// The code of what is found.
    code: &'static str,
    text: &'a str,
    names: &'a [String],
}

impl Access<'_, '_> {
    /// The expression `text`, compiled; it may use `variables` and the settings that are no secrets.
    pub(super) fn expression(
        &mut self,
        place: &str,
        text: Option<String>,
        variables: &[&str],
    ) -> Option<Expression> {
        let text = text?;
        match Expression::compile(&text) {
            Ok(expression) => {
                let names = expression.variables();
                let used =
                    Used { what: "expression", code: "spec::unknown_name", text: &text, names: &names };
                self.visible(place, &used, variables);
                Some(expression)
            }
            Err(error) => {
                let message = format!("expression refused: {error}");
                let help = "write a CEL expression, as in `item.name`; a plain text stands in quotes of its own: '\"text\"'";
                self.lowering.error(place, Finding::new("spec::bad_expression", message, help));
                None
            }
        }
    }

    /// The condition `text`, compiled; it may use what [`Lowering::expression`] may.
    pub(super) fn governed_condition(
        &mut self,
        place: &str,
        text: Option<String>,
        variables: &[&str],
    ) -> Option<Condition> {
        let text = text?;
        match Condition::compile(&text) {
            Ok(condition) => {
                let names = condition.variables();
                let code = "spec::unknown_condition_name";
                let used = Used { what: "condition", code, text: &text, names: &names };
                self.visible(place, &used, variables);
                Some(condition)
            }
            Err(error) => {
                let message = format!("condition refused: {error}");
                let help = "write a CEL expression that is true or false, as in `item.type == 'user'`";
                self.lowering.error(place, Finding::new("spec::bad_condition", message, help));
                None
            }
        }
    }

    /// Names with their expressions, in the order of the file.
    pub(super) fn named_expressions(
        &mut self,
        place: &str,
        raw: Option<NamedExpressions>,
        variables: &[&str],
    ) -> Vec<(String, Expression)> {
        let entries = raw.unwrap_or_default().into_iter();
        entries
            .filter_map(|(name, text)| {
                let text = text.as_str().map(str::to_owned);
                let expression = self.expression(&format!("{place}.{name}"), text, variables)?;
                Some((name, expression))
            })
            .collect()
    }

    /// Reports those of the names used that nothing gives a value here.
    fn visible(&mut self, place: &str, used: &Used<'_>, variables: &[&str]) {
        let Used { what, code, text, names } = *used;
        let file = self.section.file;
        let settings = file.connector_params.iter().map(|param| param.name.as_str());
        let settings = settings.filter(|name| !file.is_secret(name));
        let known: Vec<&str> = variables.iter().copied().chain(settings).collect();
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            let message = format!("the {what} uses `{name}`, which is not known here");
            let is_word = text.trim() == name;
            let is_kind_alone = is_word && self.section.find(name).is_some();
            let near = nearest_of(name, known.iter().copied()).filter(|_| !is_kind_alone);
            let help = if file.find_param(name).is_some() {
                format!("`{name}` is a secret, which no {what} sees; `<{name}>` in the request does")
            } else if let Some(near) = near {
                format!("did you mean `{near}`?")
            } else if is_word {
                let known = known.join(", ");
                format!(
                    "for the text write '\"{name}\"', with quotes inside the quotes; variables are {known}"
                )
            } else {
                format!("known are {}", known.join(", "))
            };
            self.lowering.error(place, Finding::new(code, message, help));
        }
    }

    /// Reports placeholders of `request` that are neither in `known` nor settings.
    pub(super) fn placeholders(&mut self, request: &Request, known: &[String]) {
        for text in lint::texts(request) {
            let mut seen: Vec<&str> = Vec::new();
            for placeholder in text.template.placeholders() {
                let name = placeholder.name.as_str();
                let is_known = known.iter().any(|known| known == name)
                    || (!name.contains('.') && is_known_secret(self.section.file, name));
                if is_known || seen.contains(&name) {
                    continue;
                }
                seen.push(name);
                let message = format!("nothing fills `<{name}>` here");
                let settings = self.section.file.connector_params.iter().map(|param| param.name.as_str());
                let all: Vec<&str> = known.iter().map(String::as_str).chain(settings).collect();
                let help = if let Some(near) = nearest_of(name, all.iter().copied()) {
                    format!("did you mean `<{near}>`?")
                } else {
                    let all: Vec<String> = all.iter().map(|name| format!("<{name}>")).collect();
                    format!("known are {}", all.join(", "))
                };
                self.lowering.error(&text.place, Finding::new("spec::unknown_placeholder", message, help));
            }
        }
    }
}
