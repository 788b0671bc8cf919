//! Fooocus: an object of its own scheme, or A1111's text, told apart by `fooocus_scheme`.

use super::draft::{Draft, size};
use super::{Texts, a1111};
use serde_json::Value;

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    let scheme = texts.get(&["fooocus_scheme", "exif:MakerNote"]);
    if scheme == Some("a1111") {
        let mut draft = a1111::parse(texts.get(&["parameters", "exif:UserComment"])?, true)?;
        draft.tool = "fooocus";
        return Some(draft);
    }
    let all = texts.json(&["parameters", "exif:UserComment"])?;
    let is_own = scheme == Some("fooocus")
        || all.get("metadata_scheme").and_then(Value::as_str) == Some("fooocus")
        || (all.get("base_model").is_some() && all.get("performance").is_some());
    let params = all.as_object().filter(|_| is_own)?;
    let mut draft = Draft::new("fooocus");
    let hash = params.get("base_model_hash").and_then(Value::as_str);
    for (name, value) in params {
        let text = value.as_str();
        let member = match name.as_str() {
            "prompt" => {
                draft.prompt = text.map(str::to_owned);
                continue;
            }
            "negative_prompt" => {
                draft.negative_prompt = text.map(str::to_owned);
                continue;
            }
            "base_model" => {
                draft.model("name", text);
                draft.model("hash", hash);
                continue;
            }
            "base_model_hash" | "metadata_scheme" => continue,
            "version" => {
                draft.tool_version = text.map(str::to_owned);
                continue;
            }
            "refiner_model" if text != Some("None") => {
                draft.further("refiner", text.unwrap_or_default(), None, None);
                continue;
            }
            "vae" if text.is_some() => {
                draft.further("vae", text.unwrap_or_default(), None, None);
                continue;
            }
            "resolution" => {
                match text.and_then(size) {
                    Some([width, height]) => {
                        draft.setting("width", name, &width);
                        draft.setting("height", name, &height);
                    }
                    None => draft.other(name, value),
                }
                continue;
            }
            "loras" => {
                for lora in value.as_array().into_iter().flatten().filter_map(Value::as_array) {
                    let name = lora.first().and_then(Value::as_str).unwrap_or_default();
                    let hash = lora.get(2).and_then(Value::as_str);
                    draft.further("lora", name, lora.get(1).and_then(Value::as_f64), hash);
                }
                continue;
            }
            "guidance_scale" => "cfg_scale",
            "seed" | "steps" | "sampler" | "scheduler" | "clip_skip" => name.as_str(),
            _ => {
                draft.other(name, value);
                continue;
            }
        };
        draft.setting(member, name, value);
    }
    Some(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::source::SourceText;

    fn record(texts: &[(&str, &str)]) -> Option<String> {
        let texts: Vec<_> = texts.iter().map(|(key, text)| SourceText::new(*key, *text)).collect();
        Some(read(&Texts(&texts))?.finish(&[], false).unwrap().to_json())
    }

    #[test]
    fn both_schemes_are_read() {
        let own = r#"{"adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernautXL_v8", "base_model_hash": "aeb7e9e689",
            "guidance_scale": 4, "loras": [["sd_xl_offset", 0.1, "4852686128"]], "metadata_scheme": "fooocus", "negative_prompt": "cat",
            "performance": "Speed", "prompt": "a puppy", "refiner_model": "None", "resolution": "(1152, 896)", "sampler": "dpmpp_2m_sde_gpu",
            "scheduler": "karras", "seed": "5124412", "steps": 30, "styles": "['Fooocus V2']", "version": "Fooocus v2.5.5"}"#;
        let expected = r#"{"version":1,"tool":{"name":"fooocus","version":"Fooocus v2.5.5"},"model":{"name":"juggernautXL_v8","hash":"aeb7e9e689"},"#.to_owned()
            + r#""models":[{"role":"lora","name":"sd_xl_offset","weight":0.1,"hash":"4852686128"}],"prompt":"a puppy","negative_prompt":"cat","#
            + r#""settings":{"adm_guidance":"(1.5, 0.8, 0.3)","cfg_scale":4,"performance":"Speed","refiner_model":"None","width":1152,"height":896,"#
            + r#""sampler":"dpmpp_2m_sde_gpu","scheduler":"karras","seed":5124412,"steps":30,"styles":"['Fooocus V2']"},"source":{"tool":"fooocus"}}"#;
        assert_eq!(record(&[("parameters", own), ("fooocus_scheme", "fooocus")]), Some(expected.clone()));
        assert_eq!(record(&[("exif:UserComment", own)]), Some(expected));
        let text = "a puppy\nSteps: 30, Seed: 1, Sampler: x";
        assert!(
            record(&[("parameters", text), ("fooocus_scheme", "a1111")]).unwrap().contains(r#""steps":30"#)
        );
        assert_eq!(record(&[("parameters", text)]), None);
        assert_eq!(record(&[("parameters", r#"{"prompt": "x"}"#)]), None);
    }
}
