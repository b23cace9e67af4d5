// Submits a crawl job and prints a line for each page as soon as it is crawled. Needs only Node 18.
//
//   npx tsx examples/crawl_job.ts https://example.com https://example.org
//
// OPILIO is the server's URL (default http://localhost:11235). RECEIVER, for example the URL of receiver.ts, is the webhook
// URL; with NO_DATA=1 the webhook does not contain the results.

interface CrawlJobRequest {
  urls: string[];
  crawler_config?: Record<string, unknown>;
  browser_config?: Record<string, unknown>;
  webhook_config?: { webhook_url: string; webhook_data_in_payload?: boolean; webhook_headers?: Record<string, string> };
}

interface Page {
  url: string;
  success: boolean;
  error_message: string;
  metadata: { title: string | null };
  links: { internal: { href: string; text: string }[] };
}

interface CrawlStatus {
  status: "processing" | "completed" | "failed" | "cancelled";
  error?: string;
  results?: Page[];
}

const opilio = process.env.OPILIO ?? "http://localhost:11235";

async function call<T>(path: string, body?: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  const request = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(opilio + path, request);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/**
 * The events of the job, up to the terminal one. To resume after a disconnect, send the last event id in the header
 * Last-Event-ID.
 */
async function* events(task: string): AsyncGenerator<{ name: string; data: any }> {
  const response = await fetch(`${opilio}/jobs/${task}/events`);
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (data !== undefined) yield { name: field("event")!, data: JSON.parse(data) };
    }
  }
}

const job: CrawlJobRequest = { urls: process.argv.slice(2) };
if (process.env.RECEIVER) {
  job.webhook_config = {
    webhook_url: process.env.RECEIVER,
    webhook_data_in_payload: process.env.NO_DATA === undefined,
  };
}
const { task_id: task } = await call<{ task_id: string }>("/crawl/job", job);
console.log("submitted", task);
for await (const { name, data } of events(task)) {
  if (name === "page") console.log(data.success ? "crawled" : "failed", data.url, data.error_message);
}
const status = await call<CrawlStatus>(`/crawl/job/${task}`);
console.log(status.status, status.error ?? "");
for (const page of status.results ?? []) {
  if (page.success) console.log(`${page.url}: ${page.metadata.title}, ${page.links.internal.length} links`);
}

export {};
