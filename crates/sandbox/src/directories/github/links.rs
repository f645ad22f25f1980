use serde_json::{Value, json};

use super::GitHub;
use crate::server::{Answer, Call};

/// Entries of a page if the client does not say, and at most.
const DEFAULT_ENTRIES: usize = 30;
const MOST_ENTRIES: usize = 100;

/// One page as an array, with links to the others in the `Link` header.
///
/// The links name the organisation by its number, as the real ones do, so they lead to other paths than the one
/// asked for; a client has to follow them as they are.
pub(super) fn page(github: &GitHub, call: &Call, entries: &[Value]) -> Answer {
    let query = call.parameters();
    let number = |name: &str| query.find(name).and_then(|text| text.parse::<usize>().ok()).filter(|n| *n > 0);
    let size = number("per_page").unwrap_or(DEFAULT_ENTRIES).min(MOST_ENTRIES).min(github.page_entries);
    let page = number("page").unwrap_or(1);
    let last = entries.len().div_ceil(size).max(1);
    let start = (page - 1).saturating_mul(size).min(entries.len());
    let end = (start + size).min(entries.len());
    let answer = Answer::json(200, &json!(entries.get(start..end).unwrap_or_default()));
    let link = |rel: &str, to: usize| format!("<{}>; rel=\"{rel}\"", address(github, call, to));
    let mut links = Vec::new();
    if page > 1 {
        links.push(link("prev", page - 1));
    }
    if page < last {
        links.push(link("next", page + 1));
        links.push(link("last", last));
    }
    if page > 1 {
        links.push(link("first", 1));
    }
    if links.is_empty() { answer } else { answer.header("link", links.join(", ")) }
}

fn address(github: &GitHub, call: &Call, page: usize) -> String {
    let path = by_number(github, call).unwrap_or_else(|| call.path.clone());
    let others = call.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("page={page}")]).collect();
    format!("https://{}{path}?{}", call.host(), query.join("&"))
}

/// The path with numbers in the place of names.
fn by_number(github: &GitHub, call: &Call) -> Option<String> {
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match path.as_slice() {
        ["orgs", _, "teams", slug, rest @ ..] => {
            let team = github.teams.iter().find(|team| team.slug == *slug)?;
            let (organization, team) = (github.id.to_string(), team.id.to_string());
            Some(joined(&["organizations", &organization, "team", &team], rest))
        }
        ["orgs", _, rest @ ..] => Some(joined(&["organizations", &github.id.to_string()], rest)),
        ["repos", _, name, rest @ ..] => {
            let repository = github.repositories.iter().find(|repository| repository.name == *name)?;
            Some(joined(&["repositories", &repository.id.to_string()], rest))
        }
        _ => None,
    }
}

fn joined(start: &[&str], rest: &[&str]) -> String {
    format!("/{}", [start, rest].concat().join("/"))
}
