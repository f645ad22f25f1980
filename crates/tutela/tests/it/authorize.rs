//! Connections of a project that a person authorizes, at a real authorization server; and access tokens
//! that runs share.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Child;

use rstest::rstest;
use serde_json::json;
use testkit::Answer;
use url::Url;

use crate::program::{Program, Ran};

const REDIRECT: &str = "http://127.0.0.1/callback";

/// A project with a connection to the application at `host`, as the client `client`.
fn project(program: &Program, (host, client, redirect): (&str, &str, &str), binding: (&str, &str)) {
    let (challenge, verifier) = binding;
    program.file(
        "profiles.yml",
        &format!(
            r#"saas_config:
  fides_key: profiles
  name: Profiles
  type: profiles_of_tests
  description: People
  version: 1.0.0
  connector_params:
    - name: client_id
    - {{ name: client_secret, sensitive: true }}
    - name: redirect_uri
  client_config:
    protocol: http
    host: "{host}"
    authentication:
      strategy: oauth2_authorization_code
      configuration:
        authorization_request:
          method: GET
          path: /auth
          query_params:
            - {{ name: client_id, value: <client_id> }}
            - {{ name: redirect_uri, value: <redirect_uri> }}
            - {{ name: response_type, value: code }}
            - {{ name: scope, value: openid offline_access }}
            - {{ name: prompt, value: consent }}
            - {{ name: state, value: <state> }}
{challenge}
        token_request: &token
          method: POST
          path: /token
          headers: [{{ name: Content-Type, value: application/x-www-form-urlencoded }}]
          client_config:
            protocol: http
            host: "{host}"
            authentication: {{ strategy: basic, configuration: {{ username: <client_id>, password: <client_secret> }} }}
          body: '{{"grant_type": "authorization_code", "code": "<code>", "redirect_uri": "<redirect_uri>"{verifier}}}'
        refresh_request:
          <<: *token
          body: '{{"grant_type": "refresh_token", "refresh_token": "<refresh_token>"}}'
  test_request: {{ method: GET, path: /me }}
  endpoints: []
"#
        ),
    );
    program.file(
        "profiles_dataset.yml",
        "dataset:\n  - fides_key: profiles\n    name: Profiles\n    description: People\n    collections: []\n",
    );
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: profiles\n    connector: ./profiles.yml\n    dataset: ./profiles_dataset.yml\n    \
             access: read\n    secrets: {{ client_id: {client}, client_secret: canary-client-secret, redirect_uri: \
             \"{redirect}\" }}\negress: {{ allow: [127.0.0.1/32] }}\n"
        ),
    );
}

const BOUND: (&str, &str) = (
    "            - { name: code_challenge, value: <code_challenge> }\n            - { name: code_challenge_method, \
     value: S256 }",
    r#", "code_verifier": "<code_verifier>""#,
);

/// The authorization server, `HOST:PORT`; `None` without one to test with.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn provider() -> Option<String> {
    let Ok(issuer) = std::env::var("TUTELA_TEST_OIDC") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "TUTELA_TEST_OIDC is not set; `cargo xtask test` starts a server"
        );
        println!("skipped: TUTELA_TEST_OIDC is not set; `cargo xtask test` starts a server");
        return None;
    };
    Some(issuer.trim_start_matches("http://").to_owned())
}

/// A command that waits for a browser.
struct Waiting {
    child: Child,
    said: String,
    errors: BufReader<std::process::ChildStderr>,
    /// Where the person agrees.
    url: Url,
    /// Where they come back to.
    back: String,
}

impl Waiting {
    fn start(program: &Program, more: &[&str]) -> Self {
        let mut arguments = vec!["-vv", "connection", "authorize", "profiles"];
        arguments.extend(more);
        let mut child = program.start(&arguments);
        let mut errors = BufReader::with_capacity(1, child.stderr.take().unwrap());
        let mut said = String::new();
        let back = loop {
            let before = said.len();
            assert_ne!(errors.read_line(&mut said).unwrap(), 0, "it does not wait:\n{said}");
            if let Some(back) = said.get(before..).unwrap().strip_prefix("waiting at ") {
                break back.trim().to_owned();
            }
        };
        let url = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("http://").map(|rest| format!("http://{rest}")));
        Self { child, errors, url: url.unwrap().parse().unwrap(), said, back }
    }

    fn end(mut self) -> Ran {
        self.errors.read_to_string(&mut self.said).unwrap();
        let mut ran = Ran::of(self.child.wait_with_output().unwrap());
        ran.stderr = self.said;
        ran
    }
}

/// A browser: follows redirects with its cookies until it has been where people come back to; gives that
/// address and what was answered there.
fn browse(start: &Url, back: &str) -> (Url, u16) {
    let (mut url, mut cookies) = (start.clone(), BTreeMap::new());
    for _ in 0..12 {
        let (status, headers) = fetch(&url, &cookies);
        if url.as_str().starts_with(back) {
            return (url, status);
        }
        assert!((300..400).contains(&status), "{status} from {url}");
        for (name, value) in &headers {
            if name == "set-cookie" {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = headers.iter().find(|(name, _)| name == "location").unwrap();
        url = url.join(&location.1).unwrap();
    }
    panic!("the authorization server sends in circles");
}

fn fetch(url: &Url, cookies: &BTreeMap<String, String>) -> (u16, Vec<(String, String)>) {
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let target = &url[url::Position::BeforePath..];
    let mut stream = TcpStream::connect(&host).unwrap();
    let jar = jar.join("; ");
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {jar}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    (status, headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect())
}

fn code_of(url: &Url) -> String {
    url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

// rule: saas-config 6.24
// rule: saas-config 6.25
#[rstest]
#[case::by_state("tutela-connection", ("", ""))]
#[case::by_verifier("tutela-sign-in", BOUND)]
fn person_authorizes_a_connection_of_a_project_and_its_runs_find_the_token(
    #[case] client: &str,
    #[case] binding: (&str, &str),
) {
    let Some(host) = provider() else { return };
    let program = Program::new();
    project(&program, (&host, client, REDIRECT), binding);
    let before = program.run(&["connection", "test", "profiles"]).expect(1);

    let waiting = Waiting::start(&program, &["--format", "json"]);
    let elsewhere = waiting.back.replace("/callback", "/other");
    let stranger =
        fetch(&format!("{}?code=C&state=guessed", waiting.back).parse().unwrap(), &BTreeMap::new()).0;
    let nothing = fetch(&elsewhere.parse().unwrap(), &BTreeMap::new()).0;
    let (back, answered) = browse(&waiting.url, &waiting.back);
    let ran = waiting.end().expect(0);
    let after = program.run(&["connection", "test", "profiles", "--format", "json"]).expect(0);

    assert!(before.stdout.contains("tutela connection authorize"), "{}", before.stdout);
    assert_eq!((stranger, nothing, answered), (400, 404, 200));
    assert_eq!(ran.json()["authorized"], true);
    assert_eq!(after.json()["passed"], true, "{}", after.stdout);
    let code = code_of(&back);
    assert!(!ran.stderr.contains(&code) && !ran.stderr.contains("canary"), "{}", ran.stderr);
    for (path, bytes) in program.files() {
        let found = bytes.windows(code.len()).any(|bytes| bytes == code.as_bytes());
        assert!(!found, "the code lies in {}", path.display());
    }
}

// rule: saas-config 6.26
#[test]
fn runs_keep_the_token_of_a_person_fresh() {
    let Some(host) = provider() else { return };
    let program = Program::new();
    project(&program, (&host, "tutela-short", REDIRECT), ("", ""));

    let waiting = Waiting::start(&program, &[]);
    browse(&waiting.url, &waiting.back);
    waiting.end().expect(0);

    for _ in 0..3 {
        // Each refresh token is good once: the newest is kept each time.
        program.run(&["connection", "test", "profiles"]).expect(0);
    }
}

/// Twin of the binding: a server that demands it gives nothing to a file that does not have it.
#[rstest]
#[case::no_binding("tutela-sign-in", "", "PKCE")]
#[case::no_consent("tutela-connection", "refuse", "access_denied: the person does not consent")]
fn refusal_of_the_application_is_told_and_nothing_is_kept(
    #[case] client: &str,
    #[case] hint: &str,
    #[case] says: &str,
) {
    let Some(host) = provider() else { return };
    let program = Program::new();
    project(&program, (&host, client, REDIRECT), ("", ""));

    let waiting = Waiting::start(&program, &[]);
    let mut url = waiting.url.clone();
    if !hint.is_empty() {
        url.query_pairs_mut().append_pair("login_hint", hint);
    }
    browse(&url, &waiting.back);
    let ran = waiting.end().expect(1);

    ran.complains(&["the authorization was refused", says]);
    program.run(&["connection", "test", "profiles"]).expect(1);
}

#[test]
fn nobody_comes_back_for_ever() {
    let program = Program::new();
    project(&program, ("127.0.0.1:9", "c", REDIRECT), ("", ""));

    let ran = program.run(&["connection", "authorize", "profiles", "--timeout", "1s"]);

    ran.expect(1).complains(&["nobody came back", "http://127.0.0.1:9/auth?client_id=c"]);
}

#[rstest]
#[case::elsewhere("https://tutela.example.com/api/v1/oauth/callback", "does not lead to this machine")]
#[case::query("http://127.0.0.1/callback?a=b", "more than host, port and path")]
fn address_where_nobody_listens_is_refused(#[case] redirect: &str, #[case] says: &str) {
    let program = Program::new();
    project(&program, ("127.0.0.1:9", "c", redirect), ("", ""));

    let ran = program.run(&["connection", "authorize", "profiles"]);

    ran.expect(2).complains(&[says, "http://127.0.0.1/callback"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_that_nobody_authorizes_is_refused() {
    let saas = crate::shop::open().await;
    let program = Program::new();
    crate::shop::project(&program, &saas);

    program.run(&["connection", "authorize", "shop"]).expect(2).complains(&["oauth2_authorization_code"]);

    assert!(saas.calls().is_empty());
}

// rule: saas-config 6.22
#[tokio::test(flavor = "multi_thread")]
async fn access_token_of_one_run_serves_the_next_and_lies_there_sealed() {
    let saas = crate::shop::open().await;
    let token = json!({"access_token": "canary-access-token", "expires_in": 3600});
    saas.on("POST", "/token").then(Answer::json(200, &token));
    let program = Program::new();
    crate::shop::project_with(&program, &saas, "client_id: c\n      client_secret: s", "");
    let connector = crate::shop::CONNECTOR
        .replace("- { name: token, sensitive: true }", "- name: client_id\n    - { name: client_secret, sensitive: true }")
        .replace(
            "authentication: { strategy: bearer, configuration: { token: <token> } }",
            "authentication: { strategy: oauth2_client_credentials, configuration: { token_request: { method: POST, path: \
             /token } } }",
        );
    program.file("connector.yml", &connector);
    program.file("people.jsonl", "{\"email\": \"ana@example.com\"}\n{\"email\": \"ben@example.com\"}\n");

    let first = program.run(crate::shop::ACCESS).expect(0);
    let second = program.run(crate::shop::ACCESS).expect(0);
    program.run(&["privacy", "access", "--subjects", "people.jsonl", "--out", "many"]).expect(0);
    program.run(&["connection", "test", "shop"]).expect(0);

    assert_eq!(saas.calls_to("/token").len(), 1, "{}{}", first.stderr, second.stderr);
    for (path, bytes) in program.files() {
        let found = bytes.windows(19).any(|bytes| bytes == b"canary-access-token");
        assert!(!found, "the token lies open in {}", path.display());
    }
}
