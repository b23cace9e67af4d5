// Receives webhooks of both kinds of job: verifies signatures, ignores repeated deliveries, and fetches results that are not in
// the payload. Needs Node 18 only.
//
//   WEBHOOK_SECRET=whsec_… npx tsx examples/receiver.ts [port]
//
// The secret is the one under `webhooks.secrets` of the server's config.yml; without it no signature is verified. OPILIO
// is the server's address, default http://localhost:11235.

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

// A production receiver stores the ids with its own data and removes them after some days.
const seen = new Set<string>();

/** Verifies as Standard Webhooks defines it: a recent timestamp and at least one valid signature. */
function isGenuine(headers: IncomingHttpHeaders, body: Buffer): boolean {
  if (secret.length === 0) return true;
  const sent = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const expected = Buffer.from(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
  const received = String(headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return received.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

async function fetched<T>(family: "crawl" | "llm", task: string): Promise<T> {
  return (await (await fetch(`${opilio}/${family}/job/${task}`)).json()) as T;
}

/** The lines to print for a job. */
async function lines(webhook: CrawlWebhook | LlmWebhook): Promise<string[]> {
  const first = `${webhook.task_type} ${webhook.task_id} ${webhook.status} ${webhook.error ?? ""}`.trimEnd();
  if (webhook.status !== "completed") return [first];
  if (webhook.task_type === "crawl") {
    const { results } = webhook.data ?? (await fetched<{ results: Page[] }>("crawl", webhook.task_id));
    const length = (page: Page) => `${[...page.markdown.raw_markdown].length} characters`;
    return [first, ...results.map((page) => `  ${page.url}: ${page.success ? length(page) : page.error_message}`)];
  }
  // The webhook has the content as extracted_content, the job's status has it as result.
  const content = webhook.data
    ? webhook.data.extracted_content
    : (await fetched<{ result: unknown }>("llm", webhook.task_id)).result;
  return [first, `  ${JSON.stringify(content)}`];
}

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const genuine = isGenuine(request.headers, body);
  // Answer first and work afterwards, so that slow work does not cause a timeout.
  response.writeHead(genuine ? 204 : 401).end();
  if (!genuine) return;
  const id = String(request.headers["webhook-id"]);
  if (seen.has(id)) {
    console.log("again", id);
  } else {
    seen.add(id);
    console.log((await lines(JSON.parse(body.toString()))).join("\n"));
  }
});

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
