//! `GET /hooks/info`: the actions and their parameters, in Crawl4AI's form.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::action::Action;
use super::{DEFAULT_TIMEOUT, MAX_HOOKS, MAX_TIMEOUT};
use crate::http::openapi::operation_builder::operation;
use crate::http::route::{GET, READ, Route, STANDARD, route};

pub fn routes() -> Vec<Route> {
    let info_operation = operation("sync", "hooks_info", "List the actions that hooks can name")
        .description("`unavailable_actions` has the actions that this server does not have, with the reason.")
        .response_object(200, "The actions, with the JSON Schema of their parameters", info())
        .build();
    vec![route(GET, "/hooks/info", READ, STANDARD, hooks_info, info_operation)]
}

async fn hooks_info() -> HttpResponse {
    HttpResponse::Ok().json(info())
}

fn info() -> Value {
    let describe = |action: Action| {
        let fields = json!({
            "hook_point": action.hook_point(),
            "description": action.description(),
            "params_schema": action.params_schema(),
        });
        (action.name().to_owned(), fields)
    };
    let available: Map<_, _> =
        Action::ALL.into_iter().filter(|action| action.unavailable().is_none()).map(describe).collect();
    let unavailable: Map<_, _> = Action::ALL
        .into_iter()
        .filter_map(|action| Some((action.name().to_owned(), action.unavailable()?.into())))
        .collect();
    json!({
        "available_actions": available,
        "unavailable_actions": unavailable,
        "usage": {
            "field": "hooks",
            "shape": {"hooks": [{"action": "<action>", "params": {"…": "…"}}], "timeout": DEFAULT_TIMEOUT},
            "max_hooks": MAX_HOOKS,
        },
        "timeout_limits": {"min": 1, "max": MAX_TIMEOUT, "default": DEFAULT_TIMEOUT},
    })
}
