use governance::inventory::{External as Found, ExternalAccount, TrustedDomains};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::rows::AccountRow;
use super::answer::{Answer, Asking, Head, List, SourceArguments, rows};
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Who is no stranger.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance external --connection segment --trusted example.com
  tutela governance external --connection segment --trusted example.com --trusted example.org --format csv

Domains below a trusted one are trusted. Accounts without an address are told apart. Ends with 0, also if there are
some, with 3 if something of the inventory is incomplete.")]
pub(crate) struct External {
    #[command(flatten)]
    source: SourceArguments,
    /// A domain of the company's; once for each.
    #[arg(long, value_name = "DOMAIN", required = true)]
    trusted: Vec<String>,
}

impl External {
    /// Finds them.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        let trusted = TrustedDomains::new(self.trusted.iter().map(String::as_str));
        let trusted = trusted.map_err(|error| Failure::bad_input(&error))?;
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let found = Found::find(inventory, &trusted);
        let stranger = |one: &ExternalAccount| json!({ "account": inventory.account(one.account), "domain": one.domain });
        let told = Strangers {
            external: found.external.iter().map(stranger).collect(),
            without_address: found.without_address.iter().map(|one| json!(inventory.account(*one))).collect(),
            trusted: found.trusted,
        };
        told.print(source.head(), output)
    }

    /// The same as a server has it.
    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let query = self.trusted.iter().map(|domain| ("trusted", domain.clone())).collect();
        let (limit, after, sent) = (usize::MAX, None, None);
        let list = List { path: "/external", query, items: "items", limit, after, sent };
        let (head, mut pages) = self.source.place(&asking)?.list(list)?;
        let counts: Counts = rows::read(pages.besides())?;
        let mut external = (&mut pages).collect::<Result<Vec<_>, _>>()?;
        let mut unknown = external.split_off(counts.external.min(external.len()));
        let accounts = unknown.iter_mut().filter_map(|item| item.get_mut("account"));
        let without_address = accounts.map(Value::take).collect();
        Strangers { external, without_address, trusted: counts.trusted }.print(&head, output)
    }
}

/// What was found.
struct Strangers {
    external: Vec<Value>,
    without_address: Vec<Value>,
    trusted: u64,
}

/// How many there are.
#[derive(Deserialize)]
struct Counts {
    external: usize,
    trusted: u64,
}

/// What is shown of one.
#[derive(Deserialize)]
struct StrangerRow<'a> {
    #[serde(borrow)]
    account: AccountRow<'a>,
    domain: &'a str,
}

impl Strangers {
    fn print(self, head: &Head, output: Output) -> Result<Exit, Failure> {
        let strangers = self.external.iter().map(|item| {
            let StrangerRow { account, domain } = rows::read(item)?;
            Ok(row(&account, domain))
        });
        let unknown = self.without_address.iter().map(|item| Ok(row(&rows::read(item)?, "")));
        let rows = strangers.chain(unknown).collect::<Result<_, Failure>>()?;
        let notes = vec![format!(
            "{} external, {} without an address, {} at trusted domains",
            self.external.len(),
            self.without_address.len(),
            self.trusted
        )];
        let mut data = head.data();
        data.insert("external".to_owned(), Value::Array(self.external));
        data.insert("without_address".to_owned(), Value::Array(self.without_address));
        data.insert("trusted".to_owned(), json!(self.trusted));
        let heading = ["Account", "Name", "E-mail", "Domain"];
        Answer { heading, rows, data, notes }.print(&[head], output)
    }
}

fn row(account: &AccountRow<'_>, domain: &str) -> [String; 4] {
    let names = &account.names;
    [rows::id(names), names.display_name.to_owned(), account.emails(), domain.to_owned()]
}
