// Live: a level that moves with the voice, and a mark with a Stop wherever the visitor is in the
// page while the microphone is on. Listening ends when the page is left, and at the time limit.
(() => {
  const GRACE = 2000; // ms that a page may be out of sight
  const FLOOR = -60; // dB
  const AGAIN = 500; // ms
  const PATIENCE = 20; // attempts
  let listening = null;

  const stop = (reason) => {
    if (!listening) return;
    listening.reason = reason;
    document.querySelector("#ser-live :is(.stop-button, .spinner-button)")?.click();
    for (const track of listening.stream.getTracks()) track.stop();
  };

  const show = (decibels, text) => {
    const track = document.querySelector("#ser-level .ser-track");
    if (!track) return; // a tab that is closed may not be in the page
    const level = Math.round(Math.min(0, Math.max(FLOOR, decibels)));
    track.style.setProperty("--share", 1 - level / FLOOR);
    track.setAttribute("aria-valuenow", level);
    document.querySelector("#ser-level .ser-level-text").textContent = text(level);
  };

  const mark = () => {
    const place = document.createElement("div");
    place.id = "ser-listening";
    const state = document.createElement("span");
    state.role = "status";
    const button = document.createElement("button");
    button.textContent = "Stop";
    button.setAttribute("aria-label", "Stop listening");
    button.addEventListener("click", () => stop(""));
    place.append(state, button);
    document.querySelector(".gradio-container .contain").append(place); // what styles are for
    state.textContent = "Listening";
    return place;
  };

  const hear = (decibels) => {
    const { since, limit } = listening;
    if (Date.now() - since > limit) return stop(`: ${limit / 60000} minutes are over`);
    show(decibels, (level) => `${level} dB`.replace("-", "−"));
  };

  const end = () => {
    const { place, title, reason } = listening;
    place.remove();
    document.title = title;
    listening = null;
    show(FLOOR, () => `Microphone off${reason}`);
  };

  const begin = ({ target, detail: stream }) => {
    if (target.id !== "ser-live" || listening) return;
    listening = {
      stream,
      since: Date.now(),
      limit: 1000 * document.querySelector("#ser-level").dataset.limit,
      place: mark(),
      title: document.title,
      reason: "",
    };
    document.title = `● Listening: ${document.title}`;
    serLevel(stream, hear, end);
  };

  // Gradio's recorder loads behind the page, and fails if Record is pressed before it is there.
  let attempts = 0;
  const early = (event) => {
    if (!listening || !/constructor/.test(event.reason)) return;
    event.preventDefault();
    attempts += 1;
    stop(attempts < PATIENCE ? ": its recorder is loading" : ": its recorder does not load");
    if (attempts >= PATIENCE) return;
    setTimeout(() => {
      if (!document.hidden) document.querySelector("#ser-live .record-button")?.click();
    }, AGAIN);
  };

  let leaving = null;
  const left = () => stop(": you left the page");
  document.addEventListener("microphone", begin);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(leaving);
    if (document.hidden) leaving = setTimeout(left, GRACE);
  });
  addEventListener("pagehide", left);
  addEventListener("unhandledrejection", early);
})();
