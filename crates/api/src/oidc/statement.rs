use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{WebKey, constant_time_eq};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::OidcError;

/// No key of the provider fits.
pub(super) const UNKNOWN_KEY: &str = "no key of the provider has signed it";
/// How far clocks may be apart.
const APART_S: i64 = 60;

/// What a statement must say to be about this sign-in.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What an ID token states, if all of it holds (OpenID Connect Core 3.1.3.7).
pub(super) fn claims(
    token: &str,
    keys: &[WebKey],
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, OidcError> {
    const NO_TOKEN: OidcError = OidcError::Statement("it is no signed token");
    let (message, signature) = token.rsplit_once('.').ok_or(NO_TOKEN)?;
    let (header, body) = message.split_once('.').ok_or(NO_TOKEN)?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| NO_TOKEN);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| NO_TOKEN)?;
    if header.crit.is_some() {
        return Err(OidcError::Statement("it asks for something that is not known here"));
    }
    let signature = decode(signature)?;
    let named = |key: &&WebKey| header.kid.is_none() || key.kid == header.kid;
    if !keys.iter().filter(named).any(|key| key.verify(&header.alg, message.as_bytes(), &signature)) {
        return Err(OidcError::Statement(UNKNOWN_KEY));
    }
    let claims: Map<String, Value> = serde_json::from_slice(&decode(body)?).map_err(|_| NO_TOKEN)?;
    check(&claims, expected).map_err(OidcError::Statement)?;
    Ok(claims)
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let party = text("azp");
    let now = expected.now.as_second();
    if text("iss") != Some(expected.issuer) {
        return Err("somebody else states it");
    }
    if !audience.contains(&expected.client_id)
        || party.is_some_and(|party| party != expected.client_id)
        || (audience.len() > 1 && party.is_none())
    {
        return Err("it is for somebody else");
    }
    if seconds("exp").is_none_or(|end| end <= (now - APART_S) as f64) {
        return Err("its time is over");
    }
    if seconds("iat").is_none_or(|made| made > (now + APART_S) as f64) {
        return Err("it was made in the future");
    }
    if !text("nonce").is_some_and(|nonce| constant_time_eq(nonce.as_bytes(), expected.nonce.as_bytes())) {
        return Err("it answers another sign-in");
    }
    if text("sub").is_none_or(|subject| subject.is_empty() || subject.len() > 255) {
        return Err("it is about nobody");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn good() -> Value {
        json!({
            "iss": "https://id.example.com", "aud": "tutela", "sub": "1", "nonce": "n",
            "exp": NOW + 300, "iat": NOW - 1,
        })
    }

    fn checked(claims: &Value) -> Result<(), &'static str> {
        let expected = Expected {
            issuer: "https://id.example.com",
            client_id: "tutela",
            nonce: "n",
            now: Timestamp::from_second(NOW).unwrap(),
        };
        check(claims.as_object().unwrap(), &expected)
    }

    #[rstest]
    #[case::issuer("iss", json!("https://evil.example.com"), Some("somebody else states it"))]
    #[case::issuer_with_more("iss", json!("https://id.example.com/"), Some("somebody else states it"))]
    #[case::no_issuer("iss", json!(null), Some("somebody else states it"))]
    #[case::audience("aud", json!("other"), Some("it is for somebody else"))]
    #[case::audiences("aud", json!(["other", "tutela"]), Some("it is for somebody else"))]
    #[case::one_in_a_list("aud", json!(["tutela"]), None)]
    #[case::party("azp", json!("other"), Some("it is for somebody else"))]
    #[case::own_party("azp", json!("tutela"), None)]
    #[case::over("exp", json!(NOW - 60), Some("its time is over"))]
    #[case::nearly_over("exp", json!(NOW - 59), None)]
    #[case::no_end("exp", json!("never"), Some("its time is over"))]
    #[case::future("iat", json!(NOW + 61), Some("it was made in the future"))]
    #[case::nonce("nonce", json!("m"), Some("it answers another sign-in"))]
    #[case::no_nonce("nonce", json!(null), Some("it answers another sign-in"))]
    #[case::nobody("sub", json!(""), Some("it is about nobody"))]
    #[case::number("sub", json!(1), Some("it is about nobody"))]
    fn a_statement_holds_only_if_it_is_about_this_sign_in(
        #[case] name: &str,
        #[case] value: Value,
        #[case] wrong: Option<&str>,
    ) {
        let mut claims = good();
        claims[name] = value;

        assert_eq!(checked(&good()), Ok(()));
        assert_eq!(checked(&claims).err(), wrong);
    }

    #[rstest]
    #[case("")]
    #[case("a.b")]
    #[case("a.b.c")]
    #[case("eyJhbGciOiJub25lIn0.e30.")]
    fn what_nobody_signed_states_nothing(#[case] token: &str) {
        let expected = Expected { issuer: "i", client_id: "c", nonce: "n", now: Timestamp::UNIX_EPOCH };

        assert!(claims(token, &[], &expected).is_err());
    }
}
