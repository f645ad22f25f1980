use url::{Url, form_urlencoded};

/// The decoded value of the last query param called `name`.
pub(super) fn find(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
}

/// Sets query param `name` where it first stands, or at the end; all other params stay as they
/// are, to the byte.
pub(super) fn set(url: &mut Url, name: &str, value: &str) {
    let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    let old = url.query().unwrap_or_default().to_owned();
    let mut pair = Some(pair);
    let mut parts = Vec::new();
    for part in old.split('&').filter(|part| !part.is_empty()) {
        let is_it = form_urlencoded::parse(part.as_bytes()).next().is_some_and(|(key, _)| key == name);
        if is_it {
            parts.extend(pair.take());
        } else {
            parts.push(part.to_owned());
        }
    }
    parts.extend(pair);
    url.set_query(Some(&parts.join("&")));
}

/// The decoded query of a link as the contract takes it over (saas-config 18.11): order kept, pairs
/// with an empty value dropped, a repeated name keeps its first place and its last value.
pub(super) fn of_link(link: &Url) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in link.query_pairs().filter(|(_, value)| !value.is_empty()) {
        match pairs.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value.into_owned(),
            None => pairs.push((name.into_owned(), value.into_owned())),
        }
    }
    pairs
}

/// Replaces the query by `pairs`, form-encoded.
pub(super) fn replace(url: &mut Url, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        url.set_query(None);
        return;
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    url.set_query(Some(&query));
}
