// `replaceAll`, `apply` and `cursor` are those of the WebSocket's example below.
function follow() {
  const events = new EventSource(`/api/calendars/demo/events?after=${encodeURIComponent(cursor)}`);
  events.addEventListener("snapshot", (event) => replaceAll(JSON.parse(event.data)));
  events.onmessage = (event) => apply(JSON.parse(event.data));
  events.onerror = () => {
    // After a break it reconnects and resumes by itself; after any answer but 200 it has ended.
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 1_000 + 4_000 * Math.random());
  };
}

follow();
