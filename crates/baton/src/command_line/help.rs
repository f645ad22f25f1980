use crate::flag::{ConnectorFields, Flag, FlagKind};

/// What the help begins with.
pub(super) fn about(fields: &ConnectorFields) -> String {
    format!(
        "Baton connector for {}: who has access, read into a file or for a control plane",
        fields.display_name()
    )
}

/// What the help ends with.
pub(super) fn after(program: &str) -> String {
    format!(
        "Each flag has a variable, named in brackets, and a key of the same name in the file that \
         BATON_CONFIG_PATH names, else in .baton.yaml. The flag counts first, then the variable, then the file.\n\n\
         Examples:\n  {program} -f sync.c1z\n  {program} --client-id … --client-secret … --provisioning\n  \
         {program} health-check --endpoint ready"
    )
}

/// The help of one flag: what it means, its default, its variables (governance §31 #22).
pub(super) fn flag(flag: &Flag) -> String {
    // A default of a secret would be a secret.
    let is_shown = !flag.default.is_empty() && flag.kind != FlagKind::Secret;
    let default = if is_shown { format!(" [default: {}]", flag.default) } else { String::new() };
    format!("{}{default} [{}]", flag.meaning, flag.variables().join(", "))
}
