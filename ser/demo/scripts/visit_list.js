// The list of this visit's recordings: play, show two side by side, delete.
(() => {
  const { byId, entries, percent, remove } = serVisit;
  const player = new Audio();
  let playing = null;
  let compared = []; // at most two, the one chosen last at the end

  const colour = (label) => `var(--emotion-${CSS.escape(label)}, var(--ser-accent))`;
  const place = (name) => document.querySelector(`#ser-visit [data-visit="${name}"]`);
  const rowOf = (entry) => document.querySelector(`#ser-visit li[data-id="${entry.id}"]`);
  const part = (row, name) => row.querySelector(`[data-do="${name}"]`);
  const element = (tag, properties = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inside);
    return made;
  };

  const words = ({ headline, result: { confidence, reference } }) =>
    `${headline}, ${percent(confidence)}${reference ? ", relative to your voice" : ""}`;
  const bars = ({ emotion, probabilities }) => {
    const list = element("ul", { className: "ser-bars" });
    list.setAttribute("aria-label", "Probability of each emotion");
    for (const [label, share] of Object.entries(probabilities)) {
      const track = element("span", { className: "ser-track" }, element("i"));
      track.setAttribute("aria-hidden", "true");
      const row = element(
        "li",
        { className: label === emotion ? "ser-top" : "" },
        element("span", { className: "ser-name", textContent: label }),
        track,
        element("span", { className: "ser-share", textContent: percent(share) }),
      );
      row.style.cssText = `--share:${share.toFixed(4)};--colour:${colour(label)}`;
      list.append(row);
    }
    return list;
  };

  const fill = (row, entry) => {
    const { name, result, source, sound, time } = entry;
    row.dataset.id = entry.id;
    row.querySelector(".ser-who b").textContent = name;
    const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    row.querySelector(".ser-who small").textContent = source === "example"
      ? `${clock}, example`
      : clock;
    const heard = row.querySelector(".ser-dot");
    heard.textContent = words(entry);
    heard.style.setProperty("--colour", colour(result.emotion));
    row.querySelector(".ser-small-bars").replaceChildren(
      ...Object.entries(result.probabilities).map(([label, share]) => {
        const bar = element("i");
        bar.style.cssText = `--share:${share.toFixed(4)};--colour:${colour(label)}`;
        return bar;
      }),
    );
    const play = part(row, "play");
    play.disabled = !sound;
    play.textContent = entry === playing ? "Stop" : "Play";
    for (const button of row.querySelectorAll("[data-do]")) {
      button.setAttribute("aria-label", `${button.textContent || "Compare"} ${name}`);
    }
    row.querySelector(".ser-mark").dataset.id = entry.id;
  };

  const stop = () => {
    player.pause();
    URL.revokeObjectURL(player.src);
    const entry = playing;
    playing = null;
    if (entry && rowOf(entry)) fill(rowOf(entry), entry);
  };
  const play = (entry) => {
    const isPlaying = entry === playing;
    stop();
    if (isPlaying) return;
    playing = entry;
    player.src = URL.createObjectURL(entry.sound);
    player.play().catch((error) => {
      if (error.name === "AbortError") return; // an end by the next one is none of its own
      stop();
      serUnplayable(error);
    });
    fill(rowOf(entry), entry);
  };
  player.addEventListener("ended", stop);
  player.addEventListener("pause", () => player.paused && stop());

  const compare = (entry, isChosen) => {
    compared = compared.filter((each) => each !== entry);
    if (isChosen) compared = [...compared, entry].slice(-2);
    draw();
  };
  const draw = () => {
    for (const each of entries) part(rowOf(each), "compare").checked = compared.includes(each);
    place("compared").replaceChildren(
      ...compared.map((each) =>
        element(
          "section",
          {},
          element("h3", { textContent: each.name }),
          element("p", {
            className: "ser-quiet",
            textContent: words(each) + (each.truth ? `; it was ${each.truth}` : ""),
          }),
          bars(each.result),
        )
      ),
    );
  };

  const add = () => {
    const { content } = document.querySelector("#ser-kept-row");
    document.querySelector("#ser-visit ol").prepend(content.cloneNode(true));
    return document.querySelector("#ser-visit li");
  };
  const change = ({ detail: { what, entry } }) => {
    if (what === "new" || what === "changed") {
      fill(rowOf(entry) ?? add(), entry);
      if (compared.includes(entry)) draw(); // each stays on its side
    } else if (what === "deleted") {
      if (entry === playing) stop();
      rowOf(entry).remove();
      if (compared.includes(entry)) compare(entry, false);
    }
    place("none").hidden = entries.length > 0;
    place("files").hidden = entries.length === 0;
    place("silent").hidden = !entries.some(({ isSilent }) => isSilent);
  };
  document.addEventListener("ser-visit", change);

  document.addEventListener("click", ({ target }) => {
    const action = target.closest("#ser-visit [data-do]")?.dataset.do;
    const row = target.closest("#ser-visit li");
    if (action === "play") play(byId(row.dataset.id));
    if (action === "compare") compare(byId(row.dataset.id), target.checked);
    if (action === "delete-all") {
      remove([...entries]);
      document.querySelector("#ser-visit h2").focus();
    }
    if (action === "delete") {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      remove([byId(row.dataset.id)]);
      (next ? part(next, "delete") : document.querySelector("#ser-visit h2")).focus();
    }
  });
})();
