//! The interpreter's environment: standard functions, published extensions, and our own.

use std::sync::{Arc, LazyLock};

use cel::common::functions::Function;
use cel::common::types::{DYN_TYPE, INT_TYPE, LIST_TYPE, STRING_TYPE, Type};
use cel::{DeclarationError, Env, extensions};

use super::big_number::BigNumber;
use super::{list_functions, text_functions};

/// What every expression is compiled and evaluated with.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    let declared = declare(&mut environment);
    debug_assert!(declared.is_ok(), "{declared:?}");
    Arc::new(environment)
});

/// Overloads that stand in for those of the crate: they bound what they make. Calls are redirected
/// to them when an expression is compiled; a name with `@` cannot be written in a file.
pub(super) const REDIRECTED: &[(&str, &str)] =
    &[("replace", "@replace"), ("join", "@join"), ("flatten", "@flatten"), ("distinct", "@distinct")];

/// The function that puts what a loop runs over in order.
pub(super) const ORDERED: &str = "@ordered";

/// The function in place of `+` where a side may be a list.
pub(super) const ADD: &str = "@add";

fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_extension(extensions::strings)?;
    environment.add_extension(extensions::lists)?;
    environment.add_extension(extensions::encoders)?;
    let functions: [(&str, Type, Function); 7] = [
        ("toLower", STRING_TYPE, text_functions::to_lower),
        ("toUpper", STRING_TYPE, text_functions::to_upper),
        ("titleCase", STRING_TYPE, text_functions::title_case),
        ("snakeCase", STRING_TYPE, text_functions::snake_case),
        ("slugify", STRING_TYPE, text_functions::slugify),
        ("string", BigNumber::type_of().to_owned(), text_functions::big_number),
        (ORDERED, DYN_TYPE, list_functions::ordered),
    ];
    environment.add_overload(ADD, "tutela_add", vec![DYN_TYPE, DYN_TYPE], list_functions::add)?;
    for (name, argument, function) in functions {
        environment.add_overload(name, &format!("tutela_{name}"), vec![argument], function)?;
    }
    let methods: [(&str, Type, Vec<Type>, Function); 7] = [
        ("@replace", STRING_TYPE, vec![STRING_TYPE, STRING_TYPE], text_functions::replace),
        ("@replace", STRING_TYPE, vec![STRING_TYPE, STRING_TYPE, INT_TYPE], text_functions::replace),
        ("@join", LIST_TYPE, vec![], text_functions::join),
        ("@join", LIST_TYPE, vec![STRING_TYPE], text_functions::join),
        ("@flatten", LIST_TYPE, vec![], list_functions::flatten),
        ("@flatten", LIST_TYPE, vec![INT_TYPE], list_functions::flatten),
        ("@distinct", LIST_TYPE, vec![], list_functions::distinct),
    ];
    for (name, target, arguments, function) in methods {
        let id = format!("tutela_{name}_{}", arguments.len());
        environment.add_member_overload(name, &id, target, arguments, function)?;
    }
    Ok(())
}
