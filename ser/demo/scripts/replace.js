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
  // Gradio would say so, too, but after what is shown was cleared.
  const isTooLarge = (files) => {
    const most = globalThis.gradio_config?.max_file_size ?? Infinity;
    const large = [...files].find(({ size }) => size > most);
    if (large) {
      serSay(
        `“${large.name}” has more than ${Math.floor(most / 2 ** 20)} MB: choose a smaller file.`,
      );
    }
    return Boolean(large);
  };
  const put = async (files, block) => {
    const input = files.length ? await emptied(block) : null; // nothing goes for nothing
    if (!input) return;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    serOnlyFirst(files);
  };
  const choose = (event) => {
    const block = event.target.closest(uploadButton)?.closest("#ser-clip");
    if (isOurs || !shownIn(block)) return;
    event.stopImmediatePropagation();
    const input = Object.assign(document.createElement("input"), {
      type: "file",
      accept: "audio/*",
    });
    input.addEventListener("change", () => isTooLarge(input.files) || put(input.files, block));
    input.click();
  };
  const drop = (event) => {
    const block = event.target.closest("#ser-clip");
    if (!shownIn(block)) return;
    event.preventDefault();
    if (event.type !== "drop") return;
    const { files } = event.dataTransfer;
    if (serHasFolder(event.dataTransfer)) event.stopImmediatePropagation();
    else if (isTooLarge(files)) event.stopImmediatePropagation();
    else put(files, block);
  };
  document.addEventListener("click", choose, true);
  document.addEventListener("dragover", drop, true);
  document.addEventListener("drop", drop, true);
})();
