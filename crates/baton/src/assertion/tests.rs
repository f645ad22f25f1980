use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{PublicKey, SigningKey};
use model::Clock as _;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{SequentialIds, TestClock};

use super::*;
use crate::credential::{ApiHost, ClientId, ClientSecret, FreshCredential};

const SKEW: SignedDuration = SignedDuration::from_secs(60);

struct Plane {
    credential: Credential,
    public_key: PublicKey,
    clock: TestClock,
    checks: AssertionChecks,
    ids: SequentialIds,
}

fn plane() -> Plane {
    let host: ApiHost = "tenant.example.test:8443".parse().unwrap();
    let fresh = FreshCredential::random(&host, &model::RandomIds);
    let client_secret = ClientSecret::parse(&fresh.client_secret).unwrap();
    let clock = TestClock::new();
    Plane {
        credential: Credential { client_id: fresh.client_id, client_secret },
        public_key: fresh.public_key,
        checks: AssertionChecks::new(SKEW, Arc::new(clock.clone())),
        clock,
        ids: SequentialIds::default(),
    }
}

impl Plane {
    fn sign(&self) -> Secret<String> {
        sign_assertion(&self.credential, self.clock.now(), &self.ids)
    }

    fn check(&self, text: &str) -> Result<(), AssertionError> {
        self.shown(text).map(|_| ())
    }

    fn shown(&self, text: &str) -> Result<ShownAssertion, AssertionError> {
        self.checks.check(text, &self.credential.client_id, &self.public_key)
    }

    /// An assertion with other parts, rightly signed.
    fn forged(&self, header: Value, claims: Value) -> String {
        let mut parts = [json!({"alg": "EdDSA", "nonce": "0123456789abcdef"}), self.claims()];
        for (part, changes) in parts.iter_mut().zip([header, claims]) {
            for (name, value) in changes.as_object().unwrap() {
                part[name] = value.clone();
            }
        }
        let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(self.credential.client_secret.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn claims(&self) -> Value {
        let (id, now) = (self.credential.client_id.as_str(), self.clock.now().as_second());
        json!({"iss": id, "sub": id, "aud": ["tenant.example.test"], "iat": now, "nbf": now - 120, "exp": now + 120})
    }
}

fn part(text: &str, at: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

// rule: baton P-6
// rule: baton V-11
#[test]
fn assertion_has_the_measured_shape() {
    let client_id: ClientId = "brave-otter-1234@tenant.example.test/spc".parse().unwrap();
    let key = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let text = Secret::new(format!("a:b:v1:{}", URL_SAFE_NO_PAD.encode(key.to_string())));
    let credential = Credential { client_id, client_secret: ClientSecret::parse(&text).unwrap() };
    let now = Timestamp::from_second(1_769_000_000).unwrap();

    let assertion = sign_assertion(&credential, now, &model::RandomIds);

    let header = part(assertion.expose(), 0);
    let nonce = header["nonce"].as_str().unwrap();
    assert_eq!(header, json!({"alg": "EdDSA", "nonce": nonce}));
    assert!(nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()), "{nonce}");
    assert_eq!(
        part(assertion.expose(), 1),
        json!({
            "iss": "brave-otter-1234@tenant.example.test/spc",
            "sub": "brave-otter-1234@tenant.example.test/spc",
            "aud": ["tenant.example.test"],
            "iat": 1_769_000_000, "nbf": 1_768_999_880, "exp": 1_769_000_120,
        })
    );
}

// rule: baton P-6
#[test]
fn own_assertion_says_what_it_is_known_by_until_it_has_ended_and_names_its_key() {
    let plane = plane();
    let assertion = plane.sign();

    let (shown, other) = (plane.shown(assertion.expose()).unwrap(), plane.sign());

    assert_eq!(part(assertion.expose(), 0)["nonce"], shown.nonce.as_str());
    // Its two minutes, and the skew.
    let last =
        Timestamp::from_second(plane.clock.now().as_second()).unwrap() + SignedDuration::from_secs(180);
    assert_eq!(shown.until, last);
    assert_ne!(plane.shown(other.expose()).unwrap().nonce, shown.nonce);
    assert!(part(assertion.expose(), 0)["kid"].is_string());
}

// rule: baton P-6
#[rstest]
#[case(-179, None)]
#[case(0, None)]
#[case(179, None)]
#[case(181, Some(AssertionError::Ended { off: SignedDuration::from_secs(181) }))]
#[case(-181, Some(AssertionError::NotYet { off: SignedDuration::from_secs(-181) }))]
fn clocks_may_differ_by_the_assertions_two_minutes_and_the_skew(
    #[case] later_s: i64,
    #[case] expected: Option<AssertionError>,
) {
    let plane = plane();
    let assertion = plane.sign();

    plane.clock.set(plane.clock.now() + SignedDuration::from_secs(later_s));

    assert_eq!(plane.check(assertion.expose()).err(), expected);
}

// rule: baton P-6
#[rstest]
#[case(json!({"alg": "none"}), json!({}), AssertionError::Algorithm)]
#[case(json!({"alg": "HS256"}), json!({}), AssertionError::Algorithm)]
#[case(json!({"crit": ["b64"], "b64": false}), json!({}), AssertionError::Algorithm)]
#[case(json!({"nonce": null}), json!({}), AssertionError::NoNonce)]
#[case(json!({"nonce": "short"}), json!({}), AssertionError::NoNonce)]
#[case(json!({}), json!({"iss": "another@tenant.example.test/spc"}), AssertionError::Subject)]
#[case(json!({}), json!({"sub": "another@tenant.example.test/spc"}), AssertionError::Subject)]
#[case(json!({}), json!({"aud": []}), AssertionError::Audience)]
#[case(json!({}), json!({"aud": ["other.example.test", "tenant.example.test:8443"]}), AssertionError::Audience)]
#[case(json!({}), json!({"exp": 4_000_000_000_i64}), AssertionError::Life)]
#[case(json!({}), json!({"exp": i64::MAX}), AssertionError::Malformed)]
#[case(json!({}), json!({"exp": "soon"}), AssertionError::Malformed)]
fn wrong_statement_is_refused_though_its_signature_is_right(
    #[case] header: Value,
    #[case] claims: Value,
    #[case] expected: AssertionError,
) {
    let plane = plane();

    assert_eq!(plane.check(&plane.forged(header, claims)), Err(expected));
}

/// The twin: without a change the forgery is taken, so each refusal above is about its change.
#[test]
fn right_statement_is_taken_with_one_audience_or_several() {
    let plane = plane();
    let one = plane.forged(json!({}), json!({"aud": "TENANT.example.test"}));
    let several = plane.forged(
        json!({"nonce": "fedcba9876543210"}),
        json!({"aud": ["x.example.test", "tenant.example.test"]}),
    );

    assert_eq!((plane.check(&one), plane.check(&several)), (Ok(()), Ok(())));
}

// rule: baton P-6
#[test]
fn changed_foreign_and_cut_statements_are_refused() {
    let plane = plane();
    let assertion = plane.sign();
    let [header, claims, signature]: [&str; 3] =
        assertion.expose().split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = plane.forged(json!({}), json!({"iat": plane.clock.now().as_second() - 1}));
    let swapped = format!("{header}.{}.{signature}", other.split('.').nth(1).unwrap());

    assert_eq!(plane.check(&swapped), Err(AssertionError::Signature));
    let foreign = SigningKey::random().public();
    let by_foreign = plane.checks.check(assertion.expose(), &plane.credential.client_id, &foreign);
    assert_eq!(by_foreign, Err(AssertionError::Signature));
    for cut in ["", ".", "..", &format!("{header}.{claims}"), &format!("{header}.{claims}.{signature}.x")] {
        assert_eq!(plane.check(cut), Err(AssertionError::Malformed), "{cut}");
    }
    assert_eq!(plane.check(&format!("{header}.{claims}.")), Err(AssertionError::Signature));
    assert_eq!(plane.check(&"x".repeat(9_000)), Err(AssertionError::Malformed));
    assert_eq!(plane.check(assertion.expose()), Ok(()));
}
