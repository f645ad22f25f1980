use super::answers::collaborators;
use super::{Access, GitHub, LOGIN, Standing, Team, TeamRole};
use crate::governance::{
    Availability, Entitled, GovernanceTruth, NewEntitlement, TruthAccount, TruthBuilder, TruthKey,
    TruthResource,
};

const KINDS: [&str; 5] = ["organization", "user", "team", "repository", "invitation"];
const USERS: &[&str] = &["user"];
const USERS_AND_TEAMS: &[&str] = &["user", "team"];

impl GitHub {
    /// What an inventory of the organisation has to contain.
    ///
    /// All ids are numbers. Lists show no names and addresses of people, so the login is all there is. Everybody
    /// has one role in the organisation, and one in each team. A team is below the organisation, whatever team it
    /// is part of: that it is in another one is something that it holds there, and passes on. The people of a
    /// team below are in the list of the team above, too; where the list tells whose they are, they hold nothing
    /// above by themselves, else they are members there like all others.
    pub(in crate::directories) fn truth(&self) -> GovernanceTruth {
        let mut builder = TruthBuilder::default();
        for kind in KINDS {
            builder.kind(kind, Availability::Available);
        }
        let organization = TruthKey::new("organization", &self.id.to_string());
        builder.resource(resource(organization.clone(), LOGIN, None));
        self.people(&mut builder, &organization);
        for team in &self.teams {
            self.team_truth(&mut builder, &organization, team);
        }
        self.repositories_truth(&mut builder, &organization);
        for invitation in &self.invitations {
            let key = TruthKey::new("invitation", &invitation.id.to_string());
            builder.resource(resource(key, invitation.name(), Some(&organization)));
        }
        builder.finish()
    }

    /// Members, owners and outside collaborators.
    fn people(&self, builder: &mut TruthBuilder, organization: &TruthKey) {
        let texts = |slug: &str, name: &str, what: &str, purpose| NewEntitlement {
            slug: slug.to_owned(),
            display_name: format!("{LOGIN} organisation {name}"),
            description: format!("{what} of {LOGIN}"),
            purpose,
            grantable_to: USERS,
        };
        let member = builder.entitlement(organization, texts("member", "member", "Member", "assignment"));
        let owner = builder.entitlement(organization, texts("admin", "owner", "Owner", "ownership"));
        for person in self.people.iter().filter(|person| person.standing != Standing::Stranger) {
            let key = TruthKey::new("user", &person.id.to_string());
            builder.resource(TruthResource {
                account: Some(TruthAccount { email: None, login: person.login.clone(), status: "enabled" }),
                ..resource(key.clone(), &person.login, Some(organization))
            });
            match person.standing {
                Standing::Owner => builder.grant(owner, &key, &[]),
                Standing::Member => builder.grant(member, &key, &[]),
                Standing::Outside | Standing::Stranger => {}
            }
        }
    }

    /// A team, its people, and that it is part of another one.
    fn team_truth(&self, builder: &mut TruthBuilder, organization: &TruthKey, team: &Team) {
        let key = team_key(team.id);
        builder.resource(resource(key.clone(), &team.name, Some(organization)));
        let [member, maintainer] = team_roles(builder, team);
        for found in self.members_of(team) {
            if found.inherited && self.tells_inherited {
                continue;
            }
            let held = match found.role {
                TeamRole::Member => member,
                TeamRole::Maintainer => maintainer,
            };
            builder.grant(held, &TruthKey::new("user", &found.id.to_string()), &[]);
        }
        if let Some(parent) = team.parent.and_then(|parent| self.team(parent)) {
            let [above, _] = team_roles(builder, parent);
            builder.grant(above, &key, &[member, maintainer]);
        }
    }

    /// Repositories, and who was given access to them. Who was given access, and has more by a team, is shown
    /// with the most of it. What owners can do everywhere is no grant.
    fn repositories_truth(&self, builder: &mut TruthBuilder, organization: &TruthKey) {
        for repository in &self.repositories {
            let key = TruthKey::new("repository", &repository.id.to_string());
            builder.resource(resource(key.clone(), &repository.name, Some(organization)));
            let direct = collaborators(self, repository, "direct");
            for access in Access::ALL {
                let (word, name) = (access.word(), &repository.name);
                let (short, long) = match access {
                    Access::Pull => ("read", "Read"),
                    Access::Triage => ("triage", "Triage in"),
                    Access::Push => ("write", "Write"),
                    Access::Maintain => ("maintain", "Maintain"),
                    Access::Admin => ("admin", "Administer"),
                };
                let given = builder.entitlement(
                    &key,
                    NewEntitlement {
                        slug: word.to_owned(),
                        display_name: format!("{name} {short}"),
                        description: format!("{long} {name}"),
                        purpose: "permission",
                        grantable_to: USERS_AND_TEAMS,
                    },
                );
                for (id, _) in direct.iter().filter(|(_, held)| *held == access) {
                    builder.grant(given, &TruthKey::new("user", &id.to_string()), &[]);
                }
                let teams = repository.teams.iter().filter(|(_, held)| *held == access);
                for team in teams.filter_map(|(id, _)| self.team(*id)) {
                    let roles = team_roles(builder, team);
                    builder.grant(given, &team_key(team.id), &roles);
                }
            }
        }
    }
}

fn resource(key: TruthKey, name: &str, parent: Option<&TruthKey>) -> TruthResource {
    TruthResource { key, display_name: name.to_owned(), parent: parent.cloned(), account: None }
}

fn team_key(id: u64) -> TruthKey {
    TruthKey::new("team", &id.to_string())
}

/// To be a member of a team, which the teams below it are as well, and to maintain it.
fn team_roles(builder: &mut TruthBuilder, team: &Team) -> [Entitled; 2] {
    let mut role = |slug: &str, what: &str, grantable_to| {
        builder.entitlement(
            &team_key(team.id),
            NewEntitlement {
                slug: slug.to_owned(),
                display_name: format!("{} team {slug}", team.name),
                description: format!("{what} of the team {}", team.name),
                purpose: "assignment",
                grantable_to,
            },
        )
    };
    [role("member", "Member", USERS_AND_TEAMS), role("maintainer", "Maintainer", USERS)]
}
