//! Who has access to what: inventory, changes of access, people.
