// A new recording by one press: a recorder of its own comes up in the place of the player, so that
// the recording, its result and its picture stay until there is a new one.
(() => {
  const PATIENCE = 5000; // ms until the recorder has come up, on a slow machine
  const RECORDING = ":is(#ser-recorder, #ser-clip):has(.stop-button)";
  const STOP = "#ser-voice :is(.stop-button, .stop-button-paused)";
  const isThere = (button) => button?.checkVisibility() && !button.disabled;
  const update = (changes) => ({ __type__: "update", ...changes });

  // Gradio's recorder has no call to start it: its button is pressed as soon as it is there.
  serVisit.record = () => {
    const [clip, again] = ["#ser-clip", "#ser-again"].map((name) => document.querySelector(name));
    clip.scrollIntoView({ block: "nearest" });
    const bottom = (again.checkVisibility() ? again : clip).getBoundingClientRect().bottom;
    const height = bottom - clip.getBoundingClientRect().top;
    if (height > 0) document.body.style.setProperty("--ser-clip-height", `${height}px`);
    const begun = performance.now();
    const press = (name, then) => {
      const button = document.querySelector(`#ser-recorder ${name}`);
      if (isThere(button)) then(button);
      else if (performance.now() - begun < PATIENCE) setTimeout(press, 50, name, then);
    };
    press(".record-button", (record) => {
      record.click();
      press(".stop-button", (stop) => stop.focus());
    });
    return update({ visible: true });
  };
  // What is recorded where nobody sees it is not wanted: the microphone goes off.
  const close = ({ target }) => {
    const tab = target.closest("[role=tab]");
    const isElsewhere = tab?.getAttribute("aria-selected") === "false";
    const isOn = [...document.querySelectorAll(STOP)].some((stop) => stop.checkVisibility());
    if (isOn && (isElsewhere || target.closest("#ser-voice .label-wrap"))) {
      // Clear leaves it on; with the other source, its recorder goes.
      document.querySelector("#ser-voice .source-selection button[aria-label^=Upload]").click();
    }
    if (!isElsewhere && !target.closest("#ser-examples button, .ser-open")) return;
    // Where it was stopped, there is a recording, which is on its way.
    for (const block of document.querySelectorAll(RECORDING)) {
      block.querySelector("button[aria-label=Clear]")?.click();
    }
  };
  document.addEventListener("click", close, true);
  const refocus = (begun) => {
    const at = document.activeElement;
    if (at !== document.body && !at.closest("#ser-recorder")) return; // one has gone elsewhere
    const button = document.querySelector("#ser-again");
    if (isThere(button)) button.focus({ preventScroll: true });
    else if (performance.now() - begun < PATIENCE) setTimeout(refocus, 50, begun);
  };
  serVisit.recorded = (clip) => {
    refocus(performance.now()); // what was pressed goes
    return [clip ?? update({}), update({ value: null, visible: false })];
  };
})();
