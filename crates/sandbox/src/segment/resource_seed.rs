use super::iam::Label;
use super::resource::{FUNCTION_TYPES, Function, Source, Space, Warehouse};
use super::workspace::WorkspaceOptions;
use super::world::{START, World};
use crate::Random;

const SOURCES: [(&str, Option<&str>, &str); 6] = [
    ("website", Some("Website"), "Javascript"),
    ("backend", Some("Backend"), "HTTP API"),
    ("ios-app", Some("iOS app"), "Apple"),
    ("android-app", Some("Android app"), "Android"),
    ("crm-import", None, "Salesforce"),
    ("website-staging", Some("Website (staging)"), "Javascript"),
];
/// Names of further sources; a client falls back to the slug where there is none.
const NAMES: [Option<&str>; 4] =
    [Some("Web: EU, \"main\""), None, Some("Import & export"), Some("Shop's checkout/basket")];
const WAREHOUSES: [(Option<&str>, &str); 3] =
    [(Some("analytics"), "Snowflake"), (Some("finance"), "Snowflake"), (None, "BigQuery")];
const SPACES: [(&str, &str); 2] = [("prod", "Production"), ("dev", "Development")];

/// Fills a new world with what access is to.
pub(super) fn fill(world: &mut World, options: &WorkspaceOptions) {
    let seed = world.seed;
    let random = |name: &str| Random::named(seed, name);
    world.sources = numbered(options.sources, source, random("sources"));
    let loaded: Vec<String> = world.sources.iter().take(3).map(|source| source.id.clone()).collect();
    let warehouse = |number, random: &mut Random| warehouse(number, random, &loaded);
    world.warehouses = numbered(options.warehouses, warehouse, random("warehouses"));
    world.spaces = numbered(options.spaces, space, random("spaces"));
    world.functions = numbered(options.functions, function, random("functions"));
}

fn numbered<T>(count: usize, one: impl Fn(usize, &mut Random) -> T, mut random: Random) -> Vec<T> {
    (0..count).map(|number| one(number, &mut random)).collect()
}

fn source(number: usize, random: &mut Random) -> Source {
    let known = SOURCES
        .get(number)
        .map(|(slug, name, product)| ((*slug).to_owned(), name.map(str::to_owned), *product));
    let (slug, name, product) = known.unwrap_or_else(|| {
        let name = NAMES.get(number % NAMES.len()).copied().flatten();
        (format!("source-{number}"), name.map(|name| format!("{name} {number}")), "HTTP API")
    });
    Source {
        id: random.letters(22),
        labels: vec![Label::new("environment", if slug.ends_with("staging") { "dev" } else { "prod" })],
        slug,
        name,
        product,
        write_key: random.letters(32),
    }
}

fn warehouse(number: usize, random: &mut Random, loaded: &[String]) -> Warehouse {
    let (name, product) = WAREHOUSES.get(number).copied().unwrap_or((None, "Redshift"));
    let numbered = (number >= WAREHOUSES.len() && number % 4 != 3).then(|| format!("warehouse {number}"));
    Warehouse {
        id: random.letters(22),
        name: name.map(str::to_owned).or(numbered),
        product,
        password: random.letters(20),
        sources: loaded.to_vec(),
    }
}

fn space(number: usize, random: &mut Random) -> Space {
    let known = SPACES.get(number).map(|(slug, name)| ((*slug).to_owned(), (*name).to_owned()));
    let (slug, name) =
        known.unwrap_or_else(|| (format!("space-{number}"), format!("Space {number}: \"R&D\", EU")));
    Space { id: format!("spa_{}", random.letters(22)), slug, name, secret: random.letters(86) }
}

/// The types take turns. Of seven functions the last two have no name.
fn function(number: usize, random: &mut Random) -> Function {
    let kind = FUNCTION_TYPES.get(number % FUNCTION_TYPES.len()).copied().unwrap_or("SOURCE");
    let prefix = if kind.ends_with("SOURCE") { "sfnc" } else { "dfn" };
    Function {
        id: format!("{prefix}_{}", random.letters(24).to_lowercase()),
        resource_type: kind,
        created_at: START.to_owned(),
        created_by: random.letters(22),
        display_name: (number % 7 < FUNCTION_TYPES.len())
            .then(|| format!("Function {number} ({})", kind.to_lowercase())),
        catalog_id: random.letters(24).to_lowercase(),
    }
}
