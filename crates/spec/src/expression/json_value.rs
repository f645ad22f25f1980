//! JSON as the interpreter sees it, read where it lies.
//!
//! An object or list becomes a value of the interpreter only when an operation needs it whole
//! (comparison, `in`, loops), and then one level at a time. Selecting a member or an element looks
//! it up in the JSON.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt, LIST_TYPE, MAP_TYPE,
    Type,
};
use cel::common::value::{Builtin, BuiltinRef, CowVal, Val};
use serde_json::{Map, Value};

use super::big_number::BigNumber;

static OBJECT: Type = MAP_TYPE;
static LIST: Type = LIST_TYPE;

/// `value` for the interpreter. Texts are borrowed.
pub(super) fn json_value<'v>(value: &'v Value) -> Box<dyn Val + 'v> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(flag) => Box::new(CelBool::from(*flag)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Box::new(CelInt::from(integer)),
            (None, Some(integer)) => Box::new(CelUInt::from(integer)),
            (None, None) => match BigNumber::of(number) {
                Some(big) => Box::new(big),
                None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
            },
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => Box::new(JsonList { items, whole: OnceLock::new() }),
        Value::Object(members) => Box::new(JsonObject { members, whole: OnceLock::new() }),
    }
}

/// A JSON object.
struct JsonObject<'v> {
    members: &'v Map<String, Value>,
    whole: OnceLock<CelMap<'v>>,
}

impl<'v> JsonObject<'v> {
    /// The object as the interpreter's own map, one level deep.
    fn whole(&self) -> &CelMap<'v> {
        self.whole.get_or_init(|| {
            let members = self.members.iter();
            let members = members
                .map(|(key, value)| (CelMapKey::String(CelString::from(key.as_str())), json_value(value)));
            CelMap::from(members.collect::<HashMap<_, _>>())
        })
    }
}

/// The interpreter asks built-in maps for themselves where it needs a map whole, so that answering
/// with one makes every operation mean exactly what it means for a map literal. The method is kept
/// out of the crate's documentation; the crate is pinned to one version, and the tests of this
/// module compare with eager conversion.
impl Val for JsonObject<'_> {
    fn get_type(&self) -> &Type {
        &OBJECT
    }

    fn cel_type() -> &'static Type {
        &OBJECT
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self.whole())
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn into_indexer<'w>(self: Box<Self>) -> Option<Box<dyn Indexer + 'w>>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        Some(self.whole())
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        self.whole().equals(other)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(JsonObject { members: self.members, whole: OnceLock::new() })
    }

    fn as_builtin<'b, 'w>(&'b self) -> BuiltinRef<'b, 'w>
    where
        Self: 'w,
    {
        BuiltinRef::Map(self.whole())
    }

    fn into_builtin<'w>(self: Box<Self>) -> Option<Builtin<'w>>
    where
        Self: 'w,
    {
        self.whole();
        self.whole.into_inner().map(Builtin::Map)
    }
}

impl Indexer for JsonObject<'_> {
    fn get<'b, 'w>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let Some(name) = key.downcast_ref::<CelString>() else { return self.whole().get(key) };
        match self.members.get(name.inner()) {
            Some(value) => Ok(CowVal::Owned(json_value(value))),
            None => Err(ExecutionError::no_such_key(name.inner())),
        }
    }

    fn steal<'w>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

impl Sizer for JsonObject<'_> {
    fn size(&self) -> CelInt {
        size(self.members.len())
    }
}

impl Zeroer for JsonObject<'_> {
    fn is_zero_value(&self) -> bool {
        self.members.is_empty()
    }
}

/// Kinds and sizes only: values may be personal data.
impl fmt::Debug for JsonObject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object of {}", self.members.len())
    }
}

/// A JSON list.
struct JsonList<'v> {
    items: &'v [Value],
    whole: OnceLock<CelList<'v>>,
}

impl<'v> JsonList<'v> {
    /// The list as the interpreter's own, one level deep.
    fn whole(&self) -> &CelList<'v> {
        self.whole.get_or_init(|| CelList::from(self.items.iter().map(json_value).collect::<Vec<_>>()))
    }
}

/// As for [`JsonObject`].
impl Val for JsonList<'_> {
    fn get_type(&self) -> &Type {
        &LIST
    }

    fn cel_type() -> &'static Type {
        &LIST
    }

    fn as_adder<'b, 'w>(&'b self) -> Option<&'b (dyn Adder + 'w)>
    where
        Self: 'w,
    {
        Some(self.whole())
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self.whole())
    }

    fn as_indexer<'b, 'w>(&'b self) -> Option<&'b (dyn Indexer + 'w)>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn into_indexer<'w>(self: Box<Self>) -> Option<Box<dyn Indexer + 'w>>
    where
        Self: 'w,
    {
        Some(self)
    }

    fn as_iterable<'b, 'w>(&'b self) -> Option<&'b (dyn Iterable + 'w)>
    where
        Self: 'w,
    {
        Some(self.whole())
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        self.whole().equals(other)
    }

    fn clone_as_boxed<'w>(&self) -> Box<dyn Val + 'w>
    where
        Self: 'w,
    {
        Box::new(JsonList { items: self.items, whole: OnceLock::new() })
    }

    fn as_builtin<'b, 'w>(&'b self) -> BuiltinRef<'b, 'w>
    where
        Self: 'w,
    {
        BuiltinRef::List(self.whole())
    }

    fn into_builtin<'w>(self: Box<Self>) -> Option<Builtin<'w>>
    where
        Self: 'w,
    {
        self.whole();
        self.whole.into_inner().map(Builtin::List)
    }
}

impl Indexer for JsonList<'_> {
    fn get<'b, 'w>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'w>, ExecutionError>
    where
        Self: 'w,
    {
        let position = index.downcast_ref::<CelInt>().and_then(|index| usize::try_from(*index.inner()).ok());
        match position.and_then(|position| self.items.get(position)) {
            Some(value) => Ok(CowVal::Owned(json_value(value))),
            None => self.whole().get(index),
        }
    }

    fn steal<'w>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'w>, ExecutionError>
    where
        Self: 'w,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl Sizer for JsonList<'_> {
    fn size(&self) -> CelInt {
        size(self.items.len())
    }
}

impl Zeroer for JsonList<'_> {
    fn is_zero_value(&self) -> bool {
        self.items.is_empty()
    }
}

/// Kinds and sizes only: values may be personal data.
impl fmt::Debug for JsonList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list of {}", self.items.len())
    }
}

fn size(length: usize) -> CelInt {
    CelInt::from(i64::try_from(length).unwrap_or(i64::MAX))
}
