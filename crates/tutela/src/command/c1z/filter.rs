use c1z::Filter;

/// Which grants are wanted, by what is granted.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GrantFilter {
    /// Only entitlements on resources of this type.
    #[arg(short = 't', long, global = true, value_name = "TYPE")]
    resource_type: Option<String>,
    /// Only entitlements on the resource with this id.
    #[arg(short, long, global = true, value_name = "ID", conflicts_with = "entitlement")]
    resource: Option<String>,
    /// Only this entitlement.
    #[arg(short, long, global = true, value_name = "ID")]
    entitlement: Option<String>,
}

impl GrantFilter {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            resource_type: self.resource_type.clone(),
            resource: self.resource.clone(),
            entitlement: self.entitlement.clone(),
            principal: None,
        }
    }
}

/// Which resources or entitlements are wanted.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TypeFilter {
    /// Only resources of this type, or entitlements on them.
    #[arg(short = 't', long, value_name = "TYPE")]
    resource_type: Option<String>,
}

impl TypeFilter {
    pub(super) fn filter(&self) -> Filter {
        Filter { resource_type: self.resource_type.clone(), ..Filter::default() }
    }
}
