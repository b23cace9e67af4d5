//! JSON Web Tokens.

use serde_json::{Value, json};

use crate::support::TestServer;

/// A JWT with these claims, signed with `key`.
fn jwt(claims: &Value, key: &str) -> String {
    use base64::Engine;
    let part = |text: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let unsigned = format!("{}.{}", part(br#"{"alg":"HS256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    format!("{unsigned}.{}", part(ring::hmac::sign(&key, unsigned.as_bytes()).as_ref()))
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[actix::test]
async fn operator_token_obtains_jwts_for_other_principals() {
    let server = TestServer::with_config_and_env("security: {api_token: letmein}", &[("SECRET_KEY", KEY)]).await;
    for (body, status, detail) in [
        (json!({"email": "ann@example.com", "api_token": "letmei"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com"}), 401, "Invalid or missing api_token"),
        (json!({"email": "ann@example.com", "api_token": null}), 401, "Invalid or missing api_token"),
    ] {
        let response = server.post("/token", body.clone()).await;
        assert_eq!((response.0, &response.1["detail"]), (status, &json!(detail)), "{body}");
    }
    for body in
        [json!({}), json!([]), json!({"email": "ann", "api_token": "letmein"}), json!({"email": 7, "api_token": 7})]
    {
        assert_eq!(server.post("/token", body.clone()).await.0, 422, "{body}");
    }
    let (status, issued) = server.post("/token", json!({"email": "ann@Example.com", "api_token": "letmein"})).await;
    assert_eq!((status, &issued["email"], &issued["token_type"]), (200, &json!("ann@example.com"), &json!("bearer")));
    let bearer = format!("Bearer {}", issued["access_token"].as_str().expect("a token"));
    let json = ("content-type", "application/json");
    let body = json!({"urls": ["raw:<p>x"]}).to_string().into_bytes();
    let (status, _, job) =
        server.request("POST", "/crawl/job", &[("authorization", &bearer), json], body.clone()).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"));
    let bob = jwt(&json!({"sub": "bob@example.com", "exp": 4_102_444_800_i64, "scope": "data"}), KEY);
    let bob = format!("Bearer {bob}");
    for (bearer, expected) in [(bearer.as_str(), 200), ("Bearer letmein", 200), (&bob, 404)] {
        assert_eq!(server.get_status_with_header(&path, "authorization", bearer).await, expected, "{bearer}");
    }
    for (claims, key, expected) in [
        (json!({"sub": "a", "exp": 4_102_444_800_i64}), KEY, 200),
        (json!({"sub": "a", "exp": 1_700_000_000}), KEY, 401),
        (json!({"sub": "a"}), KEY, 401),
        (json!({"sub": "a", "exp": 4_102_444_800_i64}), "another key of more than 32 characters", 401),
    ] {
        assert_eq!(server.get_status_with_header("/jobs", "x-api-key", &jwt(&claims, key)).await, expected, "{claims}");
    }
}

#[actix::test]
async fn jwt_only_server_requires_a_token_and_issues_none() {
    let config = "security: {jwt_enabled: true}\napp: {host: 0.0.0.0}";
    let server = TestServer::with_config_and_env(config, &[("SECRET_KEY", KEY)]).await;
    let (status, response) = server.post("/token", json!({"email": "ann@example.com", "api_token": "x"})).await;
    assert_eq!(status, 403, "{response}");
    assert_eq!(server.get("/jobs").await.0, 401);
    let valid = jwt(&json!({"sub": "ann@example.com", "exp": 4_102_444_800_i64}), KEY);
    assert_eq!(server.get_status_with_header("/jobs", "authorization", &format!("Bearer {valid}")).await, 200);
}
