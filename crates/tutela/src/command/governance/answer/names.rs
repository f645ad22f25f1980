//! From what a person writes to what is meant.

use governance::inventory::{FindError, Inventory, QueryError};
use governance::number::ResourceNumber;
use governance::reach::Target;

use crate::failure::Failure;

/// Most of several things that a text may mean that are shown.
const MOST_CANDIDATES: usize = 10;

/// Whom `text` means.
///
/// # Errors
/// Bad input that shows whom it may mean.
pub(crate) fn principal(inventory: &Inventory, text: &str) -> Result<ResourceNumber, Failure> {
    inventory.resolve_principal(text).map_err(|error| failure(text, &error))
}

/// All of whom `text` may mean: of a person by e-mail all accounts.
///
/// # Errors
/// As [`principal`].
pub(crate) fn principals(inventory: &Inventory, text: &str) -> Result<Vec<ResourceNumber>, Failure> {
    let accounts = inventory.accounts_by_email(text);
    if accounts.is_empty() { Ok(vec![principal(inventory, text)?]) } else { Ok(accounts) }
}

/// Whether nobody here is meant by it.
pub(crate) fn is_nothing(inventory: &Inventory, text: &str) -> bool {
    matches!(inventory.resolve_principal(text), Err(FindError::Nothing { .. }))
}

/// What is to be reached: an entitlement, or anything on a resource.
///
/// # Errors
/// Bad input that shows what the text may mean, or if it is the other of the two.
pub(crate) fn target(
    inventory: &Inventory,
    (entitlement, resource): (Option<&str>, Option<&str>),
) -> Result<Target, Failure> {
    match (entitlement, resource) {
        (Some(text), _) => inventory
            .resolve_entitlement(text)
            .map(Target::Entitlement)
            .map_err(|error| failure(text, &error)),
        (None, Some(text)) => {
            inventory.resolve_resource(text).map(Target::Resource).map_err(|error| failure(text, &error))
        }
        (None, None) => Err(Failure::BadInput("say `--entitlement` or `--resource`".to_owned())),
    }
}

/// A question that cannot be answered as it stands.
pub(crate) fn query(error: &QueryError) -> Failure {
    Failure::bad_input(error)
}

fn failure(text: &str, error: &FindError) -> Failure {
    let text = model::visible(text);
    Failure::BadInput(match error {
        FindError::Nothing { .. } => format!("`{text}`: {error}"),
        FindError::Resource { .. } => format!("`{text}`: {error}, or say `--resource`"),
        FindError::Entitlement { .. } => format!("`{text}`: {error}; say `--entitlement`"),
        FindError::Several { candidates } => {
            let shown = candidates.iter().take(MOST_CANDIDATES);
            let lines =
                shown.map(|one| format!("\n  {}  {}", model::visible(&one.id), model::visible(&one.name)));
            let more = candidates.len().saturating_sub(MOST_CANDIDATES);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            format!("`{text}`: {error}{}{more}", lines.collect::<String>())
        }
    })
}
