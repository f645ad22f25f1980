//! Recordings of who has access (acceptance 6), made from the simulated applications.

use rstest::rstest;
use sandbox::directories::{Directory, DirectoryOptions, DirectorySandbox};
use sandbox::governance::GovernanceTruth;
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::{Value, json};

use super::folder;
use crate::program::Program;

/// Connector and name of its recording.
const RECORDINGS: [(&str, &str); 3] =
    [("github", "organisation"), ("pagerduty", "account"), ("segment", "workspace")];

#[derive(Debug)]
enum Simulated {
    Directory(DirectorySandbox),
    Segment(Box<SegmentSandbox>),
}

impl Simulated {
    /// With pages as small as each connector takes them.
    async fn start(connector: &str) -> Self {
        let directory =
            |people, page_entries| DirectoryOptions { people, page_entries, ..DirectoryOptions::default() };
        let start = |directory, options| DirectorySandbox::start(directory, options);
        match connector {
            "github" => Self::Directory(start(Directory::GitHub, directory(14, 4)).await.unwrap()),
            // A page that is shorter than the file asks for would be taken for the last one.
            "pagerduty" => {
                Self::Directory(start(Directory::PagerDuty, directory(105, usize::MAX)).await.unwrap())
            }
            "segment" => {
                let workspace = WorkspaceOptions { groups: Some(7), ..WorkspaceOptions::default() };
                let options =
                    SegmentOptions { users: 14, page_entries: 5, workspace, ..SegmentOptions::default() };
                Self::Segment(Box::new(SegmentSandbox::start(options).await.unwrap()))
            }
            other => panic!("nothing simulates {other}"),
        }
    }

    fn truth(&self) -> GovernanceTruth {
        match self {
            Self::Directory(sandbox) => sandbox.governance_truth(),
            Self::Segment(sandbox) => sandbox.governance_truth(),
        }
    }

    fn token(&self) -> String {
        match self {
            Self::Directory(sandbox) => sandbox.token().to_owned(),
            Self::Segment(sandbox) => sandbox.description().tokens.access_token.clone(),
        }
    }

    fn project(&self, connector: &str) -> String {
        let (url, host, more) = match self {
            Self::Directory(sandbox) => (sandbox.url(), sandbox.host(), "      organization: acme-corp\n"),
            Self::Segment(sandbox) => (sandbox.url(), "api.segmentapis.com", ""),
        };
        let more = if connector == "github" { more } else { "" };
        let (file, token) = (folder(connector).join("connector.yml"), self.token());
        format!(
            "connections:\n  - key: acme\n    connector: {}\n    access: read\n    secrets:\n      domain: {host}\n{more}      \
             access_token: \"{token}\"\negress:\n  allow: [\"127.0.0.1/32\"]\n  routes: {{ {host}: \"{url}\" }}\n\
             reading: {{ retry_wait_ms: 1 }}\n",
            file.display()
        )
    }
}

fn text(connector: &str, file: &str) -> String {
    let path = folder(connector).join("cassettes").join(format!("{file}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes the recordings of the library"]
async fn write_the_recordings_of_access() {
    for (connector, file) in RECORDINGS {
        let (program, simulated) = (Program::new(), Simulated::start(connector).await);
        program.file("tutela.yml", &simulated.project(connector));
        let out = folder(connector).join("cassettes").join(format!("{file}.json"));

        program.run(&["connector", "record", "acme", "--access", "--out", out.to_str().unwrap()]).expect(0);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_access_passes_and_has_all_that_the_application_has(#[values(0, 1, 2)] place: usize) {
    let (connector, file) = RECORDINGS[place];

    let tested = Program::new().run(&["connector", "test", connector, "--format", "json"]).expect(0).json();

    assert_eq!((&tested["passed"], &tested["recordings"][0]["differences"]), (&json!(true), &json!([])));
    let recording: Value = serde_json::from_str(&text(connector, file)).unwrap();
    let truth = Simulated::start(connector).await.truth();
    let kinds = recording["expected"]["kinds"].as_array().unwrap();
    assert_eq!(kinds.len(), truth.kinds.len());
    for kind in &truth.kinds {
        let told = kinds.iter().find(|told| told["kind"] == kind.id).unwrap();
        let counts = ["resources", "entitlements", "grants"].map(|name| told[name].as_u64().unwrap());
        assert_eq!(counts, [kind.resources, kind.entitlements, kind.grants], "{connector} {}", kind.id);
    }
    let rows = |name: &str| recording["expected"]["rows"][name].as_array().unwrap().len();
    assert_eq!(
        (rows("resources"), rows("entitlements"), rows("grants")),
        (truth.resources.len(), truth.entitlements.len(), truth.grants.len())
    );
    let calls = recording["cassette"]["interactions"].as_array().unwrap().len();
    assert!(calls > truth.kinds.len() + 2, "{calls} calls");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_access_tells_nothing_of_people_and_keys(#[values(0, 1, 2)] place: usize) {
    let (connector, file) = RECORDINGS[place];
    let (text, simulated) = (text(connector, file), Simulated::start(connector).await);
    let truth = simulated.truth();
    let people =
        truth.resources.iter().filter(|found| matches!(found.key.kind, "user" | "invite" | "invitation"));
    let mut words = vec![simulated.token(), "@corp.example.com".to_owned(), "ana@example.com".to_owned()];
    for person in people {
        // As JSON writes it, without its quotation marks.
        let name = json!(person.display_name).to_string();
        words.push(name.trim_matches('"').to_owned());
        words.push(person.key.id.to_string());
        words.extend(
            person
                .account
                .iter()
                .flat_map(|account| [Some(account.login.clone()), account.email.clone()])
                .flatten(),
        );
    }
    // Shorter ones stand by chance in other words.
    words.retain(|word| word.len() >= 6);
    assert!(words.len() > 20, "{words:?}");

    let found: Vec<&String> = words.iter().filter(|word| text.contains(word.as_str())).collect();

    assert!(found.is_empty(), "{connector}: {found:?}");
}

#[rstest]
#[case::path("github", "<organization>/<value>", "<organization>/all/<value>")]
#[case::values(
    "github",
    "values: [members, outside_collaborators]",
    "values: [outside_collaborators, members]"
)]
#[case::pages("github", "rel: next", "rel: last")]
#[case::param("github", "{ name: affiliation, value: direct }", "{ name: affiliation, value: all }")]
#[case::inherited("github", "'!(has(item.inherited) && item.inherited)'", "'true'")]
#[case::expansion("github", "expand: [member, maintainer]", "expand: [member]")]
#[case::slug("github", "item.permissions.push && !item.permissions.maintain", "item.permissions.push")]
#[case::step("pagerduty", "increment_by: 100", "increment_by: 50")]
#[case::role("pagerduty", "item.role == \"observer\"", "item.role == \"responder\"")]
#[case::name("pagerduty", "resource.display_name + \" role\"", "resource.display_name")]
#[case::parent("pagerduty", "item.parent.id : null", "null : null")]
#[case::labels("segment", "l.key + \"\\t\" + l.value", "l.key")]
#[case::kind("segment", "inner.type.lowerAscii()", "inner.type.lowerAscii().replace('source', 'space')")]
#[case::roles("segment", "each.display_name.contains(\"Source\")", "each.display_name.contains(\"Space\")")]
fn a_changed_connector_fails_its_recording_of_access(
    #[case] connector: &str,
    #[case] from: &str,
    #[case] to: &str,
) {
    let program = Program::new();
    let read = |file: &str| std::fs::read_to_string(folder(connector).join(file)).unwrap();
    let file = read("connector.yml");
    assert!(file.contains(from), "the file has no `{from}` any more");
    program.file("it/connector.yml", &file.replace(from, to));
    program.file("it/dataset.yml", &read("dataset.yml"));
    let (_, name) = RECORDINGS.iter().find(|(of, _)| *of == connector).unwrap();
    program.file(&format!("it/cassettes/{name}.json"), &text(connector, name));

    let ran = program.run(&["connector", "test", "./it"]).expect(1);

    // A replay that gives something else, or that asks for what was not recorded.
    assert!(ran.stdout.contains("failed") || ran.stderr.contains("error"), "{ran:?}");
    assert!(!ran.stderr.contains("has no recordings"), "{ran:?}");
}
