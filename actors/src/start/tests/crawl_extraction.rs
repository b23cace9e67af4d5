//! Crawls whose pages a language model extracts from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::scripted::{Fetch, ScriptedSite};
use super::system::{HOUR, SECOND, Setup, TestSystem, crawl_of, wait_until, with_paused_time};
use crate::domain::crawl::CrawlSpec;
use crate::domain::id::JobId;
use crate::domain::job::{Job, Status};
use crate::domain::page_extraction::{PageExtraction, PageFilter};
use crate::kinds::CRAWL;
use crate::ports::{ModelError, ModelRequest, ModelResponse, NewJob};
use crate::testing::fakes::{ScriptedModel, says};

type Response = Option<Result<ModelResponse, ModelError>>;

/// The number of requests to the model by page.
#[derive(Clone, Default)]
struct Requests(Arc<Mutex<BTreeMap<usize, usize>>>);

impl Requests {
    fn add(&self, page: usize) -> usize {
        let mut counts = self.0.lock().expect("no panic");
        let count = counts.entry(page).or_default();
        *count += 1;
        *count
    }

    fn counts(&self) -> Vec<usize> {
        self.0.lock().expect("no panic").values().copied().collect()
    }
}

/// A system whose model responds by the index of the page and the number of requests for it.
fn setup(script: impl Fn(usize, usize) -> Response + Send + Sync + 'static) -> (Setup, Requests) {
    let (mut setup, requests) = (Setup::new(ScriptedSite::new(|_| Fetch::Succeed)), Requests::default());
    let counts = requests.clone();
    let script = move |request: &ModelRequest| {
        let text = &request.messages[0].text;
        let (_, rest) = text.split_once("https://a.example/").expect("the prompt names the page");
        let page = rest.split(',').next().and_then(|page| page.parse().ok()).expect("a page of the job");
        script(page, counts.add(page))
    };
    setup.model = Arc::new(ScriptedModel { context_tokens: 2000, script });
    (setup, requests)
}

fn job(pages: usize, schema: Option<Value>) -> NewJob {
    let mut job = crawl_of("a", pages);
    let spec = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    spec.options.model_extraction =
        Some(PageExtraction { instruction: "the title".to_owned(), schema, provider: None, temperature: None });
    job
}

fn titled() -> Option<Value> {
    Some(json!({"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}))
}

async fn settled(system: &TestSystem, id: &JobId) -> (Job, Vec<Value>) {
    let job = system.wait_for(id, |job| job.state.is_settled()).await;
    let pages = system.store.pages(id, 0, usize::MAX).await.expect("the store is available");
    (job, pages.iter().map(|(_, page)| serde_json::from_slice(page).expect("JSON")).collect())
}

#[test]
fn each_page_has_its_content_and_usage_is_summed() {
    with_paused_time(async || {
        let (setup, requests) = setup(|page, _| says(&format!("<think>hm</think>{{\"title\": \"{page}\"}}")));
        let mut system = setup.start();
        let id = system.submit(job(3, titled())).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), requests.counts()), (Status::Completed, vec![1, 1, 1]));
        for (index, page) in pages.iter().enumerate() {
            let content: Value = serde_json::from_str(page["extracted_content"].as_str().expect("text")).expect("JSON");
            assert_eq!(content, json!([{"title": index.to_string(), "error": false}]));
            assert_eq!((&page["success"], &page["usage"]["total_tokens"]), (&json!(true), &json!(110)));
            assert_eq!(page["markdown"]["raw_markdown"], "<p>hello");
        }
        let usage = &system.webhook().await["usage"];
        assert_eq!((&usage["total_tokens"], &usage["requests"]), (&json!(330), &json!(3)));
        assert_eq!((&usage["provider"], &usage["model"]), (&json!("openai"), &json!("test-1")));
    });
}

#[test]
fn attempt_after_a_crash_repeats_no_request() {
    with_paused_time(async || {
        let (mut setup, requests) = setup(|page, request| match (page, request) {
            (1, 1) => says("{}"),
            (1, 2) => panic!("the process crashes before the response is stored"),
            _ => says(r#"{"title": "T"}"#),
        });
        setup.policy.extraction.repair_attempts = 1;
        let system = setup.start();
        let id = system.submit(job(3, titled())).await;
        let (job, pages) = settled(&system, &id).await;
        // The first response for page 1 comes from its checkpoint; only its repair is requested again.
        assert_eq!((job.state.status(), requests.counts()), (Status::Completed, vec![1, 3, 1]));
        assert_eq!(job.progress.failed, 0);
        assert_eq!((&pages[1]["usage"]["requests"], &pages[1]["usage"]["repairs"]), (&json!(2), &json!(1)));
    });
}

#[test]
fn job_of_another_principal_does_not_wait_for_a_model() {
    with_paused_time(async || {
        // The model never responds.
        let (setup, requests) = setup(|_, _| None);
        let workers = setup.policy.jobs.workers[&CRAWL];
        let mut system = setup.start();
        for _ in 0..workers {
            system.submit(job(1, None)).await;
        }
        wait_until(|| requests.counts() == [workers]).await;
        let (short, submitted) = (system.submit(crawl_of("b", 1)).await, Instant::now());
        assert_eq!(system.webhook().await["task_id"], short.as_str());
        assert!(submitted.elapsed() <= 5 * SECOND, "{:?}", submitted.elapsed());
        assert_eq!(requests.counts(), [workers], "no request is repeated");
    });
}

#[test]
fn yielded_extraction_repeats_no_request() {
    with_paused_time(async || {
        let (mut setup, requests) = setup(|_, _| says("T"));
        setup.site = ScriptedSite::new(|url| match url.contains("hangs") {
            true => Fetch::Hang(HOUR),
            false => Fetch::Succeed,
        });
        setup.policy.jobs.workers.insert(CRAWL, 2);
        let mut system = setup.start();
        let mut long = Vec::new();
        for _ in 0..2 {
            let mut job = job(2, None);
            let spec = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
            spec.urls[1] = "https://hangs.example/1".to_owned();
            long.push(system.submit(job).await);
        }
        wait_until(|| system.site.in_progress() == 2).await;
        let short = system.submit(crawl_of("b", 1)).await;
        assert_eq!(system.webhook().await["task_id"], short.as_str());
        for id in &long {
            system.wait_for(id, |job| job.state.is_settled()).await;
        }
        assert_eq!(requests.counts(), [2], "one request for the first page of each job");
    });
}

#[test]
fn failed_extraction_affects_only_its_page() {
    with_paused_time(async || {
        let (setup, _) = setup(|page, _| if page == 1 { says("no JSON") } else { says(r#"{"title": "T"}"#) });
        let system = setup.start();
        let id = system.submit(job(3, titled())).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), job.progress.failed), (Status::Completed, 1));
        let error = pages[1]["error_message"].as_str().expect("text");
        assert!(error.contains("does not conform to the schema"), "{error}");
        assert_eq!((&pages[1]["success"], &pages[1]["extracted_content"]), (&json!(false), &Value::Null));
        assert_eq!((&pages[1]["markdown"]["raw_markdown"], &pages[2]["success"]), (&json!("<p>hello"), &json!(true)));
    });
}

#[test]
fn token_budget_bounds_the_whole_job() {
    with_paused_time(async || {
        let (mut setup, requests) = setup(|_, _| says("the title"));
        setup.policy.extraction.max_tokens_per_job = Some(250);
        setup.policy.crawl.pages_per_job = std::num::NonZeroUsize::MIN;
        let mut system = setup.start();
        let id = system.submit(job(5, None)).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.progress.failed, requests.counts()), (3, vec![1, 1, 1]));
        for page in &pages[2..] {
            assert_eq!(page["error_message"], "The job exceeds its budget of 250 tokens (llm.max_tokens_per_job)");
        }
        let content = json!([{"index": 0, "tags": [], "content": "the title", "error": false}]).to_string();
        assert_eq!(pages[1]["extracted_content"], content);
        assert_eq!(system.webhook().await["usage"]["total_tokens"], 330);
    });
}

#[test]
fn deferred_crawl_keeps_its_finished_pages() {
    with_paused_time(async || {
        let overloaded =
            || Some(Err(ModelError::Overloaded { model: "openai/test".to_owned(), status: 503, retry_after: None }));
        let (mut setup, requests) =
            setup(move |page, request| if page == 2 && request < 4 { overloaded() } else { says("T") });
        setup.policy.extraction.requeue_delay = 20 * SECOND;
        setup.policy.crawl.pages_per_job = std::num::NonZeroUsize::MIN;
        let system = setup.start();
        let id = system.submit(job(4, None)).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), job.attempts_spent), (Status::Completed, 1), "{:?}", job.error);
        assert_eq!((job.progress.failed, requests.counts()), (0, vec![1, 1, 4, 1]), "{pages:?}");
    });
}

#[test]
fn provider_that_stays_unavailable_fails_the_pages() {
    with_paused_time(async || {
        let (mut setup, _) = setup(|page, _| match page {
            0 => says("T"),
            _ => Some(Err(ModelError::Timeout { model: "openai/test".to_owned(), limit: "1m".to_owned() })),
        });
        setup.policy.extraction.requeue_delay = 20 * SECOND;
        let system = setup.start();
        let id = system.submit(job(3, None)).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), job.progress.failed), (Status::Completed, 2));
        assert_eq!(pages[2]["error_message"], "openai/test did not respond within 1m");
    });
}

/// A crawl whose pages a model filters and then extracts from.
fn filtered_job(pages: usize) -> NewJob {
    let mut job = job(pages, titled());
    let spec = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    spec.options.model_filter =
        Some(PageFilter { instruction: "the article".to_owned(), provider: None, temperature: None });
    job
}

fn is_filter(request: &ModelRequest) -> bool {
    request.messages[0].text.contains("the article")
}

#[test]
fn filter_finds_the_main_content_that_is_extracted_from() {
    with_paused_time(async || {
        let (mut setup, prompts) =
            (Setup::new(ScriptedSite::new(|_| Fetch::Succeed)), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&prompts);
        let script = move |request: &ModelRequest| {
            seen.lock().expect("no panic").push(request.messages[0].text.clone());
            match is_filter(request) {
                true => says("<think>hm</think>```markdown\n# Selected\n```"),
                false => says(r#"{"title": "T"}"#),
            }
        };
        setup.model = Arc::new(ScriptedModel { context_tokens: 2000, script });
        let system = setup.start();
        let id = system.submit(filtered_job(1)).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!(
            (job.state.status(), &pages[0]["markdown"]["fit_markdown"]),
            (Status::Completed, &json!("# Selected"))
        );
        assert_eq!((&pages[0]["usage"]["requests"], &pages[0]["usage"]["total_tokens"]), (&json!(2), &json!(220)));
        let prompts = prompts.lock().expect("no panic").clone();
        assert!(prompts[0].contains("<p>hello") && prompts[1].contains("# Selected"), "{prompts:?}");
    });
}

#[test]
fn filter_that_was_answered_is_not_repeated_after_a_crash() {
    with_paused_time(async || {
        let (mut setup, counts) = (Setup::new(ScriptedSite::new(|_| Fetch::Succeed)), Arc::new(Mutex::new([0, 0])));
        let counted = Arc::clone(&counts);
        let script = move |request: &ModelRequest| {
            let filter = is_filter(request);
            let count = {
                let mut counts = counted.lock().expect("no panic");
                counts[usize::from(!filter)] += 1;
                counts[usize::from(!filter)]
            };
            assert!(filter || count > 1, "the process crashes before the extraction is answered");
            if filter { says("# Selected") } else { says(r#"{"title": "T"}"#) }
        };
        setup.model = Arc::new(ScriptedModel { context_tokens: 2000, script });
        let system = setup.start();
        let id = system.submit(filtered_job(1)).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), *counts.lock().expect("no panic")), (Status::Completed, [1, 2]));
        assert_eq!(pages[0]["usage"]["requests"], 2);
    });
}

#[test]
fn failed_filter_affects_only_its_page() {
    with_paused_time(async || {
        let refused = || Some(Err(ModelError::Filtered { model: "openai/test".to_owned(), used: Default::default() }));
        let (setup, requests) = setup(move |page, _| if page == 1 { refused() } else { says("# Selected") });
        let system = setup.start();
        let mut job = filtered_job(3);
        job.spec.task.get_mut::<CrawlSpec>().expect("a crawl").options.model_extraction = None;
        let id = system.submit(job).await;
        let (job, pages) = settled(&system, &id).await;
        assert_eq!((job.state.status(), job.progress.failed, requests.counts()), (Status::Completed, 1, vec![1, 1, 1]));
        assert_eq!((&pages[1]["success"], &pages[1]["markdown"]["fit_markdown"]), (&json!(false), &json!("")));
        assert_eq!(&pages[2]["markdown"]["fit_markdown"], "# Selected");
    });
}
