// Zeigt ein öffentliches Dashboard von Lagebild auf einer anderen Webseite (docs/einbettung.md).
//   <div data-lagebild="musterkreis/lage" data-dashboards="https://dashboards…" style="height: 900px"></div>
//   <script src="https://schnittstelle…/v1/einbettung.js" defer></script>
// The frame and this script talk as Superset's embedded SDK does: one message hands over a port, the token goes
// through it. Nothing is loaded from anywhere else.
(() => {
  "use strict";
  const api = new URL(document.currentScript.src).origin;
  const MINUTE = 60000;

  async function fetchAccess(name) {
    const [instance, dashboard] = name.split("/");
    const path = `/v1/${encodeURIComponent(instance)}/einbettung/${encodeURIComponent(dashboard)}`;
    const answer = await fetch(api + path, { method: "POST", credentials: "omit" });
    if (!answer.ok) throw new Error(`Lagebild: ${answer.status}`);
    return answer.json();
  }

  async function show(place) {
    const name = place.dataset.lagebild;
    const dashboards = new URL(place.dataset.dashboards).origin;
    const access = await fetchAccess(name);
    const frame = document.createElement("iframe");
    frame.title = access.titel;
    frame.style.cssText = "border:0;width:100%;height:100%";
    frame.referrerPolicy = "origin";
    // Scripts and its own origin, no way to the page around it, no new windows but downloads.
    frame.sandbox.add("allow-scripts", "allow-same-origin", "allow-downloads");
    frame.addEventListener("load", () => {
      const channel = new MessageChannel();
      const send = (token) =>
        channel.port1.postMessage({ switchboardAction: "emit", method: "guestToken", args: { guestToken: token } });
      frame.contentWindow.postMessage({ type: "__embedded_comms__", handshake: "port transfer" }, dashboards, [channel.port2]);
      channel.port1.start();
      send(access.token);
      setInterval(async () => {
        try {
          send((await fetchAccess(name)).token);
        } catch {
          // The dashboard stays as it is; the next minute tries again.
        }
      }, Math.max(MINUTE, access.gueltig_sekunden * 1000 - 2 * MINUTE));
    });
    frame.src = `${dashboards}/embedded/${access.kennung}?uiConfig=3`;
    place.replaceChildren(frame);
  }

  function start() {
    for (const place of document.querySelectorAll("[data-lagebild]")) {
      show(place).catch(() => {
        place.textContent = "Das Dashboard ist zurzeit nicht erreichbar.";
      });
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
