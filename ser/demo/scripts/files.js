// Files: every one can be chosen or dropped where a recording is wanted. Browsers take WebM and MP4
// for videos and do not know FLAC, which gradio would refuse; the server decides by the content.
(() => {
  const asAudio = (files) => {
    const retyped = new DataTransfer();
    for (const file of files) {
      retyped.items.add(new File([file], file.name, { type: "audio/unknown" }));
    }
    return retyped;
  };
  globalThis.serHasFolder = ({ items }) => {
    const isThere = [...items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (isThere) serSay("A folder cannot be taken: choose a recording in it.");
    return isThere;
  };
  // Gradio takes the first of several, and says nothing of the others.
  globalThis.serOnlyFirst = ([first, ...others]) => {
    if (others.length) serSay(`Only “${first.name}” was taken: for several recordings, use Batch.`);
  };
  const wantsAudio = (input) => input?.type === "file" && input.accept.includes("audio");
  const change = ({ target }) => {
    if (wantsAudio(target)) target.files = asAudio(target.files).files;
  };
  const drop = (event) => {
    const input = event.target.closest(".block")?.querySelector("input[type=file]");
    if (event.isRetyped || !wantsAudio(input)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (serHasFolder(event.dataTransfer)) return;
    const dataTransfer = asAudio(event.dataTransfer.files);
    const again = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    again.isRetyped = true;
    event.target.dispatchEvent(again);
    if (!input.multiple) serOnlyFirst(dataTransfer.files);
  };
  document.addEventListener("change", change, true);
  document.addEventListener("drop", drop, true);
})();
