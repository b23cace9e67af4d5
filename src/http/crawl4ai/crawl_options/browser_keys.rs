//! The keys of `browser_config`.

use super::table::Class::{Honoured, Refused, WithoutEffect};
use super::table::Kind::{Bool, Integer, List, Number, Object, Text, Typed};
use super::table::{Class, Key, keys};
use super::{cookies, headers, setters};

/// Of how a browser is started and looked after.
pub(super) const NO_BROWSER: Class = WithoutEffect("pages are fetched over HTTP, without a browser");
const NOTHING_DRAWN: Class = WithoutEffect("pages are fetched over HTTP, so nothing is drawn");
const NO_DISGUISE: Class = WithoutEffect("pages are asked for openly; nobody is imitated");
const NO_SUBRESOURCES: Class = WithoutEffect("only the page itself is loaded, never what it embeds");
const OTHERS_BROWSER: Class = Refused("a request may not connect this server to a browser elsewhere");
const BROWSER_INSIDES: Class = Refused("how a browser is run on this server may not come over the network");
pub(super) const PROXY: Class = Refused("traffic may not be routed by a request; the operator decides about proxies");
pub(super) const SCRIPTS: Class = Refused("scripts are not run, because pages are fetched without a browser");
pub(super) const STATE: Class = Refused("no state is kept between jobs; send `cookies` and `headers` instead");
const SERVER_PATHS: Class = Refused("a request may not name paths on this server");
const DOWNLOADS: Class = Refused("files are not downloaded; only pages are read");

pub(super) const KEYS: &[Key] = keys! {
    browser_type, Text, ["\"chromium\""], NO_BROWSER, "Which browser.";
    headless, Bool, ["true"], NO_BROWSER, "Whether the browser shows a window.";
    browser_mode, Text, ["\"dedicated\""], NO_BROWSER, "How the browser is started.";
    use_managed_browser, Bool, ["false"], NO_BROWSER, "Whether the browser is driven from outside.";
    cdp_url, Text, ["null"], OTHERS_BROWSER, "A running browser to connect to.";
    browser_context_id, Text, ["null"], OTHERS_BROWSER, "A context within a running browser.";
    target_id, Text, ["null"], OTHERS_BROWSER, "A page within a running browser.";
    cdp_cleanup_on_close, Bool, ["false"], NO_BROWSER, "What happens to the connection to a browser in the end.";
    cdp_close_delay, Number, ["1.0"], NO_BROWSER, "Seconds to wait after that connection is closed.";
    cache_cdp_connection, Bool, ["false"], NO_BROWSER, "Whether that connection is shared.";
    create_isolated_context, Bool, ["false"], NO_BROWSER, "Whether a context of its own is made in a running browser.";
    use_persistent_context, Bool, ["false"], STATE, "Whether the browser keeps a profile.";
    user_data_dir, Text, ["null"], SERVER_PATHS, "The directory of the browser's profile.";
    chrome_channel, Text, ["\"chromium\"", "\"\""], NO_BROWSER, "Which build of the browser.";
    channel, Text, ["\"chromium\"", "\"\""], NO_BROWSER, "Which build of the browser.";
    proxy, Text, ["null"], PROXY, "A proxy for all pages.";
    proxy_config, Typed(&["ProxyConfig"]), ["null"], PROXY, "A proxy for all pages, with credentials.";
    viewport_width, Integer, ["1080"], NOTHING_DRAWN, "The window's width.";
    viewport_height, Integer, ["600"], NOTHING_DRAWN, "The window's height.";
    viewport, Object, ["null"], NOTHING_DRAWN, "The window's size.";
    device_scale_factor, Number, ["1.0"], NOTHING_DRAWN, "Screen pixels a CSS pixel.";
    accept_downloads, Bool, ["false"], DOWNLOADS, "Whether files that a page offers are downloaded.";
    downloads_path, Text, ["null"], SERVER_PATHS, "Where downloaded files go.";
    storage_state, Object, ["null"], STATE, "Cookies and local storage of an earlier visit.";
    ignore_https_errors, Bool, ["true", "false"],
        WithoutEffect("certificates are always checked; a bad one is that page's error"),
        "Whether bad certificates are accepted. They never are, whatever is asked.";
    java_script_enabled, Bool, ["true", "false"], NO_BROWSER, "Whether the page's scripts run. They do not.";
    sleep_on_close, Bool, ["false"], NO_BROWSER, "Whether the browser rests before it is closed.";
    verbose, Bool, ["true", "false"], WithoutEffect("what is logged is the operator's choice"),
        "Whether more is logged.";
    cookies, List, ["[]", "null"], Honoured(cookies::set),
        "Cookies to send, each `{\"name\", \"value\"}` with a `url`, or a `domain` (with a leading dot also for the \
         hosts below it) and perhaps a `path`; `secure` is heeded. At most 300. Values are secrets, shown nowhere.";
    headers, Object, ["{}", "null"], Honoured(headers::set),
        "Headers to send with a page's request, by the rules for webhook headers; at most 20. Where a redirect leaves \
         the site, those that could tell who asks stay behind. Values are secrets, shown nowhere. The `sec-ch-ua` that \
         the peer's client adds to its defaults is left out.";
    user_agent, Text, ["\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/116.0.0.0 Safari/537.36\""],
        Honoured(setters::browser_user_agent),
        "The `User-Agent` to send. A `user-agent` among the `headers` goes before it. The peer's default counts as \
         absent: the operator's is sent then.";
    user_agent_mode, Text, ["\"\""], NO_DISGUISE, "How a user agent is made up.";
    user_agent_generator_config, Object, ["{}"], NO_DISGUISE, "What a made-up user agent looks like.";
    text_mode, Bool, ["false", "true"], NO_SUBRESOURCES, "Whether images are left out while loading. They always are.";
    light_mode, Bool, ["false"], NO_BROWSER, "Whether the browser's background features are off.";
    extra_args, List, ["[]"], BROWSER_INSIDES, "Arguments of the browser's command line.";
    debugging_port, Integer, ["9222"], BROWSER_INSIDES, "The port by which the browser is driven.";
    host, Text, ["\"localhost\""], BROWSER_INSIDES, "The host by which the browser is driven.";
    enable_stealth, Bool, ["false"], NO_DISGUISE, "Whether the browser hides that it is driven by a program.";
    avoid_ads, Bool, ["false", "true"], NO_SUBRESOURCES, "Whether advertisements are left unloaded. They always are.";
    avoid_css, Bool, ["false", "true"], NO_SUBRESOURCES, "Whether style sheets are left unloaded. They always are.";
    init_scripts, List, ["[]"], SCRIPTS, "Scripts to run before those of the page.";
    memory_saving_mode, Bool, ["false"], NO_BROWSER, "Whether the browser saves memory.";
    max_pages_before_recycle, Integer, ["0"], NO_BROWSER, "After how many pages the browser is started anew.";
};
