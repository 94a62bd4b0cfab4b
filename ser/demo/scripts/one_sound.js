// One sound at a time: what is played stops what was, and so does a microphone that begins to listen.
(() => {
  let last = null;
  const hush = (next) => {
    if (last !== next) last?.pause();
    last = next;
  };
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function (...none) {
    hush(this);
    return play.apply(this, none);
  };
  document.addEventListener("play", ({ target }) => hush(target), true); // by the browser's buttons
  document.addEventListener("microphone", () => hush(null)); // of microphone.js
})();
