use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crypto::Secret;
use jiff::Timestamp;
use spec::{FlatSetting, FlatValue};

use super::split::split;
use super::{CommandLineError, Given, Inputs, Origin, Problem};
use crate::config_file::ConfigFile;
use crate::flag::{ConnectorFields, Flag, FlagKind};

/// Everything that was given, the first of flag, environment and file for each flag (baton C-1).
pub(super) struct Values {
    flags: Vec<Flag>,
    given: Vec<Given>,
    /// Keys of the file that are no flags, with their places.
    pub(super) unknown_keys: Vec<String>,
}

impl Values {
    /// Adds what environment and file say to what the command line says.
    pub(super) fn gather(
        fields: &ConnectorFields,
        given: Vec<Given>,
        inputs: &Inputs,
    ) -> Result<Self, CommandLineError> {
        let file = ConfigFile::find(inputs.variable("BATON_CONFIG_PATH"), &inputs.folder)?;
        let flags: Vec<Flag> = fields.flags().collect();
        let mut values = Self { flags: Vec::new(), given, unknown_keys: Vec::new() };
        for flag in &flags {
            if values.find(&flag.name).is_some() {
                continue;
            }
            let find = |name: String| inputs.variable(&name).map(|said| (name, said));
            let said = flag.variables().into_iter().find_map(find);
            if let Some((name, said)) = said {
                let texts = if flag.kind == FlagKind::List { split(said) } else { vec![said.to_owned()] };
                values.push(flag, texts, Origin::Environment(name));
            } else if let Some(file) = &file {
                values.take_from_file(flag, file)?;
            }
        }
        if let Some(file) = &file {
            let unknown = |found: &&FlatSetting| !flags.iter().any(|flag| flag.is_called(&found.name));
            let shown = |found: &FlatSetting| {
                format!("{}:{}:{}: `{}`", file.path.display(), found.line, found.column, found.name)
            };
            values.unknown_keys = file.settings.iter().filter(unknown).map(shown).collect();
        }
        values.flags = flags;
        Ok(values)
    }

    fn take_from_file(&mut self, flag: &Flag, file: &ConfigFile) -> Result<(), CommandLineError> {
        // The flag's own name counts before its aliases.
        let of_name = |name: &str| file.settings.iter().find(|found| found.name == name);
        let names = std::iter::once(&flag.name).chain(&flag.aliases);
        let Some(setting) = names.into_iter().find_map(|name| of_name(name)) else { return Ok(()) };
        let name = file.path.display().to_string();
        let origin = Origin::File { name, line: setting.line, column: setting.column };
        let texts = match (&setting.value, flag.kind) {
            (FlatValue::List(texts), FlagKind::List) => texts.clone(),
            (FlatValue::Text(text), FlagKind::List) => split(text),
            (FlatValue::Text(text), _) => vec![text.clone()],
            (FlatValue::List(_), _) => return Err(value(flag, &origin, "takes one value, not a list").into()),
        };
        self.push(flag, texts, origin);
        Ok(())
    }

    fn push(&mut self, flag: &Flag, texts: Vec<String>, origin: Origin) {
        self.given.push(Given { flag: flag.name.clone(), texts: Secret::new(texts), origin });
    }

    /// What was given for `name`.
    pub(super) fn find(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.flag == name)
    }

    /// Whether `name` was given with something in it: an empty text and a switch that is off are nothing.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.find(name).is_some_and(|given| match given.texts.expose().as_slice() {
            [] => false,
            // The last is declared as a text by other runtimes and read as a switch.
            [text] if self.kind(name) == FlagKind::Switch || name == "event-feed" => {
                truth(text) != Some(false)
            }
            [text] => !text.is_empty(),
            _ => true,
        })
    }

    /// The text of `name`, else its default; `None` if it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let given = self.find(name).and_then(|given| given.texts.expose().last()).map(String::as_str);
        let default = || self.flag(name).map(|flag| flag.default.as_str());
        given.or_else(default).filter(|text| !text.is_empty())
    }

    /// The text of `name`, kept as a secret.
    pub(super) fn secret(&self, name: &str) -> Option<Secret<String>> {
        self.text(name).map(|text| Secret::new(text.to_owned()))
    }

    /// The texts of `name`, else those of its default.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.find(name) {
            Some(given) => given.texts.expose().iter().filter(|text| !text.is_empty()).cloned().collect(),
            None => self.text(name).map(split).unwrap_or_default(),
        }
    }

    /// Whether the switch `name` is on.
    pub(super) fn is_on(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name).map(truth) {
            None => Ok(false),
            Some(Some(on)) => Ok(on),
            Some(None) => Err(self.problem(name, "must be true or false")),
        }
    }

    /// The number of `name`, within its limits.
    pub(super) fn number(&self, name: &str) -> Result<i64, Problem> {
        let limits = self.flag(name).and_then(|flag| flag.kind.limits());
        let (least, most) = limits.unwrap_or((i64::MIN, i64::MAX));
        let number = self.text(name).map_or(Ok(0), str::parse::<i64>);
        number.ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
            let rule = if most == i64::MAX {
                format!("must be a whole number of at least {least}")
            } else {
                format!("must be a whole number from {least} to {most}")
            };
            self.problem(name, &rule)
        })
    }

    /// The word of `name`, one of those it takes.
    pub(super) fn word(&self, name: &str) -> Result<Option<&str>, Problem> {
        let FlagKind::Choice(words) = self.kind(name) else { return Ok(self.text(name)) };
        match self.text(name) {
            Some(text) if !words.contains(&text) => {
                Err(self.problem(name, &format!("must be one of {}", words.join(", "))))
            }
            text => Ok(text),
        }
    }

    /// The instant of `name`.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let instant = self.text(name).map(str::parse::<Timestamp>).transpose();
        instant.map_err(|_| self.problem(name, "must be an instant like 2026-11-26T12:00:00Z"))
    }

    /// Where the health server is.
    pub(super) fn health_address(&self) -> Result<SocketAddr, CommandLineError> {
        let said = self.text("health-check-bind-address").unwrap_or("127.0.0.1");
        let rule = "must be an address of this machine, like 127.0.0.1 or 0.0.0.0";
        let address: IpAddr = if said == "localhost" {
            Ipv4Addr::LOCALHOST.into()
        } else {
            said.parse().map_err(|_| self.problem("health-check-bind-address", rule))?
        };
        let port = self.number("health-check-port")?;
        let port = u16::try_from(port).map_err(|_| self.problem("health-check-port", "must be a port"))?;
        Ok(SocketAddr::new(address, port))
    }

    /// A problem with the value of `name`; it never shows the value.
    pub(super) fn problem(&self, name: &str, rule: &str) -> Problem {
        let origin =
            self.find(name).map_or_else(|| Origin::Flag(name.to_owned()), |given| given.origin.clone());
        Problem::Value { field: name.to_owned(), origin, rule: rule.to_owned() }
    }

    /// The flag called `name`.
    pub(super) fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    fn kind(&self, name: &str) -> FlagKind {
        self.flag(name).map_or(FlagKind::Text, |flag| flag.kind)
    }
}

fn value(flag: &Flag, origin: &Origin, rule: &str) -> Problem {
    Problem::Value { field: flag.name.clone(), origin: origin.clone(), rule: rule.to_owned() }
}

/// The spellings that other runtimes take.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Some(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" | "" => Some(false),
        _ => None,
    }
}

/// The address under which a server that is open at `address` is reached from this machine.
pub(super) fn reached_at(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    SocketAddr::new(host, address.port())
}
