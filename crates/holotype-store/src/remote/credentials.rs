//! Where credentials and settings of S3 usually are: environment, profile files, the container, the machine.

use super::s3::S3Options;
use crate::RemoteError;
use rusty_s3::Credentials;
use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const LOOKED_IN: &str = "the environment, the profile files, the container and the machine";
/// Credentials younger than this are not the reason for a refusal.
const FRESH: Duration = Duration::from_secs(30);
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
const CONTAINER: &str = "http://169.254.170.2";
const MACHINE: &str = "http://169.254.169.254/latest";

/// Credentials, and whether they are good for a while only.
pub(super) struct Found {
    pub(super) credentials: Credentials,
    pub(super) runs_out: bool,
    since: Instant,
}

impl Found {
    fn new(credentials: Credentials, runs_out: bool) -> Self {
        Self { credentials, runs_out, since: Instant::now() }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }
}

/// The region of the environment or of the profile.
pub(super) fn region() -> String {
    variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| profile().remove("region"))
        .unwrap_or_else(|| "us-east-1".into())
}

/// The endpoint of the environment.
pub(super) fn endpoint_url() -> Option<String> {
    variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"))
}

/// Looks in all places, in the order of Amazon's own programs.
pub(super) fn find(options: &S3Options, bucket: &str) -> Result<Found, RemoteError> {
    if let Some((key, secret, token)) = &options.credentials {
        return Ok(Found::new(credentials(key, secret, token.as_deref()), false));
    }
    if let (Some(key), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        let token = variable("AWS_SESSION_TOKEN");
        return Ok(Found::new(credentials(&key, &secret, token.as_deref()), false));
    }
    let profile = profile();
    if let (Some(key), Some(secret)) =
        (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key"))
    {
        let token = profile.get("aws_session_token").map(String::as_str);
        // Other programs rewrite the file when the token runs out.
        return Ok(Found::new(credentials(key, secret, token), token.is_some()));
    }
    of_container()
        .or_else(of_machine)
        .map(|credentials| Found::new(credentials, true))
        .ok_or_else(|| RemoteError::NoCredentials { bucket: bucket.to_owned(), looked_in: LOOKED_IN })
}

fn credentials(key: &str, secret: &str, token: Option<&str>) -> Credentials {
    match token {
        Some(token) => Credentials::new_with_token(key, secret, token),
        None => Credentials::new(key, secret),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The settings of the profile asked for, of both files.
fn profile() -> HashMap<String, String> {
    let name = variable("AWS_PROFILE").unwrap_or_else(|| "default".into());
    let file = |of: &str, default: &str| {
        let path =
            variable(of).map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".aws").join(default)));
        path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
    };
    let mut settings = section(&file("AWS_CONFIG_FILE", "config"), &name, "profile ");
    settings.extend(section(&file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), &name, ""));
    settings
}

/// `key = value` lines of `[name]`, or of `[prefix name]`; nested settings are left out.
fn section(text: &str, name: &str, prefix: &str) -> HashMap<String, String> {
    let mut settings = HashMap::new();
    let mut is_wanted = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        if let Some(title) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_wanted =
                title.trim() == name || title.trim().strip_prefix(prefix).map(str::trim) == Some(name);
        } else if let (true, false, Some((key, value))) =
            (is_wanted, line.starts_with([' ', '\t']), line.split_once('='))
        {
            settings.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    settings
}

/// The task role of a container. These addresses come from the machine's owner, not from a link: they are fixed
/// or, as Amazon's programs demand, `https` or the machine itself.
fn of_container() -> Option<Credentials> {
    let url = match (
        variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ) {
        (Some(path), _) => format!("{CONTAINER}{path}"),
        (None, Some(url)) => url,
        (None, None) => return None,
    };
    let parsed = url::Url::parse(&url).ok()?;
    let is_local = match parsed.host()? {
        url::Host::Ipv4(ip) => ip.is_loopback() || ip.is_link_local(),
        url::Host::Ipv6(ip) => ip.is_loopback() || ip.is_unique_local(),
        url::Host::Domain(_) => false,
    };
    if parsed.scheme() != "https" && !is_local {
        return None;
    }
    let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").or_else(|| {
        let path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?;
        Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
    });
    let mut request = agent().get(&url);
    if let Some(token) = token {
        request = request.header("Authorization", token);
    }
    parse(&body(request.call().ok()?)?)
}

/// The role of a machine at Amazon.
fn of_machine() -> Option<Credentials> {
    if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        return None;
    }
    let agent = agent();
    let token = agent
        .put(format!("{MACHINE}/api/token"))
        .header("X-aws-ec2-metadata-token-ttl-seconds", "300")
        .send_empty()
        .ok()?;
    let token = body(token)?;
    let get = |url: &str| body(agent.get(url).header("X-aws-ec2-metadata-token", &token).call().ok()?);
    let roles = format!("{MACHINE}/meta-data/iam/security-credentials/");
    let role = get(&roles)?;
    parse(&get(&format!("{roles}{}", role.lines().next()?.trim()))?)
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .timeout_global(Some(METADATA_TIMEOUT))
        .timeout_connect(Some(METADATA_TIMEOUT / 2))
        .build();
    let resolver = super::http::Direct;
    ureq::Agent::with_parts(config, ureq::unversioned::transport::DefaultConnector::default(), resolver)
}

fn body(mut response: ureq::http::Response<ureq::Body>) -> Option<String> {
    response.body_mut().with_config().limit(64 << 10).read_to_string().ok()
}

fn parse(json: &str) -> Option<Credentials> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    Some(credentials(text("AccessKeyId")?, text("SecretAccessKey")?, text("Token")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_sections() {
        let text = "# none\n[default]\nregion = eu-north-1\naws_access_key_id=A\n[profile  lab ]\nregion=x\ns3 =\n  a = b\n";
        let default = section(text, "default", "profile ");
        assert_eq!(default["region"], "eu-north-1");
        assert_eq!(default["aws_access_key_id"], "A");
        let lab = section(text, "lab", "profile ");
        assert_eq!(lab["region"], "x");
        assert!(!lab.contains_key("a"));
        assert!(section(text, "other", "profile ").is_empty());
    }

    #[test]
    fn answers_of_metadata_services() {
        let found =
            parse(r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026"}"#).unwrap();
        assert_eq!((found.key(), found.secret(), found.token()), ("A", "S", Some("T")));
        assert!(parse(r#"{"AccessKeyId":"A"}"#).is_none());
        assert!(parse("not json").is_none());
    }
}
