//! NovelAI: `Software`, and an object in `Comment`; the same may be hidden in the alpha channel (`stealth`).

use super::draft::Draft;
use super::{Texts, parse};
use serde_json::Value;

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    let software = texts.get(&["Software", "exif:Software"]).filter(|text| text.starts_with("NovelAI"));
    let comment = match software {
        Some(_) => texts.json(&["Comment", "exif:UserComment", "comment"])?,
        // EXIF of WebP files holds all texts as one object.
        None => {
            let all = texts.json(&["exif:UserComment"])?;
            all.get("Software")?.as_str().filter(|text| text.starts_with("NovelAI"))?;
            return from_object(&all);
        }
    };
    draft(&comment, texts.get(&["Source"]), texts.get(&["Description"]))
}

/// All of its texts as one object, as they are hidden.
pub(super) fn from_object(all: &Value) -> Option<Draft> {
    let text = |key: &str| all.get(key)?.as_str();
    draft(&parse(text("Comment")?)?, text("Source"), text("Description"))
}

fn draft(comment: &Value, source: Option<&str>, description: Option<&str>) -> Option<Draft> {
    let mut draft = Draft::new("novelai");
    draft.model("name", source);
    draft.prompt = description.map(str::to_owned);
    for (name, value) in comment.as_object()? {
        let member = match name.as_str() {
            "prompt" => {
                draft.prompt = value.as_str().map(str::to_owned).or(draft.prompt);
                continue;
            }
            "uc" => {
                draft.negative_prompt = value.as_str().map(str::to_owned);
                continue;
            }
            "scale" => "cfg_scale",
            "noise_schedule" => "scheduler",
            "n_samples" => "batch_size",
            "strength" => "denoise",
            "seed" | "steps" | "width" | "height" | "sampler" => name.as_str(),
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
pub(super) mod tests {
    use super::*;
    use crate::generation::source::SourceText;

    pub(in super::super) const COMMENT: &str = r#"{"prompt": "a puppy", "steps": 28, "height": 1216, "width": 832, "scale": 5.0, "uncond_scale": 0.0,
        "seed": 1234567890, "n_samples": 1, "noise_schedule": "karras", "sampler": "k_euler_ancestral", "uc": "cat", "request_type": "PromptGenerateRequest"}"#;

    pub(in super::super) const EXPECTED: &str = concat!(
        r#"{"version":1,"tool":{"name":"novelai"},"model":{"name":"NovelAI Diffusion V4 37442FCA"},"prompt":"a puppy","negative_prompt":"cat","#,
        r#""settings":{"steps":28,"height":1216,"width":832,"cfg_scale":5.0,"uncond_scale":0.0,"seed":1234567890,"batch_size":1,"#,
        r#""scheduler":"karras","sampler":"k_euler_ancestral","request_type":"PromptGenerateRequest"},"source":{"tool":"novelai"}}"#
    );

    #[test]
    fn texts_and_one_object_of_them() {
        let texts = [
            ("Title", "NovelAI generated image"),
            ("Description", "a puppy"),
            ("Software", "NovelAI"),
            ("Source", "NovelAI Diffusion V4 37442FCA"),
            ("Comment", COMMENT),
        ];
        let as_object =
            serde_json::to_string(&texts.into_iter().collect::<std::collections::BTreeMap<_, _>>()).unwrap();
        let texts = texts.map(|(key, text)| SourceText::new(key, text));
        assert_eq!(read(&Texts(&texts)).unwrap().finish(&[], false).unwrap().to_json(), EXPECTED);
        let one = [SourceText::new("exif:UserComment", as_object)];
        assert_eq!(read(&Texts(&one)).unwrap().finish(&[], false).unwrap().to_json(), EXPECTED);
        assert!(
            read(&Texts(&[SourceText::new("Software", "GIMP"), SourceText::new("Comment", COMMENT)]))
                .is_none()
        );
    }
}
