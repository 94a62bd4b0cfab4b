// The microphone: without the browser's echo cancellation, noise suppression and automatic gain,
// which alter the voice. Why it cannot be used is said on the page, where gradio says nothing.
(() => {
  const say = (sentence) => {
    const place = document.querySelector("#ser-microphone");
    if (place) place.textContent = sentence;
  };
  const devices = navigator.mediaDevices;
  if (!devices) {
    const press = (event) => {
      if (event.target.closest(".record-button")) {
        say("A browser gives the microphone only to pages over HTTPS: upload a recording instead.");
      }
    };
    document.addEventListener("click", press, true);
    return;
  }
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    try {
      const audio = wanted.audio && { ...wanted.audio, ...raw };
      const stream = await ask({ ...wanted, audio });
      say("");
      return stream;
    } catch (error) {
      say(
        `The microphone cannot be used (${error.message}): ` +
          "connect one, allow this page to use it, or upload a recording.",
      );
      throw error;
    }
  };
})();
