// A game that teaches: say a sentence in an emotion, and see whether it is heard.
(() => {
  const { about, mark, percent } = serVisit;
  let left = []; // tasks of this round that are to come
  let task = null; // the one to be recorded
  let saying = null; // the one that the recorder was opened for, until there is a verdict
  let isSaid = false; // whether it was recorded
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

  const say = (what) => {
    saying = what;
    isSaid = false;
    find('[data-game="next"]').disabled = what !== null; // another task is not what was said
  };

  const judge = (entry) => {
    const { emotion, confidence, probabilities } = entry.result;
    const isHeard = emotion === saying.emotion;
    asked += 1;
    heard += isHeard ? 1 : 0;
    const score = `${heard} of ${asked} heard this round.`;
    find(".ser-verdict").textContent = isHeard
      ? `Heard: ${emotion}, ${percent(confidence)}. ${score}`
      : `Heard as ${emotion}, ${percent(confidence)}; ${saying.emotion} got ` +
        `${percent(probabilities[saying.emotion])}. ${score}`;
    find('[data-game="record"]').hidden = true;
    find('[data-game="next"]').textContent = left.length ? "Next" : "New round";
    const said = saying.emotion;
    task = null;
    say(null);
    mark(entry, said);
  };

  document.addEventListener("ser-visit", ({ detail: { what, entry } }) => {
    if (what === "new" && saying && entry.source === "microphone") judge(entry);
    else if (what === "shown" && isSaid && !entry) say(null); // nothing was heard in it
  });
  document.addEventListener("click", ({ target }) => {
    const action = target.closest("#ser-game [data-game]")?.dataset.game;
    if (action === "next") next();
    const isBusy = document.querySelector(":is(#ser-recorder, #ser-clip) .stop-button");
    if (action === "record" && isBusy) {
      find(".ser-verdict").textContent = "First stop the recording that is under way.";
    } else if (action === "record") {
      find(".ser-verdict").textContent = "";
      say(task);
      document.querySelector("#ser-again").click();
    }
    const button = saying && target.closest("#ser-recorder button");
    if (button?.matches(".stop-button, #stop-paused")) isSaid = true;
    if (button?.matches("[aria-label=Clear]")) say(null);
  }, true); // before gradio takes away what was pressed
})();
