use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Value,
};
use regex::Regex;

use super::broken::Bound;
use crate::descriptors::pool;
use crate::generated::tutela::limits::v1::Limits;

/// What is looked at in a message: fields with limits, and fields in which further messages lie.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) fields: Vec<(FieldDescriptor, Rules)>,
    /// Groups of choices of which one has to be set.
    pub(super) required: Vec<OneofDescriptor>,
}

/// [`Limits`] in the form in which they are checked.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) required: bool,
    pub(super) ignore_empty: bool,
    /// Size of a text in bytes.
    pub(super) bytes: Option<Bound>,
    /// Characters of a text, bytes of a bytes field.
    pub(super) length: Option<Bound>,
    pub(super) forms: Vec<Form>,
    pub(super) number: Option<Bound>,
    pub(super) items: Option<Bound>,
    pub(super) unique: bool,
    /// For each item of a list or value of a map.
    pub(super) each: Option<Box<Rules>>,
    /// For each key of a map.
    pub(super) keys: Option<Box<Rules>>,
}

/// What a text, or the number of an enum, has to look like.
pub(super) enum Form {
    Prefix(String),
    Pattern(Regex),
    OneOf(Vec<String>),
    Uri,
    Email,
    /// A number that its enum has a name for.
    Defined,
}

static PLANS: LazyLock<HashMap<String, Plan>> = LazyLock::new(|| {
    let options = Options::new();
    let messages = pool().all_messages().filter(|message| message.package_name() != "google.protobuf");
    messages.map(|message| (message.full_name().to_owned(), options.plan(&message))).collect()
});

/// The plan of a message type; none for types that others define.
pub(super) fn find(descriptor: &MessageDescriptor) -> Option<&'static Plan> {
    PLANS.get(descriptor.full_name())
}

/// The options that state limits.
struct Options {
    field: ExtensionDescriptor,
    required: ExtensionDescriptor,
}

impl Options {
    fn new() -> Self {
        let option = |name| pool().get_extension_by_name(name).expect("`limits.proto` declares the option");
        Self { field: option("tutela.limits.v1.field"), required: option("tutela.limits.v1.required") }
    }

    fn plan(&self, message: &MessageDescriptor) -> Plan {
        let fields = message.fields().filter_map(|field| {
            let limits = limits_of(&field.options(), &self.field);
            let is_walked = limits.is_some() || is_nested(&field);
            is_walked.then(|| (field, Rules::from(limits.unwrap_or_default())))
        });
        let is_required = |group: &OneofDescriptor| {
            group.options().get_extension(&self.required).as_bool().unwrap_or_default()
        };
        Plan { fields: fields.collect(), required: message.oneofs().filter(is_required).collect() }
    }
}

fn limits_of(options: &DynamicMessage, option: &ExtensionDescriptor) -> Option<Limits> {
    if !options.has_extension(option) {
        return None;
    }
    match options.get_extension(option).as_ref() {
        Value::Message(limits) => Some(limits.transcode_to().expect("the option is of this type")),
        _ => None,
    }
}

/// Whether messages of our own lie in the field.
fn is_nested(field: &FieldDescriptor) -> bool {
    let kind = match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    kind.as_message().is_some_and(|message| message.package_name() != "google.protobuf")
}

impl From<Limits> for Rules {
    fn from(limits: Limits) -> Self {
        let exact = limits.len.map(|length| bound(Some(length), Some(length)));
        Self {
            required: limits.required,
            ignore_empty: limits.ignore_empty,
            bytes: any(bound(limits.min_bytes, limits.max_bytes)),
            length: exact.or_else(|| any(bound(limits.min_len, limits.max_len))),
            forms: forms(&limits),
            number: any(Bound { least: limits.gte.or(limits.gt.map(|above| above + 1)), most: limits.lte }),
            items: any(bound(limits.min_items, limits.max_items)),
            unique: limits.unique,
            each: limits.items.map(|limits| Box::new(Self::from(*limits))),
            keys: limits.keys.map(|limits| Box::new(Self::from(*limits))),
        }
    }
}

fn forms(limits: &Limits) -> Vec<Form> {
    let pattern = |pattern: &str| Regex::new(pattern).expect("patterns in our `.proto` files are valid");
    let forms = [
        (!limits.prefix.is_empty()).then(|| Form::Prefix(limits.prefix.clone())),
        (!limits.pattern.is_empty()).then(|| Form::Pattern(pattern(&limits.pattern))),
        (!limits.one_of.is_empty()).then(|| Form::OneOf(limits.one_of.clone())),
        limits.uri.then_some(Form::Uri),
        limits.email.then_some(Form::Email),
        limits.defined_only.then_some(Form::Defined),
    ];
    forms.into_iter().flatten().collect()
}

fn bound(least: Option<u64>, most: Option<u64>) -> Bound {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Bound { least: least.map(number), most: most.map(number) }
}

/// A bound that bounds nothing is none.
fn any(bound: Bound) -> Option<Bound> {
    (bound.least.is_some() || bound.most.is_some()).then_some(bound)
}
