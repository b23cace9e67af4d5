//! `POST /html`: a page as reduced HTML, from which an extraction schema can be written.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::Warning;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::report::Report;
use super::request_fields::RequestFields;
use super::schemas::HtmlRequest;
use super::sync_page;
use super::url_policy::UrlPolicy;
use crate::http::api::Api;
use crate::http::body::{self, Body};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::openapi::operation_builder::operation;
use crate::http::response;
use crate::http::route::{POST, Route, SUBMIT, SYNCHRONOUS, route};
use crate::http::schemas::Warning as WarningSchema;

pub fn routes() -> Vec<Route> {
    let page = json!({"html": "<h1>Example Domain</h1>", "url": "https://example.com", "success": true});
    let html_operation = operation("sync", "html", "Reduce a page's HTML, for writing an extraction schema")
        .request::<HtmlRequest>(json!({"url": "https://example.com"}))
        .response::<HtmlResponse>(200, "The page", page)
        .errors(&[400, 409, 502])
        .build();
    vec![route(POST, "/html", SUBMIT, SYNCHRONOUS, html, html_operation)]
}

/// The response of `POST /html`.
#[derive(Serialize, ToSchema)]
#[schema(as = Html)]
pub struct HtmlResponse {
    /// Reduced to what an extraction schema needs.
    html: String,
    url: String,
    success: bool,
    /// Keys of the request that had no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<WarningSchema>)]
    warnings: Vec<Warning>,
}

async fn html(api: web::Data<Api>, caller: Caller, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let (body, _reservation) = body::json(&request, body)?.into_parts();
    response::json(&api.response_memory, &respond(api.clone(), &caller, body).await?)
}

/// Responds to the body of `POST /html`.
pub async fn respond(api: web::Data<Api>, caller: &Caller, body: Value) -> Result<HtmlResponse, ApiError> {
    let mut report = Report::default();
    let fields = RequestFields::of_body(&body)?;
    let url = sync_page::url_field(&fields, |text| UrlPolicy::new(&api.guard).page(text), &mut report);
    let engine = fields.engine(&mut report);
    fields.warn_unknown(&["url", "engine"], "not a key of this request", &mut report);
    let (url, warnings) = report.finish(url)?;
    drop(body);
    let mut options = CrawlOptions::default();
    options.fetch.engine = engine;
    let page = sync_page::crawl(api, caller, url.clone(), options, warnings.clone()).await?;
    let reduced = web::block(move || opilio_page::schema_html(&page.html, &opilio_page::Limits::default())).await;
    let reduced = reduced.map_err(|_| ApiError::Unavailable)?;
    let reduced = reduced.map_err(|error| ApiError::BadGateway(error.to_string()))?;
    Ok(HtmlResponse { html: reduced, url: url.into_string(), success: true, warnings })
}
