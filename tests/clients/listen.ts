// Prints server-sent events with the `eventsource` package, which reconnects automatically: `listen <url>`.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
source.onopen = () => console.log("open");
for (const name of ["queued", "started", "page", "completed", "failed", "cancelled"]) {
  source.addEventListener(name, (event) => {
    const job = JSON.parse(event.data);
    console.log([name, job.task_id, job.index].filter((word) => word !== undefined).join(" "));
  });
}
source.onerror = () => console.log(source.readyState === source.CLOSED ? "closed" : "cut");
