use sandbox::segment::{SegmentOptions, SegmentSandbox};

use super::{MONTH, POLICIES};
use crate::program::{Program, Ran, shared};

/// What the published example does for erasure: one request for the person, and no update that masks.
const EXAMPLE: &str = r#"saas_config:
  fides_key: segment_connector_example
  name: Segment SaaS Config
  type: segment_example
  description: A request for the person as a whole, by the e-mail address as user id
  version: 0.0.1
  connector_params:
    - name: domain
    - name: personas_domain
    - name: workspace
    - { name: access_token, sensitive: true }
    - name: namespace_id
    - { name: access_secret, sensitive: true }
  client_config: &config_api
    protocol: https
    host: <domain>
    authentication: { strategy: bearer, configuration: { token: <access_token> } }
  test_request: { method: GET, path: /v1beta/workspaces/ }
  endpoints:
    - name: segment_user
      requests:
        read:
          method: GET
          path: /v1/spaces/<namespace_id>/collections/users/profiles/user_id:<user_id>/metadata
          ignore_errors: [404]
          param_values:
            - { name: namespace_id, connector_param: namespace_id }
            - { name: user_id, identity: email }
          client_config:
            protocol: https
            host: <personas_domain>
            authentication: { strategy: basic, configuration: { username: <access_secret> } }
  data_protection_request:
    method: POST
    path: /v1beta/workspaces/<workspace_name>/regulations
    headers: [{ name: Content-Type, value: application/json }]
    param_values:
      - { name: workspace_name, connector_param: workspace }
      - { name: user_id, identity: email }
    body: '{"regulation_type": "Suppress_With_Delete", "attributes": {"name": "userId", "values": ["<user_id>"]}}'
    client_config: *config_api
"#;

const DATASET: &str = "dataset:
  - fides_key: segment_connector_example
    name: Segment
    description: A profile
    collections:
      - name: segment_user
        fields:
          - { name: segment_id, data_categories: [user.unique_id], fides_meta: { primary_key: true } }
";

struct Example {
    program: Program,
    sandbox: SegmentSandbox,
}

impl Example {
    /// The same request in our own file; or the published file itself, where it is at hand.
    async fn open(strict: bool, published: bool) -> Option<Self> {
        let program = Program::new();
        let (file, dataset) = if published {
            let folder = shared("corpus/published")?;
            let text = |name: &str| folder.join(name).to_str().unwrap().to_owned();
            (text("segment_connector_example.yml"), text("segment_connector_example_dataset.yml"))
        } else {
            program.file("example.yml", EXAMPLE);
            program.file("example_dataset.yml", DATASET);
            ("./example.yml".to_owned(), "./example_dataset.yml".to_owned())
        };
        let sandbox = SegmentSandbox::start(SegmentOptions::default()).await.unwrap();
        let description = sandbox.description();
        let tokens = &description.tokens;
        let url = sandbox.url();
        program.file(
            "tutela.yml",
            &format!(
                "masking_strict: {strict}{POLICIES}connections:
  - key: segment_connector_example
    connector: {file}
    dataset: {dataset}
    access: write
    secrets:
      domain: platform.segmentapis.com
      personas_domain: profiles.segment.com
      workspace: \"{}\"
      access_token: \"{}\"
      namespace_id: \"{}\"
      access_secret: \"{}\"
egress:
  allow: [\"127.0.0.1/32\"]
  routes: {{ platform.segmentapis.com: \"{url}\", profiles.segment.com: \"{url}\" }}
reading: {{ retry_wait_ms: 1 }}
",
                description.workspace, tokens.config_token, description.space, tokens.access_secret
            ),
        );
        Some(Self { program, sandbox })
    }

    /// Plans; gives what was printed.
    fn plan(&self) -> String {
        let plan = ["privacy", "plan", "--policy", "erase_customer", "--identity", "email=ana@example.com"];
        let planned = self.program.run(&[&plan[..], &["--out", "plan.json"]].concat()).expect(0).stdout;
        assert_eq!(self.sandbox.state()["writes"], 0, "a plan sends no write");
        planned
    }

    fn apply(&self, planned: &str) -> Ran {
        let digest = planned.lines().find_map(|line| line.strip_prefix("digest: ")).unwrap();
        self.program.run(&["privacy", "apply", "plan.json", "--approve", digest])
    }

    /// Plans and applies; gives what was printed for the plan.
    fn erase(&self, code: i32) -> String {
        let planned = self.plan();
        self.apply(&planned).expect(code);
        planned
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_file_that_changed_since_the_plan_stops_everything() {
    let example = Example::open(false, false).await.unwrap();
    let planned = example.plan();
    example.program.file("example.yml", &EXAMPLE.replace("Suppress_With_Delete", "Suppress_Only"));

    example.apply(&planned).expect(4).complains(&["segment_connector_example"]);

    assert_eq!(example.sandbox.state()["writes"], 0);
}

#[rstest::rstest]
#[tokio::test(flavor = "multi_thread")]
async fn under_masking_strict_the_published_example_sends_nothing_and_says_why(
    #[values(false, true)] published: bool,
) {
    let Some(example) = Example::open(true, published).await else { return };

    let planned = example.erase(3);

    assert!(planned.lines().next().unwrap().contains("masking_strict"), "{planned}");
    assert_eq!(example.sandbox.state()["writes"], 0);
}

#[rstest::rstest]
#[tokio::test(flavor = "multi_thread")]
async fn without_masking_strict_the_published_example_sends_one_regulation(
    #[values(false, true)] published: bool,
) {
    let Some(example) = Example::open(false, published).await else { return };

    example.erase(0);

    let log = example.sandbox.log();
    let calls = log["calls"].as_array().unwrap();
    let writes: Vec<_> = calls.iter().filter(|call| call["effect"] == "write").collect();
    assert_eq!(writes.len(), 1);
    let body: serde_json::Value = serde_json::from_str(writes[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["regulation_type"], "Suppress_With_Delete");
    assert_eq!(body["attributes"]["values"], serde_json::json!(["ana@example.com"]));
    example.sandbox.advance(MONTH);
}
