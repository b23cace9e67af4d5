//! `GET /docs`: Swagger UI for the OpenAPI document. Its files are in the binary.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::{HttpResponse, web};
use bytes::{BufMut, Bytes, BytesMut};
use rawzip::{CompressionMethod, ZipArchive};

use super::error::ApiError;
use super::openapi::operation_builder::{operation, string};
use super::route::{GET, OPEN, Route, STANDARD, route};

/// They contain nothing secret, and a browser sends no token with them.
pub fn routes() -> Vec<Route> {
    let root_operation =
        operation("operations", "root", "Redirect to `/docs`").response_empty(307, "`Location` is `/docs`").build();
    let page_operation = operation("operations", "docs", "Show this document in a browser")
        .response_as(200, "Swagger UI", HTML, "<!DOCTYPE html>…")
        .build();
    let file_operation = operation("operations", "docs_file", "Get a file of `/docs`")
        .path("file", string(), "The file's name")
        .response_as(200, "The file", SCRIPT, "…")
        .errors(&[404])
        .build();
    vec![
        route(GET, "/", OPEN, STANDARD, root, root_operation),
        route(GET, "/docs", OPEN, STANDARD, page, page_operation),
        route(GET, "/docs/{file}", OPEN, STANDARD, file, file_operation),
    ]
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

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

/// Swagger UI needs inline styles and `data:` images.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

const START: &str = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#ui', deepLinking: true });\n";

/// The files of the archive that the page needs, with their content types.
const FILES: [(&str, &str); 2] = [("swagger-ui.css", "text/css; charset=utf-8"), ("swagger-ui-bundle.js", SCRIPT)];

/// Their gzip bytes, in the order of [`FILES`].
static GZIPPED: LazyLock<[Option<Bytes>; 2]> = LazyLock::new(|| FILES.map(|(name, _)| gzipped(name)));

/// A relative redirect, which preserves the path prefix of a proxy.
async fn root() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "docs")).finish()
}

async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type(HTML).insert_header((CONTENT_SECURITY_POLICY, POLICY)).body(PAGE)
}

async fn file(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    if name.as_str() == "start.js" {
        return Ok(HttpResponse::Ok().content_type(SCRIPT).body(START));
    }
    let index = FILES.iter().position(|(known, _)| *known == name.as_str()).ok_or(ApiError::RouteNotFound)?;
    let body = GZIPPED[index].clone().ok_or(ApiError::RouteNotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(FILES[index].1)
        .insert_header((CONTENT_ENCODING, "gzip"))
        .insert_header((CACHE_CONTROL, "max-age=86400"))
        .body(body))
}

/// A file of the archive in gzip format (RFC 1952): a header, the archive's deflated bytes, checksum and length.
fn gzipped(name: &str) -> Option<Bytes> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let archive = ZipArchive::from_slice(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED).ok()?;
    let suffix = format!("/dist/{name}");
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().ok()? {
        let path = entry.file_path();
        let is_match =
            path.as_ref().ends_with(suffix.as_bytes()) && path.as_ref().iter().filter(|b| **b == b'/').count() == 2;
        if !is_match || entry.compression_method() != CompressionMethod::DEFLATE {
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
