// This visit: recordings with their results, in the memory of this page and nowhere else. The other
// scripts take them from `serVisit`, and hear of a change by the event "ser-visit" of the document.
globalThis.serVisit = (() => {
  const MOST_SOUNDS = 20;
  const MOST_BYTES = 100e6;
  const RECORDED = "audio.wav"; // what gradio calls a recording of its own
  const entries = []; // newest first
  const removed = new Set(); // paths of deleted recordings: one of them may still be shown
  let isSpoken = false; // whether a recording was made whose result is to come
  let shown = null; // the entry of the result on the page
  let count = 0;
  let spoken = 0;

  const tell = (what, entry) => {
    document.dispatchEvent(new CustomEvent("ser-visit", { detail: { what, entry } }));
  };
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const find = (clip) => entries.find((entry) => entry.path === clip?.path);
  const about = (name) => document.querySelector(".ser-marks")?.dataset[name] ?? "";

  // What was deleted can be given again.
  const isChosen = ({ target }) => {
    if (target.closest?.("#ser-clip .upload-container, #ser-clip input[type=file]")) {
      removed.clear();
    }
  };
  document.addEventListener("change", isChosen, true);
  document.addEventListener("drop", isChosen, true);
  document.addEventListener("click", ({ target }) => {
    const stop = target.closest(":is(.stop-button, #stop-paused)");
    const isOwn = stop?.closest("#ser-clip, #ser-recorder");
    if (isOwn) isSpoken = true;
    if (isOwn || target.closest("#ser-examples button, #ser-batch .ser-open")) removed.clear();
  }, true);
  // While one is on its way, another may have been given.
  const sourceOf = (clip, panel) => {
    if (panel.querySelector(".ser-example")) return "example";
    if (!isSpoken || clip.orig_name !== RECORDED) return "file";
    isSpoken = false;
    return "microphone";
  };

  // A recording is heard again, with the same path, when the voice that it is compared with changes.
  const heard = (clip, html) => {
    const panel = parse(html);
    const data = panel.querySelector("[data-result]")?.dataset.result;
    const path = panel.querySelector("[data-path]")?.dataset.path;
    if (!data || path !== clip?.path) { // another recording may have taken its place meanwhile
      shown = data ? shown : null;
      return tell("shown", shown);
    }
    if (removed.has(path)) return tell("shown", null);
    let entry = find(clip);
    const isNew = !entry;
    if (isNew) {
      const source = sourceOf(clip, panel);
      const isFile = source !== "microphone";
      const name = isFile && clip.orig_name || `Recording ${++spoken}`;
      entry = { id: String(++count), path: clip.path, name, source, time: new Date() };
      entries.unshift(entry);
      keepSound(entry, clip.url);
    }
    const result = JSON.parse(data);
    if (entry.result && entry.result.reference !== result.reference) entry.timeline = null;
    entry.result = result;
    entry.headline = panel.querySelector("h2").textContent;
    entry.sure = panel.querySelector(".ser-sure b").textContent;
    shown = entry;
    tell(isNew ? "new" : "changed", entry);
    tell("shown", entry);
  };

  const keepSound = async (entry, url) => {
    try {
      const answer = await fetch(url);
      const sound = answer.ok ? await answer.blob() : null;
      if (!sound || !entries.includes(entry)) return;
      if (sound.size > MOST_BYTES) entry.isSilent = true;
      else entry.sound = sound;
    } catch {
      return; // the recording is no longer on the server; its result stays
    }
    let sounds = 0;
    let bytes = 0;
    for (const each of entries.filter(({ sound }) => sound)) {
      bytes += each.sound.size;
      if (++sounds > MOST_SOUNDS || bytes > MOST_BYTES) {
        each.sound = null;
        each.isSilent = true;
        tell("changed", each);
      }
    }
    tell("changed", entry);
  };

  const drawn = (clip, html) => {
    const entry = html.includes("data-timeline") && find(clip);
    const picture = entry && parse(html);
    const data = picture?.querySelector("[data-timeline]")?.dataset.timeline;
    if (!data || picture.querySelector("[data-path]")?.dataset.path !== entry.path) return;
    entry.timeline = unpack(JSON.parse(data));
    tell("changed", entry);
  };

  // What `Timeline.to_dict` gives, from the rows of numbers that came with the picture.
  const unpack = ({ labels, windows, segments, ...rest }) => ({
    ...rest,
    windows: windows.map(([start, end, speech_duration, ...shares]) => {
      const window = { start, end, speech_duration };
      if (!shares.length) {
        return { ...window, emotion: null, confidence: null, probabilities: null };
      }
      const confidence = Math.max(...shares);
      const emotion = labels[shares.indexOf(confidence)];
      const probabilities = Object.fromEntries(labels.map((label, i) => [label, shares[i]]));
      return { ...window, emotion, confidence, probabilities };
    }),
    segments: segments.map(([start, end, emotion, confidence]) => ({
      start,
      end,
      emotion,
      confidence,
    })),
  });

  const mark = (entry, truth) => {
    entry.truth = truth || null;
    tell("changed", entry);
  };

  const remove = (gone) => {
    for (const entry of gone) {
      entries.splice(entries.indexOf(entry), 1);
      removed.add(entry.path);
      tell("deleted", entry);
    }
    if (gone.includes(shown)) shown = null;
    tell("shown", shown);
  };

  const percent = (share) =>
    share > 0 && share < 0.005 ? "<1\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
  // That of the page, which is dark or light; that of the root is light.
  const colour = (label, place = document.body) => {
    const style = getComputedStyle(place);
    const own = style.getPropertyValue(`--emotion-${label}`);
    return own || style.getPropertyValue("--ser-accent");
  };
  const save = (name, content, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  const byId = (id) => entries.find((entry) => entry.id === id);
  const own = () => entries.filter(({ source }) => source !== "example");
  return {
    about,
    byId,
    colour,
    drawn,
    entries,
    heard,
    mark,
    own,
    percent,
    remove,
    save,
  };
})();
