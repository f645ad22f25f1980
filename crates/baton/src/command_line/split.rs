/// The texts of a list with commas between them; a text in double quotes may hold commas, and a quote that is
/// doubled stands for itself.
pub(super) fn split(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut texts = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                current.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if current.is_empty() => quoted = true,
            ',' if !quoted => texts.push(std::mem::take(&mut current)),
            other => current.push(other),
        }
    }
    texts.push(current);
    texts
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: baton C-2
    #[rstest]
    #[case("", &[])]
    #[case("user", &["user"])]
    #[case("user,group", &["user", "group"])]
    #[case("a,,b,", &["a", "", "b", ""])]
    #[case(r#""a,b",c"#, &["a,b", "c"])]
    #[case(r#""a""b",c"d"#, &["a\"b", "c\"d"])]
    #[case(r#""open,end"#, &["open,end"])]
    fn lists_have_commas_between_their_texts(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(split(text), expected);
    }
}
