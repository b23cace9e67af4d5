use url::Url;

use super::AppShell::{self, Challenge, Empty, ScriptRedirect, Shell};
use crate::{Limits, Options};

fn detect(html: &str) -> Option<AppShell> {
    let url = Url::parse("https://a.example/").expect("a constant");
    crate::read(html, &url, &Options::default(), &Limits::default()).expect("a short page").app_shell
}

/// Enough text for an article.
fn words(count: usize) -> String {
    "word another sentence of text that is really there for people to read and enjoy. ".repeat(count)
}

#[test]
fn pages_of_client_side_frameworks_need_a_browser() {
    for (name, html, expected) in [
        (
            "create-react-app",
            r##"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/><title>React App</title><script defer="defer" src="/static/js/main.1f3.js"></script></head><body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>"##,
            Shell,
        ),
        (
            "vite-vue",
            r##"<!doctype html><html><head><title>Vite + Vue + TS</title><script type="module" crossorigin src="/assets/index-a.js"></script></head><body><div id="app"></div></body></html>"##,
            Shell,
        ),
        (
            "vue-cli",
            r##"<!doctype html><html><head><title>x</title><script defer src=/js/app.js></script></head><body><noscript><strong>We're sorry but x doesn't work properly without JavaScript enabled. Please enable it to continue.</strong></noscript><div id=app></div></body></html>"##,
            Shell,
        ),
        (
            "angular",
            r##"<!doctype html><html><head><title>A</title><base href="/"></head><body><app-root></app-root><script src="main.js" type="module"></script></body></html>"##,
            Shell,
        ),
        (
            "next pages CSR",
            r##"<!DOCTYPE html><html><head><title>N</title><script src="/_next/static/chunks/main.js" defer></script></head><body><div id="__next"></div><script id="__NEXT_DATA__" type="application/json">{"props":{}}</script></body></html>"##,
            Shell,
        ),
        (
            "next app bail-out",
            r##"<html><body><template data-dgst="BAILOUT_TO_CLIENT_SIDE_RENDERING"></template><div>Loading map</div><a href=/>Home</a><a href=/a>A</a><a href=/b>B</a><script src="/_next/static/chunks/webpack.js"></script></body></html>"##,
            Shell,
        ),
        (
            "nuxt spa",
            r##"<!doctype html><html><head></head><body><div id="__nuxt"></div><div id="teleports"></div><script type="module" src="/_nuxt/entry.js"></script><script>window.__NUXT__={}</script></body></html>"##,
            Shell,
        ),
        (
            "sveltekit fallback",
            r##"<!doctype html><html><head></head><body data-sveltekit-preload-data="hover"><div style="display: contents"><script>{Promise.all([import("/_app/immutable/entry/start.js"),import("/_app/immutable/entry/app.js")])}</script></div></body></html>"##,
            Empty,
        ),
        (
            "blazor wasm",
            r##"<!DOCTYPE html><html><head><title>B</title></head><body><div id="app">Loading...</div><div id="blazor-error-ui">An unhandled error has occurred.<a href="" class="reload">Reload</a><a class="dismiss">x</a></div><script src="_framework/blazor.webassembly.js"></script></body></html>"##,
            Shell,
        ),
        (
            "flutter",
            r##"<!DOCTYPE html><html><head><title>F</title></head><body><script src="flutter_bootstrap.js" async></script></body></html>"##,
            Empty,
        ),
        (
            "clojurescript",
            r##"<!DOCTYPE html><html><body><noscript>X is a JavaScript app. Please enable JavaScript to continue.</noscript><div id="app"></div><script src="/js/compiled/app.js"></script></body></html>"##,
            Shell,
        ),
        (
            "ember",
            r##"<!DOCTYPE html><html><head><title>E</title></head><body><script src="/assets/vendor.js"></script><script src="/assets/app.js"></script><div id="ember-basic-dropdown-wormhole"></div></body></html>"##,
            Empty,
        ),
        (
            "elm/body mount",
            r##"<html><head><script src=/elm.js></script></head><body><script>Elm.Main.init()</script></body></html>"##,
            Empty,
        ),
        (
            "js redirect",
            r##"<html><head><script>window.location.href="/real/";</script></head><body>Redirecting...</body></html>"##,
            ScriptRedirect,
        ),
        (
            "cloudflare",
            r##"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript and cookies to continue</noscript><script src="/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1"></script></body></html>"##,
            Challenge,
        ),
        (
            "shell with a header",
            r##"<html><head><script src=/b.js></script></head><body><header><a href=/>Logo</a><a href=/x>X</a></header><div id="root"><div class="spinner">Loading</div></div><footer>(c) Example Inc. All rights reserved.</footer></body></html>"##,
            Shell,
        ),
    ] {
        assert_eq!(detect(html), Some(expected), "{name}");
    }
}

#[test]
fn pages_with_content_need_no_browser() {
    for (name, html) in [
        ("react ssr", [r##"<html><body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"><h1>T</h1><p>"##, &words(12), r##"</p></div><script src=/m.js></script></body></html>"##].concat()),
        ("docusaurus", [r##"<html><body><div id="__docusaurus"><nav>Docs</nav><main><h1>Guide</h1><p>"##, &words(10), r##"</p></main></div><script src=/m.js></script></body></html>"##].concat()),
        ("next ssr", [r##"<html><body><div id="__next"><h1>T</h1>"##, &words(12), r##"</div><script src=/m.js></script></body></html>"##].concat()),
        ("apache it works", r##"<html><body><h1>It works!</h1></body></html>"##.to_owned()),
        ("short 404", r##"<html><body><h1>404 Not Found</h1><hr>nginx</body></html>"##.to_owned()),
        ("empty body no scripts", r##"<html><body></body></html>"##.to_owned()),
        ("short page with analytics", r##"<html><head><script src="https://www.googletagmanager.com/gtag.js"></script></head><body><h1>Opening hours</h1><p>We are open from nine to five, every day but Sunday. Call us.</p></body></html>"##.to_owned()),
        ("login form", r##"<html><head><script src=/jquery.js></script></head><body><form><label>User</label><input><label>Password</label><input type=password><button>Sign in</button></form><p>Forgot your password? Ask the administrator of your organisation.</p></body></html>"##.to_owned()),
        ("link list", format!("<head><script src=/a.js></script></head>{}", "<a href=/x>Page x</a>".repeat(20))),
        ("gallery", format!("<head><script src=/a.js></script></head>{}", "<img src=/a.jpg>".repeat(10))),
        ("article on javascript", [r##"<html><head><script src=/a.js></script></head><body><h1>How to enable JavaScript</h1><p>"##, &words(20), r##"</p></body></html>"##].concat()),
        ("noscript pixel", [r##"<html><head><script src=/a.js></script></head><body><h1>Hi</h1><p>"##, &words(9), r##"</p><noscript><img src="https://px"></noscript></body></html>"##].concat()),
        ("meta refresh", r##"<html><head><meta http-equiv="refresh" content="0; url=/new"></head><body>Moved</body></html>"##.to_owned()),
    ] {
        assert_eq!(detect(&html), None, "{name}");
    }
}

#[test]
fn content_in_noscript_or_streamed_parts_needs_no_browser() {
    let script = "<script src=/a.js></script><div id=root></div>";
    assert_eq!(detect(&format!("{script}<noscript>{}</noscript>", words(10))), None);
    assert_eq!(detect(&format!("{script}<div hidden id=S:0>{}</div>", words(10))), None);
    assert_eq!(detect(&format!("{script}<div hidden>{}</div>", words(1))), Some(Shell));
}
