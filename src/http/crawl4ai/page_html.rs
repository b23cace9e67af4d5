//! `POST /html`: a page as reduced HTML, from which an extraction schema can be written.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::report::Report;
use super::request_fields::RequestFields;
use super::sync_page::{self, with_warnings};
use super::url_policy::UrlPolicy;
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::{Api, Caller, response};

pub async fn html(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    response::json(&api.response_memory, &respond(api.clone(), &caller, body).await?)
}

/// The response of `POST /html`.
pub async fn respond(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<Value, ApiError> {
    let mut report = Report::default();
    let fields = RequestFields::of_body(&body).map_err(ApiError::Invalid)?;
    let url = sync_page::url_field(&fields, UrlPolicy::new(&api.guard), &mut report);
    fields.warn_unknown(&["url"], "not a key of this request", &mut report);
    let (url, warnings) = report.finish(url).map_err(ApiError::Invalid)?;
    drop(body);
    let page = sync_page::crawl(api, caller, url.clone(), Default::default(), warnings.clone()).await?;
    let reduced = web::block(move || opilio_page::schema_html(&page.html, &opilio_page::Limits::default())).await;
    let reduced = reduced.map_err(|_| ApiError::Unavailable)?;
    let reduced = reduced.map_err(|error| ApiError::BadGateway(error.to_string()))?;
    Ok(with_warnings(json!({"html": reduced, "url": url.as_str(), "success": true}), &warnings))
}
