//! ComfyUI: the graph that was run (`prompt`), and the one of its editor (`workflow`), which is kept but not looked into.
//!
//! The sampler whose latent no other sampler made tells the settings; what it needs is looked for along its inputs,
//! nearest first.

use super::draft::Draft;
use super::{Texts, parse};
use serde_json::{Map, Value};
use std::collections::{HashSet, VecDeque};

/// Most nodes looked at for one value.
const MAX_NODES: usize = 1024;
/// Most nodes whose inputs are followed to a prompt.
const MAX_PROMPT_NODES: usize = 64;
/// Most samplers looked at.
const MAX_SAMPLERS: usize = 64;

/// Inputs that are settings, and the settings they are.
const SETTINGS: [(&str, &str); 9] = [
    ("seed", "seed"),
    ("noise_seed", "seed"),
    ("steps", "steps"),
    ("cfg", "cfg_scale"),
    ("sampler_name", "sampler"),
    ("scheduler", "scheduler"),
    ("denoise", "denoise"),
    ("guidance", "guidance"),
    ("batch_size", "batch_size"),
];
/// Inputs that name models, and what they are.
const MODELS: [(&str, &str); 10] = [
    ("lora_name", "lora"),
    ("vae_name", "vae"),
    ("clip_name", "text-encoder"),
    ("clip_name1", "text-encoder"),
    ("clip_name2", "text-encoder"),
    ("clip_name3", "text-encoder"),
    ("clip_name4", "text-encoder"),
    ("control_net_name", "controlnet"),
    ("model_name", "upscaler"),
    ("style_model_name", "style"),
];
/// Inputs that hold text.
const TEXTS: [&str; 9] =
    ["text", "prompt", "text_g", "t5xxl", "clip_l", "string", "value", "text_l", "wildcard_text"];

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    let graph = texts.json(&["prompt"]).or_else(|| {
        // In WebP: `prompt:{…}` in the camera's model; from some savers an object of both in the comment.
        let model = texts.get(&["exif:Model"])?;
        parse(model.strip_prefix("prompt:")?)
    });
    let graph = graph.or_else(|| match texts.json(&["exif:UserComment", "exif:ImageDescription"])? {
        Value::Object(mut both) => match both.remove("prompt")? {
            Value::String(text) => parse(&text),
            graph => Some(graph),
        },
        _ => None,
    });
    let has_editor_graph = texts.json(&["workflow"]).is_some_and(|graph| graph.get("nodes").is_some());
    let nodes = match graph {
        Some(Value::Object(nodes)) if nodes.values().any(|node| class(node).is_some()) => nodes,
        _ if has_editor_graph => Map::new(),
        _ => return None,
    };
    Some(draft(&Graph { nodes: &nodes }))
}

struct Graph<'a> {
    nodes: &'a Map<String, Value>,
}

fn class(node: &Value) -> Option<&str> {
    node.get("class_type")?.as_str()
}

fn input<'a>(node: &'a Value, name: &str) -> Option<&'a Value> {
    node.get("inputs")?.get(name)
}

impl<'a> Graph<'a> {
    /// The node an input comes from.
    fn linked(&self, input: &Value) -> Option<&'a str> {
        let id = match input.as_array()?.as_slice() {
            [Value::String(id), Value::Number(_)] => id.as_str(),
            _ => return None,
        };
        self.nodes.get_key_value(id).map(|(id, _)| id.as_str())
    }

    /// Nodes along the inputs from `start` on, nearest first; inputs in their order.
    fn upstream(&self, start: &'a str) -> Vec<(&'a str, &'a Value)> {
        self.upstream_of(start, None)
    }

    /// The same, along one `side` alone of nodes that pass on both a positive and a negative prompt.
    fn upstream_of(&self, start: &'a str, side: Option<&str>) -> Vec<(&'a str, &'a Value)> {
        let mut seen = HashSet::from([start]);
        let mut queue = VecDeque::from([start]);
        let mut found = Vec::new();
        while let Some(id) = queue.pop_front()
            && found.len() < MAX_NODES
        {
            let Some(node) = self.nodes.get(id) else { continue };
            found.push((id, node));
            let has_sides = input(node, "positive").is_some() && input(node, "negative").is_some();
            for (name, value) in node.get("inputs").and_then(Value::as_object).into_iter().flatten() {
                let is_other = has_sides && side.is_some_and(|side| name != side);
                if !is_other
                    && let Some(next) = self.linked(value)
                    && seen.insert(next)
                {
                    queue.push_back(next);
                }
            }
        }
        found
    }

    /// The first pass: a sampler that takes a latent which no other sampler made.
    fn sampler(&self) -> Option<&'a str> {
        let is_sampler = |node: &Value| {
            class(node).is_some_and(|class| class.contains("Sampler"))
                && input(node, "latent_image").is_some()
        };
        let samplers = self.nodes.iter().filter(|(_, node)| is_sampler(node)).map(|(id, _)| id.as_str());
        let samplers: Vec<&'a str> = samplers.take(MAX_SAMPLERS).collect();
        let is_first =
            |id: &&&'a str| self.upstream(id).iter().skip(1).all(|(above, _)| !samplers.contains(above));
        samplers.iter().find(is_first).or(samplers.first()).copied()
    }

    /// The text an input leads to.
    fn text(&self, input: &Value, side: &str) -> Option<String> {
        let start = self.linked(input)?;
        self.upstream_of(start, Some(side)).into_iter().find_map(|(_, node)| {
            TEXTS.iter().find_map(|name| Some(node.get("inputs")?.get(*name)?.as_str()?.to_owned()))
        })
    }
}

fn draft(graph: &Graph<'_>) -> Draft {
    let mut draft = Draft::new("comfyui");
    let Some(sampler) = graph.sampler() else { return draft };
    let above = graph.upstream(sampler);
    for (name, member) in SETTINGS {
        let mut values = above.iter().filter_map(|(_, node)| input(node, name));
        if let Some(value) = values.find(|value| !value.is_array()) {
            draft.setting(member, name, value);
        }
    }
    let is_size =
        |node: &&Value| ["width", "height"].iter().all(|name| input(node, name).is_some_and(Value::is_u64));
    let latent = input(&graph.nodes[sampler], "latent_image").and_then(|input| graph.linked(input));
    if let Some(node) =
        latent.and_then(|id| graph.upstream(id).into_iter().map(|(_, node)| node).find(is_size))
    {
        for name in ["width", "height"] {
            draft.setting(name, name, input(node, name).unwrap_or(&Value::Null));
        }
    }
    let prompt = |side: &str, names: &[&str]| {
        above
            .iter()
            .take(MAX_PROMPT_NODES)
            .find_map(|(_, node)| names.iter().find_map(|name| graph.text(input(node, name)?, side)))
    };
    draft.prompt = prompt("positive", &["positive", "conditioning", "cond1"]);
    draft.negative_prompt = prompt("negative", &["negative"]);
    for (_, node) in &above {
        for name in ["ckpt_name", "unet_name"] {
            let text = input(node, name).and_then(Value::as_str);
            if !draft.has_model() {
                draft.model("name", text);
            }
        }
        for (name, role) in MODELS {
            if let Some(text) = input(node, name).and_then(Value::as_str) {
                let weight =
                    input(node, "strength_model").or(input(node, "strength")).and_then(Value::as_f64);
                draft.further(role, text, weight, None);
            }
        }
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::source::SourceText;

    fn record(texts: &[(&str, &str)]) -> Option<String> {
        let texts: Vec<_> = texts.iter().map(|(key, text)| SourceText::new(*key, *text)).collect();
        Some(read(&Texts(&texts))?.finish(&[], false).unwrap().to_json())
    }

    /// Two passes, a LoRA, a text from a node of its own, and the `NaN` that Python writes.
    const GRAPH: &str = r#"{
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}, "is_changed": [NaN]},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["4", 2]}},
        "11": {"class_type": "KSampler", "inputs": {"seed": 2, "steps": 5, "cfg": 1, "sampler_name": "x", "scheduler": "y",
            "denoise": 0.5, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["3", 0]}},
        "3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "steps": 20, "cfg": 7.5, "sampler_name": "euler",
            "scheduler": "normal", "denoise": 1, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "dog.safetensors", "strength_model": 0.8, "model": ["4", 0], "clip": ["4", 1]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["10", 1]}},
        "12": {"class_type": "PrimitiveString", "inputs": {"value": "a puppy, 光"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "cat", "clip": ["10", 1]}}}"#;

    const EXPECTED: &str = concat!(
        r#"{"version":1,"tool":{"name":"comfyui"},"model":{"name":"sd.safetensors"},"#,
        r#""models":[{"role":"lora","name":"dog.safetensors","weight":0.8}],"prompt":"a puppy, 光","negative_prompt":"cat","#,
        r#""settings":{"seed":18446744073709551615,"steps":20,"cfg_scale":7.5,"sampler":"euler","scheduler":"normal","denoise":1,"#,
        r#""batch_size":1,"width":512,"height":768},"source":{"tool":"comfyui"}}"#
    );

    #[test]
    fn the_first_pass_is_found_wherever_the_graph_lies() {
        let both = format!(r#"{{"prompt": {GRAPH}, "workflow": {{}}}}"#);
        for (key, text) in [
            ("prompt", GRAPH.to_owned()),
            ("exif:Model", format!("prompt:{GRAPH}")),
            ("exif:UserComment", both),
        ] {
            assert_eq!(record(&[(key, &text)]).as_deref(), Some(EXPECTED), "{key}");
        }
    }

    #[test]
    fn samplers_of_parts() {
        let graph = r#"{"1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0],
            "sigmas": ["5", 0], "latent_image": ["6", 0]}}, "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
            "3": {"class_type": "BasicGuider", "inputs": {"model": ["8", 0], "conditioning": ["7", 0]}},
            "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
            "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1, "model": ["8", 0]}},
            "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
            "7": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
            "8": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors"}},
            "9": {"class_type": "CLIPTextEncode", "inputs": {"text": "a puppy", "clip": ["10", 0]}},
            "10": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b"}}}"#;
        let found: Value = serde_json::from_str(&record(&[("prompt", graph)]).unwrap()).unwrap();
        assert_eq!(
            found["settings"].to_string(),
            r#"{"seed":7,"steps":4,"sampler":"euler","scheduler":"simple","denoise":1,"guidance":3.5,"batch_size":1,"width":1024,"height":1024}"#
        );
        assert_eq!(
            (found["prompt"].as_str(), found["model"]["name"].as_str()),
            (Some("a puppy"), Some("flux.safetensors"))
        );
        assert_eq!(found["models"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn prompts_that_pass_through_one_node_are_told_apart() {
        let graph = r#"{"1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["2", 1], "latent_image": ["2", 2]}},
            "2": {"class_type": "InstructPixToPixConditioning", "inputs": {"positive": ["3", 0], "negative": ["4", 0]}},
            "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a puppy"}}, "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "cat"}}}"#;
        assert!(
            record(&[("prompt", graph)]).unwrap().contains(r#""prompt":"a puppy","negative_prompt":"cat""#)
        );
    }

    #[test]
    fn graphs_that_make_no_sense_are_survived() {
        let ring = r#"{"1": {"class_type": "KSampler", "inputs": {"latent_image": ["1", 0], "positive": ["1", 0], "seed": ["1", 0]}}}"#;
        assert_eq!(
            record(&[("prompt", ring)]).unwrap(),
            r#"{"version":1,"tool":{"name":"comfyui"},"source":{"tool":"comfyui"}}"#
        );
        for no in ["{}", "[]", "a puppy", r#"{"1": 5}"#, r#"{"1": {"class_type": 5}}"#] {
            assert_eq!(record(&[("prompt", no)]), None, "{no}");
        }
        assert!(record(&[("workflow", r#"{"nodes": []}"#)]).is_some());
    }
}
