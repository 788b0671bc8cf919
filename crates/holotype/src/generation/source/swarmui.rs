//! SwarmUI: an object under `sui_image_params`.

use super::Texts;
use super::draft::Draft;
use serde_json::Value;

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    let all = texts.json(&["parameters", "exif:UserComment", "exif:ImageDescription"])?;
    let params = all.get("sui_image_params")?.as_object()?;
    let mut draft = Draft::new("swarmui");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for (name, value) in params {
        let member = match name.as_str() {
            "prompt" => {
                draft.prompt = text(value);
                continue;
            }
            "negativeprompt" => {
                draft.negative_prompt = text(value);
                continue;
            }
            "model" => {
                draft.model("name", value.as_str());
                continue;
            }
            "swarm_version" => {
                draft.tool_version = text(value);
                continue;
            }
            "vae" => {
                draft.further("vae", value.as_str().unwrap_or_default(), None, None);
                continue;
            }
            "loras" | "loraweights" => continue,
            "cfgscale" => "cfg_scale",
            "fluxguidancescale" => "guidance",
            "images" | "batchsize" => "batch_size",
            "initimagecreativity" => "denoise",
            "seed" | "steps" | "width" | "height" | "sampler" | "scheduler" => name.as_str(),
            _ => {
                draft.other(name, value);
                continue;
            }
        };
        draft.setting(member, name, value);
    }
    // Lists, or one text with commas.
    let list = |name: &str| -> Vec<String> {
        match params.get(name) {
            Some(Value::Array(list)) => {
                list.iter().map(|v| text(v).unwrap_or_else(|| v.to_string())).collect()
            }
            Some(Value::String(list)) => list.split(',').map(|part| part.trim().to_owned()).collect(),
            _ => Vec::new(),
        }
    };
    let weights = list("loraweights");
    for (i, name) in list("loras").iter().enumerate() {
        draft.further("lora", name, weights.get(i).and_then(|weight| weight.parse().ok()), None);
    }
    for model in all.get("sui_models").and_then(Value::as_array).into_iter().flatten() {
        if model.get("param").and_then(Value::as_str) == Some("model") {
            let hash = model.get("hash").and_then(Value::as_str).map(|hash| hash.trim_start_matches("0x"));
            draft.model("hash", hash);
        }
    }
    Some(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::source::SourceText;

    #[test]
    fn parameters_are_read() {
        let text = r#"{"sui_image_params": {"prompt": "a puppy", "negativeprompt": "cat", "model": "OfficialStableDiffusion/sd_xl_base_1.0",
            "seed": 42, "steps": 20, "cfgscale": 7.0, "aspectratio": "1:1", "width": 1024, "height": 1024, "sampler": "euler",
            "scheduler": "karras", "loras": ["dog", "b"], "loraweights": ["0.8", "1"], "swarm_version": "0.9.6.0"},
            "sui_models": [{"name": "sd_xl_base_1.0.safetensors", "param": "model", "hash": "0xabcdef"}], "sui_extra_data": {"date": "2026-11-21"}}"#;
        let record = read(&Texts(&[SourceText::new("parameters", text)]))
            .unwrap()
            .finish(&["parameters"], false)
            .unwrap();
        assert_eq!(
            record.to_json(),
            r#"{"version":1,"tool":{"name":"swarmui","version":"0.9.6.0"},"model":{"name":"OfficialStableDiffusion/sd_xl_base_1.0","hash":"abcdef"},"#.to_owned()
                + r#""models":[{"role":"lora","name":"dog","weight":0.8},{"role":"lora","name":"b","weight":1.0}],"prompt":"a puppy","negative_prompt":"cat","#
                + r#""settings":{"seed":42,"steps":20,"cfg_scale":7.0,"aspectratio":"1:1","width":1024,"height":1024,"sampler":"euler","scheduler":"karras"},"#
                + r#""source":{"tool":"swarmui","texts":["parameters"]}}"#
        );
        assert!(read(&Texts(&[SourceText::new("parameters", r#"{"prompt": "x"}"#)])).is_none());
    }
}
