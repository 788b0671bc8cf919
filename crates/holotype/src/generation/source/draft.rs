use crate::Result;
use crate::generation::{GenerationRecord, schema};
use serde_json::{Map, Value, json};

/// Further models that are listed.
const MAX_MODELS: usize = 256;

/// What a reader found so far: a record in the making. Values that do not fit the schema's type are kept under the
/// name the program gave them.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tool: &'static str,
    pub(super) tool_version: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) negative_prompt: Option<String>,
    model: Map<String, Value>,
    models: Vec<Value>,
    settings: Map<String, Value>,
}

impl Draft {
    pub(super) fn new(tool: &'static str) -> Self {
        Self { tool, ..Self::default() }
    }

    /// Sets a setting of the schema; text that says a number becomes one. `name` is what the program calls it.
    pub(super) fn setting(&mut self, member: &str, name: &str, value: &Value) {
        let fits = |value: &Value| schema::check(&json!({"version": 1, "settings": {member: value}})).is_ok();
        let read = value.as_str().and_then(number);
        match [Some(value.clone()), read].into_iter().flatten().find(fits) {
            _ if value.is_null() => {}
            Some(value) => drop(self.settings.insert(member.to_owned(), value)),
            None => self.other(name, value),
        }
    }

    /// Keeps what the schema has no name for.
    pub(super) fn other(&mut self, name: &str, value: &Value) {
        if !value.is_null() && !name.is_empty() {
            let name =
                if schema::names_setting(name) { format!("{}.{name}", self.tool) } else { name.to_owned() };
            self.settings.insert(name, value.clone());
        }
    }

    /// Sets a member of the model.
    pub(super) fn model(&mut self, member: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.model.insert(member.to_owned(), text.into());
        }
    }

    /// Adds a further model.
    pub(super) fn further(&mut self, role: &str, name: &str, weight: Option<f64>, hash: Option<&str>) {
        if name.is_empty()
            || self.models.len() == MAX_MODELS
            || self.models.iter().any(|known| known["role"] == role && known["name"] == name)
        {
            return;
        }
        let mut model = json!({"role": role, "name": name});
        if let Some(weight) = weight.filter(|weight| weight.is_finite()) {
            model["weight"] = weight.into();
        }
        if let Some(hash) = hash.filter(|hash| !hash.is_empty()) {
            model["hash"] = hash.into();
        }
        self.models.push(model);
    }

    /// True if a model was named.
    pub(super) fn has_model(&self) -> bool {
        self.model.contains_key("name")
    }

    /// Sets the hash of a further model, which may be known already.
    pub(super) fn hash_of(&mut self, role: &str, name: &str, hash: &str) {
        match self.models.iter_mut().find(|known| known["role"] == role && known["name"] == name) {
            Some(known) => known["hash"] = hash.into(),
            None => self.further(role, name, None, Some(hash)),
        }
    }

    /// The record; `keys` are those of the texts it is from.
    pub(super) fn finish(self, keys: &[&str], has_c2pa: bool) -> Result<GenerationRecord> {
        let Self { tool, tool_version, prompt, negative_prompt, model, models, settings } = self;
        let mut record = Map::new();
        let mut made_by = json!({"name": tool});
        if let Some(version) = tool_version {
            made_by["version"] = version.into();
        }
        record.insert("tool".into(), made_by);
        if !model.is_empty() {
            record.insert("model".into(), Value::Object(model));
        }
        if !models.is_empty() {
            record.insert("models".into(), Value::Array(models));
        }
        for (member, text) in [("prompt", prompt), ("negative_prompt", negative_prompt)] {
            if let Some(text) = text {
                record.insert(member.into(), text.into());
            }
        }
        if !settings.is_empty() {
            record.insert("settings".into(), Value::Object(settings));
        }
        let mut source = json!({"tool": tool});
        if !keys.is_empty() {
            source["texts"] = keys.iter().filter(|key| !key.is_empty()).copied().collect();
        }
        if has_c2pa {
            source["c2pa"] = true.into();
        }
        record.insert("source".into(), source);
        GenerationRecord::new(record)
    }
}

/// A number as texts write it.
pub(super) fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let integer = text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<i64>().map(Value::from)).ok();
    let is_plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let real = || text.parse::<f64>().ok().filter(|n| is_plain && n.is_finite()).map(Value::from);
    integer.or_else(real)
}

/// Two numbers with something between, as in `512x768` and `(512, 768)`.
pub(super) fn size(text: &str) -> Option<[Value; 2]> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let (width, height) = (parts.next()?, parts.next()?);
    if parts.next().is_some() || text.contains(['.', '-']) {
        return None;
    }
    Some([width.parse::<u32>().ok()?.into(), height.parse::<u32>().ok()?.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_keep_their_own_name() {
        let mut draft = Draft::new("a1111");
        draft.setting("steps", "Steps", &json!("20"));
        draft.setting("cfg_scale", "CFG scale", &json!("7.5"));
        draft.setting("seed", "Seed", &json!("none"));
        draft.setting("sampler", "Sampler", &json!(""));
        draft.setting("eta", "eta", &json!("high"));
        draft.setting("denoise", "Denoise", &Value::Null);
        draft.further("lora", "a", Some(0.5), None);
        draft.further("lora", "a", Some(0.7), None);
        let record = draft.finish(&["parameters"], true).unwrap();
        assert_eq!(
            record.to_json(),
            r#"{"version":1,"tool":{"name":"a1111"},"models":[{"role":"lora","name":"a","weight":0.5}],"#
                .to_owned()
                + r#""settings":{"steps":20,"cfg_scale":7.5,"Seed":"none","Sampler":"","a1111.eta":"high"},"#
                + r#""source":{"tool":"a1111","texts":["parameters"],"c2pa":true}}"#
        );
    }

    #[test]
    fn numbers_and_sizes() {
        assert_eq!(number(" 18446744073709551615 "), Some(json!(u64::MAX)));
        assert_eq!(number("-1"), Some(json!(-1)));
        assert_eq!(number("7.50"), Some(json!(7.5)));
        for no in ["", "x", "nan", "inf", "1e999", "0x10", "1_000"] {
            assert_eq!(number(no), None, "{no}");
        }
        assert_eq!(size("(1024, 768)"), Some([json!(1024), json!(768)]));
        assert_eq!(size("512x768"), Some([json!(512), json!(768)]));
        for no in ["512", "1x2x3", "-5x3", "1.5x2", "99999999999x1"] {
            assert_eq!(size(no), None, "{no}");
        }
    }
}
