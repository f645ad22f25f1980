//! Profiles of the simulated Segment, read by a connector of the older dialect whose pages are the
//! links at `cursor.url`, in every shape that Segment's documents show.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Connection, Connector, ConnectorParts, Inputs, MemoryTokens, Secrets, Settings};
use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use model::Row;
use rstest::rstest;
use sandbox::Faults;
use sandbox::segment::{CursorShape, SegmentOptions, SegmentSandbox};
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile};
use testkit::TestClock;

use crate::acme::{Outcome, ana, flat, read_all};

const COLLECTIONS: [(&str, &str); 3] = [("events", "data"), ("external_ids", "data"), ("traits", "traits")];

/// A connector file that pages with `limit` entries a page.
fn file(limit: usize) -> String {
    let pages: Vec<String> = COLLECTIONS
        .iter()
        .map(|(name, data_path)| {
            format!(
                "    - name: {name}
      requests:
        read:
          method: GET
          path: /v1/spaces/<space>/collections/users/profiles/<segment_id>/{name}
          query_params: [{{name: limit, value: {limit}}}]
          param_values:
            - {{name: space, connector_param: space}}
            - name: segment_id
              references: [{{dataset: profiles, field: user.segment_id, direction: from}}]
          data_path: {data_path}
          pagination: {{strategy: link, configuration: {{source: body, path: cursor.url}}}}"
            )
        })
        .collect();
    format!(
        "saas_config:
  fides_key: profiles
  name: Profiles
  description: Profiles of the simulated Segment
  version: 0.0.1
  connector_params: [{{name: domain}}, {{name: space}}, {{name: secret}}]
  client_config:
    protocol: https
    host: {{connector_param: domain}}
    authentication:
      strategy: basic_authentication
      configuration: {{username: {{connector_param: secret}}}}
  test_request: {{method: GET, path: /}}
  endpoints:
    - name: user
      requests:
        read:
          method: GET
          path: /v1/spaces/<space>/collections/users/profiles/user_id:<user_id>/metadata
          param_values:
            - {{name: space, connector_param: space}}
            - {{name: user_id, identity: email}}
{}
",
        pages.join("\n")
    )
}

struct Profiles {
    // Held: it stops when it is dropped.
    _sandbox: SegmentSandbox,
    connector: Connector,
}

impl Profiles {
    async fn start(options: SegmentOptions, limit: usize) -> Self {
        let sandbox = SegmentSandbox::start(options).await.unwrap();
        let description = sandbox.description();
        let host = "profiles.segment.com";
        let text = file(limit);
        let checked = spec::check_connector(&SourceFile::new("profiles.yml", text), &CheckOptions::default());
        let settings = DoorSettings {
            allow: vec!["127.0.0.1/32".parse().unwrap()],
            routes: Routes::parse([(host, sandbox.url())]).unwrap(),
            ..DoorSettings::default()
        };
        let secrets = vec![
            ("domain".to_owned(), json!(host)),
            ("space".to_owned(), json!(description.space)),
            ("secret".to_owned(), json!(description.tokens.access_secret)),
        ];
        // Waits between attempts cost no time; the sandbox keeps its own.
        let clock = Arc::new(TestClock::new());
        let connector = Connector::new(ConnectorParts {
            connection: Connection {
                key: "profiles".parse().unwrap(),
                file: Arc::new(checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))),
                secrets: Arc::new(Secrets::new(secrets)),
                references: HashMap::new(),
                recording_keep: HashMap::new(),
            },
            door: Door::new(settings, Mode::Live, Arc::new(MemoryBudgets::new(clock.clone())), clock.clone())
                .unwrap(),
            tokens: Arc::new(MemoryTokens::new()),
            clock,
            ids: Arc::new(model::RandomIds),
            settings: Settings { attempts: 12, ..Settings::default() },
        });
        Self { _sandbox: sandbox, connector }
    }

    async fn read(&self, collection: &str, inputs: Inputs) -> Outcome {
        read_all(&self.connector.read(collection, &ana(), inputs).unwrap()).await
    }

    /// All collections of one person; traits put together from their pages.
    async fn all(&self) -> Vec<Value> {
        let user = self.read("user", Inputs::default()).await;
        let segment_id = user.rows[0]["segment_id"].clone();
        let mut all = Vec::new();
        for (name, _) in COLLECTIONS {
            let outcome = self.read(name, flat(&[("segment_id", json!([segment_id]))])).await;
            assert_eq!(outcome.reason(), "complete", "{name}: {:?}", outcome.errors);
            all.push(match name {
                "traits" => Value::Object(outcome.rows.into_iter().flatten().collect::<Row>()),
                _ => outcome.json(),
            });
        }
        all
    }
}

// rule: segment-api B14
// rule: segment-api B15
// rule: segment-api B16
// rule: segment-api C14
#[rstest]
#[case::relative(CursorShape::Relative, 17)]
#[case::route_params(CursorShape::RouteParameters, 17)]
#[case::without_query(CursorShape::WithoutQuery, 17)]
#[case::set_at_end(CursorShape::SetAtEnd, 17)]
#[case::one_page(CursorShape::Absolute, 100)]
#[case::small_pages(CursorShape::WithoutQuery, 3)]
#[tokio::test]
async fn rows_are_the_same_in_every_shape_of_cursor_and_every_size_of_page(
    #[case] shape: CursorShape,
    #[case] limit: usize,
) {
    let usual = Profiles::start(SegmentOptions::default(), 17).await;
    let other = Profiles::start(SegmentOptions { cursors: shape, ..SegmentOptions::default() }, limit).await;

    let (expected, found) = (usual.all().await, other.all().await);

    assert_eq!(found, expected);
    assert_eq!(expected[0].as_array().unwrap().len(), 230, "all events of the person");
}

#[tokio::test]
async fn faults_change_no_row() {
    let faults = Faults {
        rate_429: 0.1,
        rate_500: 0.1,
        reset_before: 0.1,
        truncated: 0.1,
        malformed: 0.1,
        ..Faults::default()
    };
    let calm = Profiles::start(SegmentOptions::default(), 17).await;
    let stormy = Profiles::start(SegmentOptions { faults, ..SegmentOptions::default() }, 17).await;

    let (expected, found) = (calm.all().await, stormy.all().await);

    assert_eq!(found, expected);
}
