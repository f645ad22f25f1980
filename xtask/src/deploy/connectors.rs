//! How manifests start self-hosted connectors, judged by the program that is started.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::cargo;
use crate::services::{free_port, quiet};

/// Variables that a connector looks at and that are no flags of it.
const NO_FLAGS: [&str; 2] = ["BATON_HOST_ID", "BATON_C1_API_HOST"];
/// Where pods have files of connectors; one of the library takes its place here.
const MOUNTED: &str = "/etc/tutela/connector/connector.yml";
/// The status of a health check that nobody answers: its flags were understood.
const NOBODY_ANSWERS: i32 = 14;

/// One connector of one manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Started {
    /// After the name of the program.
    args: Vec<String>,
    /// The same of each probe.
    probes: Vec<Vec<String>>,
    /// Names of the variables that it is told.
    variables: Vec<String>,
}

impl Started {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Has the program say whether it knows the connector, each variable, and each probe.
    pub(super) fn check(&self, tutela: &Path) -> Result<()> {
        let known = program(tutela, &self.args).arg("--help").output()?;
        let help = String::from_utf8_lossy(&known.stdout);
        if !known.status.success() {
            bail!(
                "`tutela {}` is no connector: {}",
                self.args.join(" "),
                String::from_utf8_lossy(&known.stderr)
            );
        }
        let unknown = unknown(&self.variables, &help);
        if !unknown.is_empty() {
            bail!("a manifest tells `tutela {}` what it does not look at: {unknown:?}", self.args.join(" "));
        }
        quiet(program(tutela, &self.args).arg("capabilities"))?;
        for probe in &self.probes {
            let port = free_port()?.to_string();
            let asked = program(tutela, probe).env("BATON_HEALTH_CHECK_PORT", port).output()?;
            if asked.status.code() != Some(NOBODY_ANSWERS) {
                let said = String::from_utf8_lossy(&asked.stderr);
                bail!("the probe `tutela {}` asks for nothing ({}): {said}", probe.join(" "), asked.status);
            }
        }
        Ok(())
    }
}

fn program(tutela: &Path, arguments: &[String]) -> Command {
    let mut program = Command::new(tutela);
    let own = cargo::top().join("connectors/segment/connector.yml");
    let told = |argument: &String| if argument == MOUNTED { own.clone().into() } else { argument.into() };
    program.env_clear().args(arguments.iter().map(told).collect::<Vec<std::ffi::OsString>>());
    program
}

/// Variables that the help does not name and that are not known otherwise.
fn unknown<'a>(variables: &'a [String], help: &str) -> Vec<&'a str> {
    let named =
        |name: &str| help.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).any(|word| word == name);
    variables.iter().map(String::as_str).filter(|name| !NO_FLAGS.contains(name) && !named(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "--token <text>  Access token [BATON_ACCESS_TOKEN, BATON_TOKEN] [alias: --token]";

    #[test]
    fn a_variable_that_nobody_looks_at_is_named() {
        let variables =
            ["BATON_TOKEN", "BATON_HOST_ID", "BATON_TOKE", "BATON_PROVISONING"].map(str::to_owned);

        assert_eq!(unknown(&variables, HELP), ["BATON_TOKE", "BATON_PROVISONING"]);
    }
}
