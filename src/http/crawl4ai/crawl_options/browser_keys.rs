//! The keys of `browser_config`.

use super::key::Class::{Honoured, Rejected, WithoutEffect, WithoutEffectUnless};
use super::key::Kind::{Bool, Integer, List, Number, Object, Text, Typed};
use super::key::{Class, Key, keys};
use super::reasons::{LOGGING, NEEDS_BROWSER, NO_BROWSER, NO_IMPERSONATION, PROXY, STATE};
use super::{cookies, headers, launch_flags, setters};

const NOT_RENDERED: Class = WithoutEffect("not available yet; pages in the browser have a viewport of 1080 × 600");
const NO_SUBRESOURCES: Class = WithoutEffect(
    "over HTTP only the page itself is loaded; in the browser, the parts of a page cannot be blocked yet",
);
const REMOTE_BROWSER: Class = Rejected("is not supported, because a request cannot choose a browser; leave it out");
const BROWSER_LAUNCH: Class =
    Rejected("is not supported, because a request cannot set how a browser is launched; leave it out");
const SERVER_PATHS: Class =
    Rejected("is not supported, because a request cannot name paths on the server; leave it out");
const DOWNLOADS: Class = WithoutEffect("files are not kept; only pages are fetched");

pub(super) const KEYS: &[Key] = keys! {
    browser_type, Text, ["\"chromium\""], NO_BROWSER, "The browser.";
    headless, Bool, ["true"], NO_BROWSER, "Run the browser without a window.";
    browser_mode, Text, ["\"dedicated\""], NO_BROWSER, "How the browser is started.";
    use_managed_browser, Bool, ["false"], NO_BROWSER, "Control the browser over its debugging protocol.";
    cdp_url, Text, ["null"], REMOTE_BROWSER, "URL of a running browser to connect to.";
    browser_context_id, Text, ["null"], REMOTE_BROWSER, "A context in a running browser.";
    target_id, Text, ["null"], REMOTE_BROWSER, "A page in a running browser.";
    cdp_cleanup_on_close, Bool, ["false"], NO_BROWSER, "Close the connection to the browser at the end.";
    cdp_close_delay, Number, ["1.0"], NO_BROWSER, "Seconds to wait after the connection is closed.";
    cache_cdp_connection, Bool, ["false"], NO_BROWSER, "Share the connection to the browser.";
    create_isolated_context, Bool, ["false"], NO_BROWSER, "Create a separate context in a running browser.";
    use_persistent_context, Bool, ["false"], STATE, "Keep the browser's profile.";
    user_data_dir, Text, ["null"], SERVER_PATHS, "Directory of the browser's profile.";
    chrome_channel, Text, ["\"chromium\"", "\"\""], NO_BROWSER, "Build of the browser.";
    channel, Text, ["\"chromium\"", "\"\""], NO_BROWSER, "Build of the browser.";
    proxy, Text, ["null"], PROXY, "Proxy for all pages.";
    proxy_config, Typed(&["ProxyConfig"]), ["null"], PROXY, "Proxy for all pages, with credentials.";
    viewport_width, Integer, ["1080"], NOT_RENDERED, "Width of the viewport in pixels.";
    viewport_height, Integer, ["600"], NOT_RENDERED, "Height of the viewport in pixels.";
    viewport, Object, ["null"], NOT_RENDERED, "Size of the viewport.";
    device_scale_factor, Number, ["1.0"], NOT_RENDERED, "Device pixels per CSS pixel.";
    accept_downloads, Bool, ["false"], DOWNLOADS, "Download the files that a page offers.";
    downloads_path, Text, ["null"], SERVER_PATHS, "Directory for downloaded files.";
    storage_state, Object, ["null"], STATE, "Cookies and local storage of an earlier session.";
    ignore_https_errors, Bool, ["true", "false"],
        WithoutEffect("certificates are always verified; a page with an invalid one fails"),
        "Accept invalid certificates. They are never accepted.";
    java_script_enabled, Bool, ["true"], Honoured(setters::java_script_enabled),
        "Run the page's scripts. `false`: the page is fetched over HTTP, whatever its `engine`.";
    sleep_on_close, Bool, ["false"], NO_BROWSER, "Wait before the browser is closed.";
    verbose, Bool, ["true", "false"], LOGGING, "Log more.";
    cookies, List, ["[]", "null"], Honoured(cookies::set),
        "Cookies to send: at most 300 of the form `{\"name\", \"value\"}` with a `url`, or a `domain` (with a leading dot \
         also for its subdomains) and optionally a `path`. `secure` is honoured. Values are secrets and never shown.";
    headers, Object, ["{}", "null"], Honoured(headers::set),
        "Headers to send with the request for a page: at most 20, under the rules for webhook headers. On a redirect to \
         another site, headers that could identify the client are removed. Values are secrets and never shown. The \
         `sec-ch-ua` that Crawl4AI's client adds by default is left out.";
    user_agent, Text, ["\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/116.0.0.0 Safari/537.36\""],
        Honoured(setters::browser_user_agent),
        "`User-Agent` to send. A `user-agent` in `headers` has precedence. Crawl4AI's default counts as absent: the \
         server's own user agent is sent.";
    user_agent_mode, Text, ["\"\""], NO_IMPERSONATION, "How a user agent is generated.";
    user_agent_generator_config, Object, ["{}"], NO_IMPERSONATION, "Properties of a generated user agent.";
    text_mode, Bool, ["false", "true"], NO_SUBRESOURCES, "Load no images.";
    light_mode, Bool, ["false"], NO_BROWSER, "Disable background features of the browser.";
    extra_args, List, ["[]"],
        WithoutEffectUnless("the flags have no effect on how pages are fetched", launch_flags::rejection),
        "Command-line arguments of the browser. Any other than common start-up flags such as `--no-sandbox` is rejected.";
    debugging_port, Integer, ["9222"], BROWSER_LAUNCH, "Port of the browser's debugging protocol.";
    host, Text, ["\"localhost\""], BROWSER_LAUNCH, "Host of the browser's debugging protocol.";
    enable_stealth, Bool, ["false"], NO_IMPERSONATION, "Hide that the browser is automated.";
    avoid_ads, Bool, ["false", "true"], NO_SUBRESOURCES, "Load no advertisements.";
    avoid_css, Bool, ["false", "true"], NO_SUBRESOURCES, "Load no style sheets.";
    init_scripts, List, ["[]"], NEEDS_BROWSER, "Scripts to run before those of the page.";
    memory_saving_mode, Bool, ["false"], NO_BROWSER, "Start the browser with options that save memory.";
    max_pages_before_recycle, Integer, ["0"], NO_BROWSER, "Restart the browser after this many pages.";
};
