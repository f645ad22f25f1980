//! The functions that expressions may call: the one table that the check of calls, the reference
//! page and a test of every example read.

mod lists;
mod macros;
mod optionals;
mod standard;
mod texts;
mod times;

/// One function or macro.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// The name as called; `base64.encode` is one name.
    pub name: &'static str,
    /// How it is called.
    pub style: Style,
    /// Fewest and most arguments, what a method is called on not counted.
    pub arguments: (usize, usize),
    /// How a call is written, with the kinds of its arguments and of its result.
    pub signature: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
    /// What the example gives, as JSON.
    pub result: &'static str,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `f(x)`
    Function,
    /// `x.f(…)`
    Method,
    /// Either.
    Both,
    /// `x.all(y, …)` and the like: rewritten when the expression is compiled.
    Macro,
}

/// Functions that belong together.
#[derive(Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The functions, in the order of the reference page.
    pub functions: &'static [Function],
}

/// All functions, in the order of the reference page.
pub const GROUPS: &[Group] = &[
    Group { title: "Loops and presence", functions: macros::FUNCTIONS },
    Group { title: "Texts", functions: texts::FUNCTIONS },
    Group { title: "Lists", functions: lists::FUNCTIONS },
    Group { title: "Conversions and kinds", functions: standard::FUNCTIONS },
    Group { title: "Optional values", functions: optionals::FUNCTIONS },
    Group { title: "Times and durations", functions: times::FUNCTIONS },
];

/// Whether a call of `name` with `arguments` arguments, as a method or not, is in the table.
pub(super) fn is_callable(name: &str, method: bool, arguments: usize) -> bool {
    GROUPS.iter().flat_map(|group| group.functions).any(|function| {
        let styled = match function.style {
            Style::Function => !method,
            Style::Method => method,
            Style::Both => true,
            Style::Macro => false,
        };
        // A function that is both has what the method is called on as its first argument.
        let first = usize::from(function.style == Style::Both && !method);
        let (fewest, most) = function.arguments;
        function.name == name && styled && (fewest + first..=most + first).contains(&arguments)
    })
}

/// Whether a function of the table is called `name`.
pub(super) fn is_name(name: &str) -> bool {
    GROUPS.iter().flat_map(|group| group.functions).any(|function| function.name == name)
}
