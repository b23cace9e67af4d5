//! The operations that show this document.

use serde_json::json;
use utoipa::openapi::path::Operation;

use super::operation_builder::{operation, text};

pub fn openapi() -> Operation {
    operation("operating", "openapi", "This document")
        .answers_any_object(200, "OpenAPI 3.1", json!({"openapi": "3.1.0"}))
        .build()
}

pub fn entrance() -> Operation {
    operation("operating", "entrance", "The way to `/docs`, for people")
        .answers_nothing(307, "`Location` leads there")
        .build()
}

pub fn docs() -> Operation {
    operation("operating", "docs", "This document, for people")
        .answers_in(200, "Swagger UI", "text/html; charset=utf-8", "<!DOCTYPE html>…")
        .build()
}

pub fn docs_file() -> Operation {
    operation("operating", "docs_file", "What the page for people is made of")
        .named("file", text(), "A file's name")
        .answers_in(200, "The file", "text/javascript; charset=utf-8", "…")
        .fails(&[404])
        .build()
}
