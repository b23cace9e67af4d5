//! Whether the server is alive, and whether it can take work.

use actix_web::{HttpResponse, web};
use opilio_actors::http_front::IsOpen;
use serde_json::json;

use super::Api;
use super::error::ApiError;

/// Alive, whatever the store does.
#[allow(clippy::cast_precision_loss, reason = "a number of seconds as the peer's clients read it")]
pub async fn health(api: web::Data<Api>) -> HttpResponse {
    let timestamp = api.clock.now().as_microsecond() as f64 / 1e6;
    HttpResponse::Ok().json(json!({"status": "ok", "timestamp": timestamp, "version": env!("CARGO_PKG_VERSION")}))
}

pub async fn ready(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    if !api.front.send(IsOpen).await? {
        return Err(ApiError::Unavailable);
    }
    api.store.ready().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ready"})))
}
