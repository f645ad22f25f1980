use std::sync::Arc;
use std::time::Duration;

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
    plane_that_keeps(SeenNonces::default())
}

fn plane_that_keeps(seen: SeenNonces) -> Plane {
    let host: ApiHost = "tenant.example.test:8443".parse().unwrap();
    let fresh = FreshCredential::random(&host, &model::RandomIds);
    let client_secret = ClientSecret::parse(&fresh.client_secret).unwrap();
    let clock = TestClock::new();
    Plane {
        credential: Credential { client_id: fresh.client_id, client_secret },
        public_key: fresh.public_key,
        checks: AssertionChecks::new(SKEW, seen, Arc::new(clock.clone())),
        clock,
        ids: SequentialIds::default(),
    }
}

impl Plane {
    fn sign(&self) -> Secret<String> {
        sign_assertion(&self.credential, self.clock.now(), &self.ids)
    }

    fn check(&self, text: &str) -> Result<(), AssertionError> {
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
fn own_assertion_is_taken_once_and_names_its_key() {
    let plane = plane();
    let assertion = plane.sign();

    assert_eq!(plane.check(assertion.expose()), Ok(()));
    assert_eq!(plane.check(assertion.expose()), Err(AssertionError::Repeated));
    assert_eq!(plane.check(plane.sign().expose()), Ok(()));
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
    assert_eq!(plane.checks.seen_count(), 0);
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
fn changed_foreign_and_cut_statements_are_refused_and_not_remembered() {
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
    assert_eq!(plane.checks.seen_count(), 0);
    assert_eq!(plane.check(assertion.expose()), Ok(()));
}

// rule: baton P-6
#[test]
fn nonces_are_forgotten_only_when_their_assertion_has_ended() {
    let plane = plane_that_keeps(SeenNonces::new(2, 2));
    let (first, second) = (plane.sign(), plane.sign());
    assert_eq!(plane.check(first.expose()), Ok(()));
    plane.clock.advance(Duration::from_secs(100));
    assert_eq!(plane.check(second.expose()), Ok(()));

    let third = plane.sign();
    assert_eq!(plane.check(third.expose()), Err(AssertionError::Full(SeenNoncesFull)));
    assert_eq!(plane.check(first.expose()), Err(AssertionError::Repeated));

    plane.clock.advance(Duration::from_secs(81));
    assert_eq!(plane.check(third.expose()), Ok(()));
    assert!(matches!(plane.check(first.expose()), Err(AssertionError::Ended { .. })));
    assert_eq!(plane.checks.seen_count(), 1);
}

/// The twin: what has forgotten takes it again, so it is the memory that refuses above. Another process is
/// such a one (docs/decisions/046-connector-processes.md).
#[test]
fn planted_defect_without_memory_an_assertion_is_taken_again() {
    let plane = plane();
    let assertion = plane.sign();
    assert_eq!(plane.check(assertion.expose()), Ok(()));

    let forgetful = AssertionChecks::new(SKEW, SeenNonces::default(), Arc::new(plane.clock.clone()));

    let again = forgetful.check(assertion.expose(), &plane.credential.client_id, &plane.public_key);
    assert_eq!(again, Ok(()));
    assert_eq!(plane.check(assertion.expose()), Err(AssertionError::Repeated));
}

#[test]
fn a_client_with_many_assertions_does_not_keep_another_out() {
    let seen = SeenNonces::new(1, 10);
    let now = Timestamp::UNIX_EPOCH;
    let (busy, other): (ClientId, ClientId) = ("busy@a/x".parse().unwrap(), "other@a/x".parse().unwrap());

    assert!(seen.note((&busy, "1"), now, now).is_ok());
    assert!(seen.note((&busy, "2"), now, now).is_err());
    assert!(seen.note((&other, "1"), now, now).is_ok());
    assert_eq!(seen.count(), 2);
}
