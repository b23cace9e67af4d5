// Submits a job and waits for it with a client generated from the OpenAPI document: `submit <server> <page>`.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const [server, page] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: server });

const { data: accepted, error } = await client.POST("/crawl/job", {
  body: { urls: [page], crawler_config: { page_timeout: 15000 } },
});
if (!accepted) throw new Error(JSON.stringify(error));

for (;;) {
  const { data: job } = await client.GET("/crawl/job/{task_id}", { params: { path: { task_id: accepted.task_id } } });
  if (!job || typeof job === "string") throw new Error("the job was not found");
  if (job.status === "processing") {
    await new Promise((resolve) => setTimeout(resolve, 50));
    continue;
  }
  console.log(job.status, job.results?.map((result) => result.markdown?.raw_markdown?.includes("# A title")).join());
  break;
}

const rejected = await client.POST("/crawl/job", { body: { urls: [] } });
const detail = rejected.response.status === 422 ? (rejected.error as components["schemas"]["Invalid"]).detail : [];
console.log(detail.map((field) => field.loc.join(".")).join());
