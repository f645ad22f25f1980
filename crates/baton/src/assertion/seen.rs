use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use thiserror::Error;

use crate::credential::ClientId;

/// Nonces of assertions that were taken, each for as long as its assertion could be shown again (baton P-6).
///
/// Bounded for each client and in all, so that nobody fills the memory. What is full refuses: forgetting a
/// nonce early would let its assertion in a second time. Each process has its own; processes that share a
/// load take an assertion once each.
#[derive(Debug)]
pub struct SeenNonces {
    most_of_client: usize,
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Client id → nonce → when it may be forgotten.
    clients: HashMap<String, HashMap<String, Timestamp>>,
    count: usize,
}

/// What was found about a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nonce {
    /// Nobody showed it before; it is known from now on.
    New,
    /// Somebody showed it before.
    Seen,
}

impl SeenNonces {
    /// Keeps at most `most_of_client` nonces of one client, and `most` in all.
    pub fn new(most_of_client: usize, most: usize) -> Self {
        Self { most_of_client, most, seen: Mutex::default() }
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Takes note of a nonce until `until`.
    pub(super) fn note(
        &self,
        (client, nonce): (&ClientId, &str),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Nonce, SeenNoncesFull> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = seen.clients.get(client.as_str());
        if of_client.and_then(|of_client| of_client.get(nonce)).is_some_and(|end| *end >= now) {
            return Ok(Nonce::Seen);
        }
        if of_client.is_some_and(|of_client| of_client.len() >= self.most_of_client) {
            seen.forget_of(client.as_str(), now);
        }
        if seen.count >= self.most {
            seen.forget(now);
        }
        let of_client = seen.clients.get(client.as_str()).map_or(0, HashMap::len);
        if of_client >= self.most_of_client || seen.count >= self.most {
            return Err(SeenNoncesFull);
        }
        let of_client = seen.clients.entry(client.as_str().to_owned()).or_default();
        if of_client.insert(nonce.to_owned(), until).is_none() {
            seen.count += 1;
        }
        Ok(Nonce::New)
    }
}

impl Seen {
    fn forget_of(&mut self, client: &str, now: Timestamp) {
        let Some(of_client) = self.clients.get_mut(client) else { return };
        let before = of_client.len();
        of_client.retain(|_, until| *until >= now);
        self.count -= before - of_client.len();
    }

    fn forget(&mut self, now: Timestamp) {
        self.clients.retain(|_, of_client| {
            of_client.retain(|_, until| *until >= now);
            !of_client.is_empty()
        });
        self.count = self.clients.values().map(HashMap::len).sum();
    }
}

/// Four a second for minutes, from one client or from all.
impl Default for SeenNonces {
    fn default() -> Self {
        Self::new(1_024, 65_536)
    }
}

/// More assertions than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many assertions within minutes; use a token until it ends")]
pub struct SeenNoncesFull;
