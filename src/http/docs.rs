//! `/docs`: Swagger UI over the OpenAPI document, from the binary. Its files are sent as the archive holds them, deflated;
//! only the wrapper around them is another.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::{HttpResponse, web};
use bytes::{BufMut, Bytes, BytesMut};
use rawzip::{CompressionMethod, ZipArchive};

use super::error::ApiError;

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Opilio</title>
  <link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
  <div id="ui"></div>
  <script src="docs/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
"#;

/// Nothing from elsewhere; Swagger UI writes styles and pictures of its own into the page.
const ALLOWED: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

const START: &str = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#ui', deepLinking: true });\n";

/// Those of the archive that the page needs, by content type.
const FILES: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", "text/javascript; charset=utf-8")];

/// Their bytes, as gzip, in the order of [`FILES`].
static GZIPPED: LazyLock<[Option<Bytes>; 2]> = LazyLock::new(|| FILES.map(|(name, _)| gzipped(name)));

/// `GET /`: who comes with a browser wants to see what there is. Also behind a proxy's prefix.
pub async fn entrance() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "docs")).finish()
}

pub async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, ALLOWED))
        .body(PAGE)
}

pub async fn file(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    if name.as_str() == "start.js" {
        return Ok(HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(START));
    }
    let index = FILES.iter().position(|(known, _)| *known == name.as_str()).ok_or(ApiError::RouteNotFound)?;
    let body = GZIPPED[index].clone().ok_or(ApiError::RouteNotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(FILES[index].1)
        .insert_header((CONTENT_ENCODING, "gzip"))
        .insert_header((CACHE_CONTROL, "max-age=86400"))
        .body(body))
}

/// The file of the archive as gzip (RFC 1952): a header, the deflated bytes that the archive holds, checksum and length.
fn gzipped(name: &str) -> Option<Bytes> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let archive = ZipArchive::from_slice(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED).ok()?;
    let wanted = format!("/dist/{name}");
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().ok()? {
        let path = entry.file_path();
        let is_it =
            path.as_ref().ends_with(wanted.as_bytes()) && path.as_ref().iter().filter(|b| **b == b'/').count() == 2;
        if !is_it || entry.compression_method() != CompressionMethod::DEFLATE {
            continue;
        }
        let data = archive.get_entry(entry.wayfinder()).ok()?.data();
        let mut file = BytesMut::with_capacity(HEADER.len() + data.len() + 8);
        file.put_slice(&HEADER);
        file.put_slice(data);
        file.put_u32_le(entry.crc32());
        file.put_u32_le(u32::try_from(entry.uncompressed_size_hint()).ok()?);
        return Some(file.freeze());
    }
    None
}
