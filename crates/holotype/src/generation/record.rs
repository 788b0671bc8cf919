use super::json::{self, MAX_BYTES, MAX_DEPTH};
use super::{Part, schema};
use crate::{Error, Result};
use serde_json::{Map, Value};

/// The version of records that this program writes and reads.
const VERSION: u64 = 1;

/// How an image was made: a JSON document that satisfies the published schema, `docs/format.md` §18.
///
/// Members the schema does not know are kept, in their order.
///
/// ```
/// use holotype::generation::GenerationRecord;
/// let record = GenerationRecord::from_json(br#"{"prompt": "a puppy", "settings": {"seed": 42}, "mine": [1, 2]}"#)?;
/// assert_eq!(record.text("prompt"), Some("a puppy"));
/// assert_eq!(record.to_json(), r#"{"version":1,"prompt":"a puppy","settings":{"seed":42},"mine":[1,2]}"#);
/// let wrong = GenerationRecord::from_json(br#"{"settings": {"steps": 0}}"#).unwrap_err();
/// assert_eq!(wrong.to_string(), "generation record: `settings.steps` is 1 or more, not 0");
/// # Ok::<(), holotype::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRecord {
    document: Map<String, Value>,
}

impl GenerationRecord {
    /// Checks a record that someone wants to write; `version` may be left out.
    ///
    /// # Errors
    /// `InvalidArgument` names the field and the rule it breaks.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let invalid = |what: String| Error::invalid(format!("generation record: {what}"));
        match json::parse(text, MAX_BYTES, MAX_DEPTH).map_err(invalid)? {
            Value::Object(document) => Self::new(document),
            _ => Err(invalid("it is no JSON object".into())),
        }
    }

    /// As [`Self::from_json`], of a document that was parsed.
    ///
    /// # Errors
    /// `InvalidArgument` names the field and the rule it breaks.
    pub fn new(mut document: Map<String, Value>) -> Result<Self> {
        if !document.contains_key("version") {
            document.shift_insert(0, "version".into(), VERSION.into());
        }
        let value = Value::Object(document);
        schema::check(&value).map_err(|e| Error::invalid(format!("generation record: {e}")))?;
        let record = Self::of(value);
        // What is written must be read again: the text decides on size and nesting.
        match json::parse(record.to_json().as_bytes(), MAX_BYTES, MAX_DEPTH) {
            Ok(_) => Ok(record),
            Err(rule) => Err(Error::invalid(format!("generation record: {rule}"))),
        }
    }

    /// Reads the content of an item.
    pub(crate) fn read(text: &[u8], item: &str) -> Result<Self> {
        let broken = |message: String| Error::Record { item: item.to_owned(), message };
        let value = json::parse(text, MAX_BYTES, MAX_DEPTH).map_err(broken)?;
        if let Some(version) = value.get("version").and_then(Value::as_u64)
            && version > VERSION
        {
            return Err(Error::unsupported(format!(
                "item `{item}`: version {version} of generation records"
            )));
        }
        schema::check(&value).map_err(|e| broken(e.to_string()))?;
        Ok(Self::of(value))
    }

    fn of(value: Value) -> Self {
        let document = if let Value::Object(document) = value { document } else { Map::new() };
        Self { document }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// The text that is stored: compact, members in their order.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.document.clone()).to_string()
    }

    /// The text of a member, such as `prompt`.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.document.get(member)?.as_str()
    }

    /// The items that belong to it.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let parts = self.document.get("parts").and_then(Value::as_array);
        parts.into_iter().flatten().filter_map(Part::from_value).collect()
    }

    /// The same record with other parts.
    ///
    /// # Errors
    /// `InvalidArgument` if a name is empty or there are too many.
    pub fn with_parts(mut self, parts: &[Part]) -> Result<Self> {
        if parts.is_empty() {
            self.document.shift_remove("parts");
        } else {
            self.document.insert("parts".into(), parts.iter().map(Part::to_value).collect());
        }
        Self::new(self.document)
    }

    /// What was taken out on purpose, as dotted paths.
    #[must_use]
    pub fn redacted(&self) -> Vec<String> {
        let paths = self.document.get("redacted").and_then(Value::as_array);
        paths.into_iter().flatten().filter_map(|path| Some(path.as_str()?.to_owned())).collect()
    }

    /// The published JSON Schema of records.
    #[must_use]
    pub fn schema() -> &'static str {
        schema::TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn records_that_are_read_say_what_is_wrong() {
        for (text, kind, message) in [
            (
                r#"{"version":1,"prompt":7}"#,
                ErrorKind::Corrupt,
                "item `g`: `prompt` is of type string, not 7",
            ),
            (r#"{"prompt":""}"#, ErrorKind::Corrupt, "item `g`: the record lacks `version`"),
            (
                r#"{"version":2,"prompt":7}"#,
                ErrorKind::Unsupported,
                "item `g`: version 2 of generation records",
            ),
            ("[]", ErrorKind::Corrupt, "item `g`: the record is of type object, not []"),
        ] {
            let error = GenerationRecord::read(text.as_bytes(), "g").unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
    }

    #[test]
    fn parts_come_back() {
        let parts = [
            Part::new("a.png", super::super::PartRole::Image, [1; 32]),
            Part::new("a/noise", super::super::PartRole::Latent, [2; 32]).with_name("noise"),
        ];
        let record = GenerationRecord::from_json(br#"{"prompt":""}"#).unwrap().with_parts(&parts).unwrap();
        let read = GenerationRecord::read(record.to_json().as_bytes(), "g").unwrap();
        assert_eq!((read.parts().as_slice(), &read), (&parts[..], &record));
        assert_eq!(record.with_parts(&[]).unwrap().to_json(), r#"{"version":1,"prompt":""}"#);
    }

    #[test]
    fn a_record_too_deep_to_be_read_is_not_written() {
        let mut deep = Value::from(1);
        for _ in 0..MAX_DEPTH {
            deep = Value::Array(vec![deep]);
        }
        let document = [("prompt".into(), "".into()), ("deep".into(), deep)].into_iter().collect();
        assert!(GenerationRecord::new(document).unwrap_err().to_string().contains("nested too deep"));
    }
}
