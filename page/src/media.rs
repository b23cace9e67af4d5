//! Lists the images, videos and audio files of a page.

mod score;

use std::collections::HashSet;

use crate::budget::Budget;
use crate::element_kind::is_block;
use crate::error::ReadError;
use crate::image_source::{MAX_FILES, MediaFile, image_files, is_usable};
use crate::index::PageIndex;
use crate::options::Options;
use crate::output::{Media, MediaItem};
use crate::text;
use crate::tree::{NodeId, Tag, Tree};
use crate::urls::BaseUrl;
use score::{format, score};

/// Descriptions are cut at a word before this many bytes.
const MAX_DESCRIPTION: usize = 300;
/// Bytes of the keys and the constant values of a file.
const ENTRY_BYTES: usize = 160;

pub(crate) fn media(
    tree: &Tree,
    index: &PageIndex,
    base: &BaseUrl,
    options: &Options,
    budget: &Budget,
) -> Result<Media, ReadError> {
    let mut media = Media::default();
    for (position, &image) in index.images.iter().enumerate() {
        budget.step()?;
        let Some(element) = tree.element(image) else { continue };
        let score = score(tree, image, element, position * 2 < index.images.len());
        if score > options.image_score_threshold {
            let files = image_files(tree, image);
            let mut files = items(tree, image, "image", score, position, files, base);
            let min_words = options.image_description_min_words as usize;
            if files.first().is_some_and(|file| file.desc.split_whitespace().count() < min_words) {
                files.iter_mut().for_each(|file| file.desc.clear());
            }
            media.images.extend(files.into_iter().take_while(|file| reserve_output(file, budget)));
        }
    }
    for (position, &player) in index.players.iter().enumerate() {
        budget.step()?;
        let (kind, list) = match tree.tag(player) {
            Tag::Video => ("video", &mut media.videos),
            _ => ("audio", &mut media.audios),
        };
        let files = items(tree, player, kind, 0, position, player_files(tree, player), base);
        list.extend(files.into_iter().take_while(|file| reserve_output(file, budget)));
    }
    Ok(media)
}

fn player_files(tree: &Tree, player: NodeId) -> Vec<MediaFile<'_>> {
    let sources = tree.children(player).filter(|&id| tree.tag(id) == Tag::Source).take(MAX_FILES);
    let files = std::iter::once(player).chain(sources);
    let files = files.filter_map(|id| tree.attr(id, "src").or_else(|| tree.attr(id, "data-src")));
    files.map(|src| (src, None)).collect()
}

fn reserve_output(file: &MediaItem, budget: &Budget) -> bool {
    budget.reserve_output(file.src.len() + file.alt.len() + file.desc.len() + ENTRY_BYTES)
}

/// One item per file; all items of one element share their texts and their group.
fn items(
    tree: &Tree,
    id: NodeId,
    kind: &str,
    score: u32,
    position: usize,
    files: Vec<MediaFile<'_>>,
    base: &BaseUrl,
) -> Vec<MediaItem> {
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    let alt =
        tree.attr(id, "alt").or_else(|| tree.attr(id, "title")).map(text::collapse_whitespace).unwrap_or_default();
    let desc = if files.is_empty() { String::new() } else { description(tree, id) };
    for (src, width) in files.into_iter().filter(|(src, _)| is_usable(src)).take(MAX_FILES) {
        let Some(src) = base.resolve(src) else { continue };
        if seen.insert(src.clone()) {
            let (alt, desc, format) = (alt.clone(), desc.clone(), format(&src));
            let group_id = u32::try_from(position).unwrap_or(u32::MAX);
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

/// The caption of the surrounding figure, or else the text of the nearest block that has any.
fn description(tree: &Tree, id: NodeId) -> String {
    const LEVELS: usize = 6;
    for ancestor in tree.ancestors(id).take(LEVELS) {
        let tag = tree.tag(ancestor);
        if tag == Tag::Figure {
            let caption = tree.children(ancestor).take(16).find(|&child| tree.tag(child) == Tag::Figcaption);
            if let Some(caption) = caption {
                return text::text_content(tree, caption, MAX_DESCRIPTION);
            }
        }
        if matches!(tag, Tag::Body | Tag::Html | Tag::Main) {
            break;
        }
        if is_block(tag) {
            let text = text::text_content(tree, ancestor, MAX_DESCRIPTION);
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
    fn images_include_lazy_and_responsive_sources() {
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
    fn image_description_is_caption_or_nearby_text() {
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
    fn videos_and_audios_list_every_source() {
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
