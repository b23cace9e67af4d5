//! The addresses of a request that may not be reached, told before anything is asked of anybody: a name is judged again,
//! by what it resolves to, when it is connected to.

use serde_json::Value;
use url::Url;

use crate::egress::{Guard, Purpose};
use crate::http::field_error::{FieldError, Loc};

/// The request as it was read, or all that is wrong with it and every address in it that the guard refuses.
pub fn reachable<T>(read: Result<T, Vec<FieldError>>, body: &Value, guard: &Guard) -> Result<T, Vec<FieldError>> {
    let blocked = blocked(body, guard);
    match read {
        Ok(read) if blocked.is_empty() => Ok(read),
        read => Err(read.err().unwrap_or_default().into_iter().chain(blocked).collect()),
    }
}

/// One error for each address that the guard refuses. What is no address is others' to name.
fn blocked(body: &Value, guard: &Guard) -> Vec<FieldError> {
    let list = body.get("urls").and_then(Value::as_array).into_iter().flatten().enumerate();
    let list = list.map(|(index, url)| (Purpose::Page, vec![Loc::from("urls"), Loc::from(index)], url));
    let page = body.get("url").map(|url| (Purpose::Page, vec![Loc::from("url")], url));
    let receiver = body.get("webhook_config").and_then(|config| config.get("webhook_url"));
    let place = || vec![Loc::from("webhook_config"), Loc::from("webhook_url")];
    let receiver = receiver.map(|url| (Purpose::Webhook, place(), url));
    let refused = list.chain(page).chain(receiver).filter(|(purpose, _, url)| {
        let url = url.as_str().filter(|url| !url.starts_with("raw:")).and_then(|url| Url::parse(url).ok());
        url.filter(|url| matches!(url.scheme(), "http" | "https"))
            .is_some_and(|url| guard.check(&url, *purpose).is_err())
    });
    refused.map(|(_, place, _)| error(place)).collect()
}

fn error(place: Vec<Loc>) -> FieldError {
    let loc = std::iter::once(Loc::from("body")).chain(place).collect();
    FieldError { loc, msg: "URL blocked".to_owned(), kind: "url_blocked" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::egress::{Allowlist, EgressPolicy};

    #[test]
    fn every_address_that_may_not_be_reached_is_named_by_its_place() {
        let hooks = EgressPolicy { webhooks: Allowlist::parse(["10.0.0.1"]).unwrap(), ..EgressPolicy::default() };
        let guard = Guard::closed(hooks);
        let body = json!({
            "urls": ["http://10.0.0.1/", "https://example.com/", "raw:http://10.0.0.1/", 7, "nothing", "http://[::1]/"],
            "url": "http://2130706433/",
            "webhook_config": {"webhook_url": "http://127.0.0.1/"},
        });
        let places: Vec<_> = blocked(&body, &guard).iter().map(|error| json!(error.loc).to_string()).collect();
        assert_eq!(
            places,
            [
                r#"["body","urls",0]"#,
                r#"["body","urls",5]"#,
                r#"["body","url"]"#,
                r#"["body","webhook_config","webhook_url"]"#,
            ]
        );
        let listed = json!({"webhook_config": {"webhook_url": "http://10.0.0.1/"}});
        assert_eq!(blocked(&listed, &guard).len(), 0);
        assert_eq!(blocked(&body, &Guard::open(Allowlist::default())).len(), 0);
    }
}
