//! Images, videos and audios, lazy ones included.

use std::collections::HashSet;

use crate::budget::Watch;
use crate::classify::{class_of, has_class_part, is_block};
use crate::index::Survey;
use crate::srcset::candidates;
use crate::tree::{Element, Id, Tag, Tree};
use crate::urls::{Base, MAX_URL};
use crate::{Media, MediaItem, Options, ReadError, text};

/// A description is cut here, at a word.
const MAX_DESCRIPTION: usize = 300;
/// Of one element.
const MAX_FILES: usize = 32;
/// Where pages keep the address of an image that is loaded when it comes into view.
const LAZY: [&str; 5] = ["data-src", "data-lazy-src", "data-original", "data-lazy", "data-img-src"];
const LAZY_SETS: [&str; 2] = ["data-srcset", "data-lazy-srcset"];

pub(crate) fn media(
    tree: &Tree,
    survey: &Survey,
    base: &Base,
    options: &Options,
    watch: &Watch,
) -> Result<Media, ReadError> {
    let mut media = Media::default();
    for (index, &image) in survey.images.iter().enumerate() {
        watch.step()?;
        let Some(element) = tree.element(image) else { continue };
        let score = score(tree, image, element, index * 2 < survey.images.len());
        if score > options.image_score_threshold {
            let files = image_files(tree, image);
            let mut files = items(tree, image, "image", score, index, files, base);
            let least = options.image_description_min_words as usize;
            if files.first().is_some_and(|file| file.desc.split_whitespace().count() < least) {
                files.iter_mut().for_each(|file| file.desc.clear());
            }
            media.images.extend(files.into_iter().take_while(|file| has_room_for(file, watch)));
        }
    }
    for (index, &player) in survey.players.iter().enumerate() {
        watch.step()?;
        let (kind, list) = match tree.tag(player) {
            Tag::Video => ("video", &mut media.videos),
            _ => ("audio", &mut media.audios),
        };
        let sources = tree.children(player).filter(|&id| tree.tag(id) == Tag::Source).take(MAX_FILES);
        let files = std::iter::once(player).chain(sources);
        let files = files.filter_map(|id| tree.attr(id, "src").or_else(|| tree.attr(id, "data-src")));
        let files = files.map(|src| (src, None)).collect();
        let files = items(tree, player, kind, 0, index, files, base);
        list.extend(files.into_iter().take_while(|file| has_room_for(file, watch)));
    }
    Ok(media)
}

fn has_room_for(file: &MediaItem, watch: &Watch) -> bool {
    watch.has_room_for(file.src.len() + file.alt.len() + file.desc.len())
}

fn items(
    tree: &Tree,
    id: Id,
    kind: &str,
    score: u32,
    index: usize,
    files: Vec<(&str, Option<u32>)>,
    base: &Base,
) -> Vec<MediaItem> {
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    let alt = tree.attr(id, "alt").or_else(|| tree.attr(id, "title")).map(text::collapsed).unwrap_or_default();
    let desc = if files.is_empty() { String::new() } else { description(tree, id) };
    for (src, width) in files.into_iter().filter(|(src, _)| is_usable(src)).take(MAX_FILES) {
        let Some(src) = base.absolute(src) else { continue };
        if seen.insert(src.clone()) {
            let (alt, desc, format) = (alt.clone(), desc.clone(), format(&src));
            let group_id = u32::try_from(index).unwrap_or(u32::MAX);
            items.push(MediaItem {
                src,
                data: String::new(),
                alt,
                desc,
                score,
                kind: kind.to_owned(),
                group_id,
                format,
                width,
            });
        }
    }
    items
}

/// The one address of an image that stands for it in the Markdown.
pub(crate) fn source(tree: &Tree, image: Id) -> Option<&str> {
    image_files(tree, image).first().map(|&(src, _)| src)
}

/// Whether the element itself says where the image is.
pub(crate) fn has_source(tree: &Tree, image: Id) -> bool {
    !image_files(tree, image).is_empty()
}

/// The best first: the element's own source unless that only keeps the place, then what it loads lazily, then the
/// candidates of its sets, the widest first.
fn image_files(tree: &Tree, image: Id) -> Vec<(&str, Option<u32>)> {
    let mut files = Vec::new();
    let Some(element) = tree.element(image) else { return files };
    let own = element.attr("src").filter(|src| is_usable(src));
    files.extend(own.filter(|src| !is_placeholder(src)).map(|src| (src, None)));
    files
        .extend(LAZY.iter().filter_map(|&name| element.attr(name)).filter(|src| is_usable(src)).map(|src| (src, None)));
    let sets = std::iter::once("srcset").chain(LAZY_SETS).filter_map(|name| element.attr(name));
    let picture = tree.parent(image).filter(|&parent| tree.tag(parent) == Tag::Picture);
    let sources = picture.into_iter().flat_map(|picture| tree.children(picture)).take(MAX_FILES);
    let sources = sources.filter(|&id| tree.tag(id) == Tag::Source);
    let of_sources = sources.filter_map(|id| tree.attr(id, "srcset").or_else(|| tree.attr(id, "data-srcset")));
    let start = files.len();
    for set in sets.chain(of_sources) {
        let usable = candidates(set).take(MAX_FILES).filter(|candidate| is_usable(candidate.url));
        files.extend(usable.map(|candidate| (candidate.url, candidate.width)));
    }
    files[start..].sort_by_key(|&(_, width)| std::cmp::Reverse(width));
    if files.is_empty() {
        files.extend(own.map(|src| (src, None)));
    }
    files
}

fn is_usable(src: &str) -> bool {
    let src = src.trim_start();
    let scheme = src.get(..5).unwrap_or_default();
    !src.is_empty()
        && src.len() <= MAX_URL
        && !scheme.eq_ignore_ascii_case("data:")
        && !scheme.eq_ignore_ascii_case("blob:")
}

fn is_placeholder(src: &str) -> bool {
    const NAMES: [&str; 7] =
        ["placeholder", "blank.gif", "spacer.gif", "pixel.gif", "1x1.", "transparent.", "lazyload."];
    NAMES.iter().any(|name| src.contains(name))
}

/// How likely an image is content: one point each for being wide, high, described, in the first half of the page's
/// images, of a known format, offered in several sizes, and in a `<picture>`. None for what is decoration by its name.
fn score(tree: &Tree, image: Id, element: &Element, early: bool) -> u32 {
    let size =
        |name: &str| element.attr(name).and_then(|value| value.trim_end_matches("px").trim().parse::<u32>().ok());
    let tiny = |name: &str| size(name).is_some_and(|pixels| pixels <= 2);
    let parent = tree.parent(image);
    let decorates = |text: &str| ["button", "icon", "logo"].iter().any(|name| text.contains(name));
    let of_class = |id: Id| tree.element(id).is_some_and(|element| decorates(class_of(element)));
    let name = [element.attr("src"), element.attr("alt")].into_iter().flatten().any(decorates);
    let in_button = parent.is_some_and(|id| tree.tag(id) == Tag::Button || of_class(id));
    if name || in_button || tiny("width") && tiny("height") || has_class_part(element, "emoji") {
        return 0;
    }
    let files = image_files(tree, image);
    let points = [
        size("width").is_some_and(|pixels| pixels > 150),
        size("height").is_some_and(|pixels| pixels > 150),
        element.attr("alt").is_some_and(|alt| !alt.is_empty()),
        early,
        files.iter().any(|(src, _)| format(src).is_some()),
        element.attr("srcset").or_else(|| element.attr("data-srcset")).is_some(),
        parent.is_some_and(|id| tree.tag(id) == Tag::Picture),
    ];
    points.into_iter().map(u32::from).sum()
}

/// By the end of the file's name.
fn format(src: &str) -> Option<String> {
    const KNOWN: [&str; 17] = [
        "jpg", "jpeg", "png", "webp", "avif", "gif", "svg", "bmp", "mp4", "webm", "ogg", "ogv", "mov", "m3u8", "mp3",
        "wav", "m4a",
    ];
    let path = src.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    KNOWN.iter().find(|known| ending.eq_ignore_ascii_case(known)).map(|&known| known.to_owned())
}

/// The caption of its figure, else the text of the nearest block that says anything.
fn description(tree: &Tree, id: Id) -> String {
    const LEVELS: usize = 6;
    for ancestor in tree.ancestors(id).take(LEVELS) {
        let tag = tree.tag(ancestor);
        if tag == Tag::Figure {
            let caption = tree.children(ancestor).take(16).find(|&child| tree.tag(child) == Tag::Figcaption);
            if let Some(caption) = caption {
                return text::text_of(tree, caption, MAX_DESCRIPTION);
            }
        }
        if matches!(tag, Tag::Body | Tag::Html | Tag::Main) {
            break;
        }
        if is_block(tag) {
            let text = text::text_of(tree, ancestor, MAX_DESCRIPTION);
            if !text.is_empty() {
                return text;
            }
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Media, Options, read};

    fn media(html: &str) -> Media {
        let url = url::Url::parse("https://a.example/d/").unwrap();
        read(html, &url, &Options::default(), &Limits::default()).unwrap().media
    }

    #[test]
    fn images_are_found_wherever_pages_keep_their_addresses() {
        for (html, files) in [
            ("<img src=a.jpg>", vec!["a.jpg"]),
            ("<img src=data:image/gif;base64,R0 data-src=a.jpg>", vec!["a.jpg"]),
            ("<img src=/img/placeholder.png data-src=a.jpg>", vec!["a.jpg"]),
            ("<img src=a.jpg srcset='a.jpg 1x, b.jpg 400w, c.jpg 800w'>", vec!["a.jpg", "c.jpg", "b.jpg"]),
            ("<picture><source srcset='b.webp 2x'><img src=a.jpg></picture>", vec!["a.jpg", "b.webp"]),
            ("<img data-lazy-src=a.jpg><noscript><img src=b.jpg></noscript>", vec!["a.jpg"]),
            ("<img class=lazy><noscript><img src=b.jpg></noscript>", vec!["b.jpg"]),
            ("<img src=data:image/png;base64,xx>", vec![]),
            ("<img src=/pixel.php width=1 height=1>", vec![]),
            ("<img src=site-logo.png>", vec![]),
        ] {
            let found: Vec<_> = media(html).images.into_iter().map(|image| image.src).collect();
            let files: Vec<_> = files.iter().map(|file| format!("https://a.example/d/{file}")).collect();
            assert_eq!(found, files, "{html}");
        }
    }

    #[test]
    fn an_image_is_described_shortly() {
        let html = format!(
            "<div>{}<figure><img src=a.png alt=A width=300><figcaption>The caption</figcaption></figure>
             <p>Near <img src=b.png></p><div><img src=c.png></div></div>",
            "word ".repeat(1000)
        );
        let images = media(&html).images;
        assert_eq!((images[0].desc.as_str(), images[0].alt.as_str()), ("The caption", "A"));
        assert_eq!((images[0].score, images[0].format.as_deref()), (4, Some("png")));
        assert_eq!(images[1].desc, "Near");
        assert!(images[2].desc.len() <= 300 && images[2].desc.ends_with("word"));
    }

    #[test]
    fn videos_and_audios_come_with_each_of_their_files() {
        let media = media(
            "<video src=a.mp4 title=T></video><video><source src=b.webm><source src=b.mp4></video><audio src=c.mp3></audio>",
        );
        let files: Vec<_> = media.videos.iter().map(|video| (video.src.as_str(), video.group_id)).collect();
        assert_eq!(
            files,
            [("https://a.example/d/a.mp4", 0), ("https://a.example/d/b.webm", 1), ("https://a.example/d/b.mp4", 1)]
        );
        assert_eq!((media.audios[0].kind.as_str(), media.audios[0].format.as_deref()), ("audio", Some("mp3")));
    }
}
