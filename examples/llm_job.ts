// Submits an LLM job with a schema and waits for its webhook. Needs only Node 18.
//
//   npx tsx examples/llm_job.ts https://example.com/article
//
// OPILIO is the server's URL (default http://localhost:11235). With NO_DATA=1 the webhook does not contain the result, which
// is then fetched.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface WebhookConfig {
  webhook_url: string;
  webhook_data_in_payload?: boolean;
  webhook_headers?: Record<string, string>;
}

interface LlmJobRequest {
  url: string;
  q: string;
  schema?: object | string;
  cache?: boolean;
  provider?: string;
  temperature?: number;
  webhook_config?: WebhookConfig;
}

interface LlmWebhook<T> {
  task_id: string;
  task_type: "llm_extraction";
  status: "completed" | "failed" | "cancelled";
  timestamp: string;
  urls: string[];
  error?: string;
  error_type?: string;
  usage?: { total_tokens: number; requests: number; model: string | null };
  data?: { extracted_content: T; notes?: string[] };
}

interface Article {
  title: string;
  author?: string;
}

const opilio = process.env.OPILIO ?? "http://localhost:11235";
const page = process.argv[2];
if (!page) throw new Error("the URL of a page is missing");

async function submit(request: LlmJobRequest): Promise<string> {
  const response = await fetch(`${opilio}/llm/job`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { task_id: string }).task_id;
}

/** Starts a server that receives one webhook. */
function receive<T>(): { url: Promise<string>; webhook: Promise<LlmWebhook<T>> } {
  let arrived: (webhook: LlmWebhook<T>) => void;
  const webhook = new Promise<LlmWebhook<T>>((resolve) => (arrived = resolve));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(204).end();
      server.close();
      arrived(JSON.parse(Buffer.concat(chunks).toString()));
    });
  });
  const url = new Promise<string>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`)),
  );
  return { url, webhook };
}

async function main(): Promise<void> {
  const receiver = receive<Article>();
  const task = await submit({
    url: page!,
    q: "Extract the article's title and author",
    schema: {
      type: "object",
      properties: { title: { type: "string" }, author: { type: "string" } },
      required: ["title"],
    },
    webhook_config: {
      webhook_url: await receiver.url,
      webhook_data_in_payload: process.env["NO_DATA"] === undefined,
    },
  });
  console.log("submitted", task);
  const webhook = await receiver.webhook;
  if (webhook.status !== "completed") throw new Error(`${webhook.status}: ${webhook.error} (${webhook.error_type})`);
  // The job's `result` is what the webhook calls `extracted_content`.
  const fetched = async () => ((await (await fetch(`${opilio}/llm/job/${webhook.task_id}`)).json()) as { result: Article }).result;
  const content = webhook.data ? webhook.data.extracted_content : await fetched();
  console.log("extracted", JSON.stringify(content));
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
