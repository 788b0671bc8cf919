//! The text of AUTOMATIC1111's web UI and of Forge: prompt, negative prompt, and a last line of settings.
//!
//! The grammar is that of its `infotext_utils.py`: a settings line has at least three `key: value` pairs; values that
//! hold commas, colons or line breaks are JSON strings.

use super::Texts;
use super::draft::{Draft, number, size};
use serde_json::Value;

/// Where the text is found.
pub(super) const KEYS: [&str; 4] = ["parameters", "exif:UserComment", "comment", "exif:ImageDescription"];
/// Fewer pairs make no line of settings.
const MIN_PAIRS: usize = 3;
/// More pairs are not read.
const MAX_PAIRS: usize = 4096;

pub(super) fn read(texts: &Texts<'_>) -> Option<Draft> {
    KEYS.iter().find_map(|key| parse(texts.get(&[*key])?, *key == "parameters"))
}

/// Reads an infotext; a text without settings is one only where it was `expected`.
pub(super) fn parse(text: &str, expected: bool) -> Option<Draft> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.starts_with(['{', '[']) {
        return None;
    }
    let (body, last) = match text.rsplit_once('\n') {
        Some((body, last)) => (body, last),
        None => ("", text),
    };
    let mut settings = pairs(last);
    let body = if settings.len() < MIN_PAIRS { text } else { body };
    if settings.len() < MIN_PAIRS {
        if !expected || text.is_empty() {
            return None;
        }
        settings.clear();
    }
    let mut draft = Draft::new("a1111");
    let (prompt, negative) = prompts(body);
    for (name, weight) in loras(&prompt) {
        draft.further("lora", name, weight, None);
    }
    draft.prompt = Some(prompt);
    draft.negative_prompt = negative;
    let is_made = !settings.is_empty();
    let names_generator = settings.iter().any(|(key, _)| *key == "RNG");
    for (key, value) in settings {
        setting(&mut draft, key, &value);
    }
    if is_made && !names_generator {
        // Its default: noise is drawn on the GPU.
        draft.setting("generator", "RNG", &"torch.cuda".into());
    }
    Some(draft)
}

/// The prompt, and the negative prompt if there is one.
fn prompts(body: &str) -> (String, Option<String>) {
    const NEGATIVE: &str = "Negative prompt:";
    let mut prompt = Vec::new();
    let mut negative: Option<Vec<&str>> = None;
    for line in body.lines().map(str::trim) {
        match (line.strip_prefix(NEGATIVE), &mut negative) {
            (Some(rest), None) => negative = Some(vec![rest.trim()]),
            (_, Some(lines)) => lines.push(line),
            (None, None) => prompt.push(line),
        }
    }
    (prompt.join("\n"), negative.map(|lines| lines.join("\n")))
}

fn setting(draft: &mut Draft, key: &str, text: &str) {
    let value = Value::from(text);
    let member = match key {
        "Steps" => "steps",
        "Sampler" => "sampler",
        "Schedule type" => "scheduler",
        "CFG scale" => "cfg_scale",
        "Seed" => "seed",
        "Denoising strength" => "denoise",
        "Clip skip" => "clip_skip",
        "Eta" => "eta",
        "Batch size" => "batch_size",
        "Batch pos" => "batch_index",
        "Model" => return draft.model("name", Some(text)),
        "Model hash" => return draft.model("hash", Some(text)),
        "VAE" => return draft.further("vae", text, None, None),
        "Version" => {
            // Forge counts from its own `f…`.
            if text.starts_with('f') {
                draft.tool = "forge";
            }
            draft.tool_version = Some(text.to_owned());
            return;
        }
        "RNG" => {
            let generator = match text {
                "CPU" => "torch.cpu",
                "GPU" | "NV" => "torch.cuda",
                other => other,
            };
            return draft.setting("generator", key, &generator.into());
        }
        "Size" => {
            return match size(text) {
                Some([width, height]) => {
                    draft.setting("width", "Width", &width);
                    draft.setting("height", "Height", &height);
                }
                None => draft.other(key, &value),
            };
        }
        "Lora hashes" => {
            for (name, hash) in text.split(',').filter_map(|pair| pair.split_once(':')) {
                draft.hash_of("lora", name.trim(), hash.trim());
            }
            return;
        }
        other => return draft.other(other, &number(text).unwrap_or(value)),
    };
    draft.setting(member, key, &value);
}

/// `<lora:name:weight>` of a prompt.
fn loras(prompt: &str) -> impl Iterator<Item = (&str, Option<f64>)> {
    prompt.split("<lora:").skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once('>')?;
        let mut parts = inside.split(':');
        Some((parts.next()?, parts.next().and_then(|weight| weight.parse().ok())))
    })
}

/// The `key: value` pairs of a line, as `re.findall` of the program's own pattern gives them:
/// `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`.
fn pairs(line: &str) -> Vec<(&str, String)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = line;
    while !rest.is_empty() && found.len() < MAX_PAIRS {
        let n_run = rest.find(|c: char| !(is_word(c) || c.is_whitespace() || matches!(c, '-' | '/')));
        let (run, after) = rest.split_at(n_run.unwrap_or(rest.len()));
        let key = run.find(is_word).map_or("", |start| &run[start..]);
        match after.strip_prefix(':') {
            Some(after) if key.chars().nth(1).is_some() => {
                let (value, next) = value(after.trim_start());
                found.push((key, value));
                rest = next;
            }
            // What ends here is no key wherever it starts.
            _ => rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default(),
        }
    }
    found
}

/// A value, unquoted, and what follows its comma.
fn value(text: &str) -> (String, &str) {
    if let Some(end) = quoted(text)
        && matches!(text.as_bytes().get(end), None | Some(b','))
    {
        let inside = &text[..end];
        let plain = serde_json::from_str::<String>(inside).unwrap_or_else(|_| inside.to_owned());
        return (plain, text.get(end + 1..).unwrap_or_default());
    }
    let (value, rest) = text.split_once(',').unwrap_or((text, ""));
    (value.trim_end().to_owned(), rest)
}

/// Where a quoted string that is not empty ends: after its closing quote.
fn quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' if at > 1 => return Some(at + 1),
            b'"' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> String {
        parse(text, true).unwrap().finish(&[], false).unwrap().to_json()
    }

    #[test]
    fn an_infotext_of_the_web_ui() {
        let text = "a puppy, (smiling:1.2) <lora:dog-v2:0.8>, 光\nsecond line\nNegative prompt: cat,\nblurry\n\
            Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 1234567890, Size: 512x768, \
            Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE hash: c6a580b13a, VAE: vae-ft.safetensors, \
            Denoising strength: 0.4, Clip skip: 2, RNG: CPU, Hires upscale: 2, Hires upscaler: \"R-ESRGAN 4x+, \\\"x\\\"\", \
            Lora hashes: \"dog-v2: aabbcc, other: dd\", TI hashes: \"a: 1\", Version: v1.10.1";
        assert_eq!(
            record(text),
            r#"{"version":1,"tool":{"name":"a1111","version":"v1.10.1"},"#.to_owned()
                + r#""model":{"hash":"6ce0161689","name":"v1-5-pruned-emaonly"},"#
                + r#""models":[{"role":"lora","name":"dog-v2","weight":0.8,"hash":"aabbcc"},{"role":"vae","name":"vae-ft.safetensors"},"#
                + r#"{"role":"lora","name":"other","hash":"dd"}],"#
                + r#""prompt":"a puppy, (smiling:1.2) <lora:dog-v2:0.8>, 光\nsecond line","negative_prompt":"cat,\nblurry","#
                + r#""settings":{"steps":20,"sampler":"DPM++ 2M","scheduler":"Karras","cfg_scale":7.5,"seed":1234567890,"#
                + r#""width":512,"height":768,"VAE hash":"c6a580b13a","denoise":0.4,"clip_skip":2,"generator":"torch.cpu","#
                + r#""Hires upscale":2,"Hires upscaler":"R-ESRGAN 4x+, \"x\"","TI hashes":"a: 1"},"source":{"tool":"a1111"}}"#
        );
    }

    #[test]
    fn forge_tells_itself_by_its_version() {
        let draft = parse(
            "x\nSteps: 4, Sampler: Euler, Seed: 1, Version: f2.0.1v1.10.1-previous-636-gb835f24a",
            true,
        )
        .unwrap();
        assert_eq!(
            (draft.tool, draft.tool_version.as_deref()),
            ("forge", Some("f2.0.1v1.10.1-previous-636-gb835f24a"))
        );
        let record = draft.finish(&[], false).unwrap();
        assert_eq!(record.document()["settings"]["generator"], "torch.cuda");
    }

    #[test]
    fn texts_without_settings() {
        assert_eq!(
            record("only a prompt: of one line"),
            r#"{"version":1,"tool":{"name":"a1111"},"prompt":"only a prompt: of one line","source":{"tool":"a1111"}}"#
        );
        assert!(parse("Made with a camera", false).is_none());
        assert!(parse("", true).is_none());
        assert!(parse("{\"a\": 1}", true).is_none());
        // No prompt at all is one too.
        assert_eq!(parse("Steps: 1, Seed: 2, Sampler: x", true).unwrap().prompt.as_deref(), Some(""));
    }

    #[test]
    fn pairs_are_those_the_program_finds() {
        let found = |line| pairs(line).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>();
        assert_eq!(found("Steps: 20, Seed: 5"), ["Steps=20", "Seed=5"]);
        assert_eq!(found("a: 1, bc: 2"), ["bc=2"], "keys have two letters");
        assert_eq!(found("(x), Key one: \"a, b\" c, D-e/f: "), ["Key one=\"a", "D-e/f="]);
        assert_eq!(found("Key: \"open, Next: 1"), ["Key=\"open", "Next=1"]);
        assert_eq!(found("K1: \"\\u00e9,\\n\", K2: x"), ["K1=é,\n", "K2=x"]);
        assert_eq!(found(", ,:: é: 光"), Vec::<String>::new());
        assert_eq!(found("éé: 光"), ["éé=光"]);
    }
}
