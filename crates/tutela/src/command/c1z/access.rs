use super::file::{Opened, failure};
use super::list::{named, told};
use super::protojson;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// What one principal has.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z access -f sync.c1z -t user -r u1")]
pub(crate) struct Access {
    /// Type of the principal.
    #[arg(short = 't', long, value_name = "TYPE", default_value = "user")]
    resource_type: String,
    /// Id of the principal.
    #[arg(short, long, value_name = "ID")]
    resource: String,
}

impl Access {
    pub(super) fn run(&self, opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let found = explorer.access(&self.resource_type, &self.resource).map_err(|error| failure(&error))?;
        match output.format() {
            Format::Json => protojson::print(&found)?,
            Format::Table => {
                let principal = found.principal.unwrap_or_default();
                let mut lines = vec![format!("Effective Access for {}", named(&principal))];
                for access in found.access {
                    lines.push(format!("  {}", named(&access.resource.unwrap_or_default())));
                    lines.extend(access.entitlements.into_iter().map(|entitlement| {
                        let slug = if entitlement.slug.is_empty() {
                            entitlement.display_name
                        } else {
                            entitlement.slug
                        };
                        format!("    {slug}")
                    }));
                }
                let lines: Vec<_> = lines.iter().map(|line| model::visible(line)).collect();
                output::text(&lines.join("\n"));
            }
        }
        Ok(told(&explorer))
    }
}
