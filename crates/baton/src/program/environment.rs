/// The variable of a flag (baton C-2).
pub(super) fn variable(flag: &str) -> String {
    format!("BATON_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: baton C-2
    #[test]
    fn variable_of_a_flag_is_its_name_in_capitals() {
        assert_eq!(variable("api-key"), "BATON_API_KEY");
    }
}
