use model::RandomIds;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::Canary;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::Secret;

use super::*;

/// A key whose text form is published (RFC 8037 appendix A.1).
const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn secret(key: &Value) -> Secret<String> {
    Secret::new(format!("secret-token:example.com:v1:{}", URL_SAFE_NO_PAD.encode(key.to_string())))
}

// rule: baton P-1
#[rstest]
#[case("brave-otter-1234@tenant.example.test/spc", "tenant.example.test", 443, "tenant.example.test")]
#[case("a@TENANT.example.test:8443/x/y", "tenant.example.test", 8443, "tenant.example.test:8443")]
#[case("a@127.0.0.1:1/x", "127.0.0.1", 1, "127.0.0.1:1")]
#[case("a@[::1]:8443/x", "[::1]", 8443, "[::1]:8443")]
#[case("a@[::1]/x", "[::1]", 443, "[::1]")]
#[case("a@localhost/x@y", "localhost", 443, "localhost")]
#[case("a@localhost/", "localhost", 443, "localhost")]
fn client_id_is_cut_at_the_first_signs(
    #[case] text: &str,
    #[case] name: &str,
    #[case] port: u16,
    #[case] host: &str,
) {
    let id: ClientId = text.parse().unwrap();

    assert_eq!((id.as_str(), id.host().name(), id.host().port()), (text, name, port));
    assert_eq!(id.host().to_string(), host);
    let url = id.host().url("/auth/v1/token");
    assert_eq!(url.as_str().strip_suffix("/auth/v1/token").unwrap(), format!("https://{host}"));
}

// rule: baton P-1
#[rstest]
#[case("", CredentialError::IdWithoutHost)]
#[case("otter", CredentialError::IdWithoutHost)]
#[case("otter/spc", CredentialError::IdWithoutHost)]
#[case("otter@tenant.example.test", CredentialError::IdWithoutEnd)]
#[case("otter@/spc", CredentialError::IdHost)]
#[case("otter@a@b/spc", CredentialError::IdHost)]
#[case("otter@a b/spc", CredentialError::IdHost)]
#[case("otter@a:0/spc", CredentialError::IdHost)]
#[case("otter@a:99999/spc", CredentialError::IdHost)]
#[case("otter@a:/spc", CredentialError::IdHost)]
#[case("otter@a:+1/spc", CredentialError::IdHost)]
#[case("otter@https://a/spc", CredentialError::IdHost)]
#[case("otter@0x7f.1/spc", CredentialError::IdHost)]
#[case("@a/spc", CredentialError::IdName)]
#[case("ot ter@a/spc", CredentialError::IdName)]
#[case("otter@a/s\npc", CredentialError::IdName)]
fn anything_else_is_no_client_id(#[case] text: &str, #[case] expected: CredentialError) {
    assert_eq!(text.parse::<ClientId>().unwrap_err(), expected);
}

// rule: baton P-1
#[test]
fn a_client_id_of_any_length_is_not_read() {
    let text = format!("{}@a/spc", "o".repeat(MAX_CLIENT_ID));

    assert_eq!(text.parse::<ClientId>().unwrap_err(), CredentialError::IdLength);
}

// rule: baton P-2
#[test]
fn secret_holds_the_published_key_whatever_its_labels_are() {
    for key in [
        json!({"kty": "OKP", "crv": "Ed25519", "d": D, "x": X}),
        json!({"kty": "OKP", "crv": "Ed25519", "d": D, "x": X, "kid": "k1", "use": "sig"}),
    ] {
        let read = ClientSecret::parse(&secret(&key)).unwrap();

        assert_eq!(URL_SAFE_NO_PAD.encode(read.public().bytes()), X);
        assert_eq!(read.key_id(), key.get("kid").and_then(Value::as_str));
        assert!(read.public().verifies(b"message", &read.sign(b"message")));
    }
    let other = format!(
        "a:b:v1:{}",
        URL_SAFE_NO_PAD.encode(json!({"kty": "OKP", "crv": "Ed25519", "d": D, "x": X}).to_string())
    );
    assert!(ClientSecret::parse(&Secret::new(format!(" {other}\n"))).is_ok());
}

// rule: baton P-2
#[rstest]
#[case(json!({"kty": "RSA", "n": "AA", "e": "AQAB", "d": D}), CredentialError::SecretKind)]
#[case(json!({"kty": "OKP", "crv": "X25519", "d": D, "x": X}), CredentialError::SecretKind)]
#[case(json!({"kty": "OKP", "crv": "Ed25519", "x": X}), CredentialError::SecretPublic)]
#[case(json!({"kty": "OKP", "crv": "Ed25519", "d": "AAAA", "x": X}), CredentialError::SecretShape)]
#[case(json!({"kty": "OKP", "crv": "Ed25519", "d": "%", "x": X}), CredentialError::SecretShape)]
#[case(json!({"kty": "OKP", "crv": "Ed25519", "d": D, "x": D}), CredentialError::SecretHalves)]
#[case(json!({"kty": "OKP", "crv": "Ed25519", "d": D}), CredentialError::SecretHalves)]
#[case(json!(["OKP"]), CredentialError::SecretShape)]
fn key_that_cannot_sign_is_named(#[case] key: Value, #[case] expected: CredentialError) {
    assert_eq!(ClientSecret::parse(&secret(&key)).unwrap_err(), expected);
}

// rule: baton P-2
#[rstest]
#[case("", CredentialError::SecretParts { parts: 1 })]
#[case("a:b:v1", CredentialError::SecretParts { parts: 3 })]
#[case("a:b:v1:c:d", CredentialError::SecretParts { parts: 5 })]
#[case("a:b:v2:e30", CredentialError::SecretVersion)]
#[case("a:b:v1:%%", CredentialError::SecretText)]
#[case("a:b:v1:e30=", CredentialError::SecretText)]
#[case("a:b:v1:e30", CredentialError::SecretShape)]
fn text_that_is_no_secret_is_named(#[case] text: &str, #[case] expected: CredentialError) {
    assert_eq!(ClientSecret::parse(&Secret::new(text.to_owned())).unwrap_err(), expected);
}

// rule: architecture law 8
#[test]
fn neither_errors_nor_debug_forms_show_a_secret() {
    let canary = Canary::new("credential");
    let key = |d: &str, x: &str| {
        secret(&json!({"kty": "OKP", "crv": "Ed25519", "d": d, "x": x, "kid": canary.secret}))
    };
    let texts = [
        Secret::new(canary.secret.clone()),
        Secret::new(format!("a:b:{}:c", canary.secret)),
        Secret::new(format!("a:b:v1:{}", canary.secret)),
        key(&canary.secret, X),
        key(D, &canary.secret),
        secret(&json!({"kty": canary.secret, "d": canary.secret})),
    ];

    for text in &texts {
        let error = ClientSecret::parse(text).unwrap_err();
        canary.assert_absent([error.to_string(), format!("{error:?}")]);
    }
    let good = ClientSecret::parse(&key(D, X)).unwrap();
    let shown = format!("{good:?}");
    assert!(!shown.contains(D), "{shown}");
    canary.assert_absent([shown]);
}

// rule: governance CON-15
#[test]
fn each_rotation_gives_another_pair_that_can_be_read_again() {
    let host = "tutela.example.com:8443".parse().unwrap();
    let (one, other) =
        (FreshCredential::random(&host, &RandomIds), FreshCredential::random(&host, &RandomIds));

    let read = ClientSecret::parse(&one.client_secret).unwrap();

    assert_eq!(read.public(), one.public_key);
    assert_eq!(one.client_id.host(), &host);
    assert_eq!(one.client_id.as_str().parse::<ClientId>().unwrap(), one.client_id);
    assert!(one.client_secret.expose().starts_with("secret-token:tutela:v1:"));
    assert_ne!(one.client_id, other.client_id);
    assert_ne!(one.public_key, other.public_key);
    assert!(!format!("{one:?}").contains(one.client_secret.expose().as_str()));
}

// rule: baton P-4
#[rstest]
#[case(Some("pod-1"), Some("machine"), "pod-1")]
#[case(Some("  "), Some("machine"), "machine")]
#[case(None, Some("machine\n"), "machine")]
#[case(None, Some(""), "baton-sdk")]
#[case(None, None, "baton-sdk")]
fn host_id_is_the_first_that_is_there(
    #[case] variable: Option<&str>,
    #[case] machine: Option<&str>,
    #[case] expected: &str,
) {
    assert_eq!(HostId::choose(variable, machine).unwrap().as_str(), expected);
}

// rule: baton P-4
#[test]
fn host_id_has_at_most_256_bytes() {
    let long = "ü".repeat(200);

    assert!(HostId::choose(Some(&long), None).unwrap_err().to_string().contains("BATON_HOST_ID has 400"));
    assert_eq!(HostId::choose(None, Some(&long)).unwrap().as_str().len(), 256);
    assert_eq!(HostId::choose(None, Some(&format!("a{long}"))).unwrap().as_str().len(), 255);
}
