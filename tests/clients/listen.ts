// Listens to server-sent events by the `eventsource` package, which comes back by itself: `listen <address>`.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
source.onopen = () => console.log("open");
for (const name of ["queued", "started", "page", "completed", "failed", "cancelled"]) {
  source.addEventListener(name, (event) => {
    const told = JSON.parse(event.data);
    console.log([name, told.task_id, told.index].filter((word) => word !== undefined).join(" "));
  });
}
source.onerror = () => console.log(source.readyState === source.CLOSED ? "closed" : "cut");
