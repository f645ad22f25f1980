//! The project of the sweep: a shop database, an application with counted writes, and Segment.

use crate::sweep_database::Flavour;

/// People may be masked twice without harm; a note that was deleted can be looked for; whether a
/// subscription was ended nobody can find out.
pub(crate) const CONTACTS: &str = r"saas_config:
  fides_key: <instance_fides_key>
  name: Contacts
  type: contacts
  description: An invented application
  version: 1.0.0
  format: 1
  connector_params: [{ name: domain }, { name: token, sensitive: true }]
  client_config:
    protocol: https
    host: <domain>
    authentication: { strategy: bearer, configuration: { token: <token> } }
  test_request: { method: GET, path: /people }
  endpoints:
    - name: people
      requests:
        read:
          method: GET
          path: /people
          query_params: [{ name: email, value: <email> }]
          param_values: [{ name: email, identity: email }]
          data_path: people
        update:
          method: PATCH
          path: /people/<person_id>
          repeatable: true
          param_values:
            - { name: person_id, references: [{ dataset: <instance_fides_key>, field: people.id, direction: from }] }
          body: '{<masked_object_fields>}'
    - name: notes
      verify: notes
      requests:
        read:
          method: GET
          path: /people/<person_id>/notes
          param_values:
            - { name: person_id, references: [{ dataset: <instance_fides_key>, field: people.id, direction: from }] }
          data_path: notes
          pagination: { strategy: cursor, configuration: { cursor_param: after, field: next } }
        delete:
          method: DELETE
          path: /notes/<note_id>
          param_values:
            - { name: note_id, references: [{ dataset: <instance_fides_key>, field: notes.id, direction: from }] }
    - name: subscriptions
      requests:
        read:
          method: GET
          path: /people/<person_id>/subscriptions
          param_values:
            - { name: person_id, references: [{ dataset: <instance_fides_key>, field: people.id, direction: from }] }
          data_path: subscriptions
        delete:
          method: POST
          path: /subscriptions/<subscription_id>/end
          param_values:
            - { name: subscription_id, references: [{ dataset: <instance_fides_key>, field: subscriptions.id, direction: from }] }
";

pub(crate) const CONTACTS_DATASET: &str = r"dataset:
  - fides_key: <instance_fides_key>
    name: Contacts
    description: An invented application
    collections:
      - name: people
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: string } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { data_type: string } }
          - { name: name, data_categories: [user.name], fides_meta: { data_type: string } }
          - { name: phone, data_categories: [user.contact.phone_number], fides_meta: { data_type: string } }
      - name: notes
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: string } }
          - { name: text, data_categories: [user.content], fides_meta: { data_type: string } }
      - name: subscriptions
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: string } }
          - { name: address, data_categories: [user.contact.email], fides_meta: { data_type: string } }
";

pub(crate) const SHOP_DATASET: &str = r"dataset:
  - fides_key: shop
    name: Shop
    description: An invented shop
    collections:
      - name: customers
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: integer } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email, data_type: string } }
          - { name: name, data_categories: [user.name], fides_meta: { data_type: string } }
          - { name: segment_id, data_categories: [user.unique_id], fides_meta: { data_type: string } }
      - name: orders
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: integer } }
          - name: customer_id
            data_categories: [system.operations]
            fides_meta: { data_type: integer, references: [{ dataset: shop, field: customers.id, direction: from }] }
          - { name: address, data_categories: [user.contact.address], fides_meta: { data_type: string } }
          - { name: total, data_categories: [system.operations], fides_meta: { data_type: integer } }
      - name: carts
        fides_meta: { masking_strategy_override: { strategy: delete } }
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: integer } }
          - name: customer_id
            data_categories: [system.operations]
            fides_meta: { data_type: integer, references: [{ dataset: shop, field: customers.id, direction: from }] }
          - { name: content, data_categories: [user.content], fides_meta: { data_type: string } }
";

/// What the project file needs to know.
pub(crate) struct Addresses {
    pub(crate) flavour: Flavour,
    pub(crate) shop: String,
    pub(crate) contacts: (String, String),
    pub(crate) segment: (String, String),
}

/// The project file.
pub(crate) fn text(addresses: &Addresses) -> String {
    let Addresses { flavour, shop, contacts, segment } = addresses;
    let database = match flavour {
        Flavour::Sqlite => "sqlite",
        Flavour::PostgreSql => "postgres",
    };
    format!(
        "masking_strict: false
policies:
  - key: erase_customer
    rules:
      - key: erase
        action_type: erasure
        targets: [{{ data_category: user }}]
        masking_strategy: {{ strategy: null_rewrite, configuration: {{}} }}
verify_after: 0s
connections:
  - key: shop
    connector: {database}
    dataset: ./shop_dataset.yml
    access: write
    secrets: {{ url: \"{shop}\" }}
  - key: contacts
    connector: ./contacts.yml
    dataset: ./contacts_dataset.yml
    access: write
    secrets: {{ domain: api.contacts.example.com, token: {} }}
  - key: segment
    connector: segment
    access: write
    secrets:
      domain: api.segmentapis.com
      access_token: {}
      segment_user_id: {{ dataset: shop, field: customers.segment_id, direction: from }}
egress:
  allow: [\"127.0.0.1/32\"]
  read_timeout_ms: 2000
  routes:
    api.contacts.example.com: \"{}\"
    api.segmentapis.com: \"{}\"
reading: {{ retry_wait_ms: 1 }}
",
        contacts.1, segment.1, contacts.0, segment.0
    )
}
