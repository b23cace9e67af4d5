//! Browser processes: none while idle, none after the server has ended, and new ones after a crash.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::pages::APP;
use super::site::{Site, html};
use super::support::{DEADLINE, TestServer, until};
use super::{browser, browser_processes, crawl, error, in_browser, kill, markdown, processes_below, until_no_process};

fn site() -> Site {
    Site::start(|path| (path != "/favicon.ico").then(|| html(APP)))
}

/// The profiles of this server's browsers.
fn profiles(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder exists").flatten();
    let is_profile =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("opilio-browser-"));
    entries.map(|entry| entry.path()).filter(is_profile).collect()
}

/// A server with a folder of its own for temporary files.
async fn server_with(config: &str) -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The browser's user, who is another one if this is root, must reach its profile.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let temporary = folder.path().to_str().expect("a path in UTF-8").to_owned();
    (TestServer::with_config_and_env(config, &[("TMPDIR", &temporary)]).await, folder)
}

/// Waits until a page of the browser waits for `/hang`.
async fn until_page_hangs(site: &Site, times: usize) {
    let waits = async || {
        let count = site.paths().iter().filter(|path| *path == "/hang").count();
        if count >= times { Ok(()) } else { Err(count) }
    };
    until(waits, DEADLINE).await;
}

async fn submit(server: &TestServer, url: &str, config: Value) -> String {
    let body = json!({"urls": [url], "crawler_config": config});
    let (status, accepted) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{accepted}");
    accepted["task_id"].as_str().expect("an id").to_owned()
}

#[actix::test]
async fn browser_runs_only_while_it_is_used() {
    let (site, (server, folder)) = (site(), server_with("browser: {idle: 200ms}").await);
    assert_eq!(browser_processes(&server), Vec::<u32>::new());
    for _ in 0..2 {
        let page = in_browser(&server, &site.url("/")).await;
        assert_eq!(page["success"], true, "{page}");
        let idle = async || {
            let (processes, profiles) = (browser_processes(&server), profiles(folder.path()));
            if processes.is_empty() && profiles.is_empty() { Ok(()) } else { Err((processes, profiles)) }
        };
        until(idle, DEADLINE).await;
    }
}

#[actix::test]
async fn browser_is_replaced_after_its_pages() {
    let (site, (server, _folder)) = (site(), server_with("browser: {recycle_after: 2}").await);
    let mut seen = Vec::<u32>::new();
    for _ in 0..4 {
        let page = in_browser(&server, &site.url("/")).await;
        assert_eq!(page["success"], true, "{page}");
        seen.extend(browser(&server).filter(|id| !seen.contains(id)));
    }
    assert!(seen.len() >= 2, "{seen:?}");
}

#[actix::test]
async fn killed_server_leaves_no_process_and_no_profile() {
    let (site, (mut server, folder)) = (site(), server_with("").await);
    submit(&server, &site.url("/hang"), json!({"engine": "browser"})).await;
    until_page_hangs(&site, 1).await;
    let processes = browser_processes(&server);
    assert!(processes.len() > 1, "{processes:?}");
    server.kill().await;
    until_no_process(&processes).await;
    let old = profiles(folder.path());
    assert_eq!(old.len(), 1);
    server.restart().await;
    // The interrupted job is continued in a new browser.
    let replaced = async || {
        let left: Vec<_> = profiles(folder.path()).into_iter().filter(|path| old.contains(path)).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    };
    until(replaced, DEADLINE).await;
}

#[actix::test]
async fn stopped_server_closes_its_browser() {
    let (site, (mut server, folder)) = (site(), server_with("").await);
    assert_eq!(in_browser(&server, &site.url("/")).await["success"], true);
    let processes = browser_processes(&server);
    assert!(!processes.is_empty());
    server.send_sigterm();
    assert!(server.wait_for_exit().await.success());
    until_no_process(&processes).await;
    assert_eq!(profiles(folder.path()), Vec::<PathBuf>::new());
}

#[actix::test]
async fn page_is_opened_again_after_the_browser_was_killed() {
    let (site, (server, _folder)) = (site(), server_with("").await);
    let id = submit(&server, &site.url("/hang"), json!({"engine": "browser", "page_timeout": 60000})).await;
    for crashes in 1..=3 {
        until_page_hangs(&site, crashes).await;
        kill(browser(&server).expect("a browser runs"));
    }
    let job = server.wait_until_settled(&id).await;
    assert_eq!(job["error"], "The browser crashed on this page", "{job}");
    assert_eq!(in_browser(&server, &site.url("/")).await["success"], true);
}

#[actix::test]
async fn killed_page_process_fails_only_its_page() {
    let (site, (server, _folder)) = (site(), server_with("").await);
    let id = submit(&server, &site.url("/hang"), json!({"engine": "browser"})).await;
    until_page_hangs(&site, 1).await;
    let running = browser(&server);
    for page in processes_below(server.pid(), "--type=renderer") {
        kill(page);
    }
    let job = server.wait_until_settled(&id).await;
    let reason = job["error"].as_str().unwrap_or_default();
    assert!(reason.starts_with("The page crashed"), "{job}");
    assert_eq!(in_browser(&server, &site.url("/")).await["success"], true);
    assert_eq!(browser(&server), running);
}

#[actix::test]
async fn cancelled_job_closes_its_page() {
    let (site, (server, _folder)) = (site(), server_with("browser: {idle: 0s}").await);
    let id = submit(&server, &site.url("/hang"), json!({"engine": "browser"})).await;
    until_page_hangs(&site, 1).await;
    assert_eq!(server.delete(&format!("/crawl/job/{id}")).await.0, 202);
    let closed = async || {
        let processes = browser_processes(&server);
        if processes.is_empty() { Ok(()) } else { Err(processes) }
    };
    until(closed, DEADLINE).await;
}

#[actix::test]
async fn browser_that_does_not_start_fails_the_page_with_the_reason() {
    let site = site();
    for (executable, reason) in
        [("/bin/false", "Browser failed to start: "), ("/etc/hostname", "Browser failed to start: ")]
    {
        let (server, _folder) = server_with(&format!("browser: {{executable: {executable}}}")).await;
        let page = in_browser(&server, &site.url("/")).await;
        assert!(error(&page).starts_with(reason), "{page}");
        assert_eq!(server.get("/ready").await.0, 200);
        let page = crawl(&server, &site.url("/"), json!({"engine": "http"})).await;
        assert_eq!(page["success"], true, "{page}");
    }
}

#[actix::test]
async fn many_pages_are_opened_at_the_same_time() {
    let (site, (server, _folder)) = (site(), server_with("").await);
    let urls: Vec<_> = (0..16).map(|n| site.url(&format!("/page{n}"))).collect();
    let body = json!({"urls": urls, "crawler_config": {"engine": "browser"}});
    let (status, response) = server.post("/crawl", body).await;
    assert_eq!(status, 200, "{response}");
    for page in response["results"].as_array().expect("results") {
        assert!(markdown(page).contains("Rendered"), "{page}");
    }
}
