//! The published schema of records, and what checks a record against it: the vocabulary of JSON Schema 2020-12 that
//! the schema uses, no more. The schema is the only place that names fields and their types.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The published schema: `docs/generation.schema.json`.
pub(super) const TEXT: &str = include_str!("schema.json");

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());

/// The pattern of SHA-256 in hexadecimal.
const SHA256: &str = "^[0-9a-f]{64}$";
/// The pattern of times.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$";
/// The pattern of canonical strings.
const CANONICAL: &str = "^name=";

/// A rule of the schema that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Such as `hardware.gpu[0].name`; empty for the record itself.
    pub(super) field: String,
    /// What it must be.
    pub(super) rule: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { field, rule } = self;
        if field.is_empty() { write!(f, "the record {rule}") } else { write!(f, "`{field}` {rule}") }
    }
}

/// True if the schema knows a setting of this name.
pub(super) fn names_setting(name: &str) -> bool {
    SCHEMA.pointer("/properties/settings/properties").is_some_and(|known| known.get(name).is_some())
}

/// Checks a record against the schema; the first rule that is broken, by the schema's order.
pub(super) fn check(record: &Value) -> Result<(), Violation> {
    check_value(record, &SCHEMA, &mut String::new())
}

fn check_value(value: &Value, schema: &Value, field: &mut String) -> Result<(), Violation> {
    let Value::Object(schema) = schema else { return Ok(()) };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| SCHEMA.pointer(pointer));
        check_value(value, found.unwrap_or(&Value::Null), field)?;
    }
    check_kind(value, schema, field)?;
    match value {
        Value::String(text) => check_text(text, schema, field),
        Value::Number(number) => check_number(number.as_f64().unwrap_or(f64::NAN), schema, field),
        Value::Array(values) => check_array(values, schema, field),
        Value::Object(map) => check_object(map, schema, field),
        _ => Ok(()),
    }?;
    let Some(Value::Array(choices)) = schema.get("anyOf") else { return Ok(()) };
    if choices.iter().any(|choice| check_value(value, choice, &mut field.clone()).is_ok()) {
        return Ok(());
    }
    let names: Vec<&str> = choices.iter().filter_map(|c| c.pointer("/required/0")?.as_str()).collect();
    broken(
        field,
        if value.is_object() && names.len() == choices.len() {
            format!("says nothing: it has none of {}", names.join(", "))
        } else {
            "has none of the forms it may have".into()
        },
    )
}

fn broken(field: &str, rule: impl Into<String>) -> Result<(), Violation> {
    Err(Violation { field: field.to_owned(), rule: rule.into() })
}

fn check_kind(value: &Value, schema: &Map<String, Value>, field: &str) -> Result<(), Violation> {
    if let Some(expected) = schema.get("const")
        && value != expected
    {
        return broken(field, format!("is {expected}, not {}", shown(value)));
    }
    if let Some(Value::Array(expected)) = schema.get("enum")
        && !expected.contains(value)
    {
        let expected: Vec<String> = expected.iter().map(Value::to_string).collect();
        return broken(field, format!("is one of {}, not {}", expected.join(", "), shown(value)));
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if kinds.iter().any(|kind| is_kind(value, kind)) {
        return Ok(());
    }
    broken(field, format!("is of type {}, not {}", kinds.join(" or "), shown(value)))
}

fn is_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        // In JSON Schema 1.0 is an integer.
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        _ => false,
    }
}

/// A value as messages show it: cut where it is long.
fn shown(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn limit(schema: &Map<String, Value>, key: &str) -> Option<f64> {
    schema.get(key)?.as_f64()
}

fn check_number(number: f64, schema: &Map<String, Value>, field: &str) -> Result<(), Violation> {
    match (limit(schema, "minimum"), limit(schema, "maximum")) {
        (Some(least), _) if number < least => broken(field, format!("is {least} or more, not {number}")),
        (_, Some(most)) if number > most => broken(field, format!("is {most} or less, not {number}")),
        _ => Ok(()),
    }
}

fn check_text(text: &str, schema: &Map<String, Value>, field: &str) -> Result<(), Violation> {
    let n = text.chars().count() as f64;
    if limit(schema, "minLength").is_some_and(|least| n < least) {
        return broken(field, "is empty, or too short");
    }
    if let Some(most) = limit(schema, "maxLength")
        && n > most
    {
        return broken(field, format!("has {n} characters, the limit is {most}"));
    }
    match schema.get("pattern").and_then(Value::as_str) {
        Some(SHA256) if !is_sha256(text) => broken(field, "is no SHA-256: 64 digits `0` to `9`, `a` to `f`"),
        Some(TIME) if !is_time(text) => broken(field, "is no time of the form `2026-11-21T13:00:00Z`"),
        Some(CANONICAL) if !text.starts_with("name=") => broken(field, "does not start with `name=`"),
        _ => Ok(()),
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let Some((start, rest)) = text.as_bytes().split_at_checked(FORM.len()) else { return false };
    let is_start =
        start.iter().zip(FORM).all(|(b, form)| if *form == b'0' { b.is_ascii_digit() } else { b == form });
    let Some((b'Z', fraction)) = rest.split_last() else { return false };
    let is_fraction = match fraction {
        [] => true,
        [b'.', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_start && is_fraction
}

fn check_array(values: &[Value], schema: &Map<String, Value>, field: &mut String) -> Result<(), Violation> {
    let n = values.len() as f64;
    if limit(schema, "minItems").is_some_and(|least| n < least) {
        return broken(field, "is empty");
    }
    if let Some(most) = limit(schema, "maxItems")
        && n > most
    {
        return broken(field, format!("has {n} entries, the limit is {most}"));
    }
    let Some(items) = schema.get("items") else { return Ok(()) };
    let n_before = field.len();
    for (i, value) in values.iter().enumerate() {
        field.push_str(&format!("[{i}]"));
        check_value(value, items, field)?;
        field.truncate(n_before);
    }
    Ok(())
}

fn check_object(
    map: &Map<String, Value>,
    schema: &Map<String, Value>,
    field: &mut String,
) -> Result<(), Violation> {
    if let Some(Value::Array(required)) = schema.get("required")
        && let Some(missing) = required.iter().filter_map(Value::as_str).find(|name| !map.contains_key(*name))
    {
        return broken(field, format!("lacks `{missing}`"));
    }
    let Some(Value::Object(properties)) = schema.get("properties") else { return Ok(()) };
    let n_before = field.len();
    for (name, value) in map {
        if let Some(property) = properties.get(name) {
            if n_before > 0 {
                field.push('.');
            }
            field.push_str(name);
            check_value(value, property, field)?;
            field.truncate(n_before);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Keywords that [`check`] applies, and those that say nothing about a record.
    const KNOWN: [&str; 21] = [
        "$ref",
        "type",
        "const",
        "enum",
        "required",
        "properties",
        "items",
        "anyOf",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "pattern",
        "$schema",
        "$id",
        "title",
        "description",
        "$defs",
        "properties",
    ];

    fn walk(schema: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
        let Value::Object(map) = schema else { return };
        visit(map);
        for (key, value) in map {
            match (key.as_str(), value) {
                ("properties" | "$defs", Value::Object(all)) => all.values().for_each(|s| walk(s, visit)),
                ("anyOf", Value::Array(all)) => all.iter().for_each(|s| walk(s, visit)),
                ("items", one) => walk(one, visit),
                _ => {}
            }
        }
    }

    #[test]
    fn every_word_of_the_schema_is_applied() {
        let mut n = 0;
        walk(&SCHEMA, &mut |map| {
            for (key, value) in map {
                assert!(KNOWN.contains(&key.as_str()), "{key}");
                let is_known = match key.as_str() {
                    "pattern" => [SHA256, TIME, CANONICAL].contains(&value.as_str().unwrap()),
                    "$ref" => SCHEMA.pointer(value.as_str().unwrap().strip_prefix('#').unwrap()).is_some(),
                    _ => true,
                };
                assert!(is_known, "{key} {value}");
                n += 1;
            }
        });
        assert!(n > 100, "{n}");
    }

    #[test]
    fn the_published_schema_is_the_one_applied() {
        let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/generation.schema.json");
        assert_eq!(std::fs::read_to_string(published).unwrap(), TEXT);
    }

    #[test]
    fn broken_rules_are_named_with_their_field() {
        let hash = "0".repeat(64);
        let part = |role: &str, sha256: &str| json!({"item": "a", "role": role, "sha256": sha256});
        for (record, message) in [
            (json!([]), "the record is of type object, not []"),
            (json!({}), "the record lacks `version`"),
            (
                json!({"version": 1}),
                "the record says nothing: it has none of model, models, prompt, settings, parts, source, redacted",
            ),
            (json!({"version": 1, "prompt": 5}), "`prompt` is of type string, not 5"),
            (json!({"version": 1, "settings": {"steps": 0}}), "`settings.steps` is 1 or more, not 0"),
            (json!({"version": 1, "settings": {"seed": -1}}), "`settings.seed` is 0 or more, not -1"),
            (json!({"version": 1, "settings": {"seed": 1.5}}), "`settings.seed` is of type integer, not 1.5"),
            (
                json!({"version": 1, "settings": {"deterministic": "yes"}}),
                "`settings.deterministic` is of type boolean, not \"yes\"",
            ),
            (
                json!({"version": 1, "settings": {"width": 4294967296_u64}}),
                "`settings.width` is 4294967295 or less, not 4294967296",
            ),
            (
                json!({"version": 1, "prompt": "", "hardware": {"gpu": [{"name": "A"}, {"driver": "1"}]}}),
                "`hardware.gpu[1]` lacks `name`",
            ),
            (
                json!({"version": 1, "prompt": "", "hardware": {"gpu": [{"name": ""}]}}),
                "`hardware.gpu[0].name` is empty, or too short",
            ),
            (
                json!({"version": 1, "prompt": "", "created": "yesterday"}),
                "`created` is no time of the form `2026-11-21T13:00:00Z`",
            ),
            (
                json!({"version": 1, "parts": [part("picture", &hash)]}),
                "`parts[0].role` is one of \"image\", \"mask\", \"latent\", \"attachment\", not \"picture\"",
            ),
            (
                json!({"version": 1, "parts": [part("mask", &hash[1..])]}),
                "`parts[0].sha256` is no SHA-256: 64 digits `0` to `9`, `a` to `f`",
            ),
            (json!({"version": 1, "redacted": []}), "`redacted` is empty"),
            (
                json!({"version": 1, "prompt": "", "environment": {"version": 1, "components": [{"id": "os"}]}}),
                "`environment.components[0]` has none of the forms it may have",
            ),
            (
                json!({"version": 1, "prompt": "", "environment": {"version": 2, "components": []}}),
                "`environment.version` is 1, not 2",
            ),
        ] {
            assert_eq!(check(&record).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn good_records_pass() {
        for record in [
            json!({"version": 1, "prompt": ""}),
            json!({"version": 1, "settings": {"steps": 20.0, "guidance": "none", "of a plugin": {"x": [null]}}, "more": 1}),
            json!({"version": 1, "redacted": ["prompt"], "created": "2026-11-21T13:00:00.25Z"}),
            json!({"version": 1, "model": {}, "environment": {"version": 1, "components": ["name=os;system=Linux", {"id": "gpu", "sha256": "f".repeat(64)}]}}),
        ] {
            assert_eq!(check(&record), Ok(()));
        }
    }
}
