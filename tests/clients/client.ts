// A TypeScript client for both job kinds, as users of the job API write it. Arguments: the server, a page, a missing page,
// the receiver, and `with-data` if the webhooks include data.

interface Webhook {
  webhook_url: string;
  webhook_data_in_payload?: boolean;
  webhook_headers?: Record<string, string>;
}

interface CrawlJob {
  urls: string[];
  browser_config?: Record<string, unknown>;
  crawler_config?: Record<string, unknown>;
  webhook_config?: Webhook;
}

interface LlmJob {
  url: string;
  q: string;
  schema?: string;
  cache?: boolean;
  provider?: string;
  webhook_config?: Webhook;
}

const [server, page, missing, receiver, data] = process.argv.slice(2);

async function submit(path: string, job: CrawlJob | LlmJob): Promise<string> {
  const response = await fetch(`${server}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(job),
  });
  const { task_id } = (await response.json()) as { task_id: string };
  return task_id;
}

const crawl = (job: CrawlJob) => submit("/crawl/job", job);
const extract = (job: LlmJob) => submit("/llm/job", job);

const webhook: Webhook = {
  webhook_url: receiver,
  webhook_data_in_payload: data === "with-data",
  webhook_headers: { "X-Webhook-Secret": "my-secret" },
};

console.log("crawl", await crawl({ urls: [page, missing], webhook_config: webhook }));
console.log("failing", await crawl({ urls: [missing], webhook_config: webhook }));
console.log("llm", await extract({
  url: page,
  q: "Extract the main points of this article",
  provider: "openai/good",
  webhook_config: webhook,
}));
console.log("refused", await extract({
  url: page,
  q: "Extract the title",
  schema: JSON.stringify({ type: "object", properties: { title: { type: "string" } } }),
  cache: false,
  provider: "openai/bad-key",
  webhook_config: webhook,
}));

export {};
