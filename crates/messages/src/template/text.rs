use super::TemplateName;

impl TemplateName {
    /// What it is called for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::IdentityVerification => "Subject identity verification",
            Self::Receipt => "Privacy request received",
            Self::Approved => "Privacy request approved",
            Self::Denied => "Privacy request denied",
            Self::CompleteAccess => "Access request completed",
            Self::CompleteDeletion => "Erasure request completed",
            Self::ErrorNotification => "Privacy requests failed",
            Self::ApprovalNeeded => "Approval needed",
            Self::InputNeeded => "Input needed",
            Self::DeadlineNear => "Deadline near",
            Self::DeadlineExtended => "Deadline extended",
            Self::ClarificationNeeded => "Clarification needed",
            Self::ConnectionBroken => "Connection broken",
            Self::SyncFailing => "Syncs fail",
            Self::SyncHeld => "Sync held back",
            Self::AccessStays => "Access not ended",
            Self::OwnerNamed => "Owner named",
            Self::UserInvite => "Invitation",
            Self::PasswordReset => "Password reset",
            Self::VendorErasure => "Erasure by a vendor",
            Self::TestMessage => "Test message",
        }
    }

    /// What can be filled in.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::IdentityVerification => &["code", "minutes", "about"],
            Self::Receipt => &["request_types", "due", "about"],
            Self::Approved => &["request_types", "due", "about"],
            Self::Denied => &["request_types", "denial_reason", "about"],
            Self::CompleteAccess => &["request_types", "download_link", "days", "about"],
            Self::CompleteDeletion => &["request_types", "about"],
            Self::ErrorNotification => &["failures", "step", "reason", "about"],
            Self::ApprovalNeeded => &["policy", "step", "reason", "due", "about"],
            Self::InputNeeded => &["policy", "connection", "reason", "due", "about"],
            Self::DeadlineNear => &["policy", "due", "reason", "about"],
            Self::DeadlineExtended => &["reason", "due", "about"],
            Self::ClarificationNeeded => &["question", "about"],
            Self::ConnectionBroken => &["connection", "reason", "about"],
            Self::SyncFailing => &["connection", "failures", "reason", "about"],
            Self::SyncHeld => &["connection", "reason", "about"],
            Self::AccessStays => &["connection", "end", "reason", "about"],
            Self::OwnerNamed => &["what", "key", "about"],
            Self::UserInvite => &["username", "code", "hours"],
            Self::PasswordReset => &["username", "code", "minutes"],
            Self::VendorErasure => &["vendor", "identities", "about"],
            Self::TestMessage => &[],
        }
    }

    /// The subject that comes with the program.
    pub(super) fn subject(self) -> &'static str {
        match self {
            Self::IdentityVerification => "Your code is {{ code }}",
            Self::Receipt => "We have received your request",
            Self::Approved => "Your request has been approved",
            Self::Denied => "Your request has been denied",
            Self::CompleteAccess => "Your data is ready",
            Self::CompleteDeletion => "Your request is done",
            Self::ErrorNotification => {
                "{{#failures}}{{ failures }} privacy requests failed{{/failures}}{{^failures}}A privacy request failed{{/failures}}"
            }
            Self::ApprovalNeeded => "A privacy request waits for approval",
            Self::InputNeeded => "A privacy request waits for input",
            Self::DeadlineNear => "A privacy request will be late",
            Self::DeadlineExtended => "Your request takes longer",
            Self::ClarificationNeeded => "We have a question about your request",
            Self::ConnectionBroken => "The connection {{ connection }} does not work",
            Self::SyncFailing => "Who has access to {{ connection }} cannot be read",
            Self::SyncHeld => "A sync of {{ connection }} is held back",
            Self::AccessStays => "Access to {{ connection }} should have ended and has not",
            Self::OwnerNamed => "You are an owner of {{ key }}",
            Self::UserInvite => "You are invited",
            Self::PasswordReset => "Choose a new password",
            Self::VendorErasure => "Please erase the data of these people",
            Self::TestMessage => "Test message",
        }
    }

    /// The text that comes with the program.
    pub(super) fn body(self) -> &'static str {
        match self {
            Self::IdentityVerification => IDENTITY_VERIFICATION,
            Self::Receipt => RECEIPT,
            Self::Approved => APPROVED,
            Self::Denied => DENIED,
            Self::CompleteAccess => COMPLETE_ACCESS,
            Self::CompleteDeletion => COMPLETE_DELETION,
            Self::ErrorNotification => ERROR_NOTIFICATION,
            Self::ApprovalNeeded => APPROVAL_NEEDED,
            Self::InputNeeded => INPUT_NEEDED,
            Self::DeadlineNear => DEADLINE_NEAR,
            Self::DeadlineExtended => DEADLINE_EXTENDED,
            Self::ClarificationNeeded => CLARIFICATION_NEEDED,
            Self::ConnectionBroken => CONNECTION_BROKEN,
            Self::SyncFailing => SYNC_FAILING,
            Self::SyncHeld => SYNC_HELD,
            Self::AccessStays => ACCESS_STAYS,
            Self::OwnerNamed => OWNER_NAMED,
            Self::UserInvite => USER_INVITE,
            Self::PasswordReset => PASSWORD_RESET,
            Self::VendorErasure => VENDOR_ERASURE,
            Self::TestMessage => TEST_MESSAGE,
        }
    }
}

const VENDOR_ERASURE: &str = "\
{{#vendor}}To {{ vendor }}

{{/vendor}}These people have asked for the data that is held of them to be erased. Please erase what you hold of them on
our behalf, and whatever was made of it.

{{ identities }}
";

const IDENTITY_VERIFICATION: &str = "\
Somebody, probably you, asked us about the data that we hold of the owner of this address.

To go on, enter this code{{#minutes}} within {{ minutes }} minutes{{/minutes}}:

    {{ code }}

If it was not you, do nothing: without the code nothing happens.
";

const RECEIPT: &str = "\
We have received your request{{#request_types}} ({{ request_types }}){{/request_types}}.
{{#due}}
You will have our answer by {{ due }}.
{{/due}}
Number of the request: {{ about }}
";

const APPROVED: &str = "\
Your request{{#request_types}} ({{ request_types }}){{/request_types}} has been approved, and we have begun to carry it out.
{{#due}}
You will have our answer by {{ due }}.
{{/due}}
Number of the request: {{ about }}
";

const DENIED: &str = "\
Your request{{#request_types}} ({{ request_types }}){{/request_types}} has been denied.
{{#denial_reason}}
The reason: {{ denial_reason }}
{{/denial_reason}}
Number of the request: {{ about }}
";

const COMPLETE_ACCESS: &str = "\
The data that we hold of you has been gathered.
{{#download_link}}
You can fetch it here, once, within {{ days }} days:

    {{ download_link }}
{{/download_link}}
Number of the request: {{ about }}
";

const COMPLETE_DELETION: &str = "\
Your request has been carried out.

Number of the request: {{ about }}
";

const ERROR_NOTIFICATION: &str = "\
{{#failures}}{{ failures }} privacy requests failed since the last message of this kind.

The last one{{/failures}}{{^failures}}A privacy request{{/failures}}: {{ about }}{{#step}}, in the step {{ step }}{{/step}}{{#reason}} ({{ reason }}){{/reason}}
";

const APPROVAL_NEEDED: &str = "\
The privacy request {{ about }}{{#policy}} (policy {{ policy }}){{/policy}} waits for somebody to approve it.
{{#due}}
It is due on {{ due }}.
{{/due}}";

const INPUT_NEEDED: &str = "\
The privacy request {{ about }}{{#policy}} (policy {{ policy }}){{/policy}} waits for input{{#connection}} for {{ connection }}{{/connection}}.
{{#due}}
It is due on {{ due }}.
{{/due}}";

const DEADLINE_NEAR: &str = "\
The privacy request {{ about }}{{#policy}} (policy {{ policy }}){{/policy}} {{#due}}is due on {{ due }}{{/due}}{{^due}}is nearly due{{/due}} and is not done yet.
{{#reason}}
What it waits for: {{ reason }}
{{/reason}}";

const DEADLINE_EXTENDED: &str = "\
Your request takes longer than we had hoped.
{{#reason}}
The reason: {{ reason }}
{{/reason}}{{#due}}
You will have our answer by {{ due }}.
{{/due}}
Number of the request: {{ about }}
";

const CLARIFICATION_NEEDED: &str = "\
We have a question about your request. Until we have your answer, the time for ours does not run where the law
says so.
{{#question}}
{{ question }}
{{/question}}
Number of the request: {{ about }}
";

const CONNECTION_BROKEN: &str = "\
The connection {{ connection }} does not work any more{{#reason}}: {{ reason }}{{/reason}}.

Privacy requests that need it wait or fail until it does.
";

const SYNC_FAILING: &str = "\
Who has access to {{ connection }} could not be read{{#failures}} {{ failures }} times in a row{{/failures}}{{#reason}}: {{ reason }}{{/reason}}.

What was read before stays as it is. Reading is tried again by itself; this is told once.
";

const SYNC_HELD: &str = "\
The newest reading of who has access to {{ connection }} lost so much that it is held back{{#reason}}: {{ reason }}{{/reason}}.

Nothing of it is shown, and no more is read until somebody has looked: confirm it if it is right, else dismiss it.
";

const ACCESS_STAYS: &str = "\
Somebody's access to {{ connection }} should have ended and could not be taken{{#reason}}: {{ reason }}{{/reason}}.
{{#end}}
Number of the end: {{ end }}
{{/end}}
It is tried again by itself until it is done; this is told once.
";

const OWNER_NAMED: &str = "\
You are an owner of {{#what}}the {{ what }} {{/what}}{{ key }} now.

Please see whether it lacks anything to work, such as credentials; its status says so. Owners are told when it does not work any more.
";

const USER_INVITE: &str = "\
An account has been made for you, with the name {{ username }}.

Choose a password{{#hours}} within {{ hours }} hours{{/hours}} with this code:

    {{ code }}
";

const PASSWORD_RESET: &str = "\
Somebody, probably you, asked for a new password for the account {{ username }}.

Choose one{{#minutes}} within {{ minutes }} minutes{{/minutes}} with this code:

    {{ code }}

If it was not you, do nothing: the password stays as it is.
";

const TEST_MESSAGE: &str = "\
This message shows that mail arrives. Nothing needs to be done.
";
