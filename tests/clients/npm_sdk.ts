// Calls a server with the npm SDK `crawl4ai`: `npm_sdk.ts SERVER PAGE OTHER MISSING`.
import { Crawl4AI } from 'crawl4ai';

const [server, page, other, missing] = process.argv.slice(2);
const client = new Crawl4AI({ baseUrl: server, timeout: 60000, retries: 0 });

const shown = (error: unknown) => (error instanceof Error ? error.message : String(error));
const attempt = async (name: string, call: () => Promise<unknown>) => {
  try {
    console.log(name, await call());
  } catch (error) {
    console.log(name, 'error', shown(error));
  }
};

await attempt('health', async () => (await client.health()).status);
await attempt('crawl', async () => {
  const results = await client.crawl({ urls: [page, missing], crawler_config: { wait_for: 'css:h1' } });
  return results.map((result) => `${result.success} ${result.status_code}`).join(', ');
});
await attempt('metadata', async () => {
  const response = await client.crawlWithMetadata({ urls: [page] });
  return `${response.success} ${response.results[0].metadata?.title}`;
});
await attempt('stream', async () => {
  const urls = [];
  for await (const chunk of client.crawlStream({ urls: [page, other] })) urls.push(chunk);
  return urls.length >= 2;
});
await attempt('markdown', async () => (await client.markdown({ url: page, f: 'raw' })).includes('A title'));
await attempt('html', async () => (await client.html({ url: page })).includes('<h1>'));
await attempt('schema', async () => Object.keys((await client.schema()) as object).join(' '));
await attempt('tools', async () => (await client.mcpSchema()).tools.length);
await attempt('screenshot', async () => client.screenshot({ url: page }));
await attempt('js_code', async () => client.crawl({ urls: [page], crawler_config: { js_code: 'alert(1)' } }));
