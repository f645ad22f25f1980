use testkit::{Answer, FakeSaas};

use crate::program::Program;

/// A connector for an invented shop: customers by e-mail, their orders by page.
pub(crate) const CONNECTOR: &str = r"saas_config:
  fides_key: <instance_fides_key>
  name: Shop
  type: shop
  description: An invented shop
  version: 1.0.0
  connector_params:
    - name: domain
    - { name: token, sensitive: true }
  client_config:
    protocol: https
    host: <domain>
    authentication: { strategy: bearer, configuration: { token: <token> } }
  test_request: { method: GET, path: /me }
  endpoints:
    - name: customer
      requests:
        read:
          method: GET
          path: /customers
          query_params: [{ name: email, value: <email> }]
          param_values: [{ name: email, identity: email }]
          data_path: customers
    - name: orders
      requests:
        read:
          method: GET
          path: /customers/<customer_id>/orders
          query_params: [{ name: limit, value: 2 }]
          param_values:
            - name: customer_id
              references: [{ dataset: <instance_fides_key>, field: customer.id, direction: from }]
          data_path: orders
          pagination: { strategy: cursor, configuration: { cursor_param: after, field: next } }
";

pub(crate) const DATASET: &str = r"dataset:
  - fides_key: <instance_fides_key>
    name: Shop
    description: An invented shop
    collections:
      - name: customer
        fields:
          - { name: id, data_categories: [user.unique_id], fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email] }
          - { name: plan, data_categories: [system.operations] }
      - name: orders
        fields:
          - { name: id, data_categories: [system.operations] }
          - { name: total, data_categories: [user.financial] }
";

/// Writes connector, dataset and a project that reaches `saas` under the name `api.shop.example.com`.
pub(crate) fn project(program: &Program, saas: &FakeSaas) {
    project_with(program, saas, "token: t", "");
}

/// The same with other secrets beside the host, and more text at the end.
pub(crate) fn project_with(program: &Program, saas: &FakeSaas, secrets: &str, more: &str) {
    program.file("connector.yml", CONNECTOR);
    program.file("dataset.yml", DATASET);
    let url = saas.base_url();
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: shop\n    connector: ./connector.yml\n    access: read\n    secrets:\n      \
             domain: api.shop.example.com\n      {secrets}\negress:\n  allow: [\"127.0.0.1/32\"]\n  \
             routes: {{ api.shop.example.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1 }}\n{more}"
        ),
    );
}

/// A shop that knows one customer with three orders.
pub(crate) async fn open() -> FakeSaas {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/me").then(Answer::json(200, &serde_json::json!({"ok": true})));
    saas.on("GET", "/customers").with(|call| {
        let known = call.query.contains("ana%40example.com");
        let rows = if known {
            serde_json::json!([{"id": 7, "email": "ana@example.com", "plan": "gold"}])
        } else {
            serde_json::json!([])
        };
        Answer::json(200, &serde_json::json!({ "customers": rows }))
    });
    give_orders(&saas);
    saas
}

/// The three orders, on two pages.
pub(crate) fn give_orders(saas: &FakeSaas) {
    saas.on("GET", "/customers/7/orders").with(|call| {
        let second = call.query.contains("after=o2");
        let page = if second {
            r#"{"orders": [{"id": "o3", "total": 3}], "next": null}"#
        } else {
            r#"{"orders": [{"id": "o1", "total": 1}, {"id": "o2", "total": 2.50}], "next": "o2"}"#
        };
        Answer::text(200, page)
    });
}

/// The command that most tests run.
pub(crate) const ACCESS: &[&str] =
    &["privacy", "access", "--identity", "email=ana@example.com", "--out", "out"];
