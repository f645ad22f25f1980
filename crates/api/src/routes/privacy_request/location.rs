//! Places as ISO 3166 names them.

/// Codes of countries (ISO 3166-1), in order.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL \
    BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM \
    DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY \
    HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC \
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE \
    NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD \
    SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA \
    UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// The code of a country, or of a part of one, as it is kept: `us_ca` → `US-CA`.
pub(super) fn checked(text: &str) -> Option<String> {
    let code = text.trim().replace('_', "-").to_ascii_uppercase();
    let (country, part) = match code.split_once('-') {
        Some((country, part)) => (country, Some(part)),
        None => (code.as_str(), None),
    };
    let fits =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let known = COUNTRIES.split_ascii_whitespace().any(|known| known == country);
    (known && part.is_none_or(fits)).then(|| code.clone())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: fides-api 11.2
    #[rstest]
    #[case("US-CA", Some("US-CA"))]
    #[case("us_ca", Some("US-CA"))]
    #[case("de", Some("DE"))]
    #[case("GB-ENG", Some("GB-ENG"))]
    #[case("XX", None)]
    #[case("US-", None)]
    #[case("US-CALI", None)]
    #[case("US-C-A", None)]
    #[case("USA", None)]
    #[case("", None)]
    #[case("US-\u{e4}", None)]
    fn a_place_is_a_country_or_a_part_of_one(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(checked(text).as_deref(), expected);
    }
}
