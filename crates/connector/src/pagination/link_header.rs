use http::HeaderMap;
use http::header::LINK;

/// The target of the first entry of the `Link` headers whose `rel` is exactly `rel` (saas-config
/// 18.10, RFC 8288). A `rel` with several values is another text, and so does not match.
pub(super) fn find(headers: &HeaderMap, rel: &str) -> Option<String> {
    headers.get_all(LINK).iter().find_map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        entries(&text).into_iter().find(|entry| entry.rel.as_deref() == Some(rel)).map(|entry| entry.target)
    })
}

/// One link: `<target>; rel="next"; …`.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    target: String,
    rel: Option<String>,
}

/// All entries of one header. What cannot be read is skipped up to the next comma.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let after = rest.get(open + 1..).unwrap_or_default();
        // A comma inside the brackets belongs to the address.
        let Some((target, params)) = after.split_once('>') else { break };
        let (rel, remaining) = rel_of(params);
        if !target.trim().is_empty() {
            entries.push(Entry { target: target.trim().to_owned(), rel });
        }
        rest = remaining;
    }
    entries
}

/// Reads `; name=value` pairs up to the comma that ends the entry; gives the first `rel` and what
/// comes after the comma.
fn rel_of(params: &str) -> (Option<String>, &str) {
    let mut rel = None;
    let mut rest = params;
    loop {
        let Some(end) = rest.find([';', ',']) else { return (rel, "") };
        let (separator, after) = rest.split_at(end);
        debug_assert!(!separator.contains(';'), "the first separator was found");
        let after_separator = after.get(1..).unwrap_or_default();
        if after.starts_with(',') {
            return (rel, after_separator);
        }
        let name_end = after_separator.find(['=', ';', ',']).unwrap_or(after_separator.len());
        let (name, tail) = after_separator.split_at(name_end);
        let Some(value) = tail.strip_prefix('=') else {
            rest = tail;
            continue;
        };
        let (value, tail) = param_value(value.trim_start());
        if rel.is_none() && name.trim().eq_ignore_ascii_case("rel") {
            rel = Some(value);
        }
        rest = tail;
    }
}

/// A token or a quoted text, and what follows it.
fn param_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return (token.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(index + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    // rule: saas-config 18.10
    #[rstest]
    #[case::plain(r#"<https://a.test/p?page=2>; rel="next""#, Some("https://a.test/p?page=2"))]
    #[case::token("</p?page=2>; rel=next", Some("/p?page=2"))]
    #[case::several(r#"</p?1>; rel="prev", </p?3>; rel="next", </p?9>; rel="last""#, Some("/p?3"))]
    #[case::comma_in_address(r#"</p?ids=1,2>; rel="prev", </p?ids=3,4>; rel="next""#, Some("/p?ids=3,4"))]
    #[case::comma_and_semicolon_in_quotes(
        r#"</p>; title="a, <b>; rel=\"next\""; rel="prev", </n>; rel="next""#,
        Some("/n")
    )]
    #[case::other_params(r#"</n>; results="true"; cursor="0:100:0"; rel="next""#, Some("/n"))]
    #[case::spaces(r#" </n> ;  rel = "next" "#, Some("/n"))]
    #[case::name_in_capitals(r#"</n>; REL="next""#, Some("/n"))]
    #[case::first_rel_counts(r#"</n>; rel="prev"; rel="next""#, None)]
    #[case::value_in_capitals(r#"</n>; rel="Next""#, None)]
    #[case::two_values(r#"</n>; rel="next last""#, None)]
    #[case::no_rel("</n>", None)]
    #[case::empty_address(r#"<>; rel="next""#, None)]
    #[case::flag_param(r#"</n>; crossorigin; rel="next""#, Some("/n"))]
    #[case::never_closed(r#"</n; rel="next""#, None)]
    #[case::quote_never_closed(r#"</n>; rel="next"#, Some("/n"))]
    #[case::garbage(r#"garbage, </n>; rel="next""#, Some("/n"))]
    fn header_is_read(#[case] header: &str, #[case] expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_bytes(header.as_bytes()).unwrap());

        assert_eq!(find(&headers, "next").as_deref(), expected);
    }

    #[test]
    fn repeated_headers_are_all_looked_at() {
        let mut headers = HeaderMap::new();
        headers.append(LINK, HeaderValue::from_static(r#"</p>; rel="prev""#));
        headers.append(LINK, HeaderValue::from_static(r#"</n>; rel="next""#));

        assert_eq!(find(&headers, "next").as_deref(), Some("/n"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "[ -~]{0,60}") {
            let _ = entries(&text);
        }
    }
}
