// Files of this visit: JSON, and tables in which no cell is a formula, made here and saved at once.
(() => {
  const { about, entries, save } = serVisit;

  const described = ({ name, source, time, truth }) => ({
    recording: name,
    source,
    time: time.toISOString(),
    it_was: truth ?? null,
  });
  const shares = (probabilities, labels) =>
    Object.fromEntries(
      labels.map((label) => [`probability_${label}`, probabilities?.[label] ?? null]),
    );
  const labelsOf = (results) => [
    ...new Set(results.flatMap(({ result }) => Object.keys(result.probabilities))),
  ];

  // The columns of the table in the tab Batch, after those about the recording and its mark.
  const rows = (kept) => {
    const labels = labelsOf(kept);
    return kept.map((entry) => {
      const { emotion, confidence, probabilities, warnings, ...rest } = entry.result;
      return {
        ...described(entry),
        emotion,
        confidence,
        ...shares(probabilities, labels),
        speech_start: rest.speech_start,
        speech_end: rest.speech_end,
        duration: rest.duration,
        reference: rest.reference,
        doubts: warnings.join(" "),
      };
    });
  };
  const timelineRows = (kept) => {
    const labels = labelsOf(kept);
    return kept.flatMap(({ name, timeline }) =>
      timeline.windows.map(({ probabilities, ...window }) => ({
        recording: name,
        ...window,
        ...shares(probabilities, labels),
        reference: timeline.reference,
      }))
    );
  };

  // See `defused` in batch/table.py: OWASP, "CSV Injection".
  const cell = (value) => {
    const text = String(value ?? "");
    const safe = typeof value === "string" && /^ *[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const toCsv = (table) => {
    const lines = [Object.keys(table[0]), ...table.map(Object.values)];
    return "\ufeff" + lines.map((line) => line.map(cell).join(",") + "\r\n").join("");
  };

  const files = {
    json: () => {
      const recordings = entries.map((entry) => ({
        ...described(entry),
        ...entry.result,
        timeline: entry.timeline ?? null,
      }));
      const content = { model: about("model"), note: about("caution"), recordings };
      save("emotions.json", JSON.stringify(content, null, 2) + "\n", "application/json");
    },
    csv: () => save("emotions.csv", toCsv(rows(entries)), "text/csv"),
    timelines: () => {
      const followed = entries.filter(({ timeline }) => timeline);
      save("timelines.csv", toCsv(timelineRows(followed)), "text/csv");
    },
  };
  document.addEventListener("click", ({ target }) => {
    files[target.closest('#ser-visit [data-visit="files"] [data-do]')?.dataset.do]?.();
  });
  document.addEventListener("ser-visit", () => {
    const button = document.querySelector('#ser-visit [data-do="timelines"]');
    button.hidden = !entries.some(({ timeline }) => timeline);
  });
})();
