/// What holds where nobody says anything, in the form of the file. A test compares it with the
/// reference, which says the same in words.
pub(super) const DEFAULTS: &str = "\
listen: 127.0.0.1:8080
data: .tutela
security:
  auth_rate_limit: 10/minute
  request_rate_limit: 2000/minute
  token_life: 8d
  session_life: 12h
  session_idle: 1h
  public_rate_limit: 60/minute
  dual_control: false
  identity_verification_attempt_limit: 3
  identity_verification_code_ttl: 10m
  cors_origins: []
  subject_request_download_ui_enabled: false
  subject_request_download_link_ttl: 5d
  dsr_testing_tools_enabled: false
oidc:
  label: Single sign-on
  scopes: [openid, email, profile]
  username_claim: email
  groups_claim: groups
  roles: {}
  link_accounts: false
execution:
  masking_strict: true
  require_manual_request_approval: false
  subject_identity_verification_required: false
  erasure_request_finalization_required: false
  email_send_cron_expression: 0 12 * * mon
  email_send_timezone: US/Eastern
  allow_custom_privacy_request_field_collection: false
  slots: 32
  attempts: 100
  task_soft_time_limit: 0s
privacy_request_duplicate_detection:
  enabled: false
  time_window_days: 365
  match_identity_fields: [email]
smtp:
  security: starttls
messages:
  staff: []
  webhooks: []
notifications:
  send_request_receipt_notification: false
  send_request_review_notification: false
  send_request_completion_notification: false
admin_ui:
  max_privacy_request_download_rows: 100000
server:
  max_body_bytes: 4194304
  shutdown_wait: 30s
  drain_wait: 0s
egress:
  allow: []
  routes: {}
  connect_timeout_ms: 3050
  read_timeout_ms: 60000
  total_timeout_ms: 300000
  max_response_bytes: 33554432
reading:
  attempts: 4
  retry_wait_ms: 2000
  page_cap: 100000
  time_cap_s: 86400
  in_flight: 64
  in_flight_per_connection: 8
limits:
  max_writes: 500
  max_subjects: 1
  max_share_of_table: 0.01
  min_rows: 25
sqlite:
  folders: []
deadlines:
  jurisdiction: gdpr
  time_zone: UTC
  holidays: []
  remind_before: 7d
portal:
  enabled: false
  title: Your data and your rights
  policies: [default_access_policy, default_erasure_policy]
retention:
  rows: 7d
  identities: 30d
  inventory: 400d
governance:
  shrink_guard: true
self_hosted:
  token_life: 10m
  poll: 5s
  heartbeat: 30s
  lease: 3m
  task_time: 5m
  attempts: 5
  overlap: 1d
  max_upload_bytes: 2147483648
  max_unpacked_bytes: 10737418240
baton: {}
";
