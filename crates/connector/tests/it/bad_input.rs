//! Identities that try to become something else, and secrets that must stay inside.

use rstest::rstest;
use serde_json::json;
use testkit::{Answer, Canary};

use crate::acme::{Acme, Setup, file, flat, person, read_all};

const ENDPOINTS: &str = "    - name: profile
      requests:
        read:
          method: GET
          path: /profiles/user_id:<email>/traits
          param_values: [{name: email, identity: email}]
    - name: found
      requests:
        read:
          method: POST
          path: /search
          query_params: [{name: q, value: \"Email = '<email>'\"}]
          body: '{\"email\": \"<email>\"}'
          param_values: [{name: email, identity: email}]
";

async fn start() -> Acme {
    let acme = Acme::start(&file(ENDPOINTS)).await;
    acme.saas.on("*", "/**").then(Answer::json(200, &json!([])));
    acme
}

// rule: segment-api B4
// rule: segment-api C17
#[rstest]
#[case("o'brien@example.com", "o%27brien%40example.com")]
#[case("a+b@example.com", "a%2Bb%40example.com")]
#[case("a/b?c#d%e&f", "a%2Fb%3Fc%23d%25e%26f")]
#[case("\"q\"@example.com", "%22q%22%40example.com")]
#[tokio::test]
async fn identity_stays_one_path_segment(#[case] email: &str, #[case] segment: &str) {
    let acme = start().await;

    let who = person(&[("email", email)]);
    let reading = acme.connector.read("profile", &who, flat(&[("email", json!([email]))])).unwrap();
    read_all(&reading).await;

    assert_eq!(acme.targets(), [format!("/profiles/user_id:{segment}/traits")]);
}

#[rstest]
#[case("..")]
#[case("%2e%2E")]
#[case(".")]
#[tokio::test]
async fn path_value_that_leads_elsewhere_is_refused_before_sending(#[case] value: &str) {
    let acme = start().await;

    let who = person(&[("email", value)]);
    let error = acme.connector.read("profile", &who, flat(&[("email", json!([value]))])).unwrap_err();

    assert!(error.to_string().contains("would change the path"), "{error}");
    assert!(acme.targets().is_empty());
}

#[tokio::test]
async fn quote_in_a_quoted_query_is_refused_before_sending() {
    let acme = start().await;
    let attack = "x' OR Name LIKE '%";

    let who = person(&[("email", attack)]);
    let error = acme.connector.read("found", &who, flat(&[("email", json!([attack]))])).unwrap_err();

    assert!(error.to_string().contains("stands inside the quotes of a query"), "{error}");
    assert!(!error.to_string().contains("LIKE"), "{error}");
    assert!(acme.targets().is_empty());
}

#[tokio::test]
async fn failing_call_shows_neither_secret_nor_person() {
    let canary = Canary::new("error");
    let setup = Setup { secrets: vec![("token", json!(canary.secret))], ..Setup::default() };
    let acme = Acme::start_with(&file(ENDPOINTS), setup).await;
    let echo = format!("no such user {} for {}", canary.personal, canary.secret);
    acme.saas.on("*", "/**").then(Answer::text(400, echo));

    let who = person(&[("email", canary.personal.as_str())]);
    let inputs = flat(&[("email", json!([canary.personal]))]);
    let reading = acme.connector.read("profile", &who, inputs).unwrap();
    let outcome = read_all(&reading).await;

    let error = &outcome.errors[0];
    assert!(error.to_string().contains("400"), "{error}");
    canary.assert_absent([format!("{error} {error:?}"), format!("{:?} {reading:?}", acme.connector)]);
}
