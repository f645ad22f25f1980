use sandbox::segment::{SegmentOptions, SegmentSandbox};
use sandbox::vendors::{Vendor, VendorOptions, VendorSandbox};
use serde_json::Value;

use crate::program::Program;

/// Key of the connection; a name that tells nothing of the connector.
pub(super) const KEY: &str = "acme";

/// Somebody to ask about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

impl Person {
    pub(super) const ANA: Self = Self { name: "ana", email: "ana@example.com" };
    /// In several applications, in some, in none; one begins as another ends.
    pub(super) const ALL: [Self; 5] = [
        Self::ANA,
        Self { name: "bo", email: "bo@example.com" },
        Self { name: "cleo", email: "cleo@example.com" },
        Self { name: "maeve", email: "o'neil+news@example.com" },
        Self { name: "nobody", email: "na@example.com" },
    ];

    pub(super) fn identity(self) -> String {
        format!("email={}", self.email)
    }
}

/// A simulated application and a project with one connection to it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) program: Program,
    pub(super) application: Application,
}

#[derive(Debug)]
pub(super) enum Application {
    Segment(SegmentSandbox),
    Vendor(Vendor, VendorSandbox),
}

impl Live {
    pub(super) async fn start(connector: &str, page_entries: usize) -> Self {
        let application = match connector {
            "segment_unify" => Application::Segment(
                SegmentSandbox::start(SegmentOptions { page_entries, ..SegmentOptions::default() })
                    .await
                    .unwrap(),
            ),
            vendor => {
                let vendor = match vendor {
                    "stripe" => Vendor::Stripe,
                    "hubspot" => Vendor::HubSpot,
                    "sentry" => Vendor::Sentry,
                    "mailchimp" => Vendor::Mailchimp,
                    other => panic!("nothing simulates {other}"),
                };
                let options = VendorOptions { page_entries, ..VendorOptions::default() };
                Application::Vendor(vendor, VendorSandbox::start(vendor, options).await.unwrap())
            }
        };
        let live = Self { program: Program::new(), application };
        let file = super::folder(connector).join("connector.yml");
        live.program.file("tutela.yml", &live.project(file.to_str().unwrap()));
        live
    }

    /// What the application holds about a person, by the program.
    pub(super) fn read(&self, out: &str, identities: &[String]) -> Value {
        let mut arguments = vec!["privacy", "access", "--out", out];
        for identity in identities {
            arguments.extend(["--identity", identity]);
        }
        self.program.run(&arguments).expect(0);
        self.program.json(&format!("{out}/access.json"))
    }

    /// Words that only the simulated people and keys have.
    pub(super) fn telling(&self) -> Vec<String> {
        let mut words: Vec<String> = [
            "ana@example.com",
            "bo@example.com",
            "cleo@example.com",
            "news@example.com",
            "dee@example.com",
            "corp.example.com",
            "ana%40",
            "O'Neil",
            "Lindqvist",
            "Maeve",
            "Søren",
            "Anita",
            "Ng\u{169}g\u{129}",
            "+1444000",
            "14440000",
            "user_8f3k2b9d",
            "user_c1e0a77f",
            "Lisbon",
            "Rua do Exemplo",
            "1100-148",
            "203.0.113.",
            "Mozilla/5.0",
            "It broke when",
            "Thanks, ",
            "\"Ana\"",
            "\"ana\"",
        ]
        .map(str::to_owned)
        .to_vec();
        match &self.application {
            Application::Segment(segment) => {
                let description = segment.description();
                words.extend([
                    description.tokens.access_token.clone(),
                    description.tokens.access_secret.clone(),
                ]);
            }
            Application::Vendor(_, vendor) => words.push(vendor.token().to_owned()),
        }
        words
    }

    fn project(&self, connector: &str) -> String {
        let (url, hosts, secrets) = match &self.application {
            Application::Segment(segment) => {
                let description = segment.description();
                let secrets = format!(
                    "namespace_id: \"{}\"\n      access_token: \"{}\"\n      access_secret: \"{}\"",
                    description.space, description.tokens.access_token, description.tokens.access_secret
                );
                (segment.url(), vec!["api.segmentapis.com", "profiles.segment.com"], secrets)
            }
            Application::Vendor(kind, vendor) => {
                let (name, more) = match kind {
                    Vendor::Stripe => ("api_key", ""),
                    Vendor::HubSpot => ("private_app_token", ""),
                    Vendor::Sentry => ("access_token", ""),
                    Vendor::Mailchimp => ("api_key", "\n      domain: us21.api.mailchimp.com"),
                };
                (vendor.url(), vec![vendor.host()], format!("{name}: \"{}\"{more}", vendor.token()))
            }
        };
        let routes: Vec<String> = hosts.iter().map(|host| format!("{host}: \"{url}\"")).collect();
        let routes = routes.join(", ");
        format!(
            "connections:\n  - key: {KEY}\n    connector: {connector}\n    access: read\n    secrets:\n      \
             {secrets}\negress:\n  allow: [\"127.0.0.1/32\"]\n  routes: {{ {routes} }}\nreading: {{ retry_wait_ms: 1 }}\n"
        )
    }
}
