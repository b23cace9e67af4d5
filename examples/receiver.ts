// Takes webhooks and checks their signatures. Needs nothing but Node 18.
//
//   WEBHOOK_SECRET=whsec_… npx tsx examples/receiver.ts [port]
//
// The secret is the one under `webhooks.secrets` of the server's config.yml. Without it every webhook is believed.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

interface Told {
  task_id: string;
  status: "completed" | "failed" | "cancelled";
  error?: string;
}

const secret = Buffer.from((process.env.WEBHOOK_SECRET ?? "").replace(/^whsec_/, ""), "base64");

// As the Standard Webhooks specification has it: a fresh time, and one signature that is ours.
function isGenuine(headers: IncomingHttpHeaders, body: Buffer): boolean {
  if (secret.length === 0) return true;
  const sent = Number(headers["webhook-timestamp"]);
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return false;
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const ours = Buffer.from(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
  const theirs = String(headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return theirs.some((one) => one.length === ours.length && timingSafeEqual(one, ours));
}

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const genuine = isGenuine(request.headers, body);
  // Answer first: what takes long is done afterwards. A webhook may come twice; its webhook-id tells.
  response.writeHead(genuine ? 204 : 401).end();
  if (genuine) {
    const told: Told = JSON.parse(body.toString());
    console.log(told.task_id, told.status, told.error ?? "");
  }
});

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
