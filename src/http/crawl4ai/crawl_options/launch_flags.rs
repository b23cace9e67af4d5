//! `extra_args` of `browser_config`: the arguments that a browser is started with.

use serde_json::Value;

/// Flags that clients send for browsers in containers. They do not change what a page contains.
const WITHOUT_EFFECT: [&str; 41] = [
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-blink-features",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features",
    "--disable-gpu",
    "--disable-gpu-sandbox",
    "--disable-hang-monitor",
    "--disable-infobars",
    "--disable-ipc-flooding-protection",
    "--disable-notifications",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--disable-setuid-sandbox",
    "--disable-software-rasterizer",
    "--disable-sync",
    "--disable-translate",
    "--force-color-profile",
    "--headless",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-sandbox",
    "--no-zygote",
    "--password-store",
    "--single-process",
    "--start-maximized",
    "--use-mock-keychain",
    "--window-size",
];

const REJECTION: &str =
    "extra_args is supported only with start-up flags without effect, such as --no-sandbox; leave other flags out";

/// The reason to reject a list that contains another flag.
pub fn rejection(flags: &Value) -> Option<&'static str> {
    let is_without_effect = |flag: &Value| {
        let Some(flag) = flag.as_str().map(str::trim) else { return false };
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        name.is_empty() || WITHOUT_EFFECT.contains(&name)
    };
    let all = flags.as_array().is_some_and(|flags| flags.iter().all(is_without_effect));
    (!all).then_some(REJECTION)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_lists_of_start_up_flags_are_accepted() {
        assert_eq!(rejection(&json!(["--no-sandbox", "--window-size=1,2", ""])), None);
        for flags in [json!(["--no-sandbox", "--proxy-server=x"]), json!(["no-sandbox"]), json!({}), json!([1])] {
            assert!(rejection(&flags).is_some(), "{flags}");
        }
    }
}
