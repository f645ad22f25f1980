use super::{Access, GitHub, LOGIN, Standing, Team, TeamRole};
use crate::governance::{
    Availability, Entitled, GovernanceTruth, NewEntitlement, TruthAccount, TruthBuilder, TruthKey,
    TruthResource,
};

const KINDS: [&str; 4] = ["organization", "user", "team", "repository"];
const USERS: &[&str] = &["user"];
const USERS_AND_TEAMS: &[&str] = &["user", "team"];

impl GitHub {
    /// What an inventory of the organisation has to contain.
    ///
    /// All ids are numbers. Lists show no names and addresses of people, so the login is all there is. The list
    /// of a team names the people of the teams below it, too, and nothing in the REST interface tells the two
    /// apart: whoever is listed is a member, and a team below passes its members on as well.
    pub(in crate::directories) fn truth(&self) -> GovernanceTruth {
        let mut builder = TruthBuilder::default();
        for kind in KINDS {
            builder.kind(kind, Availability::Available);
        }
        let organization = TruthKey::new("organization", &self.id.to_string());
        builder.resource(TruthResource {
            key: organization.clone(),
            display_name: LOGIN.to_owned(),
            parent: None,
            account: None,
        });
        self.people(&mut builder, &organization);
        for team in &self.teams {
            self.team_truth(&mut builder, &organization, team);
        }
        self.repositories_truth(&mut builder, &organization);
        builder.finish()
    }

    /// Members, owners and outside collaborators.
    fn people(&self, builder: &mut TruthBuilder, organization: &TruthKey) {
        let texts = |slug: &str, name: &str, what: &str, purpose| NewEntitlement {
            slug: slug.to_owned(),
            display_name: format!("{LOGIN} organization {name}"),
            description: format!("{what} of {LOGIN} GitHub organization"),
            purpose,
            grantable_to: USERS,
        };
        let member = builder.entitlement(organization, texts("member", "member", "Member", "assignment"));
        let owner = builder.entitlement(organization, texts("admin", "owner", "Owner", "ownership"));
        for person in self.people.iter().filter(|person| person.standing != Standing::Stranger) {
            let key = TruthKey::new("user", &person.id.to_string());
            builder.resource(TruthResource {
                key: key.clone(),
                display_name: person.login.clone(),
                parent: Some(organization.clone()),
                account: Some(TruthAccount { email: None, login: person.login.clone(), status: "enabled" }),
            });
            if matches!(person.standing, Standing::Member | Standing::Owner) {
                builder.grant(member, &key, &[]);
            }
            if person.standing == Standing::Owner {
                builder.grant(owner, &key, &[]);
            }
        }
    }

    /// A team below the one that it is part of, and its people.
    fn team_truth(&self, builder: &mut TruthBuilder, organization: &TruthKey, team: &Team) {
        let key = team_key(team.id);
        builder.resource(TruthResource {
            key: key.clone(),
            display_name: team.name.clone(),
            parent: Some(team.parent.map_or_else(|| organization.clone(), team_key)),
            account: None,
        });
        let member = team_member(builder, team);
        let maintainer = builder.entitlement(
            &key,
            NewEntitlement {
                slug: "maintainer".into(),
                display_name: format!("{} team maintainer", team.name),
                description: format!("Maintainer of {} GitHub team", team.name),
                purpose: "permission",
                grantable_to: USERS,
            },
        );
        for (id, role) in self.members_of(team) {
            let user = TruthKey::new("user", &id.to_string());
            builder.grant(member, &user, &[]);
            if role == TeamRole::Maintainer {
                builder.grant(maintainer, &user, &[]);
            }
        }
        if let Some(parent) = team.parent.and_then(|parent| self.team(parent)) {
            let above = team_member(builder, parent);
            builder.grant(above, &key, &[member]);
        }
    }

    /// Repositories, and who was given access to them. What owners can do everywhere is no grant.
    fn repositories_truth(&self, builder: &mut TruthBuilder, organization: &TruthKey) {
        for repository in &self.repositories {
            let key = TruthKey::new("repository", &repository.id.to_string());
            builder.resource(TruthResource {
                key: key.clone(),
                display_name: repository.name.clone(),
                parent: Some(organization.clone()),
                account: None,
            });
            for access in Access::ALL {
                let given = builder.entitlement(
                    &key,
                    NewEntitlement {
                        slug: access.word().to_owned(),
                        display_name: format!("{} repository {}", repository.name, access.word()),
                        description: format!("Can {} {LOGIN}/{} on GitHub", access.word(), repository.name),
                        purpose: "permission",
                        grantable_to: USERS_AND_TEAMS,
                    },
                );
                for (id, _) in repository.collaborators.iter().filter(|(_, held)| *held == access) {
                    builder.grant(given, &TruthKey::new("user", &id.to_string()), &[]);
                }
                let teams = repository.teams.iter().filter(|(_, held)| *held == access);
                for team in teams.filter_map(|(id, _)| self.team(*id)) {
                    let member = team_member(builder, team);
                    builder.grant(given, &team_key(team.id), &[member]);
                }
            }
        }
    }
}

fn team_key(id: u64) -> TruthKey {
    TruthKey::new("team", &id.to_string())
}

/// Teams can be members of teams: those below them.
fn team_member(builder: &mut TruthBuilder, team: &Team) -> Entitled {
    builder.entitlement(
        &team_key(team.id),
        NewEntitlement {
            slug: "member".into(),
            display_name: format!("{} team member", team.name),
            description: format!("Member of {} GitHub team", team.name),
            purpose: "assignment",
            grantable_to: USERS_AND_TEAMS,
        },
    )
}
