use baton::credential::FreshCredential;
use serde_json::json;
use store::StoredConnection;

use super::started::Started;

/// A Kubernetes manifest that starts the connector of a connection with fresh credentials (governance 5.3, K8S-3). It
/// holds the secret: it is shown once, as the secret is.
pub(super) fn manifest(connection: &StoredConnection, fresh: &FreshCredential) -> String {
    let Started { words, variables, files } = Started::of(connection);
    let key = connection.key.as_str();
    let words: Vec<String> = words.iter().map(|word| json!(word).to_string()).collect();
    let variables = variables.iter().map(|(name, label)| format!("  {name}: \"<{}>\"\n", plain(label)));
    let [mounts, volumes, map] = if files.is_empty() { [""; 3] } else { [MOUNT, VOLUME, FILES] };
    let files = files.iter().map(|(name, text)| format!("  {}: {}\n", json!(name), json!(text)));
    // What somebody else wrote comes last, so that nothing is filled in there.
    TEMPLATE
        .replace("{files}", map)
        .replace("{mounts}", mounts)
        .replace("{volumes}", volumes)
        .replace("{name}", &object_name(key))
        .replace("{connection}", key)
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{client_id}", fresh.client_id.as_str())
        .replace("{client_secret}", fresh.client_secret.expose())
        .replace("{connector}", &words.join(", "))
        .replace("{variables}", &variables.collect::<String>())
        .replace("{texts}", &files.collect::<String>())
}

/// The key of a connection as Kubernetes names objects: small letters, digits and `-`, 63 at most.
fn object_name(key: &str) -> String {
    const LONGEST: usize = 50;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = key.chars().map(plain).take(LONGEST).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "connector".to_owned() } else { format!("{name}-connector") }
}

/// What stands between quotes as it is.
fn plain(label: &str) -> String {
    label.chars().map(|c| if c.is_alphanumeric() || " -_.,()".contains(c) { c } else { ' ' }).collect()
}

/// Client id and secret are of letters, digits and signs that need nothing but the quotes.
const TEMPLATE: &str = r#"# The connector of the connection `{connection}`. Holds its client secret: keep it as a secret, or apply it and let it go.
# Fill in what stands in `<>`, and name the image.
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  labels: { app: {name} }
type: Opaque
stringData:
  BATON_CLIENT_ID: "{client_id}"
  BATON_CLIENT_SECRET: "{client_secret}"
{variables}  # Leave out for a connector that only reads.
  BATON_PROVISIONING: "true"
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: { app: {name} }
spec:
  replicas: 1
  strategy: { type: Recreate }
  selector:
    matchLabels: { app: {name} }
  template:
    metadata:
      labels: { app: {name}, baton: "true" }
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      # The work under way gets ten seconds, then it is told as cancelled.
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: connector
          image: registry.example.com/tutela:{version}
          imagePullPolicy: IfNotPresent
          args: ["baton", {connector}]
          envFrom:
            - secretRef: { name: {name} }
          env:
            - { name: BATON_HEALTH_CHECK, value: "true" }
            - name: BATON_HOST_ID
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
          startupProbe:
            exec: { command: ["/usr/bin/tutela", "baton", {connector}, "health-check", "--endpoint=live"] }
            periodSeconds: 5
            timeoutSeconds: 10
            failureThreshold: 24
          readinessProbe:
            exec: { command: ["/usr/bin/tutela", "baton", {connector}, "health-check", "--endpoint=ready"] }
            periodSeconds: 15
            timeoutSeconds: 10
          livenessProbe:
            exec: { command: ["/usr/bin/tutela", "baton", {connector}, "health-check", "--endpoint=live"] }
            periodSeconds: 30
            timeoutSeconds: 10
            failureThreshold: 4
          resources:
            requests: { cpu: 50m, memory: 128Mi }
            limits: { memory: 512Mi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: ["ALL"] }
          volumeMounts:
            # A sync lies here until it is uploaded.
            - { name: tmp, mountPath: /tmp }
{mounts}      volumes:
        - name: tmp
          emptyDir: { sizeLimit: 2Gi }
{volumes}---
# Nobody calls it; the probes run inside of the container.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
  labels: { app: {name} }
spec:
  podSelector:
    matchLabels: { app: {name} }
  policyTypes: ["Ingress"]
{files}"#;

/// Where the connector file lies, if it is not one of the library.
const MOUNT: &str = "            - { name: connector, mountPath: /etc/tutela/connector, readOnly: true }\n";
const VOLUME: &str = "        - name: connector\n          configMap: { name: {name} }\n";
const FILES: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: { app: {name} }\ndata:\n{texts}";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use model::RandomIds;
    use serde_json::{Value, json};
    use store::{ConnectionAccess, StoredConnector};

    use super::*;
    use crate::routes::self_hosted::started::FOLDER;

    fn fresh() -> FreshCredential {
        FreshCredential::random(&"tutela.example.com".parse().unwrap(), &RandomIds)
    }

    fn connection(key: &str, connector: Option<StoredConnector>) -> StoredConnection {
        StoredConnection {
            key: key.parse().unwrap(),
            name: None,
            description: None,
            connection_type: "saas".to_owned(),
            access: ConnectionAccess::Write,
            disabled: false,
            enabled_actions: None,
            system_key: None,
            masking_strict: None,
            connector,
            last_test: None,
            authorized: false,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn connector(kind: &str) -> StoredConnector {
        let param = json!({"name": "api_token", "label": "Token \"of\" an {name}", "sensitive": true});
        StoredConnector {
            fides_key: "desk".to_owned(),
            name: "Desk".to_owned(),
            connector_type: kind.to_owned(),
            version: "1".to_owned(),
            document: json!({
                "fides_key": "desk", "name": "Desk", "type": kind, "description": "a {client_secret}", "version": "1",
                "connector_params": [param],
                "client_config": {"protocol": "https", "host": "desk.example.com"},
                "test_request": {"method": "GET", "path": "/ping"},
                "endpoints": [],
            }),
            scripts: BTreeMap::from([("more.star".to_owned(), "def more():\n\treturn {}\n".to_owned())]),
        }
    }

    /// Each document below its kind, read as far as the test needs it.
    fn lines<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
        text.lines().map(str::trim).filter(|line| line.starts_with(start)).collect()
    }

    // rule: governance K8S-3
    #[test]
    fn manifest_holds_the_fresh_credentials_as_texts_and_names_that_kubernetes_takes() {
        let fresh = fresh();

        let text = manifest(&connection("My_Segment.eu", Some(connector("segment"))), &fresh);

        assert!(text.contains(&format!("BATON_CLIENT_ID: \"{}\"", fresh.client_id.as_str())));
        assert!(text.contains(&format!("BATON_CLIENT_SECRET: \"{}\"", fresh.client_secret.expose())));
        assert!(text.contains("  name: my-segment-eu-connector\n"));
        for placeholder in ["{name}", "{connection}", "{version}", "{client", "{connector}", "{variables}"] {
            assert!(!text.contains(placeholder), "{placeholder}");
        }
        assert!(text.contains("BATON_PROVISIONING: \"true\"") && text.contains("baton: \"true\""), "texts");
    }

    // rule: governance 5.2, 5.3
    #[test]
    fn manifest_starts_the_connector_of_the_connection_as_the_published_ones_do() {
        let published = include_str!("../../../../../deploy/kubernetes/segment-connector.yaml");

        let text = manifest(&connection("any", Some(connector("segment"))), &fresh());

        for start in ["args:", "exec:", "emptyDir:", "kind: NetworkPolicy", "policyTypes:", "resources:"] {
            assert_eq!(lines(&text, start), lines(published, start), "{start}");
        }
        assert!(text.contains("  BATON_TOKEN: \"<"), "{text}");
        assert!(!text.contains("ConfigMap"));
        let of_key = manifest(&connection("segment", None), &fresh());
        assert_eq!(lines(&of_key, "args:"), lines(published, "args:"));
        let unknown = manifest(&connection("office", None), &fresh());
        assert_eq!(lines(&unknown, "args:"), ["args: [\"baton\", \"<name of a connector>\"]"]);
    }

    #[test]
    fn connector_that_the_program_does_not_bring_along_lies_beside_it() {
        let fresh = fresh();

        let text = manifest(&connection("desk", Some(connector("desk"))), &fresh);

        let file = format!("\"--connector\", \"{FOLDER}/connector.yml\"");
        assert_eq!(lines(&text, "args:"), [format!("args: [\"baton\", {file}]")]);
        assert!(text.contains("      volumes:\n") && text.contains("configMap: { name: desk-connector }"));
        assert!(text.contains("  BATON_API_TOKEN: \"<Token  of  an  name >\"\n"), "{text}");
        let [kept] = lines(&text, "\"connector.yml\":")[..] else { panic!("{text}") };
        let kept: String = serde_json::from_str(kept.split_once(": ").unwrap().1).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept["saas_config"]["description"], "a {client_secret}", "nothing is filled in there");
        let [script] = lines(&text, "\"more.star\":")[..] else { panic!("{text}") };
        assert_eq!(script, "\"more.star\": \"def more():\\n\\treturn {}\\n\"");
    }

    #[test]
    fn name_of_an_object_is_short_and_never_empty() {
        assert_eq!(object_name("___"), "connector");
        assert!(object_name(&"a".repeat(300)).len() <= 63);
    }
}
