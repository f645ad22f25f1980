use graph::MaskingMode;
use spec::ConnectionEntry;
use spec::connector_file::Service;
use spec::dataset_file::Dataset;

use super::ProjectFile;
use super::described::DescribedPart;
use super::member::{Instance, Member, Part};
use super::secrets::SecretsOf;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

impl ProjectFile {
    /// Completes all connections; what is wrong with any of them is shown.
    pub(crate) fn members(&self, output: Output) -> Result<Vec<Member>, Failure> {
        let positions = 0..self.project.connections.len();
        self.complete(positions, Service::Privacy, output)
    }

    /// Completes the connection called `key`, for privacy requests.
    pub(crate) fn member(&self, key: &str, output: Output) -> Result<Member, Failure> {
        self.member_for(key, Service::Privacy, output)
    }

    /// Completes the connection called `key`; what `service` does not need may be missing.
    pub(crate) fn member_for(&self, key: &str, service: Service, output: Output) -> Result<Member, Failure> {
        let (position, entry) = self.find_entry(key)?;
        if entry.baton.is_some() {
            return Err(Failure::BadInput(format!(
                "`{key}` is a Baton connector of somebody else, which says who has access and nothing else; \
                 `tutela governance sync --connection {key}` reads it"
            )));
        }
        let found = self.complete(position..position + 1, service, output)?;
        // What cannot be completed was shown.
        found.into_iter().next().ok_or(Failure::Shown(Exit::BadInput))
    }

    /// The connection called `key`, and its position in the file.
    pub(super) fn find_entry(&self, key: &str) -> Result<(usize, &ConnectionEntry), Failure> {
        let connections = &self.project.connections;
        connections.iter().enumerate().find(|(_, entry)| entry.key.as_str() == key).ok_or_else(|| {
            let keys: Vec<&str> = connections.iter().map(|entry| entry.key.as_str()).collect();
            Failure::BadInput(format!(
                "{} has no connection `{key}`; it has: {}",
                self.source.name(),
                keys.join(", ")
            ))
        })
    }

    /// Completes the connection called `key`, which a connector file must run.
    pub(crate) fn instance(&self, key: &str, output: Output) -> Result<Instance, Failure> {
        self.instance_for(key, Service::Privacy, output)
    }

    /// Likewise; what `service` does not need may be missing.
    pub(crate) fn instance_for(
        &self,
        key: &str,
        service: Service,
        output: Output,
    ) -> Result<Instance, Failure> {
        self.member_for(key, service, output)?.instance().cloned()
    }

    fn complete(
        &self,
        positions: std::ops::Range<usize>,
        service: Service,
        output: Output,
    ) -> Result<Vec<Member>, Failure> {
        let mut found = self.findings();
        let mut members = Vec::new();
        for (position, entry) in self.project.connections.iter().enumerate() {
            if !positions.clone().contains(&position) {
                continue;
            }
            let Some(described) = self.describe(position, entry, &mut found)? else { continue };
            let secrets = SecretsOf { project: self, position, entry };
            let completed = match described.part {
                DescribedPart::Connector(file, dataset) => {
                    secrets.check(&file, service, &mut found.list).map(|secrets| {
                        let values = secrets.values.clone();
                        (values, Part::Connector(Instance::new(&entry.key, (*file, dataset), secrets)))
                    })
                }
                DescribedPart::Database(kind, dataset) => {
                    secrets.supplied(&mut found.list).map(|values| (values, Part::Database(kind, dataset)))
                }
            };
            if let Some((secrets, part)) = completed {
                members.push(Member {
                    entry: entry.clone(),
                    mode: if self.project.is_masking_strict(entry) {
                        MaskingMode::Strict
                    } else {
                        MaskingMode::Any
                    },
                    sha256: described.sha256,
                    secrets,
                    part,
                });
            }
        }
        found.show_errors(output)?;
        self.check_references(&members, positions, output)?;
        Ok(members)
    }

    /// External references must lead to a field of some connection of the project (saas-config 4.12).
    fn check_references(
        &self,
        members: &[Member],
        positions: std::ops::Range<usize>,
        output: Output,
    ) -> Result<(), Failure> {
        if positions.len() < self.project.connections.len() {
            // The field may belong to a connection that this command has nothing to do with.
            return Ok(());
        }
        let datasets: Vec<&Dataset> = members.iter().filter_map(Member::dataset).collect();
        let mut found = self.findings();
        for member in members {
            let Part::Connector(instance) = &member.part else { continue };
            let (position, _) = self.find_entry(member.entry.key.as_str())?;
            for (name, reference) in &instance.connection.references {
                if let Err(error) = spec::secrets::check_external_reference(name, reference, &datasets) {
                    let place = format!("connections[{position}].secrets.{name}");
                    found.list.push(self.error_at_key(&place, "project::secret", error.to_string()));
                }
            }
        }
        found.show_errors(output)
    }
}
