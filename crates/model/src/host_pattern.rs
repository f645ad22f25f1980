/// Whether `host` is one of those that `patterns` allow; an empty list allows everything
/// (saas-config 4.8).
pub fn host_allowed(patterns: &[String], host: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| host_matches(pattern, host))
}

/// Whether the whole `host` matches `pattern` (saas-config 4.8).
///
/// Both are trimmed and compared without regard to case. `*` stands for one or more letters,
/// digits, `.`, `_` or `-`; every other character stands for itself.
///
/// ```
/// assert!(model::host_matches("*.acme.test", "EU.acme.test"));
/// assert!(!model::host_matches("*.acme.test", "acme.test"));
/// ```
pub fn host_matches(pattern: &str, host: &str) -> bool {
    let host: Vec<char> = host.trim().to_lowercase().chars().collect();
    // `reached` holds every number of host characters that the pattern so far can account for.
    // Walking all of them at once keeps the time bounded however many stars there are.
    let mut reached = vec![0];
    for wanted in pattern.trim().to_lowercase().chars() {
        let mut next = Vec::new();
        for start in reached {
            if wanted == '*' {
                let run = host.iter().skip(start).take_while(|character| fits_star(**character)).count();
                next.extend(start + 1..=start + run);
            } else if host.get(start) == Some(&wanted) {
                next.push(start + 1);
            }
        }
        next.sort_unstable();
        next.dedup();
        reached = next;
    }
    reached.contains(&host.len())
}

fn fits_star(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: saas-config 4.8
    #[rstest]
    #[case("*.acme.test", "eu.acme.test", true)]
    #[case("*.acme.test", "a.b.acme.test", true)]
    #[case("*.acme.test", "acme.test", false)]
    #[case("*.acme.test", ".acme.test", false)]
    #[case("*.acme.test", "evil.test/x.acme.test", false)]
    #[case(" API.acme.test ", "api.ACME.test\n", true)]
    #[case("api.acme.test", "api-acme.test", false)]
    #[case("api.acme.test", "api.acme.test.evil.test", false)]
    #[case("api.acme.test", "evil.test?api.acme.test", false)]
    #[case("*", "a", true)]
    #[case("*", "", false)]
    #[case("a*b*c", "a1b2c", true)]
    #[case("a*b*c", "abc", false)]
    #[case("*.acme.test", "user@eu.acme.test", false)]
    #[case("*.acme.test", "eu.acme.test:8443", false)]
    fn pattern_covers_the_whole_host(#[case] pattern: &str, #[case] host: &str, #[case] expected: bool) {
        assert_eq!(host_matches(pattern, host), expected);
    }

    #[test]
    fn many_stars_take_no_time() {
        let host = "a".repeat(253);

        assert!(!host_matches(&"*a".repeat(60), &format!("{host}!")));
    }

    // rule: saas-config 4.8
    #[test]
    fn an_empty_list_allows_everything() {
        assert!(host_allowed(&[], "anything.test"));
        assert!(!host_allowed(&["acme.test".into()], "anything.test"));
    }
}
