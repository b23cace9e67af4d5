//! Pages that only refer to another page by a `<meta http-equiv="refresh">`.

use opilio_actors::ports::FetchedPage;
use opilio_page::{Limits, MetaRefresh};
use url::Url;

use super::charset;
use crate::egress::{EgressError, check_length};

/// Longer pages have content.
const MAX_BYTES: usize = 64 * 1024;

/// The target if the page counts as a redirect. Parsing runs on the blocking thread pool.
///
/// # Errors
/// Permanent: the target is too long.
pub async fn target(url: &Url, page: &FetchedPage) -> Result<Option<Url>, EgressError> {
    if !may_have_refresh(page) {
        return Ok(None);
    }
    let (url, body, content_type) = (url.clone(), page.body.clone(), page.content_type.clone());
    let find = move || {
        let (html, _) = charset::decode(&body, content_type.as_deref(), true);
        opilio_page::meta_refresh(&html, &url, &Limits { max_bytes: MAX_BYTES * 3, ..Limits::default() })
    };
    let refresh: Option<MetaRefresh> = tokio::task::spawn_blocking(find).await.unwrap_or_default();
    let target = refresh.filter(|refresh| refresh.is_redirect).map(|refresh| refresh.url);
    target.as_ref().map_or(Ok(()), check_length)?;
    Ok(target)
}

fn may_have_refresh(page: &FetchedPage) -> bool {
    let is_ok = page.exchange.status.is_some_and(|status| (200..300).contains(&status));
    let is_html = page.content_type.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().contains("html"));
    let contains = |text: &[u8]| page.body.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text));
    is_ok && is_html && page.body.len() <= MAX_BYTES && contains(b"http-equiv") && contains(b"refresh")
}
