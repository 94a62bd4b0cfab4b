// Marks: whether a result was right, as the visitor says, and how often it was.
(() => {
  const { byId, mark, own } = serVisit;

  const fill = (place, entry) => {
    place.dataset.id = entry?.id ?? "";
    if (!entry || entry.source === "example") return place.replaceChildren();
    const { truth, result: { emotion, probabilities } } = entry;
    if (!place.querySelector("select")) {
      const right = document.createElement("button");
      right.className = "ser-button";
      right.dataset.mark = "right";
      right.textContent = "Right";
      const other = document.createElement("select");
      other.dataset.mark = "other";
      place.replaceChildren(right, other);
    }
    const [right, other] = place.children;
    right.setAttribute("aria-pressed", truth === emotion);
    right.setAttribute("aria-label", `Right, ${entry.name} was ${emotion}`);
    other.setAttribute("aria-label", `What ${entry.name} was`);
    const labels = Object.keys(probabilities).filter((label) => label !== emotion);
    other.replaceChildren(
      new Option("It was …", ""),
      ...labels.map((label) => new Option(`It was ${label}`, label)),
    );
    other.value = truth && truth !== emotion ? truth : "";
  };

  const cell = (tag, text, scope) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (scope) made.scope = scope;
    return made;
  };
  const confusion = (marked) => {
    const labels = Object.keys(marked[0].result.probabilities);
    const was = labels.filter((label) => marked.some(({ truth }) => truth === label));
    const heard = labels.filter((label) => marked.some(({ result }) => result.emotion === label));
    const table = document.createElement("table");
    table.className = "ser-confusion";
    const head = table.createTHead().insertRow();
    head.append(cell("td", ""), ...heard.map((label) => cell("th", label, "col")));
    const body = table.createTBody();
    for (const truth of was) {
      const row = body.insertRow();
      row.append(cell("th", truth, "row"));
      const those = marked.filter((each) => each.truth === truth);
      for (const label of heard) {
        const count = those.filter(({ result }) => result.emotion === label).length;
        const made = cell("td", count);
        made.style.setProperty("--share", count / those.length);
        row.append(made);
      }
    }
    return table;
  };

  const count = () => {
    const marked = own().filter(({ truth }) => truth);
    const right = marked.filter(({ truth, result }) => truth === result.emotion).length;
    const text = marked.length ? `${right} of ${marked.length} marked recordings right` : "";
    for (const score of document.querySelectorAll(".ser-score")) {
      if (score.textContent !== text) score.textContent = text;
    }
    const place = document.querySelector("#ser-visit .ser-marked");
    place.hidden = !marked.length;
    if (marked.length) place.querySelector("table").replaceWith(confusion(marked));
  };

  document.addEventListener("ser-visit", ({ detail: { what, entry } }) => {
    if (what === "shown") {
      const place = document.querySelector("#ser-marks .ser-marks");
      place.dataset.id = entry?.id ?? "";
      place.dataset.source = entry?.source ?? "";
    }
    const ids = what === "shown" ? "#ser-marks .ser-mark" : `.ser-mark[data-id="${entry.id}"]`;
    for (const place of document.querySelectorAll(ids)) {
      fill(place, what === "deleted" ? null : entry);
    }
    count();
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest('[data-mark="right"]');
    const entry = button && byId(button.closest("[data-id]").dataset.id);
    if (entry) mark(entry, entry.truth === entry.result.emotion ? null : entry.result.emotion);
  });
  document.addEventListener("change", ({ target }) => {
    const entry = target.dataset.mark === "other" && byId(target.closest("[data-id]").dataset.id);
    if (entry) mark(entry, target.value);
  });
})();
