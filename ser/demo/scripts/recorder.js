// The recorder of Recognise: a level that moves while one speaks, so that one sees oneself heard.
(() => {
  const EVERY = 60; // ms
  const RANGE = 50; // dB below full scale at which the bar is empty
  const begin = ({ target, detail: stream }) => {
    if (!target.matches("#ser-clip, #ser-recorder")) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const level = 1 + 10 * Math.log10(power + 1e-12) / RANGE;
      target.style.setProperty("--level", Math.min(Math.max(level, 0), 1).toFixed(3));
      if (stream.active) return;
      clearInterval(timer);
      context.close();
      target.style.removeProperty("--level");
    }, EVERY);
  };
  document.addEventListener("microphone", begin); // of microphone.js, when a stream is there
})();
