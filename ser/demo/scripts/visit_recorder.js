// A new recording by one press, whatever the recorder holds; what was heard before stays in sight.
(() => {
  const PATIENCE = 5000; // ms until the recorder has come up, on a slow machine
  const clip = (name) => document.querySelector(`#ser-clip ${name}`);
  const isThere = (button) => button?.checkVisibility() && !button.disabled;

  serVisit.isAgain = false; // whether the recorder was emptied to record again
  document.addEventListener("click", ({ isTrusted, target }) => {
    if (isTrusted && target.closest("#ser-clip")) serVisit.isAgain = false;
  }, true);

  // Gradio's recorder has no call to start it: its buttons are pressed as soon as they are there.
  serVisit.record = () => {
    if (isThere(clip(".stop-button"))) return; // it records already
    serVisit.isAgain = true;
    clip("").scrollIntoView({ block: "nearest" });
    const begun = performance.now();
    const look = (hasChosen) => {
      const record = clip(".record-button");
      if (isThere(record)) return record.click();
      if (performance.now() - begun > PATIENCE) return;
      if (!hasChosen) clip('[aria-label="Record audio"]')?.click();
      setTimeout(look, 50, true);
    };
    setTimeout(look, 0, false);
  };
})();
