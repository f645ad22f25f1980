use std::path::Path;

use testkit::{Answer, FakeSaas, holds};

use crate::program::{Program, Ran};

/// What is planted as personal data: in identities, rows, ids that go into paths, cursors.
pub(super) const PERSONS: &[(&str, &str)] = &[
    ("e-mail", "canary.ana-4e9a2c@example.com"),
    ("telephone", "+49155501994711"),
    ("name", "Ana Canary-Person 5f2d"),
    ("id in a path", "canary-id-9b71e4"),
    // A cursor that tells whose it is, once it is read as Base64.
    ("cursor", "YWZ0ZXI9Y2FuYXJ5LmFuYS00ZTlhMmNAZXhhbXBsZS5jb20="),
];

/// What is planted as secrets; each way to prove who asks uses some of them.
pub(super) const SECRETS: &[(&str, &str)] = &[
    ("token", "canary-token-71d0aa"),
    ("user", "canary-user-3391fe"),
    ("password", "canary-password-c04b7e"),
    ("api_key", "canary-api-key-5ad812"),
    ("client_id", "canary-client-id-8800c1"),
    ("client_secret", "canary-client-secret-e1f977"),
    ("access_token", "canary-given-token-0b6c3d"),
    ("refresh_token", "canary-refresh-token-a2907b"),
    ("private_key", "-----BEGIN PRIVATE KEY----- Y2FuYXJ5LXByaXZhdGUta2V5 -----END PRIVATE KEY-----"),
    ("inside of private_key", "Y2FuYXJ5LXByaXZhdGUta2V5"),
    ("fetched token", "canary-fetched-token-660e19"),
];

pub(super) fn person(name: &str) -> &'static str {
    PERSONS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// A project whose connection proves who asks in this way (`strategy` and `configuration`, in one
/// line), with all secrets that the way needs.
pub(super) fn project(program: &Program, saas: &FakeSaas, authentication: &str) {
    let named = || SECRETS.iter().filter(|(name, _)| !name.contains(' '));
    let params: Vec<String> = named()
        .map(|(name, _)| format!("    - {{ name: {name}, sensitive: true, required: false }}\n"))
        .collect();
    let secrets: Vec<String> = named().map(|(name, value)| format!("      {name}: \"{value}\"\n")).collect();
    let (params, secrets) = (params.concat(), secrets.concat());
    program.file(
        "connector.yml",
        &include_str!("connector.yml")
            .replace("    - PARAMS\n", &params)
            .replace("AUTHENTICATION", authentication),
    );
    program.file("dataset.yml", include_str!("dataset.yml"));
    let url = saas.base_url();
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: vault\n    connector: ./connector.yml\n    access: read\n    secrets:\n      \
             domain: api.vault.example.com\n      redirect_uri: https://tutela.example.com/\n      \
             expires_at: \"1\"\n      project_id: p\n      client_email: robot@example.com\n{secrets}egress:\n  \
             allow: [\"127.0.0.1/32\"]\n  routes: {{ api.vault.example.com: \"{url}\", \
             oauth2.googleapis.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1, attempts: 2 }}\n"
        ),
    );
    std::fs::create_dir_all(program.folder().join("tmp")).unwrap();
}

/// A vault that knows the person, has two pages of notes and repeats every call in its headers, as
/// some services do.
pub(super) async fn open() -> FakeSaas {
    let saas = FakeSaas::start().await;
    let token = SECRETS.iter().find(|(name, _)| *name == "fetched token").unwrap().1;
    let tokens = serde_json::json!({"access_token": token, "refresh_token": token, "expires_in": 3600});
    saas.on("POST", "/token").then(Answer::json(200, &tokens));
    saas.on("GET", "/me").then(Answer::json(200, &serde_json::json!({"ok": true})));
    saas.on("GET", "/people").with(|call| {
        let row = serde_json::json!({
            "id": person("id in a path"), "email": person("e-mail"), "phone": person("telephone"),
            "name": person("name"), "plan": "gold",
        });
        Answer::json(200, &serde_json::json!({"people": [row]})).header("x-request", call.target())
    });
    saas.on("GET", "/people/*/notes").with(|call| {
        let next = if call.query.contains("after") { None } else { Some(person("cursor")) };
        let notes = serde_json::json!({"notes": [{"text": person("name")}], "next": next});
        Answer::json(200, &notes).header("x-request", call.target())
    });
    saas
}

/// Where something planted has come out that may not be there: name of the place and of what was
/// planted. `rans` are the runs whose outputs are searched besides all files of the folder.
///
/// Files that a person wrote hold everything; the package is for the person and holds no secret.
pub(super) fn leaks(program: &Program, rans: &[&Ran]) -> Vec<String> {
    let mut found = Vec::new();
    let mut search = |place: &str, content: &[u8], planted: &[(&str, &str)]| {
        let out = planted.iter().filter(|(_, value)| holds(content, value));
        found.extend(out.map(|(name, _)| format!("{name} in {place}")));
    };
    for ran in rans {
        for (place, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
            search(place, text.as_bytes(), SECRETS);
            search(place, text.as_bytes(), PERSONS);
        }
    }
    for (path, content) in program.files() {
        let place = path.strip_prefix(program.folder()).unwrap_or(&path).display().to_string();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if matches!(name, "tutela.yml" | "people.jsonl") {
            continue;
        }
        search(&place, &content, SECRETS);
        if !matches!(name, "access.json" | "index.html") {
            search(&place, &content, PERSONS);
            search(&format!("the name of {place}"), place.as_bytes(), PERSONS);
        }
    }
    found
}

/// What is left in the folder for temporary files.
pub(super) fn left_over(program: &Program) -> usize {
    std::fs::read_dir(program.folder().join(Path::new("tmp"))).unwrap().count()
}
