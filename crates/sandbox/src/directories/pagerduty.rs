//! A PagerDuty account, as its REST interface shows it.

mod answers;
mod truth;

use super::DirectoryOptions;
use crate::Random;

pub(super) use answers::{answer, error};

/// An account with its users and teams.
#[derive(Debug)]
pub(super) struct PagerDuty {
    users: Vec<User>,
    teams: Vec<Team>,
    page_entries: usize,
}

#[derive(Debug)]
struct User {
    id: String,
    name: String,
    email: String,
    role: &'static str,
}

#[derive(Debug)]
struct Team {
    id: String,
    name: String,
    parent: Option<String>,
    /// Ids of the members, each with one role.
    members: Vec<(String, TeamRole)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TeamRole {
    Manager,
    Responder,
    Observer,
}

impl TeamRole {
    const ALL: [Self; 3] = [Self::Manager, Self::Responder, Self::Observer];

    fn word(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Responder => "responder",
            Self::Observer => "observer",
        }
    }
}

/// What a user can be in the whole account, and how people call it.
const ROLES: [(&str, &str); 8] = [
    ("owner", "Account Owner"),
    ("admin", "Global Admin"),
    ("user", "Manager"),
    ("limited_user", "Responder"),
    ("observer", "Observer"),
    ("restricted_access", "Restricted Access"),
    ("read_only_user", "Full Stakeholder"),
    ("read_only_limited_user", "Limited Stakeholder"),
];
/// The role of those who look only, and can be in no team.
const LOOKS_ONLY: &str = "read_only_user";
/// Name, position of the parent, positions of the members.
const TEAMS: [(&str, Option<usize>, &[usize]); 5] = [
    ("Operations", None, &[0, 1, 2, 3, 4, 8, 9]),
    ("Database: on call", Some(0), &[2, 3]),
    ("Web & Mobile", None, &[4, 5, 8]),
    ("Nobody's team", None, &[]),
    ("Support, EMEA", None, &[1, 10, 11, 12]),
];

impl PagerDuty {
    pub(super) fn new(options: &DirectoryOptions) -> Self {
        let mut random = Random::named(options.seed, "pagerduty");
        let users: Vec<User> = (0..options.people).map(|number| user(number, &mut random)).collect();
        let mut teams: Vec<Team> = Vec::new();
        for (name, parent, members) in TEAMS {
            let role = |at: usize| TeamRole::ALL.into_iter().cycle().nth(at).unwrap_or(TeamRole::Manager);
            let members = members.iter().filter_map(|position| users.get(*position)).enumerate();
            teams.push(Team {
                id: format!("P{}", random.letters(6).to_uppercase()),
                name: name.to_owned(),
                parent: parent.and_then(|parent| teams.get(parent)).map(|team| team.id.clone()),
                members: members.map(|(at, user)| (user.id.clone(), role(at))).collect(),
            });
        }
        Self { users, teams, page_entries: options.page_entries.max(1) }
    }

    fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }
}

/// Ana first, who owns the account. Of fourteen the seventh and the last look only.
fn user(number: usize, random: &mut Random) -> User {
    let role = match number % 7 {
        0 if number == 0 => "owner",
        0 => "admin",
        1 | 2 => "user",
        3 => "limited_user",
        4 => "observer",
        5 => "restricted_access",
        _ => LOOKS_ONLY,
    };
    let (name, email) = match number {
        0 => ("Ana O'Neil".to_owned(), "ana@example.com".to_owned()),
        _ => (format!("On-call {number}, \"R&D\""), format!("oncall-{number}@corp.example.com")),
    };
    User { id: format!("P{}", random.letters(6).to_uppercase()), name, email, role }
}
