//! A GitHub organisation, as its REST interface shows it.

mod answers;
mod changes;
mod invitations;
mod links;
mod truth;

use super::DirectoryOptions;
use crate::Random;

use self::invitations::Invitation;
pub(super) use answers::{answer, error};

/// The organisation's login.
const LOGIN: &str = "acme-corp";

/// An organisation with its people, teams and repositories.
#[derive(Debug)]
pub(super) struct GitHub {
    id: u64,
    people: Vec<Person>,
    teams: Vec<Team>,
    repositories: Vec<Repository>,
    invitations: Vec<Invitation>,
    page_entries: usize,
    tells_inherited: bool,
}

#[derive(Debug)]
struct Person {
    id: u64,
    login: String,
    name: String,
    email: String,
    standing: Standing,
}

/// What a person is to the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Owner,
    Member,
    /// Not a member, but with access to some repository.
    Outside,
    /// Was removed, or knows nobody here.
    Stranger,
}

#[derive(Debug)]
struct Team {
    id: u64,
    slug: String,
    name: String,
    parent: Option<u64>,
    /// Ids of the people who were put into this very team.
    members: Vec<(u64, TeamRole)>,
    /// Ids of the people who were invited and are not members yet.
    pending: Vec<u64>,
}

/// Somebody in a team.
#[derive(Debug, Clone, Copy)]
struct Membership {
    id: u64,
    role: TeamRole,
    /// By a team below.
    inherited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TeamRole {
    Member,
    Maintainer,
}

#[derive(Debug)]
struct Repository {
    id: u64,
    name: String,
    /// People who were given access themselves.
    collaborators: Vec<(u64, Access)>,
    /// Teams that were given access.
    teams: Vec<(u64, Access)>,
}

/// What can be done with a repository, each with all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Pull,
    Triage,
    Push,
    Maintain,
    Admin,
}

impl TeamRole {
    fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Maintainer => "maintainer",
        }
    }
}

impl Access {
    const ALL: [Self; 5] = [Self::Pull, Self::Triage, Self::Push, Self::Maintain, Self::Admin];

    /// As `permission` of teams says it, and the keys of `permissions`.
    fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Triage => "triage",
            Self::Push => "push",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// As `role_name` of collaborators says it.
    fn role_name(self) -> &'static str {
        match self {
            Self::Pull => "read",
            Self::Push => "write",
            Self::Triage | Self::Maintain | Self::Admin => self.word(),
        }
    }
}

/// Name, position of the parent, positions of the members, of whom every third is maintainer.
const TEAMS: [(&str, Option<usize>, &[usize]); 6] = [
    ("Engineering", None, &[0, 1, 2]),
    ("Platform", Some(0), &[3, 4, 5]),
    ("R&D: Core", Some(1), &[5, 6]),
    ("Support, EMEA", None, &[7, 8]),
    ("Empty \"team\"", None, &[]),
    ("Security", Some(3), &[1, 9]),
];
/// Name, positions of collaborators, positions of teams, each with their access.
type Seeded = (&'static str, &'static [(usize, Access)], &'static [(usize, Access)]);
const REPOSITORIES: [Seeded; 5] = [
    ("website", &[(2, Access::Push), (12, Access::Pull)], &[(0, Access::Push), (3, Access::Pull)]),
    ("api.server", &[(13, Access::Triage), (3, Access::Pull)], &[(1, Access::Maintain)]),
    ("infra-tools", &[(1, Access::Admin)], &[(2, Access::Admin), (5, Access::Push)]),
    ("docs", &[], &[(0, Access::Pull), (4, Access::Push)]),
    ("secret-plans", &[(0, Access::Admin)], &[]),
];

impl GitHub {
    pub(super) fn new(options: &DirectoryOptions) -> Self {
        let mut random = Random::named(options.seed, "github");
        let people: Vec<Person> = (0..options.people).map(|number| person(number, &mut random)).collect();
        let id_of = |position: &usize| people.get(*position).map(|person| person.id);
        let mut teams: Vec<Team> = Vec::new();
        for (name, parent, members) in TEAMS {
            let role = |number: usize| if number % 3 == 1 { TeamRole::Maintainer } else { TeamRole::Member };
            let members = members.iter().enumerate();
            teams.push(Team {
                id: 1_000_000 + random.below(9_000_000),
                slug: slug_of(name),
                name: name.to_owned(),
                parent: parent.and_then(|parent| teams.get(parent)).map(|team| team.id),
                members: members.filter_map(|(at, person)| Some((id_of(person)?, role(at)))).collect(),
                pending: Vec::new(),
            });
        }
        let repository = |(name, collaborators, with_access): Seeded| Repository {
            id: 100_000_000 + random.below(900_000_000),
            name: name.to_owned(),
            collaborators: collaborators
                .iter()
                .filter_map(|(at, access)| Some((id_of(at)?, *access)))
                .collect(),
            teams: with_access
                .iter()
                .filter_map(|(at, access)| Some((teams.get(*at)?.id, *access)))
                .collect(),
        };
        let repositories = REPOSITORIES.into_iter().map(repository).collect();
        let invitations = invitations::seed(&mut random);
        let page_entries = options.page_entries.max(1);
        let tells_inherited = options.tells_inherited;
        Self { id: 4_242_424, people, teams, repositories, invitations, page_entries, tells_inherited }
    }

    fn person(&self, id: u64) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Logins are the same whatever their case.
    fn person_by_login(&self, login: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.login.eq_ignore_ascii_case(login))
    }

    fn team(&self, id: u64) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    /// Who is in a team as lists tell it: its own members, and those of the teams below it. A person of several
    /// of them has the role in the team itself, else that of a plain member; owners of the organisation are
    /// maintainers of every team that they are in.
    fn members_of(&self, team: &Team) -> Vec<Membership> {
        let role = |id: u64, role: TeamRole| if self.is_owner(id) { TeamRole::Maintainer } else { role };
        let own =
            |(id, held): &(u64, TeamRole)| Membership { id: *id, role: role(*id, *held), inherited: false };
        let mut members: Vec<Membership> = team.members.iter().map(own).collect();
        for child in self.teams.iter().filter(|child| child.parent == Some(team.id)) {
            for Membership { id, .. } in self.members_of(child) {
                if members.iter().all(|known| known.id != id) {
                    members.push(Membership { id, role: role(id, TeamRole::Member), inherited: true });
                }
            }
        }
        members
    }

    fn is_owner(&self, id: u64) -> bool {
        self.person(id).is_some_and(|person| person.standing == Standing::Owner)
    }
}

/// Ana first, who owns the organisation; the last two of fourteen are outside collaborators.
fn person(number: usize, random: &mut Random) -> Person {
    let (login, name, email) = match number {
        0 => ("ana-oneil".to_owned(), "Ana O'Neil".to_owned(), "ana@example.com".to_owned()),
        _ => (
            format!("Dev-{number}"),
            if number % 5 == 4 { String::new() } else { format!("Developer {number}") },
            format!("dev-{number}@corp.example.com"),
        ),
    };
    let standing = match number {
        0 | 6 => Standing::Owner,
        _ if number % 14 >= 12 => Standing::Outside,
        _ => Standing::Member,
    };
    Person { id: 10_000 + random.below(90_000_000), login, name, email, standing }
}

/// A slug as GitHub makes it of a name.
fn slug_of(name: &str) -> String {
    let words = name.split(|found: char| !found.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
