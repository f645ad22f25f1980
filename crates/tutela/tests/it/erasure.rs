//! Erasure and rectification from the plan to the certificate, as a user runs them.
#![expect(clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod backup;
mod certificate;
mod drift;
mod hindrance;
mod published;
mod rectification;
mod replay;
mod segment;
pub(crate) mod shop_database;

use std::time::Duration;

use sandbox::segment::{SegmentOptions, SegmentSandbox};
use serde_json::Value;

use self::shop_database::ShopDatabase;
use crate::program::{Program, Ran};

/// Longer than any destination of the simulator takes.
pub(super) const MONTH: Duration = Duration::from_hours(31 * 24);

pub(crate) const POLICIES: &str = "
policies:
  - key: erase_customer
    rules:
      - key: erase
        action_type: erasure
        targets: [{ data_category: user }]
        masking_strategy: { strategy: null_rewrite, configuration: {} }
  - key: correct_customer
    rules:
      - key: correct
        action_type: rectification
        targets: [{ data_category: user }]
";

/// The program beside a simulated Segment and a shop database.
pub(super) struct Journey {
    pub(super) program: Program,
    pub(super) sandbox: SegmentSandbox,
    pub(super) shop: ShopDatabase,
    /// Where the state lies, if not in a file.
    _state: Option<ShopDatabase>,
}

/// What `privacy plan` printed and wrote.
pub(super) struct Planned {
    pub(super) run: String,
    pub(super) digest: String,
    pub(super) plan: Value,
    pub(super) text: String,
}

impl Journey {
    /// With a shop in SQLite, in the project's folder.
    pub(super) async fn on_sqlite() -> Self {
        let program = Program::new();
        let shop = ShopDatabase::sqlite(&program).await;
        Self::with(program, shop).await
    }

    /// With a shop on the PostgreSQL server of the tests, if there is one.
    pub(super) async fn on_postgres() -> Option<Self> {
        let shop = ShopDatabase::postgres().await?;
        Some(Self::with(Program::new(), shop).await)
    }

    /// With shop and state on the PostgreSQL server of the tests, if there is one.
    pub(super) async fn with_state_on_postgres() -> Option<Self> {
        let state = ShopDatabase::empty_on_postgres().await?;
        let shop = ShopDatabase::postgres().await?;
        let program = Program::new().with_environment("TUTELA_STATE", &state.url);
        Some(Self { _state: Some(state), ..Self::with(program, shop).await })
    }

    async fn with(program: Program, shop: ShopDatabase) -> Self {
        let sandbox = SegmentSandbox::start(SegmentOptions::default()).await.unwrap();
        let program = program.with_environment("SHOP_URL", &shop.url);
        program.file("shop_dataset.yml", shop_database::DATASET);
        let journey = Self { program, sandbox, shop, _state: None };
        journey.project(
            "segment",
            "segment_user_id: { dataset: shop, field: customers.segment_id, direction: from }",
        );
        journey
    }

    /// Writes the project with this connector of Segment and these secrets beside the usual ones.
    pub(super) fn project(&self, connector: &str, secrets: &str) {
        let description = self.sandbox.description();
        self.program.file(
            "tutela.yml",
            &format!(
                "masking_strict: false{POLICIES}verify_after: 0s
connections:
  - key: shop
    connector: {}
    dataset: ./shop_dataset.yml
    access: write
    secrets: {{ url: \"${{SHOP_URL}}\" }}
  - key: segment
    connector: {connector}
    access: write
    secrets:
      domain: api.segmentapis.com
      access_token: \"{}\"
      {secrets}
egress:
  allow: [\"127.0.0.1/32\"]
  routes: {{ api.segmentapis.com: \"{url}\", profiles.segment.com: \"{url}\" }}
reading: {{ retry_wait_ms: 1 }}
",
                self.shop.connector,
                description.tokens.access_token,
                url = self.sandbox.url(),
            ),
        );
    }

    /// Replaces a part of the project file, which must be there.
    pub(super) fn change_project(&self, from: &str, to: &str) {
        let text = self.program.read("tutela.yml");
        assert!(text.contains(from), "{from:?} is not in the project");
        self.program.file("tutela.yml", &text.replace(from, to));
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.program.run(arguments)
    }

    /// Plans the erasure of `email`.
    pub(super) fn plan(&self, email: &str) -> Planned {
        let identity = format!("email={email}");
        self.plan_with(&["--policy", "erase_customer", "--identity", &identity])
    }

    pub(super) fn plan_with(&self, arguments: &[&str]) -> Planned {
        let ran = self.run(&[&["privacy", "plan", "--out", "plan.json"], arguments].concat()).expect(0);
        Planned::of(&ran, self.program.json("plan.json"))
    }

    pub(super) fn apply(&self, planned: &Planned) -> Ran {
        self.run(&["privacy", "apply", "plan.json", "--approve", &planned.digest])
    }

    pub(super) fn status(&self, planned: &Planned) -> Value {
        self.run(&["privacy", "status", &planned.run, "--format", "json"]).expect(0).json()
    }

    /// Writes that the simulated Segment took.
    pub(super) fn segment_writes(&self) -> u64 {
        self.sandbox.state()["writes"].as_u64().unwrap()
    }

    /// Each write that the simulated Segment took, as method, target and body.
    pub(super) fn segment_log(&self) -> Vec<String> {
        let log = self.sandbox.log();
        let calls = log["calls"].as_array().unwrap();
        let writes = calls.iter().filter(|call| call["effect"] == "write");
        let mut lines: Vec<String> = writes
            .map(|call| {
                let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
                let query =
                    if text("query").is_empty() { String::new() } else { format!("?{}", text("query")) };
                format!("{} {}{query} {}", text("method"), text("path"), text("body"))
            })
            .collect();
        lines.sort();
        lines
    }
}

impl Planned {
    fn of(ran: &Ran, plan: Value) -> Self {
        let line = |name: &str| {
            let line = ran.stdout.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name:?} is no line of\n{}", ran.stdout)).to_owned()
        };
        Self { run: line("run: "), digest: line("digest: "), plan, text: ran.stdout.clone() }
    }

    pub(super) fn operations(&self) -> &[Value] {
        self.plan["operations"].as_array().unwrap()
    }

    /// Its HTTP requests in the form of [`Journey::segment_log`].
    pub(super) fn requests(&self) -> Vec<String> {
        let requests = self.operations().iter().filter(|operation| operation["method"].is_string());
        let mut lines: Vec<String> = requests
            .map(|operation| {
                let url: url::Url = operation["url"].as_str().unwrap().parse().unwrap();
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                let body = match &operation["body"] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                format!("{} {}{query} {body}", operation["method"].as_str().unwrap(), url.path())
            })
            .collect();
        lines.sort();
        lines
    }
}
