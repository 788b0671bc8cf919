//! JSON texts that may come from anyone: bounded, and with one meaning. `docs/format.md` §18.1.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Deepest nesting of a record.
pub(super) const MAX_DEPTH: u32 = 32;
/// Longest text of a record.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Reads a text that fills `bytes`: no member twice, no number that would be rounded to another integer.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn parse(bytes: &[u8], max_bytes: usize, max_depth: u32) -> Result<Value, String> {
    if bytes.len() > max_bytes {
        return Err(format!("it has {} bytes, the limit is {max_bytes}", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| format!("it is no UTF-8: {e}"))?;
    check_integers(text)?;
    let mut input = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: max_depth }.deserialize(&mut input).map_err(|e| e.to_string())?;
    input.end().map_err(|e| e.to_string())?;
    Ok(value)
}

/// Refuses integers beyond 64 bits, which would become the nearest binary64.
fn check_integers(text: &str) -> Result<(), String> {
    for token in numbers(text) {
        let digits = token.strip_prefix('-').unwrap_or(token);
        let is_integer = digits.bytes().all(|b| b.is_ascii_digit());
        if is_integer && token.parse::<u64>().is_err() && token.parse::<i64>().is_err() {
            return Err(format!("the integer {token} has more than 64 bits"));
        }
    }
    Ok(())
}

/// What stands outside of strings and looks like a number.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => at = end_of_string(bytes, at),
                b'-' | b'0'..=b'9' => {
                    let rest = &bytes[at..];
                    let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                    let n = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
                    let token = &text[at..at + n];
                    at += n;
                    return Some(token);
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// Where the string that starts at `at` ends: after its closing quote.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    at
}

/// The text with `NaN` and infinities, which Python writes where JSON has nothing, as `null`.
pub(super) fn without_nan(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut from, mut at) = (String::with_capacity(text.len()), 0, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let found = [&b"NaN"[..], b"Infinity", b"-Infinity"].into_iter().find(|word| rest.starts_with(word));
        match found {
            Some(word) => {
                out.push_str(&text[from..at]);
                out.push_str("null");
                at += word.len();
                from = at;
            }
            None if bytes[at] == b'"' => at = end_of_string(bytes, at).min(bytes.len()),
            None => at += 1,
        }
    }
    out.push_str(&text[from..]);
    out
}

/// A value whose objects have no member twice, nested at most so deep.
struct Strict {
    depth: u32,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("it is nested too deep"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            match input.next_element_seed(self.deeper()?)? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = input.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the member `{key}` is there twice")));
            }
            let value = input.next_value_seed(self.deeper()?)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        parse(text.as_bytes(), 1000, 4)
    }

    #[test]
    fn texts_keep_their_values_and_order() {
        let text = r#"{"b":18446744073709551615,"a":[-9223372036854775808,7.0,1e-7,"-99999999999999999999"],"c":null}"#;
        assert_eq!(read(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_has_no_one_meaning_is_refused() {
        for (text, reason) in [
            (r#"{"a":1,"a":2}"#, "twice"),
            ("18446744073709551616", "64 bits"),
            ("[-9223372036854775809]", "64 bits"),
            ("1e999", "out of range"),
            ("[[[[[1]]]]]", "too deep"),
            (r#""\ud800""#, "hex escape"),
            (r#""\ud800\u0041""#, "surrogate"),
            ("NaN", "expected"),
            ("1 2", "trailing"),
            ("\u{feff}1", "expected"),
            ("", "EOF"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(parse(b"\"\xff\"", 10, 4).unwrap_err().contains("UTF-8"));
        assert!(parse(&[b' '; 11], 10, 4).unwrap_err().contains("the limit is 10"));
        assert!(parse("[".repeat(100_000).as_bytes(), MAX_BYTES, MAX_DEPTH).is_err());
    }

    #[test]
    fn what_python_writes_for_nan_becomes_nothing() {
        assert_eq!(
            without_nan(r#"{"a":[NaN,-Infinity],"b":"NaN \" Infinity"}"#),
            r#"{"a":[null,null],"b":"NaN \" Infinity"}"#
        );
        assert_eq!(without_nan("\"open"), "\"open");
        assert_eq!(without_nan("\"é\\"), "\"é\\");
    }
}
