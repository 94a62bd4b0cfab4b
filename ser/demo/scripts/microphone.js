// The microphone: without the browser's echo cancellation, noise suppression and automatic gain,
// which alter the voice; and its level. Why it cannot be used is said once, under the button that
// was pressed.
(() => {
  const EVERY = 60; // ms
  // Tells the level of a stream, in dB below full scale, until the stream ends.
  globalThis.serLevel = (stream, tell, ended) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      if (!stream.active) {
        clearInterval(timer);
        context.close();
        return ended();
      }
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      tell(10 * Math.log10(power + 1e-12));
    }, EVERY);
  };
  const REASONS = {
    NotAllowedError:
      "This page may not use the microphone: allow it in the browser, press Record " +
      "again, or upload a recording.",
    NotFoundError: "There is no microphone: connect one and press Record again, or upload a " +
      "recording.",
  };
  const place = document.createElement("p");
  place.id = "ser-microphone";
  place.role = "alert";
  let controls = null; // those with the button that was pressed, which gradio replaces
  const say = (sentence) => {
    const recorder = controls?.closest("#ser-recorder");
    recorder?.querySelector("button[aria-label=Clear]")?.click(); // the recording comes back
    place.textContent = "";
    (recorder ? document.querySelector("#ser-again") : controls)?.after(place);
    // Afterwards, or screen readers would not say it.
    place.textContent = recorder
      ? sentence.replace("press Record", "press New recording")
      : sentence;
  };
  const devices = navigator.mediaDevices;
  const press = (event) => {
    const button = event.target.closest(".record-button");
    if (!button) return;
    controls = button.closest(".controls");
    place.remove();
    if (devices) return;
    event.stopImmediatePropagation(); // gradio's own message comes from a corner
    say("A browser gives the microphone only to pages over HTTPS: upload a recording instead.");
  };
  document.addEventListener("click", press, true);
  if (!devices) return;
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    const asking = controls?.closest(".block");
    try {
      const audio = wanted.audio && { ...wanted.audio, ...raw };
      const stream = await ask({ ...wanted, audio });
      asking?.dispatchEvent(new CustomEvent("microphone", { detail: stream, bubbles: true }));
      return stream;
    } catch (error) {
      say(
        REASONS[error.name] ||
          `The microphone cannot be used (${error.message}): ` +
            "connect one, allow this page to use it, or upload a recording.",
      );
      if (asking?.id === "ser-live") return null; // on an error, gradio adds a message of its own
      throw error;
    }
  };
})();
