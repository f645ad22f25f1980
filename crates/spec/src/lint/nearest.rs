/// The one of `known` that `name` was probably meant to be: at most a third of its letters differ.
pub(crate) fn nearest_of<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["access_token", "domain"];

        assert_eq!(nearest_of("acess_token", known), Some("access_token"));
        assert_eq!(nearest_of("domian", known), Some("domain"));
        assert_eq!(nearest_of("workspace", known), None);
    }
}
