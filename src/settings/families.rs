//! Families of language models among the keys: any number of them, each with the same keys, and what else speaks for
//! one: its own environment variables, and the general keys of the default model's.

use serde_json::{Value, json};

use super::layers::{Given, Key, Layers};

const SECTION: &str = "llm.families.";

/// What every family takes, each with its default; `config.yml` says what they mean.
pub fn keys() -> [(&'static str, Value); 11] {
    [
        ("base_url", Value::Null),
        ("speaks", json!("openai")),
        ("api_key", Value::Null),
        ("api_key_env", Value::Null),
        ("needs_key", json!(false)),
        ("models", json!([])),
        ("context_tokens", json!(8192)),
        ("temperature", Value::Null),
        ("requests_per_minute", json!(0)),
        ("tokens_per_minute", json!(0)),
        ("concurrency", json!(0)),
    ]
}

/// `my-vllm` → `MY_VLLM`.
pub fn variable_prefix(family: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    family.chars().map(letter).collect()
}

/// Whether the key is a family's secret.
pub fn is_secret(path: &str) -> bool {
    path.starts_with(SECTION) && path.ends_with(".api_key")
}

/// The path as families are known by it: their names are in lower case. Gives a family that is new its keys.
///
/// # Errors
/// A name that no model's name can begin with.
pub fn open(layers: &mut Layers, path: &str) -> Result<String, String> {
    let Some(rest) = path.strip_prefix(SECTION) else { return Ok(path.to_owned()) };
    let (name, field) = rest.split_once('.').map_or((rest, None), |(name, field)| (name, Some(field)));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        return Err("the name of a family holds letters, digits, `-` and `_`".to_owned());
    }
    let name = name.to_ascii_lowercase();
    add(layers, &name);
    Ok(field.map_or_else(|| format!("{SECTION}{name}"), |field| format!("{SECTION}{name}.{field}")))
}

/// Gives every family that is there all its keys.
pub fn complete(layers: &mut Layers) {
    names(layers).iter().for_each(|name| add(layers, name));
}

fn add(layers: &mut Layers, name: &str) {
    let own = format!("{SECTION}{name}.");
    for (field, default) in keys() {
        let path = format!("{own}{field}");
        if layers.key(&path).is_none() {
            let last = |start: &str| layers.keys.iter().rposition(|key| key.path.starts_with(start));
            let place = last(&own).or_else(|| last(SECTION)).map_or(layers.keys.len(), |last| last + 1);
            layers.keys.insert(place, Key::quiet(path, default));
        }
    }
}

/// The family that an environment variable means: its name cannot hold a `-`.
pub fn by_variable(layers: &Layers, path: &str) -> String {
    let Some((name, field)) = path.strip_prefix(SECTION).and_then(|rest| rest.split_once('.')) else {
        return path.to_owned();
    };
    let known = names(layers).into_iter().find(|known| variable_prefix(known) == variable_prefix(name));
    format!("{SECTION}{}.{field}", known.as_deref().unwrap_or(name))
}

/// What the environment says of each family, `<FAMILY>_API_KEY` and its like, and what the general keys say of the
/// default model's. `variable`: a variable's value, if there is one; `ours`: whether an origin outranks them.
pub fn spoken_for<'e>(
    layers: &mut Layers,
    variable: impl Fn(&str) -> Option<&'e str>,
    ours: impl Fn(&str) -> bool,
) -> Vec<Given> {
    let home = text(layers, "llm.provider").and_then(|name| Some(name.split_once('/')?.0.to_ascii_lowercase()));
    if let Some(home) = home.as_ref().filter(|_| text(layers, "llm.base_url").is_some()) {
        // A name that is none is said when the settings are checked.
        let _ = open(layers, &format!("{SECTION}{home}"));
    }
    let mut given = Vec::new();
    for name in names(layers) {
        for (field, own) in variables(layers, &name) {
            let path = format!("{SECTION}{name}.{field}");
            let Some(key) = layers.key(&path).filter(|key| !key.origin.as_deref().is_some_and(&ours)) else { continue };
            let general = layers.key(&format!("llm.{field}")).filter(|_| home.as_ref() == Some(&name));
            match (variable(&own), general) {
                (Some(value), _) => given.push(Given::text(path, value, own)),
                (None, Some(general)) if !key.is_chosen() && !general.value.is_null() => {
                    let origin = general.origin.clone().unwrap_or_else(|| general.path.clone());
                    given.push(Given { key: path, value: general.value.clone(), origin });
                }
                _ => {}
            }
        }
        given.extend(freed_of_key(layers, &name, &given));
    }
    given
}

/// A family's keys that have a variable of their own, and its name.
fn variables(layers: &Layers, name: &str) -> [(&'static str, String); 3] {
    let prefix = variable_prefix(name);
    let key_variable = text(layers, &format!("{SECTION}{name}.api_key_env"));
    [
        ("api_key", key_variable.unwrap_or_else(|| format!("{prefix}_API_KEY"))),
        ("base_url", format!("{prefix}_BASE_URL")),
        ("temperature", format!("{prefix}_TEMPERATURE")),
    ]
}

/// What answers at an address of the operator's own may need no key.
fn freed_of_key(layers: &Layers, name: &str, given: &[Given]) -> Option<Given> {
    let (address, needs_key) = (format!("{SECTION}{name}.base_url"), format!("{SECTION}{name}.needs_key"));
    let moved = given.iter().find(|one| one.key == address).map(|one| one.origin.clone());
    let chosen = || layers.key(&address).filter(|key| key.is_chosen());
    let moved = moved.or_else(|| chosen()?.origin.clone())?;
    let unsaid = layers.key(&needs_key).is_some_and(|key| !key.is_chosen());
    unsaid.then(|| Given { key: needs_key, value: Value::Bool(false), origin: moved })
}

fn text(layers: &Layers, path: &str) -> Option<String> {
    layers.key(path).and_then(|key| key.value.as_str()).map(str::to_owned)
}

fn names(layers: &Layers) -> Vec<String> {
    let own = layers.keys.iter().filter_map(|key| Some(key.path.strip_prefix(SECTION)?.split_once('.')?.0.to_owned()));
    let mut names: Vec<String> = own.collect();
    names.dedup();
    names
}
