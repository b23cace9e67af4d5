//! Programs in Python and TypeScript against the real binary: a client and a webhook handler, the programs in `examples/`,
//! and the programs in README and `docs/`. `make tools` installs their dependencies.

#[path = "clients/examples.rs"]
mod examples;
#[path = "clients/programs.rs"]
mod programs;
mod providers;
#[path = "clients/readme.rs"]
mod readme;
mod support;

use programs::{Program, Workshop, file, output, type_errors};
use providers::{KEY, Providers};
use readme::shown;
use support::{TestServer, TestSite};

async fn server_with_a_model(providers: &Providers, config: &str) -> TestServer {
    let base_url = providers.url("openai");
    let model = [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    TestServer::with_config_and_env(config, &model).await
}

/// The id that a program printed after `name`.
fn id<'a>(printed: &'a str, name: &str) -> &'a str {
    let mut lines = printed.lines();
    lines
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no {name} in {printed}"))
}

#[actix::test]
async fn typescript_client_and_flask_handler_work_with_and_without_data() {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = server_with_a_model(&providers, "").await;
    let mut handler = Program::start(workshop.python(&file("tests/clients/handler.py")).arg(server.base()));
    let port = handler.next_line().await.replace("listening ", "");
    let hook = format!("http://127.0.0.1:{port}/webhooks/crawl-complete");
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    for data in ["with-data", "without"] {
        let mut client = workshop.typescript(&file("tests/clients/client.ts")).await;
        let submitted = output(client.args([server.base(), &page, &missing, &hook, data])).await;
        let [crawl, failing, llm, refused] = ["crawl", "failing", "llm", "refused"].map(|name| id(&submitted, name));
        let mut expected = [
            format!("page {crawl} {page} True True"),
            format!("page {crawl} {missing} True False"),
            format!("done crawl {crawl}"),
            format!("failed crawl {failing} HTTP 404 Not Found"),
            format!("extracted {llm} {{'title': 'T'}}"),
            format!("done llm_extraction {llm}"),
            format!("failed llm_extraction {refused} openai/bad-key rejected the API key (HTTP 401)"),
        ];
        expected.sort();
        assert_eq!(handler.next_lines_sorted(expected.len()).await, expected, "{data}");
    }
}

#[actix::test]
async fn crawl4ai_clients_crawl_stream_and_read_the_schema() {
    let (site, server, workshop) = (TestSite::start(), TestServer::start().await, Workshop::open());
    let [page, other, missing] = ["/article", "/full", "/missing"].map(|path| site.url(path));
    let mut client = workshop.crawl4ai(&file("tests/clients/run_crawl4ai_clients.py"));
    let printed = output(client.args([server.base(), &page, &other, &missing])).await;
    let (one, many) = (format!("one {page} True 200 True"), format!("many {page} True {other} True {missing} False"));
    let stream = format!("stream {page} True {other} True");
    let browser = "Server error 501: this needs a browser, which this server does not have";
    let (screenshot, pdf) = (format!("screenshot {browser}"), format!("pdf {browser}"));
    let library =
        [one.as_str(), &many, &stream, "schema BrowserConfig 60000", "error Crawl failed: Unknown error", "hooks True"];
    let light = [
        "health ok",
        &one,
        &many,
        &stream,
        "markdown True",
        "html True",
        "schema ['browser', 'crawler']",
        &screenshot,
        &pdf,
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), [&library[..], &light].concat());
}

#[actix::test]
async fn npm_sdk_crawls_streams_and_reads_the_errors() {
    let (site, workshop) = (TestSite::start(), Workshop::open());
    // A page that does not meet `wait_for` is not opened in a browser.
    let server = TestServer::with_config("crawler: {engine: http}").await;
    let [page, other, missing] = ["/article", "/full", "/missing"].map(|path| site.url(path));
    let mut client = workshop.typescript(&file("tests/clients/npm_sdk.ts")).await;
    let printed = output(client.args([server.base(), &page, &other, &missing])).await;
    let expected = [
        "health ok",
        "crawl true 200, false 404",
        "metadata true The page",
        "stream true",
        "markdown true",
        "html true",
        "schema browser crawler",
        "tools 7",
        "screenshot error HTTP 501: Not Implemented",
        "js_code error HTTP 400: Bad Request",
    ];
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[actix::test]
async fn typescript_programs_pass_the_type_checker() {
    let workshop = Workshop::open();
    let scripts = ["examples/receiver.ts", "examples/crawl_job.ts", "examples/llm_job.ts", "tests/clients/client.ts"];
    let mut scripts = scripts.map(file).to_vec();
    scripts.push(workshop.write("receiver.ts", &shown("ts", "createServer")));
    assert_eq!(type_errors(&scripts).await, "");
}
