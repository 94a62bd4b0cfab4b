// The recorder of Recognise: a level that moves while one speaks, so that one sees oneself heard.
(() => {
  const RANGE = 50; // dB below full scale at which the bar is empty
  const begin = ({ target, detail: stream }) => {
    if (!target.matches("#ser-clip, #ser-recorder")) return;
    const show = (decibels) => {
      const level = Math.min(Math.max(1 + decibels / RANGE, 0), 1);
      target.style.setProperty("--level", level.toFixed(3));
    };
    serLevel(stream, show, () => target.style.removeProperty("--level"));
  };
  document.addEventListener("microphone", begin); // of microphone.js, when a stream is there
})();
