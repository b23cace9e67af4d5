//! Detects pages whose content is produced by scripts, so that only a browser can read them.
//!
//! Such a page has executable scripts and almost no visible text. Words alone do not decide: an article about enabling
//! JavaScript is content, and so is a short page that merely counts its visitors.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use crate::index::{NodeFlags, PageIndex};
use crate::text::{raw_text, text_content};
use crate::tree::{Element, NodeData, NodeId, Tag, Tree, Visit};

/// Why a page needs a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppShell {
    /// A page that checks whether its visitor is a browser.
    Challenge,
    /// A page whose script navigates to another one.
    ScriptRedirect,
    /// A page with scripts and without content.
    Empty,
    /// A page that asks for JavaScript or has an empty element for its application.
    Shell,
}

impl AppShell {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::ScriptRedirect => "script_redirect",
            Self::Empty => "empty_page",
            Self::Shell => "app_shell",
        }
    }
}

/// Pages with more visible text, in characters, are content.
const MAX_TEXT: usize = 1500;
const MAX_CHALLENGE_TEXT: usize = 600;
const MAX_SHELL_TEXT: usize = 600;
const MAX_BAIL_OUT_TEXT: usize = 400;
const MAX_REDIRECT_TEXT: usize = 200;
const MAX_EMPTY_TEXT: usize = 50;
/// An element for an application counts as empty with less text.
const MAX_MOUNT_TEXT: usize = 40;
/// Bytes of an inline script that may be a redirect.
const MAX_REDIRECT_SCRIPT: usize = 2000;
/// Bytes of an inline script that are searched for a challenge.
const MAX_CHALLENGE_SCRIPT: usize = 3000;
/// Characters of text that may ask for JavaScript.
const MAX_ASKING_TEXT: usize = 400;
/// Scripts, and elements for applications, that are examined.
const MAX_EXAMINED: usize = 200;

/// The ids that frameworks give to the element of their application.
const MOUNTS: [&str; 21] = [
    "root",
    "app",
    "__next",
    "__nuxt",
    "___gatsby",
    "react-root",
    "app-root",
    "root-app",
    "app-mount",
    "main-app",
    "mount",
    "svelte",
    "q-app",
    "application",
    "ember-app",
    "spa",
    "vue-app",
    "react-app",
    "elm",
    "app-container",
    "content-root",
];

type Pattern = LazyLock<Regex>;

macro_rules! pattern {
    ($text:literal $(,)?) => {
        LazyLock::new(|| Regex::new($text).expect("a constant pattern"))
    };
}

static ASKS_FOR_JAVASCRIPT: Pattern = pattern!(
    r"(?i)(enable|activate|turn on|allow|activer|aktivier|activar|habilit|attiva|включ|requires?|need|without|disabled|doesn.?t work|not work|supported|有効|启用|啟用)[^.<]{0,60}java\s?-?script|java\s?-?script[^.<]{0,60}(enable|required|disabled|needed|activ|aktiv|habilit|must|deaktiv|désactiv|off\b|有効|必要|启用|啟用)",
);
static CHALLENGE_TITLE: Pattern = pattern!(
    r"(?i)^\s*(just a moment|attention required! \| cloudflare|ddos-guard|checking your browser|one moment, please|access denied|pardon our interruption|security check|making sure you.re not a bot)",
);
static CHALLENGE_SCRIPT: Pattern = pattern!(
    r"(?i)cdn-cgi/challenge-platform|_Incapsula_Resource|px-captcha|captcha-delivery\.com|within\.website/x/cmd/anubis|awswaf",
);
static NAVIGATION: Pattern = pattern!(r"(?i)\blocation(?:\.href)?\s*=[^=]|\blocation\.(?:replace|assign)\s*\(");
static LOADING: Pattern = pattern!(
    r"(?i)^\W*(loading|please wait|laden|wird geladen|chargement|cargando|caricamento|carregando|загрузка|加载中|読み込み中|initializing|starting)",
);

/// What the decision is based on.
#[derive(Default)]
struct Signs {
    text: String,
    /// Characters of `text`.
    length: usize,
    links: usize,
    images: usize,
    scripts: Vec<NodeId>,
    noscript_asks: bool,
    has_empty_mount: bool,
    bails_out: bool,
}

/// Why the page needs a browser; `None` if it is content as it is.
pub(crate) fn detect(tree: &Tree, index: &PageIndex) -> Option<AppShell> {
    let body = tree.descendants(NodeId::ROOT).find(|id| tree.tag(*id) == Tag::Body)?;
    let mut signs = Signs::default();
    // Most pages end here, after a small part of the walk.
    read_visible(tree, index, body, &mut signs);
    if signs.length >= MAX_TEXT {
        return None;
    }
    read_scripts(tree, body, &mut signs);
    if signs.scripts.is_empty() {
        return None;
    }
    let title = index.title.map(|title| raw_text(tree, title)).unwrap_or_default();
    decide(tree, &signs, &title)
}

fn decide(tree: &Tree, signs: &Signs, title: &str) -> Option<AppShell> {
    let Signs { length, links, images, noscript_asks, has_empty_mount, .. } = *signs;
    let is_challenge = |id: &NodeId| {
        let source = tree.attr(*id, "src").unwrap_or_default();
        let script = first_bytes(script_text(tree, *id), MAX_CHALLENGE_SCRIPT);
        CHALLENGE_SCRIPT.is_match(source) || CHALLENGE_SCRIPT.is_match(script)
    };
    if CHALLENGE_TITLE.is_match(title) || length < MAX_CHALLENGE_TEXT && signs.scripts.iter().any(is_challenge) {
        return Some(AppShell::Challenge);
    }
    let is_external = |id: &NodeId| tree.attr(*id, "src").is_some();
    let navigates = |id: &NodeId| {
        let script = script_text(tree, *id);
        script.len() < MAX_REDIRECT_SCRIPT && NAVIGATION.is_match(script)
    };
    if length < MAX_REDIRECT_TEXT
        && links < 3
        && !signs.scripts.iter().any(is_external)
        && signs.scripts.iter().any(navigates)
    {
        return Some(AppShell::ScriptRedirect);
    }
    let start = signs.text.char_indices().nth(MAX_ASKING_TEXT).map_or(&*signs.text, |(end, _)| &signs.text[..end]);
    let asks = noscript_asks || ASKS_FOR_JAVASCRIPT.is_match(start) || LOADING.is_match(&signs.text);
    let is_shell = length < MAX_SHELL_TEXT
        && (links <= 5 && (has_empty_mount || asks) || links <= 15 && has_empty_mount && noscript_asks);
    if is_shell || signs.bails_out && length < MAX_BAIL_OUT_TEXT {
        return Some(AppShell::Shell);
    }
    (length < MAX_EMPTY_TEXT && links < 3 && images < 3).then_some(AppShell::Empty)
}

/// The visible text, links and images, until there is enough text.
fn read_visible(tree: &Tree, index: &PageIndex, body: NodeId, signs: &mut Signs) {
    let mut walk = tree.walk(body);
    while let Some(step) = walk.next() {
        let Visit::Enter(id) = step else { continue };
        match tree.data(id) {
            NodeData::Text { .. } => {
                for word in tree.text(id).unwrap_or_default().split_whitespace() {
                    signs.length += word.chars().count() + usize::from(signs.length > 0);
                    if !signs.text.is_empty() {
                        signs.text.push(' ');
                    }
                    signs.text.push_str(word);
                    if signs.length >= MAX_TEXT {
                        return;
                    }
                }
            }
            NodeData::Element(element) => {
                signs.links += usize::from(element.tag == Tag::A && element.attr("href").is_some());
                signs.images += usize::from(is_image(element));
                if index.flags(id).any(NodeFlags::EXCLUDED | NodeFlags::HIDDEN) {
                    walk.skip_children(id);
                }
            }
            NodeData::Document => {}
        }
    }
}

fn is_image(element: &Element) -> bool {
    matches!(element.tag, Tag::Img | Tag::Picture | Tag::Video | Tag::Canvas | Tag::Object | Tag::Embed | Tag::Frame)
}

/// Executable scripts, and the elements that name their purpose.
fn read_scripts(tree: &Tree, body: NodeId, signs: &mut Signs) {
    let mut examined = 0;
    for id in tree.descendants(NodeId::ROOT) {
        let Some(element) = tree.element(id) else { continue };
        match element.tag {
            Tag::Script if is_executable(element) && signs.scripts.len() < MAX_EXAMINED => signs.scripts.push(id),
            Tag::Noscript if !signs.noscript_asks => {
                let mut inside = tree.descendants(id).filter(|inside| tree.tag(*inside) == Tag::Meta);
                let asks = ASKS_FOR_JAVASCRIPT.is_match(&text_content(tree, id, MAX_TEXT));
                signs.noscript_asks = asks || inside.any(|meta| tree.attr(meta, "http-equiv").is_some());
            }
            Tag::Template => {
                let bails_out = |digest: &str| digest.contains("BAILOUT_TO_CLIENT_SIDE_RENDERING");
                signs.bails_out |= element.attr("data-dgst").is_some_and(bails_out);
            }
            _ if !signs.has_empty_mount && examined < MAX_EXAMINED && is_mount(tree, body, id, element) => {
                examined += 1;
                let text = text_content(tree, id, 4 * MAX_MOUNT_TEXT);
                signs.has_empty_mount = text.chars().count() < MAX_MOUNT_TEXT || LOADING.is_match(&text);
            }
            _ => {}
        }
    }
}

/// The element of an application: it has a known id, or is a custom element directly below the body.
fn is_mount(tree: &Tree, body: NodeId, id: NodeId, element: &Element) -> bool {
    let name = &*element.name.local;
    element.attr("id").is_some_and(|id| MOUNTS.contains(&id))
        || name == "app"
        || name.contains('-') && tree.parent(id) == Some(body)
}

fn is_executable(script: &Element) -> bool {
    let kind = script.attr("type").unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        kind.as_str(),
        "" | "text/javascript" | "module" | "application/javascript" | "text/babel" | "text/ecmascript"
    )
}

fn script_text(tree: &Tree, script: NodeId) -> &str {
    tree.first_child(script).and_then(|text| tree.text(text)).unwrap_or_default()
}

fn first_bytes(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests;
