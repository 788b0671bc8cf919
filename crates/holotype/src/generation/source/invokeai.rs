//! InvokeAI: `invokeai_metadata`, before it `sd-metadata`, and at first `Dream`.

use super::Texts;
use super::draft::{Draft, number};
use serde_json::{Map, Value};

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    if let Some(Value::Object(metadata)) = texts.json(&["invokeai_metadata"]) {
        return Some(current(&metadata));
    }
    if let Some(Value::Object(metadata)) = texts.json(&["sd-metadata"]) {
        return Some(second(&metadata));
    }
    texts.get(&["Dream"]).map(first)
}

fn current(metadata: &Map<String, Value>) -> Draft {
    let mut draft = Draft::new("invokeai");
    let name_of = |model: &Value| {
        let names = ["name", "model_name"];
        names.iter().find_map(|name| Some(model.get(name)?.as_str()?.to_owned())).unwrap_or_default()
    };
    for (name, value) in metadata {
        let text = value.as_str().map(str::to_owned);
        let member = match name.as_str() {
            "positive_prompt" => {
                draft.prompt = text;
                continue;
            }
            "negative_prompt" => {
                draft.negative_prompt = text;
                continue;
            }
            "app_version" => {
                draft.tool_version = text;
                continue;
            }
            "model" => {
                draft.model("name", Some(&name_of(value)));
                draft.model("hash", value.get("hash").and_then(Value::as_str));
                continue;
            }
            "vae" if value.is_object() => {
                draft.further("vae", &name_of(value), None, value.get("hash").and_then(Value::as_str));
                continue;
            }
            "loras" => {
                for lora in value.as_array().into_iter().flatten() {
                    let model = lora.get("model").or(lora.get("lora")).unwrap_or(lora);
                    let hash = model.get("hash").and_then(Value::as_str);
                    draft.further("lora", &name_of(model), lora.get("weight").and_then(Value::as_f64), hash);
                }
                continue;
            }
            "rand_device" => {
                let generator = text.map(|device| format!("torch.{device}"));
                draft.setting("generator", name, &generator.map_or(Value::Null, Value::from));
                continue;
            }
            "strength" => "denoise",
            // Its schedulers are samplers and schedules in one.
            "scheduler" => "sampler",
            "seed" | "steps" | "width" | "height" | "cfg_scale" | "guidance" | "clip_skip" => name.as_str(),
            _ => {
                draft.other(name, value);
                continue;
            }
        };
        draft.setting(member, name, value);
    }
    draft
}

fn second(metadata: &Map<String, Value>) -> Draft {
    let mut draft = Draft::new("invokeai");
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    draft.tool_version = text("app_version").map(str::to_owned);
    draft.model("name", text("model_weights").or(text("model")));
    draft.model("hash", text("model_hash"));
    let image = metadata.get("image").and_then(Value::as_object);
    for (name, value) in image.into_iter().flatten() {
        match name.as_str() {
            "prompt" => {
                let parts =
                    value.as_array().into_iter().flatten().filter_map(|part| part.get("prompt")?.as_str());
                let joined = parts.collect::<Vec<_>>().join(" ");
                draft.prompt = Some(value.as_str().map_or(joined, str::to_owned));
            }
            "seed" | "steps" | "cfg_scale" | "sampler" | "width" | "height" => {
                draft.setting(name, name, value)
            }
            _ => draft.other(name, value),
        }
    }
    draft
}

/// `"prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`.
fn first(text: &str) -> Draft {
    let mut draft = Draft::new("invokeai");
    let text = text.trim();
    let (prompt, options) = match text.strip_prefix('"').and_then(|rest| rest.rsplit_once('"')) {
        Some((prompt, options)) => (prompt, options),
        None => text.split_once(" -").map_or((text, ""), |(prompt, _)| (prompt, &text[prompt.len()..])),
    };
    draft.prompt = Some(prompt.to_owned());
    let mut words = options.split_whitespace();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-') else { continue };
        let n_flag = flag.chars().next().map_or(0, char::len_utf8);
        let value = match &flag[n_flag..] {
            "" => words.next().unwrap_or_default(),
            joined => joined,
        };
        let member = match &flag[..n_flag] {
            "s" => "steps",
            "S" => "seed",
            "W" => "width",
            "H" => "height",
            "C" => "cfg_scale",
            "A" => "sampler",
            "f" => "denoise",
            _ => {
                draft.other(&format!("-{}", &flag[..n_flag]), &number(value).unwrap_or_else(|| value.into()));
                continue;
            }
        };
        draft.setting(member, &format!("-{}", &flag[..n_flag]), &value.into());
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::source::SourceText;

    fn record(key: &str, text: &str) -> String {
        read(&Texts(&[SourceText::new(key, text)])).unwrap().finish(&[], false).unwrap().to_json()
    }

    #[test]
    fn three_generations_are_read() {
        let now = r#"{"app_version": "6.8.1", "generation_mode": "sdxl_txt2img", "positive_prompt": "a puppy", "negative_prompt": "cat",
            "width": 1024, "height": 768, "seed": 42, "rand_device": "cpu", "cfg_scale": 7.5, "steps": 30, "scheduler": "dpmpp_2m_sde_k",
            "model": {"key": "k", "hash": "blake3:ab", "name": "Juggernaut XL", "base": "sdxl", "type": "main"},
            "loras": [{"model": {"key": "l", "hash": "blake3:cd", "name": "dog"}, "weight": 0.75}], "vae": {"name": "fix"}, "strength": 0.6}"#;
        assert_eq!(
            record("invokeai_metadata", now),
            r#"{"version":1,"tool":{"name":"invokeai","version":"6.8.1"},"model":{"name":"Juggernaut XL","hash":"blake3:ab"},"#.to_owned()
                + r#""models":[{"role":"lora","name":"dog","weight":0.75,"hash":"blake3:cd"},{"role":"vae","name":"fix"}],"#
                + r#""prompt":"a puppy","negative_prompt":"cat","settings":{"generation_mode":"sdxl_txt2img","width":1024,"height":768,"seed":42,"#
                + r#""generator":"torch.cpu","cfg_scale":7.5,"steps":30,"sampler":"dpmpp_2m_sde_k","denoise":0.6},"source":{"tool":"invokeai"}}"#
        );
        let before = r#"{"model": "stable diffusion", "model_weights": "sd-1.5", "model_hash": "cc", "app_id": "invoke-ai/InvokeAI",
            "app_version": "2.3.5", "image": {"prompt": [{"prompt": "a puppy", "weight": 1}], "steps": 50, "cfg_scale": 7.5, "seed": 42, "sampler": "k_lms", "threshold": 0}}"#;
        let found = record("sd-metadata", before);
        assert!(found.contains(r#""model":{"name":"sd-1.5","hash":"cc"},"prompt":"a puppy""#), "{found}");
        assert!(
            found.contains(r#"{"steps":50,"cfg_scale":7.5,"seed":42,"sampler":"k_lms","threshold":0}"#),
            "{found}"
        );
        let found = record("Dream", r#""a "good" puppy" -s 50 -S42 -W 512 -H 704 -C 7.5 -A k_lms -U 2"#);
        assert!(found.contains(r#""prompt":"a \"good\" puppy","settings":{"steps":50,"seed":42,"width":512,"height":704,"cfg_scale":7.5,"sampler":"k_lms","-U":2}"#), "{found}");
    }
}
