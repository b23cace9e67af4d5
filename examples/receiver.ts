// Receives webhooks of both job kinds: verifies their signatures, ignores repetitions, and fetches results that they do not
// contain. Needs only Node 18.
//
//   WEBHOOK_SECRET=whsec_… npx tsx examples/receiver.ts [port]
//
// The secret is that of `webhooks.secrets` in the server's config.yml; without it signatures are not verified. OPILIO is the
// server's URL (default http://localhost:11235).

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

interface Page {
  url: string;
  success: boolean;
  error_message: string;
  markdown: { raw_markdown: string };
}

interface Webhook {
  task_id: string;
  status: "completed" | "failed" | "cancelled";
  error?: string;
}

interface CrawlWebhook extends Webhook {
  task_type: "crawl";
  data?: { results: Page[] };
}

interface LlmWebhook extends Webhook {
  task_type: "llm_extraction";
  data?: { extracted_content: unknown };
}

const opilio = process.env.OPILIO ?? "http://localhost:11235";
const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");

// In production, store the ids with the work that they cause, and delete them after some days.
const seen = new Set<string>();

/** Verifies the timestamp and the signature as defined by Standard Webhooks. */
function isGenuine(headers: IncomingHttpHeaders, body: Buffer): boolean {
  if (secret.length === 0) return true;
  const sent = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const ours = Buffer.from(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
  const theirs = String(headers["webhook-signature"] ?? "").split(" ").map((signature) => Buffer.from(signature));
  return theirs.some((their) => their.length === ours.length && timingSafeEqual(their, ours));
}

async function fetchJob<T>(family: "crawl" | "llm", task: string): Promise<T> {
  return (await (await fetch(`${opilio}/${family}/job/${task}`)).json()) as T;
}

/** The lines to print for a job. */
async function lines(webhook: CrawlWebhook | LlmWebhook): Promise<string[]> {
  const first = `${webhook.task_type} ${webhook.task_id} ${webhook.status} ${webhook.error ?? ""}`.trimEnd();
  if (webhook.status !== "completed") return [first];
  if (webhook.task_type === "crawl") {
    const { results } = webhook.data ?? (await fetchJob<{ results: Page[] }>("crawl", webhook.task_id));
    const length = (page: Page) => `${[...page.markdown.raw_markdown].length} characters`;
    return [first, ...results.map((page) => `  ${page.url}: ${page.success ? length(page) : page.error_message}`)];
  }
  // The job's `result` is what the webhook calls `extracted_content`.
  const content = webhook.data
    ? webhook.data.extracted_content
    : (await fetchJob<{ result: unknown }>("llm", webhook.task_id)).result;
  return [first, `  ${JSON.stringify(content)}`];
}

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const genuine = isGenuine(request.headers, body);
  // Respond first, because the sender does not wait for long.
  response.writeHead(genuine ? 204 : 401).end();
  if (!genuine) return;
  const id = String(request.headers["webhook-id"]);
  if (seen.has(id)) {
    console.log("repeated", id);
  } else {
    seen.add(id);
    console.log((await lines(JSON.parse(body.toString()))).join("\n"));
  }
});

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
