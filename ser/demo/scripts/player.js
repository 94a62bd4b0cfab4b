// One player: a line in the picture moves with the sound, and whatever is clicked plays. The
// element of the sound is gradio's; where it is stands in variables of `#ser-plots`, which is not
// drawn again as the picture in it is.
(() => {
  const plots = () => document.querySelector("#ser-plots");
  const cursor = () => document.querySelector(".ser-cursor");
  const sound = () => document.querySelector("#ser-clip audio");
  const duration = () => Number(document.querySelector(".ser-picture")?.dataset.duration) || 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let stretch = null; // the button of what is played, until its end
  let frame = 0;

  const clock = (seconds) => {
    const tenths = Math.round(10 * seconds);
    return `${Math.floor(tenths / 600)}:${(tenths % 600 / 10).toFixed(1).padStart(4, "0")}`;
  };

  const point = (seconds) => {
    const whole = duration();
    if (!whole || !plots()) return;
    plots().style.setProperty("--at", String(Math.min(seconds / whole, 1)));
    cursor()?.setAttribute("aria-valuenow", seconds.toFixed(2));
    cursor()?.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(whole)}`);
  };

  const follow = () => {
    frame = 0;
    const audio = sound();
    if (!audio) return;
    if (stretch && audio.currentTime >= Number(stretch.dataset.end)) {
      audio.pause();
      audio.currentTime = Number(stretch.dataset.end);
      release();
    }
    point(audio.currentTime);
    keepInView();
    if (!audio.paused && !calm.matches) frame ||= requestAnimationFrame(follow);
  };

  const keepInView = () => {
    const box = plots();
    const zoom = zoomed();
    if (zoom === 1 || sound().paused) return;
    const { left, width } = cursor().getBoundingClientRect();
    const seen = box.getBoundingClientRect();
    const gutter = left + box.scrollLeft - seen.left;
    const at = gutter + width * Number(box.style.getPropertyValue("--at"));
    if (at < box.scrollLeft + gutter || at > box.scrollLeft + seen.width) {
      box.scrollLeft = at - gutter;
    }
  };

  const release = () => {
    stretch?.setAttribute("aria-pressed", "false");
    stretch = null;
  };

  const play = (start, button = null) => {
    const audio = sound();
    if (!audio) return;
    release();
    audio.currentTime = start;
    point(start);
    stretch = button;
    audio.play().catch((error) => {
      release();
      serUnplayable(error);
    });
    button?.setAttribute("aria-pressed", "true");
  };

  const press = ({ target, clientX }) => {
    const button = target.closest?.(".ser-play[data-start]");
    if (button) {
      const isPlaying = button === stretch && !sound()?.paused;
      if (isPlaying) sound().pause();
      else play(Number(button.dataset.start), button);
    }
    const slider = target.closest?.(".ser-cursor");
    if (slider) {
      const { left, width } = slider.getBoundingClientRect();
      play(duration() * Math.min(Math.max((clientX - left) / width, 0), 1));
    }
    if (target.closest?.("#ser-cancel")) cursor()?.focus(); // as the button goes
    const step = target.closest?.(".ser-zoom button")?.dataset.zoom;
    if (step) zoomBy(step === "in" ? 2 : 0.5);
  };

  const steer = (event) => {
    if (!event.target.closest?.(".ser-cursor") || !sound()) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
    const audio = sound();
    const now = audio.currentTime;
    const fine = Math.max(duration() / 100, 0.1);
    const places = {
      ArrowLeft: now - fine,
      ArrowDown: now - fine,
      ArrowRight: now + fine,
      ArrowUp: now + fine,
      PageDown: now - 10 * fine,
      PageUp: now + 10 * fine,
      Home: 0,
      End: duration(),
    };
    if (event.key in places) {
      release();
      audio.currentTime = Math.min(Math.max(places[event.key], 0), duration());
      point(audio.currentTime);
    } else if (event.key === " " || event.key === "Enter") {
      if (audio.paused) play(now);
      else audio.pause();
    } else return;
    event.preventDefault();
  };

  const zoomed = () => Number(plots()?.dataset.zoom) || 1;
  const widest = () =>
    Math.max(
      1,
      ...[...document.querySelectorAll(".ser-axis > div")].map(({ dataset }) =>
        Number(dataset.zoom)
      ),
    );

  // The moment under the pointer, or in the middle, stays where it is.
  const zoomBy = (factor, clientX) => {
    const box = plots();
    const before = cursor()?.getBoundingClientRect();
    if (!before) return;
    const seen = box.getBoundingClientRect();
    const x = clientX ?? (Math.max(before.left, seen.left) + seen.right) / 2;
    const share = (x - before.left) / before.width;
    setZoom(Math.min(Math.max(zoomed() * factor, 1), widest()));
    const after = cursor().getBoundingClientRect();
    box.scrollLeft += after.left + share * after.width - x;
  };

  const setZoom = (zoom) => {
    plots().dataset.zoom = zoom;
    plots().style.setProperty("--zoom", zoom);
    const [out, into] = document.querySelectorAll(".ser-zoom button");
    out.disabled = zoom === 1;
    into.disabled = zoom >= widest();
  };

  const wheel = (event) => {
    if (!event.ctrlKey || !event.target.closest?.("#ser-plots")) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 2 : 0.5, event.clientX);
  };

  // What `#ser-why` points out is shaded, in whatever picture there is.
  const mark = () => {
    const box = plots();
    if (!box) return;
    const found = document.querySelector("#ser-why .ser-play[data-mark]");
    const whole = duration();
    box.classList.toggle("ser-marked", Boolean(found && whole));
    if (!found || !whole) return;
    box.style.setProperty("--mark-start", found.dataset.start / whole);
    box.style.setProperty("--mark-end", found.dataset.end / whole);
  };

  let drawn = 0;
  const changed = () => {
    mark();
    if (duration() === drawn || !plots()) return;
    drawn = duration();
    setZoom(1);
    point(sound()?.currentTime ?? 0);
  };

  document.addEventListener("click", press);
  document.addEventListener("keydown", steer);
  document.addEventListener("wheel", wheel, { passive: false });
  for (const name of ["timeupdate", "play", "seeked", "pause", "emptied"]) {
    const move = ({ target }) => {
      if (target !== sound()) return;
      if (name === "pause" || name === "emptied") release();
      cancelAnimationFrame(frame);
      follow(); // at once: a page that is out of sight has no frames
    };
    document.addEventListener(name, move, true); // such events do not bubble
  }
  new MutationObserver(changed).observe(document, { childList: true, subtree: true });
})();
