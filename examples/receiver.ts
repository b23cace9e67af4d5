// Takes webhooks of both kinds of job: checks who sent them, does nothing twice, and fetches what is not in them. Needs
// nothing but Node 18.
//
//   WEBHOOK_SECRET=whsec_… npx tsx examples/receiver.ts [port]
//
// The secret is the one under `webhooks.secrets` of the server's config.yml; without it every webhook is believed. OPILIO
// is the server's address, http://localhost:11235 if it is not set.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

interface Page {
  url: string;
  success: boolean;
  error_message: string;
  markdown: { raw_markdown: string };
}

interface Told {
  task_id: string;
  status: "completed" | "failed" | "cancelled";
  error?: string;
}

interface CrawlTold extends Told {
  task_type: "crawl";
  data?: { results: Page[] };
}

interface LlmTold extends Told {
  task_type: "llm_extraction";
  data?: { extracted_content: unknown };
}

const opilio = process.env.OPILIO ?? "http://localhost:11235";
const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");

// A real receiver keeps the ids where it keeps its work, and forgets them after some days.
const seen = new Set<string>();

/** As the Standard Webhooks specification has it: a fresh time, and one signature that is ours. */
function isGenuine(headers: IncomingHttpHeaders, body: Buffer): boolean {
  if (secret.length === 0) return true;
  const sent = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const ours = Buffer.from(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
  const theirs = String(headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return theirs.some((one) => one.length === ours.length && timingSafeEqual(one, ours));
}

async function fetched<T>(family: "crawl" | "llm", task: string): Promise<T> {
  return (await (await fetch(`${opilio}/${family}/job/${task}`)).json()) as T;
}

/** What there is to say of a job. */
async function lines(told: CrawlTold | LlmTold): Promise<string[]> {
  const first = `${told.task_type} ${told.task_id} ${told.status} ${told.error ?? ""}`.trimEnd();
  if (told.status !== "completed") return [first];
  if (told.task_type === "crawl") {
    const { results } = told.data ?? (await fetched<{ results: Page[] }>("crawl", told.task_id));
    const length = (page: Page) => `${[...page.markdown.raw_markdown].length} characters`;
    return [first, ...results.map((page) => `  ${page.url}: ${page.success ? length(page) : page.error_message}`)];
  }
  // The webhook has the content as extracted_content, the job's status has it as result.
  const content = told.data
    ? told.data.extracted_content
    : (await fetched<{ result: unknown }>("llm", told.task_id)).result;
  return [first, `  ${JSON.stringify(content)}`];
}

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const genuine = isGenuine(request.headers, body);
  // Answered first: what takes long is done afterwards.
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
