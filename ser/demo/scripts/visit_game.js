// A game that teaches: say a sentence in an emotion, and see whether it is heard.
(() => {
  const { about, mark, percent } = serVisit;
  let left = []; // tasks of this round that are to come
  let task = null; // the one to be recorded
  let asked = 0;
  let heard = 0;

  const find = (name) => document.querySelector(`#ser-game ${name}`);
  const shuffled = (list) =>
    list
      .map((each) => [Math.random(), each])
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each);

  const start = () => {
    const { tasks, sentences } = find(".ser-game").dataset;
    const labels = JSON.parse(about("labels") || "[]");
    const known = JSON.parse(tasks).filter(({ emotion }) => labels.includes(emotion));
    left = shuffled(known).map((each, row) => ({
      ...each,
      sentence: JSON.parse(sentences)[row % 2],
    }));
    asked = heard = 0;
  };
  const next = () => {
    if (!left.length) start();
    task = left.pop() ?? null;
    if (!task) {
      find(".ser-verdict").textContent = about("labels") === "[]"
        ? "The model is still loading: try again."
        : "This model knows none of the emotions of this game.";
      return;
    }
    const manner = document.createElement("b");
    manner.textContent = task.manner;
    find(".ser-task").replaceChildren(`Say “${task.sentence}” `, manner, ".");
    find(".ser-hint").textContent = `Usually: ${task.hint}`;
    find(".ser-verdict").textContent = "";
    find('[data-game="record"]').hidden = false;
    find('[data-game="next"]').textContent = "Another one";
  };

  const judge = (entry) => {
    const { emotion, confidence, probabilities } = entry.result;
    const isHeard = emotion === task.emotion;
    asked += 1;
    heard += isHeard ? 1 : 0;
    const score = `${heard} of ${asked} heard this round.`;
    find(".ser-verdict").textContent = isHeard
      ? `Heard: ${emotion}, ${percent(confidence)}. ${score}`
      : `Heard as ${emotion}, ${percent(confidence)}; ${task.emotion} got ` +
        `${percent(probabilities[task.emotion])}. ${score}`;
    find('[data-game="record"]').hidden = true;
    find('[data-game="next"]').textContent = left.length ? "Next" : "New round";
    const said = task.emotion;
    task = null;
    mark(entry, said);
  };

  document.addEventListener("ser-visit", ({ detail: { what, entry } }) => {
    if (what === "new" && task && entry.source === "microphone") judge(entry);
  });
  document.addEventListener("click", ({ target }) => {
    const action = target.closest("#ser-game [data-game]")?.dataset.game;
    if (action === "next") next();
    if (action === "record") document.querySelector("#ser-again").click();
  });
})();
