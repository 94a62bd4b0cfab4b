// What there is to wait for, said at once; and what is lost when the server was started anew.
(() => {
  const UPLOADING = "Uploading…";
  const told = () => document.querySelector("#ser-wait p");
  globalThis.serWait = (sentence) => {
    const place = told();
    if (place && place.textContent !== sentence) place.textContent = sentence;
    before = panel();
  };
  // An answer about what was there before does not end an upload.
  globalThis.serAnswered = () => {
    if (told()?.textContent !== UPLOADING) serWait("");
  };
  const panel = () => document.querySelector("#ser-result .ser-panel")?.outerHTML;
  let before = ""; // what the panel said when the wait began
  const given = "ser-server"; // the server that was given something in this visit, by its number
  let known = null; // what it was when it was asked last
  const server = () => globalThis.gradio_config?.app_id;
  const say = (sentence) => {
    let place = document.querySelector("#ser-lost");
    if (!place) {
      place = document.createElement("p");
      place.id = "ser-lost";
      place.setAttribute("role", "alert");
      document.body.append(place);
    }
    if (place.textContent !== sentence) place.textContent = sentence;
  };
  globalThis.serSay = say;
  const said = () => document.querySelector("#ser-lost")?.textContent;
  const UNPLAYABLE = "This browser cannot play files of this kind. The result is not affected.";
  globalThis.serUnplayable = ({ name }) => { // an end by the next one has another name
    if (name === "NotSupportedError" && !said()) say(UNPLAYABLE);
  };
  document.addEventListener("click", () => said() === UNPLAYABLE && say(""), true);
  const GONE = "The server was restarted: your recording and voice profile are gone; " +
    "upload or record again.";
  const AWAY = "The server cannot be reached. This page waits until it answers; work that was " +
    "under way may be lost.";
  const LOST = "The connection was lost, and the page was loaded anew: the recordings, marks and " +
    "voice of this visit are gone.";
  const away = "ser-away"; // when the connection was found to be lost last
  const RECENT = 60000; // ms

  const give = ({ target, dataTransfer }) => {
    sessionStorage.setItem(given, known ?? server());
    say("");
    const most = globalThis.gradio_config?.max_file_size ?? Infinity; // gradio refuses more at once
    const files = [...(dataTransfer?.files ?? target.files ?? [])];
    if (target.closest("#ser-clip, #ser-recorder") && files.every(({ size }) => size <= most)) {
      serWait(UPLOADING);
    }
  };
  const isChosen = ({ target }) => target.type === "file" && target.files.length;
  document.addEventListener("change", (event) => isChosen(event) && give(event), true);
  document.addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length) give(event);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".stop-button, #stop-paused")) give(event);
    if (event.target.closest?.("#ser-recorder [aria-label=Clear]")) serWait("");
    if (event.target.closest?.("#ser-examples button")) {
      serWait("Listening to the recording…");
    }
  }, true);

  const answered = () => {
    if (told()?.textContent && panel() !== before) serAnswered();
  };
  new MutationObserver(answered).observe(document, { childList: true, subtree: true });

  const ask = globalThis.fetch.bind(globalThis);
  globalThis.fetch = async (...request) => {
    const address = String(request[0]?.url ?? request[0]);
    // Gradio asks for this only after a lost connection, and loads the page anew when it gets it.
    if (address.includes("/app_id")) sessionStorage.setItem(away, Date.now());
    const isOwn = address.startsWith(location.origin) || address.startsWith("/");
    try {
      const answer = await ask(...request);
      if (!answer.ok && address.includes("/upload")) serWait("");
      return answer;
    } catch (error) {
      if (isOwn && error.name !== "AbortError") {
        if (address.includes("/upload")) {
          serWait("");
          serSay("The upload failed: choose the file again.");
        }
        compare();
      }
      throw error;
    }
  };

  const compare = async () => {
    known ??= server();
    const { root, api_prefix } = globalThis.gradio_config;
    try {
      const answer = await ask(`${root}${api_prefix}/app_id`);
      const { app_id } = await answer.json();
      const isSame = app_id === known;
      known = app_id;
      if (!isSame) say(GONE);
      else if (said() === AWAY) say("");
    } catch {
      serWait("");
      say(AWAY);
      sessionStorage.setItem(away, Date.now());
    }
  };
  // Gradio loads the page anew when it has lost the server, and says nothing of it.
  const last = sessionStorage.getItem(given);
  sessionStorage.removeItem(given);
  const wasAway = Date.now() - Number(sessionStorage.getItem(away)) < RECENT;
  sessionStorage.removeItem(away);
  if (last && last !== String(server())) say(GONE);
  else if (last && wasAway) say(LOST);
  const watch = async () => {
    if (!document.hidden) await compare();
    setTimeout(watch, said() === AWAY ? 1000 : 5000);
  };
  setTimeout(watch, 5000);
  document.addEventListener("visibilitychange", () => document.hidden || compare());
})();
