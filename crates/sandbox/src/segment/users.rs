use std::collections::HashMap;
use std::ops::Deref;

use super::iam::{Permission, User};

/// The users of the workspace in the order of their lists, found by id and by address.
#[derive(Debug, Default)]
pub(super) struct Users {
    list: Vec<User>,
    by_id: HashMap<String, usize>,
    /// Addresses are the same whatever their case.
    by_email: HashMap<String, usize>,
}

/// Where in the lists a new user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Position {
    /// All others move on by one, as they do under somebody who reads page by page (segment-api A22).
    First,
    #[default]
    Last,
}

impl Users {
    pub(super) fn new(list: Vec<User>) -> Self {
        let mut users = Self { list, ..Self::default() };
        users.count();
        users
    }

    pub(super) fn find(&self, id: &str) -> Option<&User> {
        self.list.get(*self.by_id.get(id)?)
    }

    pub(super) fn by_email(&self, email: &str) -> Option<&User> {
        self.list.get(*self.by_email.get(&email.to_lowercase())?)
    }

    /// What a user holds. `None` if there is no such user.
    pub(super) fn permissions_mut(&mut self, id: &str) -> Option<&mut Vec<Permission>> {
        let user = self.list.get_mut(*self.by_id.get(id)?)?;
        Some(user.permissions.get_or_insert_default())
    }

    pub(super) fn add(&mut self, user: User, position: Position) {
        match position {
            Position::First => self.list.insert(0, user),
            Position::Last => self.list.push(user),
        }
        self.count();
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<User> {
        let user = self.list.remove(*self.by_id.get(id)?);
        self.count();
        Some(user)
    }

    fn count(&mut self) {
        self.by_id = self.list.iter().enumerate().map(|(at, user)| (user.id.clone(), at)).collect();
        self.by_email =
            self.list.iter().enumerate().map(|(at, user)| (user.email.to_lowercase(), at)).collect();
    }
}

impl Deref for Users {
    type Target = [User];

    fn deref(&self) -> &[User] {
        &self.list
    }
}

impl<'a> IntoIterator for &'a Users {
    type Item = &'a User;
    type IntoIter = std::slice::Iter<'a, User>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
