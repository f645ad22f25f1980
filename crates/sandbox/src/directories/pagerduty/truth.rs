use super::{PagerDuty, ROLES, TeamRole};
use crate::governance::{
    Availability, GovernanceTruth, NewEntitlement, TruthAccount, TruthBuilder, TruthKey, TruthResource,
};

const KINDS: [&str; 3] = ["user", "team", "role"];
const USERS: &[&str] = &["user"];

impl PagerDuty {
    /// What an inventory of the account has to contain. Roles are not listed by the vendor: there are always
    /// these. Teams below others do not pass their members on.
    pub(in crate::directories) fn truth(&self) -> GovernanceTruth {
        let mut builder = TruthBuilder::default();
        for kind in KINDS {
            builder.kind(kind, Availability::Available);
        }
        for user in &self.users {
            let email = user.email.clone();
            builder.resource(TruthResource {
                key: TruthKey::new("user", &user.id),
                display_name: user.name.clone(),
                parent: None,
                account: Some(TruthAccount { login: email.clone(), email: Some(email), status: "enabled" }),
            });
        }
        for (id, name) in ROLES {
            let key = TruthKey::new("role", id);
            builder.resource(resource(key.clone(), name, None));
            let holds = builder.entitlement(
                &key,
                NewEntitlement {
                    slug: "member".into(),
                    display_name: format!("{name} role"),
                    description: format!("Has the account role {name}"),
                    purpose: "assignment",
                    grantable_to: USERS,
                },
            );
            for user in self.users.iter().filter(|user| user.role == id) {
                builder.grant(holds, &TruthKey::new("user", &user.id), &[]);
            }
        }
        for team in &self.teams {
            let key = TruthKey::new("team", &team.id);
            let parent = team.parent.as_deref().map(|parent| TruthKey::new("team", parent));
            builder.resource(resource(key.clone(), &team.name, parent));
            for role in TeamRole::ALL {
                let what = match role {
                    TeamRole::Manager => "Manager",
                    TeamRole::Responder => "Responder",
                    TeamRole::Observer => "Observer",
                };
                let holds = builder.entitlement(
                    &key,
                    NewEntitlement {
                        slug: role.word().to_owned(),
                        display_name: format!("{} team {}", team.name, role.word()),
                        description: format!("{what} of the team {}", team.name),
                        purpose: "assignment",
                        grantable_to: USERS,
                    },
                );
                for (id, _) in team.members.iter().filter(|(_, held)| *held == role) {
                    builder.grant(holds, &TruthKey::new("user", id), &[]);
                }
            }
        }
        builder.finish()
    }
}

fn resource(key: TruthKey, name: &str, parent: Option<TruthKey>) -> TruthResource {
    TruthResource { key, display_name: name.to_owned(), parent, account: None }
}
