use connector::{BoxFuture, TokenKey, TokenLock, TokenStore, TokenStoreError, Tokens};
use engine::StoredTokens;
use model::ConnectionKey;

/// The kept tokens of one connection, under its own key whatever its dataset is called: what a person
/// authorized counts for all that is done through it.
#[derive(Debug)]
pub(super) struct OwnTokens {
    tokens: StoredTokens,
    connection: ConnectionKey,
}

impl OwnTokens {
    pub(super) fn new(tokens: StoredTokens, connection: ConnectionKey) -> Self {
        Self { tokens, connection }
    }

    fn own(&self, key: &TokenKey) -> TokenKey {
        TokenKey { connection: self.connection.clone(), slot: key.slot.clone() }
    }
}

impl TokenStore for OwnTokens {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<Tokens>, TokenStoreError>> {
        Box::pin(async move { self.tokens.load(&self.own(key)).await })
    }

    fn save<'a>(&'a self, key: &'a TokenKey, tokens: Tokens) -> BoxFuture<'a, Result<(), TokenStoreError>> {
        Box::pin(async move { self.tokens.save(&self.own(key), tokens).await })
    }

    fn lock<'a>(&'a self, _: &'a ConnectionKey) -> BoxFuture<'a, Result<TokenLock, TokenStoreError>> {
        self.tokens.lock(&self.connection)
    }
}
