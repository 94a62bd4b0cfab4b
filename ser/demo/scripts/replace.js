// A file in the place of the recording that is shown, in one step: gradio wants it cleared first.
(() => {
  const shownIn = (block) =>
    !block?.querySelector("input[type=file]") && block?.querySelector("button[aria-label=Clear]");
  const uploadButton = "#ser-clip .source-selection button[aria-label='Upload file']";
  let isOurs = false;
  const emptied = async (block) => {
    shownIn(block).click();
    isOurs = true;
    block.querySelector(uploadButton).click(); // from the microphone, if that was used
    isOurs = false;
    for (let frame = 0; frame < 120; frame++) {
      await new Promise(requestAnimationFrame);
      const input = block.querySelector("input[type=file]");
      if (input) return input;
    }
  };
  const put = async (files, block) => {
    const input = files.length ? await emptied(block) : null; // nothing goes for nothing
    if (!input) return;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const choose = (event) => {
    const block = event.target.closest(uploadButton)?.closest("#ser-clip");
    if (isOurs || !shownIn(block)) return;
    event.stopImmediatePropagation();
    const input = Object.assign(document.createElement("input"), {
      type: "file",
      accept: "audio/*",
    });
    input.addEventListener("change", () => put(input.files, block));
    input.click();
  };
  const drop = (event) => {
    const block = event.target.closest("#ser-clip");
    if (!shownIn(block)) return;
    event.preventDefault();
    if (event.type === "drop") put(event.dataTransfer.files, block);
  };
  document.addEventListener("click", choose, true);
  document.addEventListener("dragover", drop, true);
  document.addEventListener("drop", drop, true);
})();
